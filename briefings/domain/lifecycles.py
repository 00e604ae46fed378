"""What may become of a subscriber and of a plan: two tables, which docs/lifecycles.md draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: (state, act) -> next state.
SUBSCRIBER: Mapping[tuple[str, str], str] = {
    ("pending", "confirm"): "active",
    ("active", "confirm"): "active",
    ("paused", "confirm"): "active",
    ("finished", "confirm"): "active",
    ("left", "confirm"): "active",
    ("active", "pause"): "paused",
    ("paused", "resume"): "active",
    ("active", "finish"): "finished",
    ("finished", "follow the field"): "active",
    ("active", "leave"): "left",
    ("paused", "leave"): "left",
    ("finished", "leave"): "left",
    ("pending", "leave"): "left",
    ("left", "come back"): "active",
    ("left", "come back paused"): "paused",
    ("left", "come back finished"): "finished",
}
PLAN: Mapping[tuple[str, str], str] = {
    ("proposed", "confirm"): "current",
    ("proposed", "replace"): "replaced",
    ("current", "replace"): "replaced",
    ("field", "replace"): "replaced",
    ("current", "finish"): "finished",
    ("finished", "follow the field"): "field",
}
#: Plans that bring their person an edition.
FOLLOWED = ("current", "field")


def after(table: Mapping[tuple[str, str], str], state: str, act: str) -> str:
    """The state that an act leads to. Raises InputError when the act is not open in this state."""
    if (state, act) not in table:
        raise InputError(f"It is {state} now, so “{act}” is not open to you; load the page anew to see what is")
    return table[state, act]
