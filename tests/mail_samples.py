"""Sample mails, as real as the catalogue makes them, and as hostile as a feed can be."""

from __future__ import annotations

from dataclasses import replace

from briefings.domain.catalogue import PLAN_WEEKS, Reading, Task, Tool
from briefings.domain.digests import digest
from briefings.domain.editions import Edition, EditionStory
from briefings.domain.ledger import Ledger
from briefings.domain.mails import BriefingMail, ConfirmMail, DigestMail, GoodbyeMail, WelcomeMail
from briefings.domain.pulse import Move

ADDRESS = "Weekly Briefing, 12 Harbour Row, Bristol BS1 4RB, United Kingdom"
HOSTILE = """<script>alert('x')</script> {{7*7}} {% raw %} "quoted" & 'single' </style></title><b onclick="x">"""
RTL = "إطلاق نموذج جديد لتوليد النصوص العربية"


def confirm_mail() -> ConfirmMail:
    return ConfirmMail(
        sender_name="Weekly Briefing",
        confirm_url="https://briefings.example/confirm/q7Zk3vYtR0WmB2",
        specialization="MLOps & AI Infrastructure",
        days_valid=7,
        sender_address=ADDRESS,
    )


def welcome_mail() -> WelcomeMail:
    return WelcomeMail(
        sender_name="Weekly Briefing",
        specialization="MLOps & AI Infrastructure",
        promise=(
            "After 12 weeks you run one model service end to end, from a one-command training pipeline to a "
            "monitored, autoscaled and priced endpoint, and you have the measurements to prove each improvement."
        ),
        remark=(
            "This plan is written for 5 h a week, and so is what it promises. In 2 h you do 25 of its 46 tasks: those "
            "that the others build on."
        ),
        first_briefing="Monday 30 November, 07:00 (Europe/Berlin)",
        first_week="Measure before you change",
        weeks=("Measure before you change", "An image you can rebuild and trust", "Declared, repeatable deployments"),
        plan_url="https://briefings.example/plan/h5TnX8cJ",
        unsubscribe_url="https://briefings.example/u/Qm41sLx9",
        sender_address=ADDRESS,
    )


def goodbye_mail() -> GoodbyeMail:
    return GoodbyeMail(
        sender_name="Weekly Briefing",
        specialization="MLOps & AI Infrastructure",
        days_kept=30,
        undo_url="https://briefings.example/u/Qm41sLx9",
        sender_address=ADDRESS,
    )


def digest_mail() -> DigestMail:
    deliveries = {"sent": {"": 7}, "bounced": {"refused": 2}, "queued": {"": 1}}
    ledger = Ledger("2026-W48", True, 13, 10, {"paused": 1, "odd": 1}, deliveries)
    return DigestMail(
        sender_name="Weekly Briefing",
        issue="2026-W48",
        digest=digest(ledger, 3, 1),
        items_read=312,
        feeds_read=41,
        console_url="https://briefings.example/console",
        sender_address=ADDRESS,
    )


def briefing_mail(edition: Edition | None = None) -> BriefingMail:
    return BriefingMail(
        edition=edition or full_edition(),
        plan_url="https://briefings.example/plan/h5TnX8cJ",
        settings_url="https://briefings.example/plan/h5TnX8cJ#settings",
        last_week="You ticked 2 tasks. What is open waits on your plan page.",
        web_url="https://briefings.example/b/2026-W48/k2PfV7",
        unsubscribe_url="https://briefings.example/u/Qm41sLx9",
        confirmed="26 October 2026",
        reply_to="editors@briefings.example",
        sender_name="Weekly Briefing",
        sender_address=ADDRESS,
    )


def full_edition() -> Edition:
    """Three tasks and more, five stories, a note: as long as an edition gets."""
    return Edition(
        issue="2026-W48",
        week=5,
        weeks=12,
        subject="Week 5 of 12: raise tokens per GPU hour",
        preheader="5 changes touch your plan. 3 h 20 of your 4 h.",
        opening=(
            "You are in week 5 of 12. This week: Sweep batch size and context on one card; Turn on prefix caching "
            "and measure it. Adopt vLLM; practise Inference optimisation."
        ),
        specialization="MLOps & AI Infrastructure",
        theme="Get more from the same card",
        goal="You serve at least 1.5 times the tokens per GPU hour of week 4 at the same p95 latency, and can say why.",
        tasks=_tasks(),
        more_tasks=2,
        then="Write down what the cache costs (25 min)",
        minutes=200,
        hours=4,
        tool=Tool(
            name="vLLM",
            why=(
                "Its metrics show what continuous batching and the KV cache are really doing, so each flag you "
                "change has a number beside it."
            ),
            alternative="SGLang, the better choice when most of your requests share a long prefix.",
            cost="Free, Apache 2.0; a rented 24 GB card is roughly one US dollar for the hour.",
            skip_when="Skip it if your company has settled on another engine that reports cache use by request.",
        ),
        skills=("Inference optimisation", "KV cache", "Technical writing"),
        stories=_stories(),
        items_read=312,
        feeds_read=41,
        note=(
            "Two engines changed their defaults in the same week. If your numbers moved and you changed nothing, "
            "look at the cache size before you look at your code."
        ),
        editor="Eda Larsen",
        pulse=(Move("KV cache", 23, 11), Move("GPU scheduling", 3, 8)),
        reading=(Reading("vLLM documentation", "https://docs.example/vllm", 15),),
    )


def quiet_edition() -> Edition:
    """A week without news for this reader, and without a note."""
    return replace(
        full_edition(),
        preheader="A quiet week in your field. 3 h 20 of your 4 h.",
        stories=(),
        note="",
        editor="",
        pulse=(),
        more_tasks=0,
        then="",
    )


