"""The world of one run: the real `Delivering` on a real database, with trouble at every seam, all of it from a seed."""

from __future__ import annotations

import math
import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from unittest.mock import patch

from fakes import Bell
from sqlalchemy import create_engine, event
from sqlalchemy.pool import StaticPool
from week import MONDAY_EVENING

from briefings.actions import braking, deliver, record
from briefings.actions.braking import Braking, Limits
from briefings.actions.deliver import Delivering, Rules
from briefings.actions.subscribe import Subscribing
from briefings.actions.witnessing import Witnessing
from briefings.domain.deliveries import Attempt, Outcome
from briefings.domain.notices import Notice
from briefings.errors import DependencyError, InputError
from briefings.store import base
from briefings.store.base import Database
from simulation.journal import ACCEPTED, ATTEMPTED, Entry, Journal
from simulation.oracle import broken_promises
from simulation.scheduler import Crash, Scheduler, Stopped
from simulation.weather import weather

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from sqlalchemy.orm import Session

    from briefings.actions.render import Writer
    from briefings.bootstrap import App
    from briefings.clock import Clock
    from briefings.store.deliveries import Due
    from simulation.weather import Weather

LEASE, PATIENCE = timedelta(minutes=1), timedelta(minutes=15)
A_STEP = timedelta(milliseconds=50)
#: Seconds by which the clock is put on at a jump: within the lease, past it, past the patience, an hour, and back.
JUMPS = (5, 20, 50, 70, 130, 16 * 60, 3600, -3600)
SKEWS = (-3600, -90, 0, 90, 3600)
#: For how many steps of others a worker stands still; the last is until nobody else can go on.
NAPS = (10, 40, 80, math.inf)
REFUSALS = (
    Attempt(Outcome.REFUSED, "550 5.1.1 no such person"),
    Attempt(Outcome.REFUSED_FOR_NOW, "451 4.7.1 come back later"),
    Attempt(Outcome.REFUSED_FOR_NOW, "the relay closed the connection before the final dot"),
    Attempt(Outcome.POLICY, "550 5.7.1 looks like spam"),
    Attempt(Outcome.CONTENT, "552 5.3.4 too large"),
)
#: How often the relay thinks before it answers; meanwhile whoever stood still goes on.
THINKS = 1 / 6
#: How much more happens around a letter than elsewhere.
GRAVE = 3
#: More rounds than the back-off has steps, each after the last moment at which something is due.
ROUNDS = 30

#: Windows grow to their most here, whatever the clock of the world does meanwhile.
PATIENT = timedelta(hours=2)


@dataclass(frozen=True)
class Beginning:
    """What every run starts from: the bytes of a database with composed mails by number of people, and the app's parts.

    One connection to one database in memory serves all runs, because SQLAlchemy compiles its statements once an engine.
    """

    app: App
    bytes_of: dict[int, bytes]
    raw: sqlite3.Connection
    database: Database

    @classmethod
    def of(cls, app: App, bytes_of: dict[int, bytes]) -> Beginning:
        raw = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        database = Database("sqlite://")
        database.engine = create_engine("sqlite://", poolclass=StaticPool, creator=lambda: raw)
        event.listen(database.engine, "connect", base._prepare_sqlite)
        event.listen(database.engine, "begin", base._begin_sqlite)
        return cls(app, bytes_of, raw, database)


@dataclass(frozen=True)
class Run:
    """What a seed brought."""

    seed: int
    weather: Weather
    trace: Sequence[tuple[int, str, datetime, str]]
    broken: Sequence[str]

    def story(self) -> str:
        steps = [f"{step:4} {moment:%H:%M:%S} {who:<9} {what}" for step, who, moment, what in self.trace]
        head = f"Seed {self.seed}: {len(self.broken)} broken promises"
        replay = f"Replay it with: SIMULATION_SEED={self.seed} python -m pytest tests/simulation"
        return "\n".join([head, *self.broken, "", str(self.weather), "", *steps, "", replay])


