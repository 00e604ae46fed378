"""Several relays as one: each letter goes by weight to one that works."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

from briefings.adapters.mailer import SmtpMailer
from briefings.domain import relays
from briefings.domain.deliveries import Attempt, Outcome
from briefings.domain.relays import Standing
from briefings.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from briefings.clock import Clock
    from briefings.settings import Relay

log = logging.getLogger(__name__)
ALL_REST = Attempt(Outcome.NO_RELAY, "every relay rests after a failure; the worker's log says why")


class Roster:
    """How the relays stand: one for all passes of a process, whatever their thread."""

    def __init__(self, members: Sequence[Relay], clock: Clock) -> None:
        """`members` are the relays; they are spoken of by their places in it."""
        self.members, self._clock, self._lock = members, clock, Lock()
        self._standings = [Standing(relay.weight) for relay in members]

    def order(self) -> list[int]:
        """All of them, by whose turn it is; those that rest come last."""
        return relays.order(self._standings, self._clock())

    def choose(self) -> int | None:
        """Who takes the next letter; nobody when all rest."""
        with self._lock:
            chosen, self._standings = relays.choose(self._standings, self._clock())
            return chosen

    def failed(self, place: int, trouble: str) -> None:
        """Let it rest, and tell the log of it once."""
        with self._lock:
            before, now = self._standings[place], self._clock()
            after = self._standings[place] = relays.failed(before, now)
        if after.until and after != before:
            log.warning("%s. It rests for %d min", trouble, (after.until - now).seconds // 60)

    def answered(self, place: int) -> None:
        """Let it come back, if it has rested."""
        with self._lock:
            before = self._standings[place]
            after = self._standings[place] = relays.answered(before)
        if after != before:
            log.warning("%s is back", self.members[place])


class RelaysMailer:
    """A kept connection to each of several relays, opened when its first letter comes.

    Only what was not tried at all goes to another relay: of a letter that was refused, or that got no verdict, another
    relay would make a second copy.
    """

    def __init__(self, roster: Roster, hello: str) -> None:
        """`hello` is the name by which we greet the relays."""
        self._roster = roster
        self._mailers = [SmtpMailer(relay, hello) for relay in roster.members]

    def open(self) -> None:
        """See Mailer.open: one relay is enough. One that rests is tried too when no other can be had."""
        troubles = []
        for place in self._roster.order():
            try:
                self._mailers[place].open()
            except DependencyError as error:
                troubles.append(str(error))
                self._roster.failed(place, troubles[-1])
            else:
                self._roster.answered(place)
                return
        raise DependencyError("; ".join(troubles))

    def send(self, content: bytes, return_path: str, recipient: str) -> Attempt:
        """See Mailer.send."""
        attempt = ALL_REST
        for _ in self._mailers:
            place = self._roster.choose()
            if place is None:
                break
            attempt = self._mailers[place].send(content, return_path, recipient)
            if attempt.outcome is not Outcome.NO_RELAY:
                self._roster.answered(place)
                return attempt
            self._roster.failed(place, f"{self._roster.members[place]}: {attempt.reply}")
        return attempt

    def close(self) -> None:
        """See Mailer.close."""
        for mailer in self._mailers:
            mailer.close()


def probe(relay: Relay, hello: str) -> str:
    """Connect as for a letter. Returns in words whether the relay answers, or what is wrong with it."""
    mailer = SmtpMailer(relay, hello)
    try:
        mailer.open()
    except DependencyError as error:
        return str(error)
    mailer.close()
    return f"{relay} answers"
