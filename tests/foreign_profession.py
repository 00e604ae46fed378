"""A small profession that has nothing to do with AI engineers, as a training company would write it: files only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SKILLS = """
[[skills]]
id = "ambient-documentation"
name = "Ambient documentation"
kind = "tool"
aliases = ["ambient documentation", "ambient scribe"]

[[skills]]
id = "medication-safety"
name = "Medication safety"
kind = "technical"
aliases = ["medication error", "medication safety"]

[[skills]]
id = "handover"
name = "Handover"
kind = "human"
aliases = ["shift handover"]
"""
FEEDS = """
[[feeds]]
url = "https://ward.example/rss"
title = "Ward News"
topics = ["ward-nursing"]
authority = 0.7
"""
TASKS = """
[[tasks]]
id = "shared-tell-the-ward"
title = "Tell the ward at the shift change"
minutes = 10
done_when = "Two colleagues name one change each"
first_step = "Ask the ward manager for two minutes"
skills = ["handover"]
artefact = "A line in the handover book"
"""
ASSESSMENT = """
[assessment]
risk = "low"
why = "Care happens at the bed. {who} decides there."
summary = "{who} keeps the judgement and loses paperwork."
automating = ["Charting", "Rosters", "Stock lists", "Reminders", "Discharge letters"]
augmenting = ["Triage", "Dosage checks", "Fall risk", "Translation", "Wound images"]
next_two_years = "{who} reviews drafts."
three_to_five_years = "{who} supervises monitors."
positioning = "Be the one who checks."
portfolio = ["An audit of ten charts"]
learn = [
  {{ group = "ai-tools", skill = "ambient-documentation", why = "It drafts the chart." }},
  {{ group = "technical", skill = "medication-safety", why = "Errors still kill." }},
  {{ group = "human", skill = "handover", why = "Most harm starts there." }},
]
opportunities = [
  {{ title = "Clinical AI lead", why = "Owns the pilots." }},
  {{ title = "Safety nurse", why = "Audits the drafts." }},
  {{ title = "Informatics nurse", why = "Speaks both languages." }},
]
"""
ROLE = 'id = "nurse"\nname = "Nurse"\ncategory = "Care"\nspecializations = ["ward-nursing"]\n'
WEEK = """
[[plan.weeks]]
week = {0}
theme = "Charts, part {0}"
headline = "check ten charts"
goal = "Ten charts of part {0} are checked"
focus_skills = ["ambient-documentation", "medication-safety"]
[plan.weeks.tool]
name = "Ambient scribe"
skill = "ambient-documentation"
why = "It drafts part {0}."
alternative = "Dictation"
cost = "Per seat"
skip_when = "Skip where recording is forbidden."
[[plan.weeks.tasks]]
id = "ward-{0}-charts"
title = "Compare ten charts, part {0}"
minutes = 45
done_when = "Ten rows of part {0} exist"
first_step = "Pick ten charts"
skills = ["ambient-documentation"]
artefact = "A table"
[[plan.weeks.tasks]]
id = "ward-{0}-doses"
title = "Count wrong doses, part {0}"
minutes = 30
done_when = "A count stands in table {0}"
first_step = "Open the drug chart"
skills = ["medication-safety"]
artefact = "A count"
[[plan.weeks.tasks]]
id = "ward-{0}-tell"
title = "Tell one doctor, part {0}"
minutes = 15
done_when = "The answer is noted, part {0}"
first_step = "Choose the doctor"
skills = ["handover"]
artefact = "A note"
"""
SHARED = '\n[[plan.weeks.tasks]]\nuse = "shared-tell-the-ward"\n'


def write(folder: Path) -> Path:
    """Write the catalogue into a folder, and return it."""
    nurse = folder / "roles" / "nurse"
    nurse.mkdir(parents=True)
    spec = 'id = "ward-nursing"\nname = "Ward Nursing"\ncore_skills = ["ambient-documentation", "medication-safety"]\n'
    plan = '\n[plan]\npromise = "After twelve weeks you audit drafts"\nhours = 2\n'
    weeks = "".join(WEEK.format(number) for number in range(1, 13)) + SHARED
    (folder / "skills.toml").write_text(SKILLS)
    (folder / "feeds.toml").write_text(FEEDS)
    (folder / "tasks.toml").write_text(TASKS)
    (nurse / "role.toml").write_text(ROLE + ASSESSMENT.format(who="A nurse"))
    (nurse / "ward-nursing.toml").write_text(spec + ASSESSMENT.format(who="A ward nurse") + plan + weeks)
    return folder
