"""The ledger of an issue: everybody who could have got a mail is accounted for, or it says who is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.domain.deliveries import MOVING, State

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Ledger:
    """Counts of one issue. `skipped` is by reason; `deliveries` by state, then reason."""

    issue: str
    composed_at_all: bool
    candidates: int  #: people of whom the issue must give account
    composed: int
    skipped: Mapping[str, int]
    deliveries: Mapping[str, Mapping[str, int]]

    def count(self, *states: State) -> int:
        """How many deliveries are in these states."""
        return sum(sum(self.deliveries.get(state.value, {}).values()) for state in states)

    @property
    def still_moving(self) -> int:
        """Deliveries that will change by themselves."""
        return self.count(*MOVING)

    def imbalances(self) -> list[str]:
        """What does not add up, in words; empty when every candidate is accounted for."""
        found = []
        decided = self.composed + sum(self.skipped.values())
        if self.composed_at_all and decided != self.candidates:
            found.append(f"{self.candidates} candidates, but {decided} decided (editions + skipped)")
        queued = self.count(*State)
        if queued != self.composed:
            found.append(f"{self.composed} editions, but {queued} deliveries")
        return found
