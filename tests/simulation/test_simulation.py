"""Thousands of histories of workers that crash, sleep and are lied to; each keeps every promise, or is printed.

SIMULATION_RUNS=50000 looks at more of them; SIMULATION_FROM=50000 begins with another seed; SIMULATION_SEED=43 replays
one.
"""

from __future__ import annotations

import os

import pytest

from simulation import mutants
from simulation.world import run

SEED = os.environ.get("SIMULATION_SEED")
FIRST, RUNS = int(os.environ.get("SIMULATION_FROM", "0")), int(os.environ.get("SIMULATION_RUNS", "2000"))
TROUBLE = {
    "CRASH",
    "STOPPED",
    "stands still for inf steps",
    "the clock is put by -3600 seconds",
    "the database is away",
    "the commit fails",
    "the commit's answer is lost",
    "the relay is down",
    "the relay thinks",
}
#: A mistake is found within so many seeds.
MOST_FOR_A_MUTANT = 400

unless_replayed = pytest.mark.skipif(SEED is not None, reason="a seed is replayed")


def test_no_history_breaks_a_promise(beginning):
    for seed in [int(SEED)] if SEED else range(FIRST, FIRST + RUNS):
        told = run(beginning, seed)
        if told.broken:
            pytest.fail(told.story(), pytrace=False)


@unless_replayed
@pytest.mark.parametrize("mutant", mutants.ALL, ids=lambda mutant: mutant.__name__)
def test_a_mistake_in_delivering_is_found(beginning, mutant):
    with mutant():
        assert any(run(beginning, seed).broken for seed in range(MOST_FOR_A_MUTANT))


@unless_replayed
def test_the_histories_know_every_kind_of_trouble(beginning):
    met = {what for seed in range(120) for _, _, _, what in run(beginning, seed).trace}
    assert TROUBLE - met == set()


@unless_replayed
def test_a_seed_is_one_history(beginning):
    first, second = ([run(beginning, seed).story() for seed in range(20)] for _ in range(2))
    assert first == second


@unless_replayed
def test_a_history_that_breaks_a_promise_tells_its_steps_and_how_to_replay_it(beginning):
    with mutants.no_verdict_is_taken_for_sent():
        told = next(told for told in (run(beginning, seed) for seed in range(MOST_FOR_A_MUTANT)) if told.broken)
    assert "it is sent, and the relay never took it" in told.story()
    assert ": no-verdict\n" in told.story()
    assert f"SIMULATION_SEED={told.seed} python -m pytest tests/simulation" in told.story()
