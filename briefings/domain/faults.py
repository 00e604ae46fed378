"""Which faults a relay of `briefings chaos` makes: drawn from a seed, so that the same seed brings the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Verb(StrEnum):
    """Where in the conversation a relay can misbehave."""

    CONNECT = "connect"
    EHLO = "EHLO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "dot"  # after the content's final dot


class Act(StrEnum):
    """What it can do instead of a good answer."""

    ANSWER = "answer"  # refuses, for now (4xx) or for good (5xx)
    DROP = "drop"  # closes the connection, nothing taken
    DROP_HALFWAY = "drop halfway"  # closes the connection while the content comes
    DROP_TAKEN = "drop but taken"  # takes the letter, and closes the connection without saying so
    MUTE = "mute"  # never answers, nothing taken
    MUTE_TAKEN = "mute but taken"  # takes the letter, and never says so
    TRICKLE = "trickle"  # takes the letter, and says so byte by byte
    DELAY = "delay"  # answers well, and late


@dataclass(frozen=True)
class Fault:
    """One misbehaviour. `reply` is the line of an ANSWER, `seconds` the length of a DELAY."""

    verb: Verb
    act: Act
    reply: str = ""
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        """In which group such faults are counted: the reply's code, or the act."""
        return self.reply[:3] or self.act.value


REPLIES = (
    "421 4.3.2 we are going down",
    "450 4.2.0 come back later",
    "451 4.7.1 greylisted",
    "452 4.2.2 mailbox full",
    "452 4.3.1 out of storage",
    "550 5.1.1 nobody of that name",
    "550 5.7.1 we do not like you",
    "550 no",
    "552 5.2.2 mailbox full",
    "552 5.3.4 too large",
    "554 5.7.1 looks like spam",
    "554 no",
)
#: How many of the connections, greetings and senders meet a fault: these come before anybody knows which letter it is.
RATES = {Verb.CONNECT: 0.10, Verb.EHLO: 0.06, Verb.MAIL: 0.05}
#: How many letters go through at the first try; the others meet one fault to three.
UNTOUCHED = 0.4
MOST_FAULTS = 3
LONGEST_DELAY = 0.6
#: What may happen to a letter whose recipient is known, each line as often as the next.
MENU = (
    (Verb.RCPT, Act.ANSWER),
    (Verb.RCPT, Act.DROP),
    (Verb.RCPT, Act.DELAY),
    (Verb.DATA, Act.ANSWER),
    (Verb.DATA, Act.DROP),
    (Verb.DATA, Act.DELAY),
    (Verb.DOT, Act.ANSWER),
    (Verb.DOT, Act.ANSWER),
    (Verb.DOT, Act.DROP),
    (Verb.DOT, Act.DROP_HALFWAY),
    (Verb.DOT, Act.DROP_TAKEN),
    (Verb.DOT, Act.DROP_TAKEN),
    (Verb.DOT, Act.MUTE),
    (Verb.DOT, Act.MUTE_TAKEN),
    (Verb.DOT, Act.TRICKLE),
    (Verb.DOT, Act.DELAY),
)


class Dice:
    """Chance from a seed: the same words give the same throws, on every machine and in every Python."""

    def __init__(self, *words: object) -> None:
        """`words` name the dice: a seed, and what is drawn with it."""
        self._name = "/".join(str(word) for word in words)
        self._throws = 0

    def fraction(self) -> float:
        """The next throw, from 0 up to (not including) 1."""
        self._throws += 1
        return int.from_bytes(sha256(f"{self._name}/{self._throws}".encode()).digest()[:6]) / 2**48

    def between(self, low: float, high: float) -> float:
        """A number of that range."""
        return low + self.fraction() * (high - low)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(self.fraction() * len(options))]


def of_letter(seed: int, recipient: str) -> tuple[Fault, ...]:
    """What the tries to hand over a recipient's letter meet, one after the other; the tries after them go well."""
    dice = Dice(seed, "letter", recipient)
    if dice.fraction() < UNTOUCHED:
        return ()
    return tuple(_drawn(dice, *dice.pick(MENU)) for _ in range(1 + int(dice.fraction() * MOST_FAULTS)))


def of_turn(seed: int, verb: Verb, number: int) -> Fault | None:
    """What the run's `number`-th connection, greeting or sender meets, or None when it goes well."""
    dice = Dice(seed, verb, number)
    if dice.fraction() >= RATES[verb]:
        return None
    return _drawn(dice, verb, dice.pick((Act.ANSWER, Act.ANSWER, Act.DROP, Act.DELAY)))


def _drawn(dice: Dice, verb: Verb, act: Act) -> Fault:
    reply = dice.pick(REPLIES) if act is Act.ANSWER else ""
    return Fault(verb, act, reply, dice.between(0.1, LONGEST_DELAY) if act is Act.DELAY else 0.0)
