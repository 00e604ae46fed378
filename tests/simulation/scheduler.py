"""One baton for several threads: only its holder runs, and a seeded Random says who is next. So a seed is a history."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


class Crash(BaseException):
    """The process is gone: whatever its `finally` clauses try, nothing of it reaches the world any more."""


class Stopped(BaseException):
    """The process is asked to end: its `finally` clauses still run, as after Celery's time limit or a SIGTERM."""


@dataclass(eq=False)
class Actor:
    """Somebody who takes steps; runs on a thread of its own, but only while it has the baton."""

    name: str
    body: Callable[[], None]
    wake: Lock = field(default_factory=Lock)
    asleep_until: float = 0  #: the step before which it is not chosen
    waits_for_turn: bool = False  #: whether it wants the database while another has it
    ended: bool = False
    dead: bool = False  #: crashed; a new process may take its place


class Scheduler:
    """Hands the baton around. Everything here is touched by the holder of the baton only."""

    def __init__(self, random: Random, sticky: float) -> None:
        """`sticky` is how likely the holder keeps the baton at a step."""
        self._random = random
        self._sticky = sticky
        self._actors: list[Actor] = []
        self._over = Lock()
        self._holder: Actor | None = None
        self._turn: Actor | None = None
        self.step = 0
        self.faults: list[BaseException] = []

    def add(self, name: str, body: Callable[[], None]) -> None:
        self._actors.append(Actor(name, body))

    @property
    def me(self) -> Actor:
        assert self._holder is not None
        return self._holder

    def run(self) -> None:
        """Let all actors run to their ends, one at a time."""
        self._over.acquire()
        threads = [Thread(target=self._live, args=(actor,), daemon=True) for actor in self._actors]
        for actor, thread in zip(self._actors, threads, strict=True):
            actor.wake.acquire()
            thread.start()
        self._hand_over(self._next())
        self._over.acquire()
        for thread in threads:
            thread.join()

    def alone(self, name: str) -> None:
        """Let the caller take steps by this name, when all others have ended."""
        self._holder = Actor(name, lambda: None)
        self._actors = [self._holder]

    def pass_on(self) -> None:
        """Let somebody go on: perhaps another, perhaps the caller."""
        self.step += 1
        me = self.me
        if me.asleep_until <= self.step and not me.waits_for_turn and self._random.random() < self._sticky:
            return
        chosen = self._next()
        if chosen is not me:
            self._hand_over(chosen)
            me.wake.acquire()

    def sleep(self, steps: float) -> None:
        """Take no step for so many steps of others, or until nobody else can go on (math.inf)."""
        self.me.asleep_until = self.step + steps
        self.pass_on()

    def wake_others(self) -> None:
        for actor in self._actors:
            actor.asleep_until = 0

    def take_turn(self) -> None:
        """Wait until nobody has the database, then have it: a writer is alone on SQLite."""
        me = self.me
        while self._turn is not None:
            me.waits_for_turn = True
            self.pass_on()
        me.waits_for_turn = False
        self._turn = me

    def end_turn(self) -> None:
        self._turn = None

    def _live(self, actor: Actor) -> None:
        actor.wake.acquire()
        try:
            actor.body()
        except BaseException as error:  # noqa: BLE001 - told as a failure of the run, with its seed
            self.faults.append(error)
        actor.ended = True
        chosen = self._next()
        if chosen:
            self._hand_over(chosen)
        else:
            self._over.release()

    def _next(self) -> Actor | None:
        able = [actor for actor in self._actors if not actor.ended and not (actor.waits_for_turn and self._turn)]
        awake = [actor for actor in able if actor.asleep_until <= self.step]
        if awake:
            return awake[0] if len(awake) == 1 else self._random.choice(awake)
        if not able:
            return None
        first = min(able, key=lambda actor: actor.asleep_until)
        first.asleep_until = 0
        return first

    def _hand_over(self, actor: Actor | None) -> None:
        assert actor is not None
        self._holder = actor
        actor.wake.release()
