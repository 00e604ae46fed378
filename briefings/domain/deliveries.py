"""The lifecycle of a delivery: its states, what may follow what, and what an outcome means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """Where a delivery stands."""

    QUEUED = "queued"  # waits for its time
    SENDING = "sending"  # claimed by a worker; committed before any content leaves
    SENT = "sent"  # the relay took it
    DELIVERED = "delivered"  # the provider says that it arrived
    DEFERRED = "deferred"  # definitely not delivered yet; comes again
    BOUNCED = "bounced"  # refused for good
    COMPLAINED = "complained"  # the reader called it spam
    UNKNOWN = "unknown"  # content left and no verdict came
    DEAD = "dead"  # attempts spent
    SKIPPED = "skipped"  # decided not to send, with a reason


#: What may follow what. Everything that changes a delivery goes through this table.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SENDING, State.DEFERRED, State.SKIPPED, State.DEAD}),
    State.DEFERRED: frozenset({State.SENDING, State.DEFERRED, State.SKIPPED, State.DEAD}),
    State.SENDING: frozenset({State.SENT, State.DEFERRED, State.BOUNCED, State.UNKNOWN, State.DEAD}),
    State.UNKNOWN: frozenset(
        {State.SENT, State.QUEUED, State.DEFERRED, State.DELIVERED, State.BOUNCED, State.COMPLAINED, State.DEAD}
    ),
    State.SENT: frozenset({State.DELIVERED, State.BOUNCED, State.COMPLAINED}),
    State.DELIVERED: frozenset({State.COMPLAINED, State.BOUNCED}),
    State.BOUNCED: frozenset(),
    State.COMPLAINED: frozenset(),
    State.DEAD: frozenset({State.QUEUED}),
    State.SKIPPED: frozenset(),
}
#: A worker may take these when their time has come.
WAITING = (State.QUEUED, State.DEFERRED)
#: These will change by themselves.
MOVING = (State.QUEUED, State.DEFERRED, State.SENDING)
#: An edition that ends so gives its plan week back: the week comes again in the next issue.
NEVER_ARRIVED = (State.BOUNCED, State.DEAD, State.SKIPPED)

#: Waits between attempts that the relay refused for now.
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240, 480, 720))
MOST_ATTEMPTS = len(BACK_OFF) + 1
#: Enhanced status codes (RFC 3463): x.1 addressing, x.2 mailbox, x.3 x.4 systems, x.5 protocol, x.6 content, x.7 policy
STATUS = re.compile(r"\b[245]\.(\d{1,3})\.(\d{1,3})\b")
PERMANENT, ADDRESSING, BAD_SENDER = 500, 1, 8
DISABLED, FULL, TOO_LARGE = (2, 1), (2, 2), (3, 4)
CONTENT = (5, 6)
#: How long to wait for a relay that does not answer at all.
RELAY_DOWN = timedelta(seconds=60)


class Outcome(StrEnum):
    """What became of one attempt to send."""

    ACCEPTED = "accepted"  # 250 after the final dot
    REFUSED_FOR_NOW = "refused-for-now"  # 4xx, or a drop before the final dot
    REFUSED = "refused"  # 5xx that speaks of this recipient's address
    CONTENT = "content-refused"  # 5xx that speaks of this mail: too large, malformed
    POLICY = "policy"  # 5xx that speaks of us: sender, quota, reputation, authentication
    NO_RELAY = "no-relay"  # no connection, TLS or login: nothing was tried
    STOPPED = "stopped"  # a brake came on: nothing was tried
    NO_VERDICT = "no-verdict"  # the final dot was written and no answer came


#: What may still go to an address that has unsubscribed.
ASKED_FOR = {"confirm", "goodbye"}
#: What costs no attempt, and after how long it is looked at again. Whether a brake is still on is the brake's to say.
UNTRIED = {Outcome.NO_RELAY: RELAY_DOWN, Outcome.STOPPED: timedelta(seconds=1)}


@dataclass(frozen=True)
class Attempt:
    """An outcome with the relay's words (printable, without secrets)."""

    outcome: Outcome
    reply: str = ""


@dataclass(frozen=True)
class Step:
    """A decision: the next state, the word for why, and when to look again (UTC)."""

    state: State
    reason: str = ""
    next_at: datetime | None = None
    counts: bool = True  #: whether the attempt is spent


