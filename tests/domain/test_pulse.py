from dataclasses import replace

from briefings.domain.pulse import Move, moves

NAMES = {"evals": "Evals", "rag": "RAG"}
QUIET = {"evals": 8, "rag": 8, "other": 100}


def weeks(**now):
    return [QUIET | now, QUIET, QUIET, QUIET, QUIET]


def test_a_skill_that_moved_against_its_four_week_mean_is_told_with_both_figures():
    assert moves(weeks(evals=20), ("evals", "rag"), NAMES) == (Move("Evals", 20, 8),)
    down = moves(weeks(rag=1), ("evals", "rag"), NAMES)
    assert (down, down[0].is_up) == ((Move("RAG", 1, 8),), False)


def test_the_strongest_moves_come_first_and_there_are_three_at_most():
    now = dict.fromkeys("abcd", 8) | {"a": 20, "b": 40, "c": 30, "d": 25}
    before = dict.fromkeys("abcd", 8) | {"other": 500}
    told = moves([now | {"other": 500}, *[before] * 4], "abcd", {})
    assert [move.skill for move in told] == ["b", "c", "d"]


def test_when_everything_grows_because_feeds_were_added_nothing_has_moved():
    assert moves(weeks(evals=16, rag=16, other=200), ("evals", "rag"), NAMES) == ()


def test_few_items_and_young_installations_say_nothing():
    assert moves([{"evals": 4, "x": 50}, *[{"evals": 1, "x": 50}] * 4], ("evals",), NAMES) == ()
    assert moves(weeks(evals=20)[:4], ("evals",), NAMES) == ()
    assert moves([*weeks(evals=20)[:4], {}], ("evals",), NAMES) == ()


def test_a_move_is_up_or_down():
    assert Move("Evals", 9, 3).is_up
    assert not replace(Move("Evals", 9, 3), items=1).is_up
