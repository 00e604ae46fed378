"""How many messages may go, in all and to a domain: token buckets, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
#: Stands for every domain that is not named.
ANY_DOMAIN = "*"
#: The clocks of two machines may differ by so much. A bucket further ahead was filled by a clock that was wrong.
MOST_SKEW = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
#: Moments are whole microseconds, so a token that is due now may lack a millionth.
WHOLE = 1 - 1e-6


@dataclass(frozen=True)
class Rate:
    """So many messages in so many seconds, and at most one second's worth (but one message) at once."""

    number: float
    seconds: int

    @property
    def per_second(self) -> float:
        """Messages per second."""
        return self.number / self.seconds

    @property
    def burst(self) -> float:
        """What a bucket holds at most."""
        return max(1.0, self.per_second)

    def time_for(self, tokens: float) -> timedelta:
        """How long it takes until there are so many tokens."""
        return SECOND * (max(tokens, 0.0) / self.per_second)


@dataclass(frozen=True)
class Rates:
    """What the operator allows: for all messages, and by recipient domain. Without any, it is false."""

    everywhere: tuple[Rate, ...] = ()
    domains: Mapping[str, Rate] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.domains)

    def of_all(self) -> dict[str, Rate]:
        """The buckets that each message takes from: key -> rate."""
        return {f"all/{rate.seconds}s": rate for rate in self.everywhere}

    def of(self, domain: str) -> dict[str, Rate]:
        """The buckets that a message to a domain takes from: key -> rate."""
        own = self.domains.get(domain) or self.domains.get(ANY_DOMAIN)
        return self.of_all() | ({f"domain {domain}": own} if own else {})


@dataclass(frozen=True)
class Bucket:
    """Tokens at a moment, and when the next message that finds none may come (UTC)."""

    tokens: float
    at: datetime
    line: datetime

    @classmethod
    def full(cls, rate: Rate, now: datetime) -> Bucket:
        """A bucket that nobody has taken from."""
        return cls(rate.burst, now, now)

    def filled(self, rate: Rate, now: datetime) -> Bucket:
        """What it holds now. A clock that goes back fills nothing, and fills nothing twice when it goes on."""
        if self.at - now > MOST_SKEW:
            return Bucket(min(self.tokens, rate.burst), now, now)
        elapsed = max(now - self.at, timedelta()).total_seconds()
        tokens = min(rate.burst, self.tokens + elapsed * rate.per_second)
        return replace(self, tokens=tokens, at=max(self.at, now))

    def ready_at(self, rate: Rate, now: datetime) -> datetime:
        """When it will have a token; `now` when it has one."""
        return now + rate.time_for(1 - self.tokens)

    def queued(self, rate: Rate, now: datetime) -> Bucket:
        """With one more in its line. Each in the line has a moment of its own, so that they do not all come at once."""
        return replace(self, line=max(self.line, self.ready_at(rate, now)) + rate.time_for(1))


def take(
    buckets: Mapping[str, Bucket], asked: Sequence[Mapping[str, Rate]], now: datetime
) -> tuple[dict[str, Bucket], list[datetime | None]]:
    """Take a token for each message out of all its buckets, or none of them.

    `asked` says of each message its buckets, with their rates. Returns the buckets, and of each message None when it
    may go, else when it is to come again (UTC, whole seconds, so that a few come together). How many may go does not
    depend on the order.
    """
    rates = {key: rate for wanted in asked for key, rate in wanted.items()}
    kept = {key: (buckets.get(key) or Bucket.full(rate, now)).filled(rate, now) for key, rate in rates.items()}
    waits: list[datetime | None] = []
    for wanted in asked:
        short = {key: rate for key, rate in wanted.items() if kept[key].tokens < WHOLE}
        if short:
            places = [max(kept[key].line, kept[key].ready_at(rate, now)) for key, rate in short.items()]
            kept |= {key: kept[key].queued(rate, now) for key, rate in short.items()}
            waits.append(_whole_second(max(places)))
        else:
            kept |= {key: replace(kept[key], tokens=kept[key].tokens - 1) for key in wanted}
            waits.append(None)
    return kept, waits


def room(buckets: Mapping[str, Bucket], rates: Mapping[str, Rate], now: datetime) -> tuple[int, datetime]:
    """How many messages all of some buckets have tokens for, and when they have one (UTC)."""
    filled = {key: (buckets.get(key) or Bucket.full(rate, now)).filled(rate, now) for key, rate in rates.items()}
    ready = [bucket.ready_at(rates[key], now) for key, bucket in filled.items()]
    return int(min(bucket.tokens for bucket in filled.values()) + 1 - WHOLE), max(ready)


def read_rate(words: str) -> Rate:
    """A rate from words such as `100/s` or `20000/h`. Raises ValueError."""
    number, _, unit = words.strip().partition("/")
    value = float(number)
    if unit not in UNITS or not 0 < value <= 1e9:  # noqa: PLR2004 - no relay is as quick
        raise ValueError(words)
    return Rate(value, UNITS[unit])


def read_rates(words: str) -> tuple[Rate, ...]:
    """Rates from words such as `100/s, 20000/h`: one a unit. Raises ValueError."""
    rates = tuple(read_rate(one) for one in words.split(",") if one.strip())
    if len({rate.seconds for rate in rates}) != len(rates):
        raise ValueError(words)
    return rates


def read_domain_rates(words: str) -> dict[str, Rate]:
    """Rates by domain from words such as `gmail.com=20/s, *=5/s`. Raises ValueError."""
    pairs = (one.partition("=") for one in words.split(",") if one.strip())
    rates = {domain.strip().lower(): read_rate(rate) for domain, _, rate in pairs}
    if "" in rates:
        raise ValueError(words)
    return rates


def _whole_second(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + SECOND
