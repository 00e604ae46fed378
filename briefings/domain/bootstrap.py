"""How sure a measured figure is: intervals by drawing the sample again and again (Efron 1979)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Sample = TypeVar("Sample")
RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def estimate(
    sample: Sequence[Sample], figure: Callable[[Sequence[Sample]], float], resamples: int = RESAMPLES
) -> Estimate:
    """The figure of a sample that is not empty, with an interval; always the same for the same sample."""
    random = Random(12)  # noqa: S311 - a bootstrap, nothing secret
    drawn = sorted(figure(random.choices(sample, k=len(sample))) for _ in range(resamples))
    return Estimate(figure(sample), drawn[int(0.025 * resamples)], drawn[int(0.975 * resamples) - 1])
