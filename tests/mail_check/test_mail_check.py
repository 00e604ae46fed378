from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from mail_samples import briefing_mail, confirm_mail

from briefings.adapters.letters import write
from briefings.adapters.templates import Templates
from briefings.domain.mails import Sender, letter
from briefings.settings import ROOT
from mail_check.compatibility import SHARES, per_open, unsupported
from mail_check.gates import GATES, Gate, Outcome, each, has_failed, run
from mail_check.mutants import SIZE, raw
from mail_check.sent import Finding, Sent
from mail_check.states import absent, representative

QUICK = [gate for gate in GATES if not gate.is_dear]
SENDER = Sender("Weekly Briefing", "briefing@b.example", "account@b.example", "editors@b.example", "b.example")


def sent(mail, kind: str) -> Sent:
    made = letter(
        Templates(ROOT / "templates" / "email").render(mail),
        sender=SENDER,
        recipient="ana@readers.example",
        uid="q7Zk3vYt",
        dated=datetime(2026, 11, 23, 6, tzinfo=UTC),
        briefing=mail if kind == "briefing" else None,
    )
    return Sent(kind, kind, "ordinary", write(made))


@pytest.fixture(scope="module")
def mails() -> list[Sent]:
    return [sent(briefing_mail(), "briefing"), sent(confirm_mail(), "confirm")]


@pytest.mark.parametrize("gate", QUICK, ids=lambda gate: gate.name)
def test_a_quick_gate_lets_good_mails_pass_and_catches_each_mutant(gate, mails):
    seen = []
    outcome = run(gate, mails, lambda: seen.append(1))
    assert outcome.faults == []
    assert outcome.escaped == []
    assert outcome.verdict == "passed"
    assert len(gate.mutants) >= 1
    assert len(seen) == len(mails) + len(gate.mutants)


def test_every_gate_has_mutants():
    assert all(gate.mutants for gate in GATES)


def test_a_gate_that_finds_nothing_wrong_with_a_mutant_has_failed(mails):
    blind = Gate("blind", "nothing", each(lambda mail: Finding({})), SIZE)
    outcome = run(blind, mails, int)
    assert outcome.escaped == ["a mail that Gmail clips"]
    assert has_failed([outcome], require_all=False)


def test_a_mutant_that_is_the_mail_itself_is_refused(mails):
    with pytest.raises(ValueError, match="is the mail itself"):
        raw("nothing", b"no such words", b"", "").of(mails[0])


def test_a_gate_without_its_program_has_not_run_and_fails_when_all_are_required(mails):
    gate = replace(GATES[0], missing=lambda: "spamassassin (Debian)")
    outcome = run(gate, mails, int)
    assert outcome.verdict == "NOT RUN: spamassassin (Debian) is missing"
    assert not has_failed([outcome], require_all=False)
    assert has_failed([outcome], require_all=True)
    assert not has_failed([Outcome(GATES[0])], require_all=True)


def test_a_week_or_a_template_that_nobody_has_looked_at_is_named():
    every = [
        Sent(f"{world}, briefing, week-{week}.edge-ml", "briefing", "", b"")
        for world in ("news", "longest", "quiet")
        for week in range(1, 13)
    ]
    assert absent(every, ["edge-ml"], ["briefing"]) == []
    assert absent(every[1:], ["edge-ml"], ["briefing", "welcome"]) == ["welcome", "news, briefing, week-1.edge-ml"]


def test_the_longest_and_the_shortest_mail_stand_for_their_pattern(mails):
    long, short = mails
    middle = replace(sent(briefing_mail(replace(briefing_mail().edition, stories=())), "briefing"), name="middle")
    assert representative([middle, short, long]) == [long, short]
    assert representative([short, replace(short, pattern="another")]) == [short, replace(short, pattern="another")]


def test_what_is_missing_counts_by_the_share_of_the_programs_that_lack_it():
    grid = unsupported('<div style="display:grid">a</div>')["css-display-grid"]
    assert "outlook.windows" in grid
    assert "apple-mail.ios" not in grid
    assert per_open({"a": ("outlook.windows",), "b": ("outlook.windows", "yahoo.ios")}) == pytest.approx(0.245)
    assert sum(SHARES.values()) == 100


@pytest.mark.parametrize(
    "harmless",
    [
        "<style>@media (max-width:620px) { .frame { display:grid; width:calc(1px + 1rem) } }</style>",
        '<!--[if mso]><div style="display:grid">a</div><![endif]-->',
        "<p>display:grid &lt;progress&gt;</p>",
        '<td style="padding:8px; border-radius:4px; mso-padding-alt:0">a</td>',
        '<h2 style="margin:8px 0 0 0; color:#1f2933">a</h2>',
    ],
)
def test_what_only_adds_or_is_only_said_is_not_missed(harmless):
    assert unsupported(harmless) == {}
