"""What a seed brings: how many workers and mails, and how often what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

MOST_PEOPLE = 6
#: How often something happens at a step where it can. Most seeds have few kinds of trouble, so that each kind is also
#: met by itself.
RATES = (0.0, 0.0, 0.02, 0.05, 0.12)
RELAY_RATES = (0.0, 0.1, 0.3)
DEPENDENCIES = ("database_away", "commit_fails", "answer_lost", "relay_down")


@dataclass(frozen=True)
class Weather:
    """The numbers of one run; rates are shares of the steps at which the thing is possible."""

    fair: bool  #: no trouble but the relay's clean refusals and people who leave
    people: int
    workers: int
    passes: int  #: of one worker, over all its lives
    steps: int  #: after so many, the trouble ends
    sticky: float
    window: int
    policy: str
    relay_remembers: bool  #: whether the relay can be asked afterwards what it took
    leaving: int  #: how often somebody leaves, or comes back
    notices: int  #: how often the provider tells us something
    broken: bool  #: whether one mail cannot be rendered
    crash: float
    stop: float
    sleep: float  #: a worker stands still, mostly for longer than its lease
    jump: float  #: the clock is put forward, or back
    skew: bool  #: each worker's machine has its own idea of the time
    database_away: float
    commit_fails: float
    answer_lost: float  #: a commit succeeds and its worker hears that it failed
    relay_down: float
    refuses: float  #: 550, 451, a policy, a drop before the final dot
    silent: float  #: no verdict after the final dot


def weather(random: Random) -> Weather:
    """The weather of a run: mostly foul, sometimes fair, sometimes sleepy."""
    foul = _foul(random)
    return random.choices((foul, _fair(foul), _sleepy(foul, random)), (5, 1, 2))[0]


def _foul(random: Random) -> Weather:
    return Weather(
        fair=False,
        people=random.randint(3, MOST_PEOPLE),
        workers=random.choice((2, 2, 3)),
        passes=random.randint(1, 3),
        steps=random.randint(25, 90),
        sticky=random.choice((0.0, 0.6, 0.8, 0.9)),
        window=random.choice((1, 2, 3, 3, 20)),
        policy=random.choice(("resend", "resend", "resend", "hold")),
        relay_remembers=random.random() < 1 / 4,
        leaving=random.choice((0, 0, 1, 3)),
        notices=random.choice((0, 0, 3)),
        broken=random.random() < 1 / 16,
        crash=random.choice(RATES),
        stop=random.choice(RATES),
        sleep=random.choice(RATES),
        jump=random.choice(RATES),
        skew=random.random() < 1 / 8,
        database_away=random.choice(RATES),
        commit_fails=random.choice(RATES),
        answer_lost=random.choice(RATES),
        relay_down=random.choice(RATES),
        refuses=random.choice(RELAY_RATES),
        silent=random.choice(RELAY_RATES),
    )


def _fair(foul: Weather) -> Weather:
    """What remains is the order of steps, the relay's clean refusals, and people who leave."""
    calm = dict.fromkeys(("crash", "stop", "sleep", "jump", *DEPENDENCIES, "silent"), 0.0)
    return replace(foul, fair=True, skew=False, **calm)


def _sleepy(foul: Weather, random: Random) -> Weather:
    """Workers that wake up after others have taken over, and whose attempts had failed."""
    awake = dict.fromkeys(("crash", "stop", *DEPENDENCIES), 0.0)
    asleep = {"workers": 3, "passes": 6, "steps": random.randint(70, 130), "people": random.randint(2, 3)}
    chances = {"sleep": 0.05, "refuses": 0.4, "policy": "resend", "sticky": 0.8}
    return replace(foul, **awake, **asleep, **chances)
