"""How a feed is, in words, and the one thing to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from briefings.domain.feeds import FeedFacts, Rhythm

#: Silent is a feed that missed this many of its usual gaps, and for no less than a week.
MISSED_GAPS, SHORTEST_SILENCE = 5, timedelta(days=7)
#: Some publishers answer 404 for hours and then recover, so nobody is bothered before this.
PATIENCE = timedelta(days=2)

ASK_AGAIN = ""
FIND = "find the feed's present address: briefings feeds test URL"
LOOK = "look at the site; retire it if it has ended"
#: What a problem says -> what to do about it; the first that fits.
REMEDIES = {
    "Not asked": ASK_AGAIN,
    "HTML instead of a feed": FIND,
    "neither RSS, Atom nor JSON Feed": FIND,
    "could not be found": FIND,
    "404 Not Found": FIND,
    "401 Unauthorized": "open it in a browser: if it wants a password, retire it",
    "403 Forbidden": "open it in a browser: if it shows there, a firewall blocks us, so ask the publisher to admit us",
    "sent more than": "look for a shorter feed of the same site: briefings feeds test URL",
    "could not be stored": "read the log: it names what cannot be stored",
}
#: Problems that heal by themselves often enough to wait for it.
PASSING = ("404 Not Found", "403 Forbidden", "could not be found")


@dataclass(frozen=True)
class Health:
    """How a feed is; `action` is empty when there is nothing to do."""

    words: str
    action: str = ""


def health(facts: FeedFacts, rhythm: Rhythm, now: datetime) -> Health:
    """The health of a feed at `now` (UTC): what is most wrong with it, or how often it posts."""
    if facts.retired:
        return Health(facts.problem or "retired")
    if facts.problem:
        return _troubled(facts, now)
    if facts.read_at is None:
        return Health("never read yet")
    if facts.moved_to:
        return Health(f"moved to {facts.moved_to}", "accept the new address")
    silent = _silence(rhythm, now)
    words = _pace(rhythm, now, silent)
    if facts.identity == "link":
        words += "; its ids change, so its items are told apart by their links"
    return Health(words, LOOK if silent else "")


def span(time: timedelta) -> str:
    """A length of time in its largest fitting unit: `11 days`, `1 hour`, `40 minutes`."""
    for unit, size in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if time >= size:
            return _counted(round(time / size), unit)
    return _counted(max(1, round(time / timedelta(minutes=1))), "minute")


def _troubled(facts: FeedFacts, now: datetime) -> Health:
    problem = facts.problem.partition(": ")[0]  # what follows says what to do, as the action does
    read = "never read yet" if facts.read_at is None else f"last read {span(now - facts.read_at)} ago"
    fits = (remedy for fragment, remedy in REMEDIES.items() if fragment in facts.problem)
    lasting = facts.read_at is None or now - facts.read_at >= PATIENCE
    waits = not lasting and any(fragment in facts.problem for fragment in PASSING)
    return Health(f"{problem}; {read}", ASK_AGAIN if waits else next(fits, LOOK if lasting else ASK_AGAIN))


def _silence(rhythm: Rhythm, now: datetime) -> timedelta | None:
    """How long nothing came, when that is longer than this feed's rhythm explains."""
    if rhythm.newest is None:
        return None
    patience = max(MISSED_GAPS * (rhythm.gap or timedelta()), SHORTEST_SILENCE)
    quiet = now - rhythm.newest
    return quiet if quiet > patience else None


def _pace(rhythm: Rhythm, now: datetime, silent: timedelta | None) -> str:
    if rhythm.newest is None:
        return "read, but nothing came yet"
    usual = f"posts every {span(rhythm.gap)}".replace("every 1 ", "every ") if rhythm.gap else "posts now and then"
    return f"{usual}, {f'silent for {span(silent)}' if silent else f'last {span(now - rhythm.newest)} ago'}"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
