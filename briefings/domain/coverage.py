"""Which week of a plan template builds which skill."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from briefings.domain.catalogue import Specialization

How = Literal["focus", "tool", "task"]


@dataclass(frozen=True)
class SkillCoverage:
    """A skill with the weeks that touch it: in focus, as the tool, or in a task only."""

    skill: str
    core: bool
    weeks: Mapping[int, How]
    minutes: int  #: of all tasks that build it, whatever their level


def coverage(spec: Specialization) -> list[SkillCoverage]:
    """A row for each core skill, also where it has no week, then the other skills that the plan touches."""
    how: dict[str, dict[int, How]] = defaultdict(dict)
    minutes: Counter[str] = Counter()
    for week in spec.plan.weeks:
        for task in week.tasks:
            minutes.update(dict.fromkeys(task.skills, task.minutes))
            for skill in task.skills:
                how[skill][week.week] = "task"
        if week.tool.skill:
            how[week.tool.skill][week.week] = "tool"
        for skill in week.focus_skills:
            how[skill][week.week] = "focus"
    others = sorted(how.keys() - set(spec.core_skills), key=lambda skill: (-minutes[skill], skill))
    return [
        SkillCoverage(skill, skill in spec.core_skills, how.get(skill, {}), minutes[skill])
        for skill in (*spec.core_skills, *others)
    ]
