"""What a briefing says in the same words in text and in HTML, and what a reader's ticks are told as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from briefings.domain.wording import listed, spoken_minutes

if TYPE_CHECKING:
    from briefings.domain.editions import Edition, Pattern

HEADINGS: dict[Pattern, str] = {
    "start": "How your twelve weeks work",
    "checkpoint": "Checkpoint",
    "last": "Your portfolio",
}
WORDS: dict[Pattern, str] = {
    "start": (
        "Each briefing brings what fits into your {hours} h: tasks, one tool, one skill, and the news that touches "
        "them. Tick what is done. Pause when life is full: the week number waits for you."
    ),
    "checkpoint": (
        "This week closes a part of your plan. First open the plan, tick what is done, and compare it with week 1. If "
        "the pace does not suit you, change it there: the coming weeks are made anew."
    ),
    "last": (
        "Show what you built. One more mail then sums up your tasks and asks what comes next. A portfolio for "
        "{specialization} can hold:"
    ),
}
QUESTIONS: dict[Pattern, str] = {
    "start": "What do you want to be able to do by week 12?",
    "checkpoint": "What surprised you so far?",
    "last": "What should your next weeks be about?",
    "field": "What did we miss in your field?",
}
BEYOND = "Beyond your {} h, for when there is time:"


def heading(edition: Edition) -> str:
    """What stands over the words of a week of a kind of its own, or ""."""
    return HEADINGS.get(edition.pattern, "")


def kind_words(edition: Edition) -> str:
    """What a week of a kind of its own says of itself, or ""."""
    return WORDS.get(edition.pattern, "").format(hours=edition.hours, specialization=edition.specialization)


def question(edition: Edition) -> str:
    """What the editors ask at the end."""
    return QUESTIONS.get(edition.pattern, "What got in your way this week?")


def budget(edition: Edition) -> str:
    """`3 h 20 of your 4 h, reading included`."""
    return f"{spoken_minutes(edition.minutes)} of your {edition.hours} h, reading included"


def more(edition: Edition) -> str:
    """What the plan page has besides the tasks of the mail, or ""."""
    if not edition.more_tasks:
        return ""
    others = edition.more_tasks - bool(edition.then)
    counted = f"{others} more {'task' if others == 1 else 'tasks'}" if others else ""
    return f"Then: {' and '.join(filter(None, (edition.then, counted)))}, on your plan page."


def found(edition: Edition) -> str:
    """How much was read, and how little of it is the reader's."""
    kept = len(edition.stories)
    matter = {0: "none matters to you this week", 1: "1 matters to you"}.get(kept, f"{kept} matter to you")
    return f"We read {edition.items_read} items from {edition.feeds_read} sources; {matter}."


def skills(edition: Edition) -> str:
    """Which skills a week touches besides the one that it practises, or ""."""
    return f"The week also touches {listed(edition.skills[1:])}." if edition.skills[1:] else ""


def moved(edition: Edition) -> str:
    """Which skills moved: `items against a four-week mean: Evals up (12, mean 6); Prompting down (2, mean 8).`"""
    said = [f"{move.skill} {'up' if move.is_up else 'down'} ({move.items}, mean {move.mean})" for move in edition.pulse]
    return f"items against a four-week mean: {'; '.join(said)}." if said else ""


def beyond(edition: Edition, place: int) -> str:
    """What stands over the first of the stories for which the reader's hours have no room; else ""."""
    first = next((at for at, story in enumerate(edition.stories) if story.beyond), None)
    return BEYOND.format(edition.hours) if place == first else ""


def last_week(ticks: int) -> str:
    """What a reader ticked in the last seven days, without a word of blame."""
    if not ticks:
        return "No ticks, and nothing is lost: your tasks wait on the plan page."
    return f"You ticked {ticks} {'task' if ticks == 1 else 'tasks'}. What is open waits on your plan page."