def run(beginning: Beginning, seed: int) -> Run:
    """One history: trouble for some steps, then calm until nothing is under way, then the oracle."""
    random = Random(seed)  # noqa: S311 - a history, not a secret
    now = weather(random)
    limits = {"WINDOW": now.window, "PACE": PATIENT}
    with patch.multiple(deliver, **limits):
        world = World(beginning, now, random)
        world.scheduler.run()
        world.settle()
    broken = [f"{type(fault).__name__} was raised: {fault}" for fault in world.scheduler.faults]
    broken += broken_promises(world.journal, now)
    return Run(seed, now, world.trace, broken)


class World:
    """Everything that the actors of one run share."""

    def __init__(self, beginning: Beginning, now: Weather, random: Random) -> None:
        self.beginning, self.weather, self.random = beginning, now, random
        beginning.raw.deserialize(beginning.bytes_of[now.people])
        self.now = MONDAY_EVENING
        self.calm = False
        self.scheduler = Scheduler(random, now.sticky)
        self.journal = Journal(beginning.raw, now.window)
        self.trace: list[tuple[int, str, datetime, str]] = []
        mails = beginning.raw.execute("SELECT id, uid, subscriber_id FROM deliveries ORDER BY id").fetchall()
        self.ids = {uid: delivery_id for delivery_id, uid, _ in mails}
        self.people = [subscriber_id for _, _, subscriber_id in mails]
        broken = {random.choice(list(self.ids.values()))} if now.broken else set[int]()
        self.press = TinyPress(beginning.app.writer, broken)
        self.witness = Bell()
        self.taken: list[str] = []  #: uids, in the order in which the relay took them
        for number in range(now.workers):
            skew = timedelta(seconds=random.choice(SKEWS)) if now.skew else timedelta()
            self.scheduler.add(f"w{number}", Worker(self, f"w{number}", skew))
        if now.leaving:
            self.scheduler.add("readers", Readers(self))
        if now.notices:
            self.scheduler.add("provider", Provider(self))

    def pause(self, what: str, grave: int = 1) -> None:
        """A step: others may go on, time passes, and the process may stand still, be stopped or be gone.

        `grave` is how much likelier that is here than elsewhere.
        """
        me, now = self.scheduler.me, self.weather
        if me.dead:
            raise Crash
        self.note(what)
        self.now += A_STEP
        self.calm = self.calm or self.scheduler.step >= now.steps
        self.scheduler.pass_on()
        if self.calm:
            return
        if self.happens(now.jump):
            self.put_clock(self.random.choice(JUMPS))
        if self.happens(now.sleep * grave):
            self._stand_still()
        if self.happens(now.crash * grave):
            me.dead = True
            self.note("CRASH")
            raise Crash
        if self.happens(now.stop * grave):
            self.note("STOPPED")
            raise Stopped

    def note(self, what: str) -> None:
        self.trace.append((self.scheduler.step, self.scheduler.me.name, self.now, what))

    def happens(self, rate: float) -> bool:
        return rate > 0 and not self.calm and self.random.random() < rate

    def refuse(self, rate: float, what: str) -> None:
        """Perhaps a part that is needed does not answer."""
        if self.happens(rate):
            self.note(what)
            raise DependencyError(what)

    def put_clock(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.note(f"the clock is put by {seconds} seconds")

    def settle(self) -> None:
        """Let a last worker do what is due until nothing is under way any more; the relay takes all."""
        self.calm = True
        self.scheduler.alone("last")
        self._lift_brakes()
        for _ in range(ROUNDS):
            moment = self._next_moment(max)
            if moment is None:
                return
            self.now = max(self.now, moment) + timedelta(seconds=1)
            self.delivering("last", lambda: self.now).deliver(lambda: SeamMailer(self))

    def _lift_brakes(self) -> None:
        """The operator has looked at what opened the breaker."""
        with suppress(InputError):
            braking.resume(SeamDatabase(self), "operator", self.now)

    def wait_for_work(self) -> None:
        """There was nothing to do: let the others go on, and mostly until something is due."""
        self.scheduler.sleep(2)
        moment = None if self.weather.fair else self._next_moment(min)
        if moment and moment > self.now and self.random.random() < 3 / 4:
            self.put_clock((moment - self.now).total_seconds() + 1)

    def delivering(self, owner: str, clock: Clock) -> Delivering:
        database = SeamDatabase(self)
        brakes, witnessing = Braking(database, clock, Limits()), Witnessing((self.witness,))
        return Delivering(database, self.press, self._rules(owner), clock, brakes, lambda: False, witnessing)

    def _rules(self, owner: str) -> Rules:
        return Rules(owner, LEASE, self.weather.policy, PATIENCE, RelayMemory(self))

    def _stand_still(self) -> None:
        steps = self.random.choice(NAPS)
        self.note(f"stands still for {steps} steps")
        self.put_clock(self.random.choice((70, 16 * 60, 3600)))
        self.scheduler.sleep(steps)

    def _next_moment(self, which: Callable[..., datetime | None]) -> datetime | None:
        """The first or last (`min` or `max`) moment at which a delivery that is under way is due."""
        rows = self.beginning.raw.execute("SELECT state, next_at, lease_until, changed_at, resent FROM deliveries")
        moments = []
        for state, next_at, lease_until, changed_at, resent in rows:
            if state in {"queued", "deferred"}:
                moments.append(_moment(next_at))
            elif state == "sending":
                moments.append(_moment(lease_until))
            elif state == "unknown" and not resent and self.weather.policy == "resend":
                moments.append(_moment(changed_at) + PATIENCE)
        return which(moments, default=None)


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=MONDAY_EVENING.tzinfo)


