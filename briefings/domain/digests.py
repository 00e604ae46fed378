"""What staff are told of an issue: what went out, what was skipped, and what each word for it means."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.domain.deliveries import MOVING, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from briefings.domain.ledger import Ledger

SENT = (State.SENT, State.DELIVERED, State.COMPLAINED)
#: What a word for something skipped means, and what to do about it where something can be done.
MEANINGS = {
    "no-plan": "they have no plan at present",
    "paused": "they have paused; their week waits",
    "finished": "their twelve weeks are over, and they have not chosen what comes next",
    "not-started": "their plan begins on a later Monday",
    "last-week-under-way": "their last briefing is on its way; the plan ends when it has arrived",
    "no-match": "they follow a field without tasks, and no story was worth a mail: see briefings feeds coverage",
    "role-left-catalogue": "the catalogue has no such specialization any more: put it back, or write to them",
    "no-such-timezone": "their time zone is unknown: correct it",
    "plan-broken": "their plan cannot be read: the log of composing says why",
    "unsubscribed": "they left before the mail was due",
    "left": "they left before the mail was due",
    "suppressed": "their address bounced or complained, or its person left",
    "too-late": "the mail was later than BRIEFINGS_LATEST_HOURS allows; its plan week comes again",
    "cannot-render": "the mail could not be written: the log of delivering says why",
    "attempts-spent": "the relay refused each attempt; its plan week comes again",
    "refused": "their mail server does not take this address",
    "content-refused": "their mail server does not take this mail",
    "no-verdict": "the relay gave no answer after the whole mail; see briefings settle",
}


@dataclass(frozen=True)
class Line:
    """How many of a kind, the word for it, and what it means ("" for a word of a provider's)."""

    count: int
    word: str
    meaning: str


@dataclass(frozen=True)
class Digest:
    """The account of an issue in few lines."""

    candidates: int
    sent: int
    waiting: int
    skipped: tuple[Line, ...]  #: the most frequent first
    faults: tuple[str, ...]  #: what does not add up
    unsubscribed: int  #: people, since the issue's cut-off
    complained: int  #: mails that were called spam since then

    @property
    def missed(self) -> int:
        """How many people got nothing, for any reason."""
        return sum(line.count for line in self.skipped)


def digest(ledger: Ledger, unsubscribed: int, complained: int) -> Digest:
    """What a ledger comes to: each candidate is sent to, waiting or missed."""
    ended = {State(state): reasons for state, reasons in ledger.deliveries.items()}
    missed = Counter(ledger.skipped)
    for state, reasons in ended.items():
        if state not in {*SENT, *MOVING}:
            missed.update(_by_word(state, reasons))
    lines = [Line(count, word, MEANINGS.get(word, "")) for word, count in missed.items()]
    return Digest(
        candidates=ledger.candidates,
        sent=ledger.count(*SENT),
        waiting=ledger.still_moving,
        skipped=tuple(sorted(lines, key=lambda line: (-line.count, line.word))),
        faults=tuple(ledger.imbalances()),
        unsubscribed=unsubscribed,
        complained=complained,
    )


def _by_word(state: State, reasons: Mapping[str, int]) -> Counter[str]:
    words: Counter[str] = Counter()
    for reason, count in reasons.items():
        words[reason or state.value] += count
    return words
