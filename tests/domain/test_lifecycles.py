import re
from itertools import product
from pathlib import Path

import pytest

from briefings.domain.lifecycles import FOLLOWED, PLAN, SUBSCRIBER, after
from briefings.errors import InputError

DRAWN = Path(__file__).parents[2] / "docs" / "lifecycles.md"
ARROW = re.compile(r"^    (\S+) --> (\S+): (.+)$", re.MULTILINE)
TABLES = {"Subscriber": SUBSCRIBER, "Plan": PLAN}


def arrows(title: str) -> set[tuple[str, str, str]]:
    """What the picture under a heading shows: (state, next state, act), without how things begin and are deleted."""
    section = DRAWN.read_text("utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    drawn = {(a, b, act.partition(" (")[0]) for a, b, act in ARROW.findall(section)}
    return {arrow for arrow in drawn if "[*]" not in arrow[:2]}


@pytest.mark.parametrize("title", TABLES)
def test_the_picture_shows_exactly_the_table(title):
    assert arrows(title) == {(state, following, act) for (state, act), following in TABLES[title].items()}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_an_act_that_the_table_does_not_have_is_refused_with_what_is_possible(table):
    states = {state for state, _ in table} | set(table.values())
    acts = {act for _, act in table}
    for state, act in product(states, acts):
        if (state, act) in table:
            assert after(table, state, act) == table[state, act]
        else:
            with pytest.raises(InputError, match="not open to you; load the page anew"):
                after(table, state, act)


@pytest.mark.parametrize(("table", "start"), [(SUBSCRIBER, "pending"), (PLAN, "proposed")])
def test_every_state_can_be_reached(table, start):
    reached = {start}
    for _ in table:
        reached |= {following for (state, _), following in table.items() if state in reached}
    assert reached == {state for state, _ in table} | set(table.values())


def test_a_plan_that_is_followed_can_be_replaced_by_another():
    assert {after(PLAN, state, "replace") for state in FOLLOWED} == {"replaced"}