@dataclass(frozen=True)
class Worker:
    """Passes, one after the other; after a crash a new process takes the place of the old.

    A pass begins whenever the scheduler pleases: that is a broker whose messages are lost, doubled and late.
    """

    world: World
    name: str
    skew: timedelta

    def __call__(self) -> None:
        for number in range(self.world.weather.passes):
            sent = self._pass(f"{self.name}.{number}")
            self.world.scheduler.me.dead = False
            if self.world.calm:
                return
            if sent == 0:
                self.world.wait_for_work()

    def _pass(self, owner: str) -> int | None:
        """Returns how many were sent, or None when the pass broke off."""
        world = self.world
        delivering = world.delivering(owner, lambda: world.now + self.skew)
        try:
            sent = delivering.deliver(lambda: SeamMailer(world))
        except (DependencyError, Stopped, Crash) as end:
            world.note(f"pass ended by {type(end).__name__}")
            return None
        world.note(f"pass over, {sent} sent")
        return sent


@dataclass(frozen=True)
class Readers:
    """People who leave, and some who come back."""

    world: World

    def __call__(self) -> None:
        world, app = self.world, self.world.beginning.app
        subscribing = Subscribing(SeamDatabase(world), app.catalogue, app.links, app.settings.secret_key)
        for _ in range(world.weather.leaving):
            person = world.random.choice(world.people)
            act = subscribing.resubscribe if world.random.random() < 1 / 5 else subscribing.unsubscribe
            try:
                world.scheduler.sleep(world.random.randint(1, 30))
                world.note(f"person {person}: {act.__name__}")
                act(app.links.unsubscribe(person).rpartition("/")[2], world.now)
            except (DependencyError, Stopped, Crash):
                world.scheduler.me.dead = False


