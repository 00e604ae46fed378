"""Which promises a history breaks. Knows nothing of how delivering works; reads the journal and the rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from briefings.actions.braking import STOPPED
from briefings.domain.deliveries import NEVER_ARRIVED, State
from briefings.domain.invariants import begun_silently, is_fold
from simulation.journal import ACCEPTED, ATTEMPTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulation.journal import Entry, Journal, Row
    from simulation.weather import Weather

#: Events that say that the relay had the letter, or may have had it.
TRACES = {"sent", "delivered", "complained", "unknown"}
BOUNCE_MAIL = ("bounced", "bounced")
ARRIVED = {"sent", "delivered", "complained"}
#: Where a delivery may stand when nothing is under way any more.
SETTLED = {"sent", "delivered", "complained", "bounced", "unknown", "dead", "skipped"}


def broken_promises(journal: Journal, weather: Weather) -> list[str]:
    """In words, what must never be; empty when all is well."""
    rows = journal.rows()
    found = [f"there are {len(rows)} deliveries, not {weather.people}"] if len(rows) != weather.people else []
    found += [f"more than a window of {journal.window}: {words}" for words in journal.too_many]
    by_delivery = {row.id: [one for one in journal.entries if one.delivery_id == row.id] for row in rows}
    for row in rows:
        found += [f"delivery {row.id}: {words}" for words in _of_row(row, by_delivery[row.id])]
        found += [f"delivery {row.id}: {words}" for words in _of_history(by_delivery[row.id])]
        found += [f"delivery {row.id}: {words}" for words in _of_policy(row, by_delivery[row.id], weather)]
        if weather.fair:
            found += [f"delivery {row.id}: {words}" for words in _in_fair_weather(by_delivery[row.id])]
    found += ["sending was stopped, and the database was the newest" for one in journal.entries if one.what == STOPPED]
    return found + list(_after_leaving(journal.entries, {row.id: row.subscriber_id for row in rows}))


def _of_row(row: Row, history: Sequence[Entry]) -> Iterator[str]:
    kinds = tuple(one.what for one in history)
    if row.state not in SETTLED:
        yield f"it is {row.state} for ever"
    if not is_fold(row.state, kinds):
        yield f"it is {row.state}, and its events do not lead there"
    if begun_silently(kinds):
        yield "it was begun again, and the attempt before was neither a failure nor unknown"
    traced = {one.epoch for one in history if one.what in TRACES or (one.what, one.reason) == BOUNCE_MAIL}
    for epoch in {one.epoch for one in history if one.what == ACCEPTED} - traced:
        yield f"it left without a trace in epoch {epoch}, and is {row.state}"
    if row.state in ARRIVED and ACCEPTED not in kinds:
        yield f"it is {row.state}, and the relay never took it"
    if (row.week_number is None) != (State(row.state) in NEVER_ARRIVED):
        yield f"it is {row.state}, and the week of its edition is {row.week_number}"
    if (row.state, row.reason) == ("bounced", "refused") and not row.suppressed:
        yield "its address was refused for good and is not suppressed"


def _of_history(history: Sequence[Entry]) -> Iterator[str]:
    """Each committed `sending` allows one attempt; the next is begun only when that one failed, or is unknown."""
    seen: set[tuple[str, int | None]] = set()
    for one in history:
        if one.what == ATTEMPTED and ("sending", one.epoch) not in seen:
            yield f"content left before `sending` was committed, in epoch {one.epoch}"
        if one.what == ATTEMPTED and (ATTEMPTED, one.epoch) in seen:
            yield f"it was sent twice in epoch {one.epoch}"
        seen.add((one.what, one.epoch))
    for number, one in enumerate(history):
        if one.what == "sending":
            known = {before.epoch for before in history[:number] if before.what == "unknown"}
            copies = {copy.epoch for copy in history if copy.what == ACCEPTED} - {one.epoch}
            silent = {epoch for epoch in copies if epoch and epoch < (one.epoch or 0)} - known
            if silent:
                yield f"a silent duplicate: epoch {one.epoch} began, and epoch {silent} had never been unknown"


def _of_policy(row: Row, history: Sequence[Entry], weather: Weather) -> Iterator[str]:
    """An unknown outcome is sent again once, or never, as the operator has set."""
    resent = sum(one.reason == "resend-after-unknown" for one in history)
    allowed = int(weather.policy == "resend")
    if resent > allowed:
        yield f"it was sent again {resent} times after unknown outcomes, and {allowed} is allowed"
    if row.state == "unknown" and resent < allowed:
        yield "it is unknown and is never sent again"


def _in_fair_weather(history: Sequence[Entry]) -> Iterator[str]:
    kinds = Counter(one.what for one in history)
    if kinds["unknown"]:
        yield "it became unknown, and nothing had gone wrong"
    if kinds[ACCEPTED] > 1:
        yield "it was sent twice in fair weather"


def _after_leaving(entries: Sequence[Entry], person_of: dict[int, int]) -> Iterator[str]:
    left: set[int] = set()
    for one in entries:
        if one.what == "unsubscribed" and one.subscriber_id:
            left.add(one.subscriber_id)
        if one.what == "resubscribed" and one.subscriber_id:
            left.discard(one.subscriber_id)
        if one.what == "sending" and person_of.get(one.delivery_id or 0) in left:
            yield f"delivery {one.delivery_id} was begun after its reader had left"
