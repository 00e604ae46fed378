"""The composition root: builds every part from the settings, and binds the actions to them."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from briefings import clock as clocks
from briefings.actions import (
    account,
    braking,
    compose,
    curate,
    deliver,
    group,
    poll,
    record,
    suppressing,
    sweep,
    tag,
    tidy,
)
from briefings.actions.adjust import Adjusting
from briefings.actions.braking import Braking, Limits
from briefings.actions.digest import Digesting
from briefings.actions.render import Writer
from briefings.actions.rules import TagRules
from briefings.actions.sources import Sources
from briefings.actions.subscribe import Subscribing
from briefings.actions.take_in import TakingIn
from briefings.actions.witnessing import Witnessing
from briefings.actions.write import Press
from briefings.adapters import catalogue_files, tagger_model
from briefings.adapters.broker import Broker
from briefings.adapters.http import HttpFetcher
from briefings.adapters.mail_catcher import CaughtLog
from briefings.adapters.mailer import NoRelayLog, SmtpMailer
from briefings.adapters.relays import RelaysMailer, Roster, probe
from briefings.adapters.review_box import ReviewBox
from briefings.adapters.sns import SnsTopics
from briefings.adapters.templates import Templates
from briefings.adapters.witnesses import FileWitness
from briefings.domain import tokens
from briefings.domain.links import Links
from briefings.domain.tagging import Tagger
from briefings.settings import ROOT, Settings
from briefings.store import items, subscribers, tag_rules
from briefings.store.base import Database

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable

    from briefings.adapters.broker import Doorbell
    from briefings.adapters.http import Fetcher
    from briefings.adapters.mailer import Mailer
    from briefings.clock import Clock
    from briefings.domain.catalogue import Catalogue
    from briefings.domain.ledger import Ledger
    from briefings.domain.mails import Letter
    from briefings.domain.notices import Notice

USER_AGENT = "Briefings/0.1 (weekly reader of AI news)"


@dataclass
class App:
    """Everything a process of Briefings works with. Parts are built when they are first asked for.

    A test injects its own clock, fetcher or doorbell.
    """

    settings: Settings
    clock: Clock
    catalogue: Catalogue
    fetcher: Fetcher
    doorbell: Doorbell
    stopping: Callable[[], bool] = lambda: False  #: whether this process was told to end

    @cached_property
    def database(self) -> Database:
        """The store of record."""
        return Database(self.settings.database_url)

    @property
    def tagger(self) -> Tagger:
        """Tags by the catalogue's aliases, its model if it has one, and the rules of editors that are in force now."""
        with self.database.read() as session:
            rules = tag_rules.in_force(session)
        tagger = self._tagger
        if tagger.rules != rules:
            self._tagger = tagger = tagger.under(rules)
        return tagger

    @cached_property
    def _tagger(self) -> Tagger:
        """The tagger under the rules that were in force when it was last asked for."""
        return Tagger(self.catalogue, tagger_model.load(self.settings.catalogue))

    @cached_property
    def links(self) -> Links:
        """Makes and reads the links of mails and pages."""
        return Links(self.settings.public_url, self.settings.secret_key)

    @cached_property
    def templates(self) -> Templates:
        """The mail templates, compiled and with their styles inlined."""
        return Templates(ROOT / "templates" / "email")

    @cached_property
    def writer(self) -> Writer:
        """Turns deliveries into letters."""
        sender, postal = self.settings.sender, self.settings.postal_address
        return Writer(self.templates, self.catalogue, self.links, sender, postal)

    @cached_property
    def press(self) -> Press:
        """Writes the letters of many deliveries."""
        return Press(self.writer)

    @cached_property
    def subscribing(self) -> Subscribing:
        """How a person comes and goes: sign up, confirm, leave."""
        return Subscribing(self.database, self.catalogue, self.links, self.settings.secret_key)

    @cached_property
    def adjusting(self) -> Adjusting:
        """What a person may change in their plan."""
        return Adjusting(self.database, self.catalogue)

    @property
    def sources(self) -> Sources:
        """What an operator does with feeds: try out, add, change, retire, lists in and out."""
        return Sources(self.database, self.fetcher, self.catalogue, self.tagger, self.clock)

    @property
    def tag_rules(self) -> TagRules:
        """What an editor does with rules about tags: try out, add, remove."""
        return TagRules(self.database, self.catalogue, self.tagger, self.clock)

    @property
    def rules(self) -> deliver.Rules:
        """What the operator has set about deliveries."""
        owner = f"{socket.gethostname()}:{os.getpid()}"
        settings = self.settings
        relay_log = CaughtLog(settings.caught_mail) if settings.caught_mail else NoRelayLog()
        return deliver.Rules(owner, settings.lease, settings.unknown_policy, settings.unknown_patience, relay_log)

    @property
    def delivering(self) -> deliver.Delivering:
        """Sends what is due."""
        limits = Limits(self.settings.rates, self.settings.canary)
        brakes = Braking(self.database, self.clock, limits)
        witnessing = Witnessing((FileWitness(self.settings.home / "last-sent"), self.doorbell))
        return deliver.Delivering(self.database, self.press, self.rules, self.clock, brakes, self.stopping, witnessing)

    @cached_property
    def namespace(self) -> UUID:
        """What the uids of deliveries are made from; another installation makes other ones."""
        return uuid5(NAMESPACE_URL, tokens.address_key(self.settings.secret_key, "deliveries"))

    def poll(self) -> int:
        """Poll the feeds that are due."""
        return poll.poll(self.database, self.fetcher, self.clock)

    def tag(self, told: Callable[[int], object] | None = None) -> int:
        """Tag the items that wait for it; `told` hears of each batch how many it had."""
        return tag.tag(self.database, lambda: self.tagger, told)

    def untagged(self) -> int:
        """How many items wait for tags."""
        version = self.tagger.version
        with self.database.read() as session:
            return items.count_untagged(session, version)

    def group(self) -> int:
        """Give stories to the items that wait for one."""
        return group.group(self.database, self.clock)

    def compose(self) -> int:
        """Compose the issue whose cut-off has come."""
        latest = self.settings.latest
        return compose.compose(self.database, self.catalogue, self.tagger.version, self.namespace, latest, self.clock)

    def deliver(self) -> int:
        """Send the deliveries that are due."""
        return self.delivering.deliver(self.connect)

    def tidy(self) -> bool:
        """Tidy, if today's run is not done."""
        return tidy.tidy(self.database, self.clock)

    def send_digest(self) -> bool:
        """Tell staff of the newest issue, if that is due and not done."""
        return Digesting(self.database, self.writer, self.namespace, self.clock).send(self.connect)

    def connect(self) -> Mailer:
        """A mailer to the relay or the relays, not connected yet."""
        relays, hello = self.settings.relays, self.settings.sender.domain
        return SmtpMailer(relays[0], hello) if len(relays) == 1 else RelaysMailer(self.roster, hello)

    @cached_property
    def roster(self) -> Roster:
        """How the relays stand, for all passes of this process."""
        return Roster(self.settings.relays, self.clock)

    def relay_words(self) -> list[str]:
        """Try each relay; a line for each, with what is wrong with it."""
        return [probe(relay, self.settings.sender.domain) for relay in self.settings.relays]

    def due_queues(self) -> list[str]:
        """The queues that have work in the database."""
        holds = self.settings.unknown_policy == "hold"
        patience = None if holds else self.settings.unknown_patience
        return sweep.due_queues(self.database, self.tagger.version, patience, self.clock())

    def ring_due(self) -> list[str]:
        """Ring the queues that have work. Returns which."""
        return [queue for queue in self.due_queues() if self.doorbell.ring(queue)]

    def load_feeds(self) -> int:
        """Take over the catalogue's feeds. Returns how many are new."""
        return curate.add_feeds(self.database, self.catalogue.feeds, self.clock())

    def preview(self, subscriber: str, number: int) -> Letter:
        """The mail of a plan week for a subscriber, who is given by id or address. Changes nothing."""
        with self.database.read() as session:
            key = tokens.address_key(self.settings.secret_key, subscriber)
            found = None if subscriber.isdigit() else subscribers.by_address_key(session, key)
        subscriber_id = int(subscriber) if subscriber.isdigit() else (found.id if found else 0)
        return compose.preview(self.database, self.catalogue, self.writer, subscriber_id, number, self.clock)

    def settle(self, delivery_id: int, verdict: str) -> None:
        """Let the operator decide what became of a delivery that nobody knows about, or that is dead."""
        record.settle(self.database, delivery_id, verdict, self.clock())

    def record_bounce(self, raw: bytes) -> str:
        """Take a bounce mail into account."""
        return record.record_bounce(self.database, raw, self.settings.sender.domain, (), self.clock())

    def record(self, told: Iterable[Notice]) -> Counter[str]:
        """Take a provider's notices into account. Returns how many were what."""
        return record.record_all(self.database, told, self.clock())

    @property
    def taking_in(self) -> TakingIn:
        """Takes bounce mails from where they lie."""
        return TakingIn(self.database, self.review, self.settings.sender.domain, self.clock)

    @property
    def review(self) -> ReviewBox:
        """Mails to bounce addresses at which a person must look."""
        return ReviewBox(self.settings.home / "review")

    @cached_property
    def ses_topics(self) -> SnsTopics:
        """The Amazon SNS topics that are believed."""
        return SnsTopics(self.fetcher, self.settings.ses_topics, self.clock)

    def resume_suppressing(self, *, suppress_held: bool) -> int:
        """The operator's word about suppressions that a storm of bounces held up."""
        return suppressing.resume(self.database, self.clock(), suppress_held=suppress_held)

    def held_words(self) -> list[str]:
        """What to do when suppressions are held."""
        return suppressing.held_words(self.database)

    def stop(self, reason: str, who: str) -> None:
        """Let no mail be begun any more."""
        braking.stop(self.database, reason, who, self.clock())

    def resume(self, who: str) -> list[str]:
        """Let mails go again. Returns what had held them."""
        return braking.resume(self.database, who, self.clock())

    def faults(self) -> list[str]:
        """What needs somebody: mails that are stuck, suppressions that are held, brakes that are on."""
        stuck = account.stuck_words(self.database, self.clock(), canary=self.settings.canary > 0)
        return [*stuck, *self.held_words(), *braking.brake_words(self.database)]

    def pause_words(self) -> list[str]:
        """Which domains are left alone for a while."""
        return braking.pause_words(self.database, self.clock())

    def ledger(self) -> Ledger | None:
        """The ledger of the newest issue."""
        return account.latest_ledger(self.database)


def bootstrap(settings: Settings | None = None, clock: Clock | None = None, fetcher: Fetcher | None = None) -> App:
    """Build the app from the environment, or from what is given.

    Raises SettingsError or CatalogueError, whose messages say what to correct.
    """
    settings = settings or Settings.from_env()
    return App(
        settings=settings,
        clock=clock or _clock(settings),
        catalogue=catalogue_files.load(settings.catalogue),
        fetcher=fetcher or HttpFetcher(user_agent=USER_AGENT, allow_private=settings.allow_private_feeds),
        doorbell=Broker(settings.broker_url),
    )


def _clock(settings: Settings) -> Clock:
    if settings.clock_file:
        return clocks.led(settings.clock_offset, settings.clock_file)
    return clocks.shifted(settings.clock_offset)