@dataclass(frozen=True)
class Provider:
    """Tells us truthfully of letters that the relay took, sometimes twice."""

    world: World

    def __call__(self) -> None:
        world = self.world
        for _ in range(world.weather.notices):
            try:
                world.scheduler.sleep(world.random.randint(1, 30))
                if world.taken:
                    self._tell(world.random.choice(world.taken))
            except (DependencyError, Stopped, Crash):
                world.scheduler.me.dead = False

    def _tell(self, uid: str) -> None:
        kind, status = self.world.random.choice((("delivered", ""), ("bounced", "5.1.1"), ("complained", "")))
        notice = Notice((uid,), kind, f"{kind} {uid}", status)
        word = record.record(SeamDatabase(self.world), notice, self.world.now)
        self.world.note(f"told of {self.world.ids[uid]}: {kind}, which is {word}")


@dataclass(frozen=True)
class SeamDatabase:
    """The real database, with a step before and after each transaction and before its commit."""

    world: World

    @contextmanager
    def write(self) -> Iterator[Session]:
        world, now = self.world, self.world.weather
        world.pause("begin")
        world.refuse(now.database_away, "the database is away")
        with self._turn():
            with world.beginning.database.write() as session:
                yield session
                world.pause("commit")
                world.refuse(now.commit_fails, "the commit fails")
            world.journal.committed()
        world.pause("committed")
        world.refuse(now.answer_lost, "the commit's answer is lost")

    @contextmanager
    def read(self) -> Iterator[Session]:
        self.world.pause("read")
        self.world.refuse(self.world.weather.database_away, "the database is away")
        with self._turn(), self.world.beginning.database.read() as session:
            yield session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self.world.scheduler.take_turn()
        try:
            yield
        finally:
            self.world.scheduler.end_turn()


@dataclass
class SeamMailer:
    """A worker's connection to the world's one relay, with a step before and after each letter."""

    world: World

    def open(self) -> None:
        self.world.pause("open")
        self.world.refuse(self.world.weather.relay_down, "the relay is down")

    def send(self, content: bytes, return_path: str, recipient: str) -> Attempt:
        world = self.world
        uid, epoch = content.decode().split()
        number = world.ids[uid]
        world.pause(f"send {number}", GRAVE)
        world.journal.entries.append(Entry(ATTEMPTED, number, None, int(epoch), None))
        attempt, takes = self._answer()
        if takes:
            world.taken.append(uid)
            world.journal.entries.append(Entry(ACCEPTED, number, None, int(epoch), None))
        world.note(f"the relay {'takes' if takes else 'does not take'} {number}: {attempt.outcome.value}")
        if world.happens(THINKS):
            world.note("the relay thinks")
            world.scheduler.wake_others()
            world.scheduler.sleep(10)
        world.pause(f"answer about {number}", GRAVE)
        return attempt

    def close(self) -> None:
        self.world.pause("close")

    def _answer(self) -> tuple[Attempt, bool]:
        """What the worker hears, and whether the relay took the letter."""
        world, now = self.world, self.world.weather
        if world.happens(now.refuses):
            return world.random.choice(REFUSALS), False
        if world.happens(now.silent):
            return Attempt(Outcome.NO_VERDICT, "timed out"), world.random.random() < 1 / 2
        if world.happens(now.relay_down):
            return Attempt(Outcome.NO_RELAY, "connection refused"), False
        return Attempt(Outcome.ACCEPTED, "250 2.0.0 taken"), True


@dataclass(frozen=True)
class RelayMemory:
    """What the relay says afterwards, if it is one that can be asked."""

    world: World

    def took(self, uids: Collection[str]) -> set[str]:
        self.world.pause("ask the relay")
        return set(self.world.taken).intersection(uids) if self.world.weather.relay_remembers else set()


@dataclass(frozen=True)
class TinyPress:
    """Writes letters that say whose and which attempt they are, and nothing else: writing is not the subject here."""

    writer: Writer
    broken: Collection[int] = field(default_factory=set)

    def letters(self, session: Session, window: Sequence[Due]) -> dict[int, bytes]:
        return {one.id: f"{one.uid} {one.epoch + 1}".encode() for one in window if one.id not in self.broken}