def edition_of(week: int) -> Edition:
    """The fullest edition as one of another week."""
    portfolio = ("A cost sheet with its assumptions", "A recording of one failure") if week == PLAN_WEEKS else ()
    return replace(
        full_edition(), week=week, subject=f"Week {week} of 12: raise tokens per GPU hour", portfolio=portfolio
    )


def crowded_edition() -> Edition:
    """An hour that the tasks fill: the last stories lie beyond it."""
    edition = full_edition()
    stories = tuple(replace(story, beyond=place >= 3) for place, story in enumerate(edition.stories))
    return replace(edition, stories=stories)


def field_edition() -> Edition:
    """A week of somebody who has finished the plan."""
    return replace(
        full_edition(),
        week=14,
        subject="Your field this week: read 5 stories",
        preheader="We read 312 items from 41 sources and kept 5 for you.",
        opening="This week in MLOps & AI Infrastructure: 5 stories. First: vLLM 0.14 sizes the KV cache by itself.",
        theme="Your field this week",
        goal="",
        tasks=(),
        more_tasks=0,
        then="",
        reading=(),
        tool=None,
        skills=(),
        note="",
        editor="",
    )


def edition_without_links() -> Edition:
    """Stories whose feeds gave no address, or one that must not be followed."""
    edition = full_edition()
    bad = ("", "javascript:alert(1)", "data:text/html,x", "", "")
    return replace(
        edition, stories=tuple(replace(story, url=url) for story, url in zip(edition.stories, bad, strict=True))
    )


def hostile_edition() -> Edition:
    """Every text that comes from outside tries to be markup, a template or too long."""
    edition = full_edition()
    story = replace(
        edition.stories[0],
        title=HOSTILE,
        summary=HOSTILE * 8,
        source=HOSTILE,
        url='https://news.example/?q="><script>alert(1)</script>&a=1',
        reasons=(f"it speaks of “{HOSTILE}”",),
        also=(HOSTILE,),
    )
    long = replace(edition.stories[1], title="Unbreakable" * 28, summary="x" * 1000)
    arabic = replace(edition.stories[2], title=RTL, summary=f"{RTL}. " * 4)
    return replace(edition, stories=(story, long, arabic), note=HOSTILE, subject=f"{HOSTILE}\r\nBcc: all@x.example")


def _tasks() -> tuple[Task, ...]:
    return (
        Task(
            skills=("inference-optimization",),
            artefact="A file in the repository",
            id="mlops-05-sweep",
            title="Sweep batch size and context on one card",
            minutes=75,
            done_when="sweep.csv holds tokens per second and p95 latency for at least nine settings, three runs each.",
            first_step="Copy last week's load test and add a column for the number of sequences at once.",
        ),
        Task(
            skills=("inference-optimization",),
            artefact="A file in the repository",
            id="mlops-05-prefix",
            title="Turn on prefix caching and measure it",
            minutes=60,
            done_when="One chart shows time to first token with and without the cache on your own prompts.",
            first_step="Find the longest system prompt that your service sends and count its tokens.",
        ),
        Task(
            skills=("inference-optimization",),
            artefact="A file in the repository",
            id="mlops-05-note",
            title="Write the half-page that defends the setting",
            minutes=40,
            done_when="A colleague who was not there can say which setting you chose and what it costs.",
            first_step="Write one sentence: we chose this because.",
        ),
    )


def _stories() -> tuple[EditionStory, ...]:
    return (
        _story(
            1,
            title="vLLM 0.14 sizes the KV cache by itself",
            summary=(
                "The new release measures free memory after warm-up and gives the rest to the cache. The old flag "
                "still works, and now prints how much room it leaves unused."
            ),
            source="Inference Notes",
            reasons=(
                "week 5 of your plan builds Inference optimisation",
                "it speaks of “KV cache” and “continuous batching”",
                "3 sources report it",
            ),
            also=("The Daily Circuit", "Release Lane"),
        ),
        _story(
            2,
            title="Prefix caching across replicas, without a shared store",
            summary=(
                "A router that sends a prompt to the replica which already knows its beginning saved a third of the "
                "prefill work in the authors' traces. They publish the traces and the code."
            ),
            source="Grounded",
            reasons=("your tasks of week 5 need KV cache", "it speaks of “prefix caching”"),
        ),
        _story(
            3,
            title="What 40 teams pay for a million tokens",
            summary=(
                "A survey of self-hosted services finds a factor of nine between the cheapest and the dearest, and "
                "most of it is idle time, not hardware."
            ),
            source="The Safety Ledger",
            reasons=("AI cost optimisation is part of MLOps & AI Infrastructure", "it speaks of “cost per token”"),
        ),
        _story(
            4,
            title="Kubernetes learns to share one GPU between pods fairly",
            summary="Dynamic allocation leaves beta, with quotas by fraction and by time.",
            source="Pipelines and Priors",
            reasons=("the weeks around week 5 build GPU scheduling",),
            also=("Release Lane",),
        ),
        _story(
            5,
            title="A field guide to load tests that lie",
            summary=(
                "Closed-loop clients hide queueing, warm caches flatter the second run, and averages hide the rest. "
                "The guide shows each with numbers, and the remedy."
            ),
            source="Second Draft",
            reasons=("our editor thinks that everybody should see it",),
        ),
    )


def _story(
    number: int, *, title: str, summary: str, source: str, reasons: tuple[str, ...], also: tuple[str, ...] = ()
) -> EditionStory:
    return EditionStory(
        story=number,
        item=100 + number,
        title=title,
        summary=summary,
        url=f"https://news.example/{number}?from=feed&part=2",
        source=source,
        published=f"{16 + number} Nov",
        rung="focus",
        reasons=reasons,
        skills=("Inference optimisation",),
        also=also,
        minutes=1,
    )
