"""The few stand-ins of the tests: a clock that stands still, a bell that remembers, a fetcher that must not be used."""

from __future__ import annotations

from datetime import datetime, timedelta


class FakeClock:
    """Stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class Bell:
    """A doorbell that remembers who was rung; `depths` is what the broker would say of its queues."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.depths: dict[str, int] | None = {"poll": 0, "tag": 0, "compose": 0, "deliver": 2, "tidy": 0}
        self.words = ""  #: what it was told as a witness

    def ring(self, queue: str) -> bool:
        self.rung.append(queue)
        return True

    def depth(self) -> dict[str, int] | None:
        return self.depths

    def tell(self, words: str) -> bool:
        self.words = words
        return True

    def told(self) -> str:
        return self.words


class NoFetcher:
    """For tests in which nothing is fetched."""

    def fetch(self, url: str, **_: object) -> None:
        raise AssertionError(f"{url} was fetched")