#: Whoever was sending did not come back within the lease: nobody knows whether the letter left.
AFTER_CRASH = Step(State.UNKNOWN, "crashed-while-sending")


def speaks_of_address(status: str) -> bool:
    """Whether an enhanced status code (RFC 3463) blames the address itself: only then is it suppressed."""
    found = STATUS.search(status)
    if not found:
        return False
    subject, detail = int(found[1]), int(found[2])
    return (subject == ADDRESSING and detail != BAD_SENDER) or (subject, detail) == DISABLED


def may_pass(status: str) -> bool:
    """Whether an enhanced status code speaks of a trouble that passes: 4.x.x, or a mailbox that is full."""
    found = STATUS.search(status)
    return found is not None and (found[0].startswith("4") or (int(found[1]), int(found[2])) == FULL)


def refusal(code: int, reply: str, *, at_recipient: bool) -> Outcome:
    """What a reply of 400 or more means. `at_recipient` is whether it answered RCPT.

    When a 5xx does not say what it speaks of, only an answer to RCPT is taken to mean the address: a quota that is
    spent, or a reputation that is bad, must never cost us our readers.
    """
    found = STATUS.search(reply)
    if code < PERMANENT or (found and (int(found[1]), int(found[2])) == FULL):
        return Outcome.REFUSED_FOR_NOW
    if found is None:
        return Outcome.REFUSED if at_recipient else Outcome.POLICY
    if speaks_of_address(reply):
        return Outcome.REFUSED
    of_content = int(found[1]) in CONTENT or (int(found[1]), int(found[2])) == TOO_LARGE
    return Outcome.CONTENT if of_content else Outcome.POLICY


def may_follow(before: State, after: State) -> bool:
    """Whether the table allows the change."""
    return after in TRANSITIONS[before]


def before_sending(kind: str, *, suppressed: str | None, subscriber: str | None, late: bool) -> str | None:
    """The word for why a due delivery must not be sent, or None.

    `suppressed` is the suppression's reason, `subscriber` the state of the person. Who unsubscribed may ask for a new
    confirmation, and gets one goodbye; a bounced or complaining address gets nothing.
    """
    # The last briefing of a plan may still wait when the plan is finished.
    if kind == "briefing" and subscriber not in {"active", "finished"}:
        return subscriber or "left"
    if kind == "goodbye" and subscriber != "left":
        return "came-back"
    if suppressed and not (kind in ASKED_FOR and suppressed == "unsubscribed"):
        return "suppressed"
    return "too-late" if late else None


def after(attempt: Attempt, attempts: int, now: datetime) -> Step:
    """What follows from an attempt; `attempts` counts those spent before this one."""
    if attempt.outcome is Outcome.ACCEPTED:
        return Step(State.SENT)
    if attempt.outcome in {Outcome.REFUSED, Outcome.CONTENT}:
        return Step(State.BOUNCED, attempt.outcome.value)
    if attempt.outcome is Outcome.NO_VERDICT:
        return Step(State.UNKNOWN, "no-verdict")
    if attempt.outcome in UNTRIED:
        return Step(State.DEFERRED, attempt.outcome.value, now + UNTRIED[attempt.outcome], counts=False)
    if attempts + 1 >= MOST_ATTEMPTS:
        return Step(State.DEAD, "attempts-spent")
    return Step(State.DEFERRED, attempt.outcome.value, now + BACK_OFF[attempts])


def next_window(size: int, took: timedelta, pace: timedelta, most: int) -> int:
    """How many letters to begin together after a window of `size` took so long: twice as many while the relay keeps
    the pace, else as many as it would have taken in it; one to `most`. A clock that went back counts as slow.
    """
    if timedelta() <= took <= pace:
        return min(2 * size, most)
    return max(1, int(size * pace / took)) if took > pace else 1


def settle_unknown(
    policy: str, since: datetime, patience: timedelta, resent: int, now: datetime, *, taken: bool
) -> Step | None:
    """What to do about an unknown delivery: with evidence it is sent; else once more, or left to the operator.

    `taken` is the evidence: the relay says that it took the letter.
    """
    if taken:
        return Step(State.SENT, "relay-says-so")
    if policy != "resend" or resent or now - since < patience:
        return None
    return Step(State.QUEUED, "resend-after-unknown", now)
