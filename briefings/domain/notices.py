"""What the world tells us of a mail that we sent: what it changes, and when an address is mailed no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from briefings.domain import deliveries
from briefings.domain.deliveries import State

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["bounced", "deferred", "complained", "delivered"]


@dataclass(frozen=True)
class Notice:
    """What a bounce mail or a provider says of one of our mails. All of it may be invented."""

    uids: tuple[str, ...]  #: which delivery it may mean, the most trustworthy first
    kind: Kind
    provider_id: str  #: the same when the notice comes again, and in no other notice
    status: str = ""  #: enhanced status code (RFC 3463), such as 5.1.1
    words: str = ""  #: the remote host's diagnostic, one line


class Weight(StrEnum):
    """What a notice says of the address itself."""

    NOTHING = "nothing"
    SOFT = "soft"  # not now: the mailbox is full, the host does not answer
    HARD = "hard"  # never: nobody is there
    COMPLAINT = "complaint"  # its reader called our mail spam


#: What became of a notice.
NOT_OURS = "not-ours"  # it names no delivery of ours
NOTHING_NEW = "nothing-new"  # it was told before, or comes too late to change anything
TOO_EARLY = "too-early"  # the relay's own answer is not written down yet; the same notice is taken a moment later

#: Events of a delivery besides its states.
SOFT_BOUNCED, SUPPRESSED, HELD, RESUMED = "soft-bounced", "suppressed", "suppression-held", "suppressions-resumed"

STATES = {"bounced": State.BOUNCED, "complained": State.COMPLAINED, "delivered": State.DELIVERED}
#: So many weeks with soft bounces, and no mail that arrived between them, suppress an address for so long.
SOFT_WEEKS = 3
SOFT_REST = timedelta(days=90)
#: A relay tries for so long; a mail of which nothing was heard by then has arrived.
RELAY_GIVES_UP = timedelta(days=5)
#: When a notice would suppress more than this share of what was sent in the last hour, and at least so many
#: addresses, something else is wrong than the addresses.
STORM_SPAN, STORM_SHARE, STORM_LEAST = timedelta(hours=1), 0.05, 20


@dataclass(frozen=True)
class Past:
    """A mail that an address was sent: when it was due, where it stands, and when it bounced softly (UTC)."""

    send_at: datetime
    state: State
    soft_at: tuple[datetime, ...] = ()

    def arrived(self, now: datetime) -> bool:
        """Whether the mail reached the mailbox: somebody says so, or nothing was heard for days."""
        if self.state in {State.DELIVERED, State.COMPLAINED}:
            return True
        return self.state is State.SENT and not self.soft_at and self.send_at < now - RELAY_GIVES_UP


@dataclass(frozen=True)
class Verdict:
    """An address is to be suppressed: the reason, and until when (UTC; None is for good)."""

    reason: str
    expires_at: datetime | None = None


def weight(notice: Notice) -> Weight:
    """What a notice says of the address."""
    if notice.kind == "complained":
        return Weight.COMPLAINT
    if notice.kind == "deferred" or (notice.kind == "bounced" and deliveries.may_pass(notice.status)):
        return Weight.SOFT
    if notice.kind == "bounced" and deliveries.speaks_of_address(notice.status):
        return Weight.HARD
    return Weight.NOTHING


def next_state(before: State, notice: Notice) -> State | None:
    """Where a notice takes a delivery, or None when it stays.

    A host that says "delayed" has the mail from our relay: that is evidence for one of which nothing was known.
    """
    if notice.kind == "deferred":
        return State.SENT if before is State.UNKNOWN else None
    after = STATES[notice.kind]
    return after if deliveries.may_follow(before, after) else None


def outcome(before: State, notice: Notice) -> str:
    """The word for a notice that finds a delivery in a state: its kind, TOO_EARLY or NOTHING_NEW."""
    if next_state(before, notice):
        return notice.kind
    if notice.kind == "deferred" and before in {State.SENDING, State.SENT}:
        return notice.kind
    return TOO_EARLY if before is State.SENDING else NOTHING_NEW


def verdict(weighed: Weight, history: Iterable[Past], now: datetime) -> Verdict | None:
    """Whether an address is suppressed; `history` are its mails in any order, this notice taken into account."""
    if weighed is Weight.COMPLAINT:
        return Verdict("complained")
    if weighed is Weight.HARD:
        return Verdict("bounced")
    if weighed is Weight.SOFT and soft_weeks(history, now) >= SOFT_WEEKS:
        return Verdict("bounced", now + SOFT_REST)
    return None


def soft_weeks(history: Iterable[Past], now: datetime) -> int:
    """In how many calendar weeks (ISO, UTC) an address bounced softly since a mail last arrived there."""
    weeks = set[tuple[int, int]]()
    for past in sorted(history, key=lambda one: one.send_at, reverse=True):
        if past.arrived(now):
            break
        weeks.update(moment.isocalendar()[:2] for moment in past.soft_at)
    return len(weeks)


def is_storm(suppressed: int, sent: int) -> bool:
    """Whether so many suppressions, of so many mails sent in the same hour, are more than addresses can explain."""
    return suppressed >= STORM_LEAST and suppressed > STORM_SHARE * sent


def outweighs(new: Verdict, old: Verdict, now: datetime) -> bool:
    """Whether a suppression takes the place of another: of one that is over, one that ends sooner, or a milder one.

    What a person may take back themselves (`unsubscribed`) is milder than a bounce, and that than a complaint.
    """
    if old.expires_at and old.expires_at <= now:
        return True
    if new.expires_at:
        return old.expires_at is not None and new.expires_at > old.expires_at
    return old.expires_at is not None or GRAVITY[new.reason] > GRAVITY[old.reason]


GRAVITY = {"unsubscribed": 0, "bounced": 1, "complained": 2}
