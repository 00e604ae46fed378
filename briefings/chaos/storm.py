"""The harm that is done to a run, by a seed: what happens to whom, and when."""

from __future__ import annotations

import os
import signal
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import redis

from briefings.domain.faults import Dice
from briefings.settings import socket_path

if TYPE_CHECKING:
    from briefings.chaos.victim import Victim
    from briefings.chaos.wish import Wish
    from briefings.chaos.world import World

#: How long a worker that is ready for work may live (seconds): some die in their first letter, some long after.
LIFE = (0.4, 6.0)
HALF = 0.5
#: How a worker's life ends, or goes on otherwise; each as often as it stands here.
ENDS = ("group", "group", "group", "main", "main", "main", "pool", "pool", "freeze")
KILLED = {"group": "worker with its pool", "main": "worker without its pool", "pool": "process of a pool"}
#: How often each harm comes, as a range of seconds, which the wish's haste shortens.
BROKER_EVERY = (4.0, 8.0)
JUMP_EVERY = (2.0, 5.0)
JUMP = timedelta(hours=1)
#: The database is killed at these parts of the storm.
DATABASE_AT = (0.35, 0.7)


class Storm:
    """All harm. Call `step` again and again, then `end`."""

    def __init__(self, world: World) -> None:
        """What happens follows from the seed of the world's wish; when exactly, also from how fast the machine is."""
        self.kills: Counter[str] = Counter()  #: who was killed -> how often
        self.harm: Counter[str] = Counter()  #: any other harm -> how often
        self._world = world
        self._fates = [_Fate(victim, self, world.wish) for victim in world.victims]
        self._dice = Dice(world.wish.seed, "storm")
        self._broker_at = self._wait(BROKER_EVERY)
        self._jump_at = self._wait(JUMP_EVERY)
        self._database_at = [world.wish.storm * part for part in DATABASE_AT] if world.postgresql else []

    def step(self, at: float) -> None:
        """Do what is due `at` so many seconds after the beginning."""
        for fate in self._fates:
            fate.step(at)
        if at >= self._broker_at:
            self._broker_at = at + self._wait(BROKER_EVERY)
            self._harm_broker()
        if at >= self._jump_at:
            self._jump_at = at + self._wait(JUMP_EVERY)
            self._jump()
        if self._database_at and at >= self._database_at[0]:
            self._database_at.pop(0)
            self._kill_database()

    def end(self) -> None:
        """Harm nobody any more: everybody goes on, clocks agree, orphans are ended."""
        for victim in self._world.victims:
            victim.thaw()
            victim.bury()
            victim.jump = timedelta()
        self._world.set_clocks()

    def _wait(self, span: tuple[float, float]) -> float:
        return self._dice.between(*span) * self._world.wish.haste

    def _harm_broker(self) -> None:
        if self._dice.fraction() < HALF and self._world.broker.pid:
            os.killpg(self._world.broker.pid, signal.SIGKILL)
            self.kills["broker"] += 1
            return
        client = redis.Redis(unix_socket_path=str(socket_path(self._world.home)), socket_timeout=1)
        try:
            client.flushall()
            self.harm["broker emptied"] += 1
        except redis.RedisError:
            return  # it is just being started again
        finally:
            client.close()

    def _jump(self) -> None:
        victim = self._dice.pick(self._world.victims)
        victim.jump = timedelta() if victim.jump else JUMP
        self._world.set_clocks()
        self.harm["clock jumped an hour"] += 1

    def _kill_database(self) -> None:
        server = self._world.postgresql
        if server and server.child.pid:
            os.kill(server.child.pid, signal.SIGKILL)
            server.wait()
            self.kills["database"] += 1


class _Fate:
    """What happens to one place for a worker."""

    def __init__(self, victim: Victim, storm: Storm, wish: Wish) -> None:
        self._victim = victim
        self._storm = storm
        self._dice = Dice(wish.seed, "fate", victim.number)
        self._frozen_for = 2 * wish.lease
        self._ready = False
        self._life = self._dice.between(*LIFE)
        self._due = 0.0
        self._thaw_at: float | None = None

    def step(self, at: float) -> None:
        if self._thaw_at is not None:
            self._thaw_if_due(at)
        elif not self._ready:
            self._ready = self._victim.ready
            self._due = at + self._life
        elif at >= self._due:
            self._victim.bury()
            self._life = self._dice.between(*LIFE)
            self._due = at + self._life
            self._meet(self._dice.pick(ENDS), at)

    def _meet(self, end: str, at: float) -> None:
        if end == "freeze":
            self._victim.freeze()
            self._thaw_at = at + self._frozen_for
            self._storm.harm["worker frozen for twice its lease"] += 1
            return
        if end == "pool":
            self._victim.kill_pool_process(self._dice.fraction())
        elif end == "main":
            self._victim.kill_main()
        else:
            self._victim.kill_group()
        self._ready = end == "pool"
        self._storm.kills[KILLED[end]] += 1

    def _thaw_if_due(self, at: float) -> None:
        if self._thaw_at is not None and at >= self._thaw_at:
            self._victim.thaw()
            self._thaw_at = None
