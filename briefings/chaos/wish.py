"""What a run of chaos is asked for, and the pace that follows from its length."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

#: A storm of so many seconds has the usual pace; a shorter one is quicker in everything.
LONG = 20
USUAL = 30
#: No more haste than this: a worker that loses broker or database as soon as it is up delivers nothing.
MOST_HASTE = 0.4


@dataclass(frozen=True)
class Wish:
    """A run: how many mails, how much harm, from which seed."""

    count: int = 300
    workers: int = 2
    database: Literal["sqlite", "postgresql"] = "sqlite"
    seed: int = 1
    storm: float = USUAL  #: seconds during which harm is done, at least
    settling: float = 120.0  #: seconds after the storm in which everything must settle
    policy: Literal["resend", "hold"] = "resend"  #: what is done about an unknown outcome
    tls: bool = False  #: whether the sink is spoken to by TLS

    @property
    def haste(self) -> float:
        """By what the spans between two harms are multiplied: a short run has nearly as many as a long one."""
        return min(1.0, max(MOST_HASTE, self.storm / USUAL))

    @property
    def sweep(self) -> float:
        """Seconds between two looks for work that nobody rang for."""
        return 0.5 if self.storm >= LONG else 0.2

    @property
    def verdict(self) -> float:
        """How many seconds a worker waits for the relay's word after the final dot."""
        return 2.0 if self.storm >= LONG else 1.0

    @property
    def lease(self) -> float:
        """Shorter than the wait for a verdict, as in the product: 60 seconds against 600."""
        return max(1.0, self.verdict * 0.75)

    @property
    def patience(self) -> timedelta:
        """How long an unknown outcome may rest; longer than the wait for a verdict, as in the product: 900 seconds."""
        return timedelta(seconds=self.verdict * 1.5)

    @property
    def trickle(self) -> float:
        """Seconds a byte; less in a short run, whose workers have less patience."""
        return 1.0 if self.storm >= LONG else 0.4

    @property
    def faults(self) -> int:
        """How many faults of the sink a storm should bring: one for every fifth mail."""
        return self.count // 5

    @property
    def longest_storm(self) -> float:
        """Seconds after which the storm ends even if it brought fewer faults: a slow machine must end, too."""
        return 3 * self.storm

    @property
    def words(self) -> str:
        """The command that has this run again."""
        words = [f"--count {self.count}", f"--workers {self.workers}", f"--database {self.database}"]
        words += ["--policy hold"] * (self.policy == "hold") + ["--tls"] * self.tls
        return " ".join(["briefings chaos", *words, f"--seconds {self.storm:g}", f"--seed {self.seed}"])
