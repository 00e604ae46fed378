from __future__ import annotations

import re
from dataclasses import asdict, fields, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from shutil import copytree, rmtree
from textwrap import fill
from typing import TYPE_CHECKING

import pytest
from jinja2 import TemplateError, UndefinedError
from mail_samples import (
    HOSTILE,
    RTL,
    briefing_mail,
    confirm_mail,
    crowded_edition,
    digest_mail,
    edition_of,
    edition_without_links,
    field_edition,
    full_edition,
    goodbye_mail,
    hostile_edition,
    quiet_edition,
    welcome_mail,
)

from briefings.adapters.templates import COLUMNS, FOLDERS, StyleSheet, Templates, because, listed, wrap
from briefings.domain.mails import BriefingMail
from briefings.errors import PermanentError
from briefings.store.issues import CONTENT

if TYPE_CHECKING:
    from briefings.domain.editions import EditionStory
    from briefings.domain.mails import ConfirmMail, WelcomeMail

FOLDER = Path(__file__).parents[2] / "templates" / "email"
SOURCES = sorted(FOLDER.rglob("*.html"))
MAILS = {
    "confirm": confirm_mail(),
    "welcome": welcome_mail(),
    "goodbye": goodbye_mail(),
    "digest": digest_mail(),
    "full": briefing_mail(),
    "quiet": briefing_mail(quiet_edition()),
    "week 1": briefing_mail(edition_of(1)),
    "checkpoint": briefing_mail(edition_of(8)),
    "week 12": briefing_mail(edition_of(12)),
    "crowded": briefing_mail(crowded_edition()),
    "field": briefing_mail(field_edition()),
    "without links": briefing_mail(edition_without_links()),
    "hostile": briefing_mail(hostile_edition()),
}
TARGET_BYTES = 40_000
MOST_STYLE_BYTES = 8_000
WEB_LINK = re.compile(r"https?://\S+")
EVERY_MAIL = pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)


class Page(HTMLParser):
    """What a mail program sees: tags with their attributes, and the words in each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.said: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.said.append((self.tags[-1][0], " ".join(data.split())))

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    def words(self) -> str:
        return " ".join(words for tag, words in self.said if tag not in {"style", "title"})


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(FOLDER)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return copytree(FOLDER, tmp_path / "email")


# ---------------------------------------------------------------- every mail


def test_every_folder_with_a_mail_belongs_to_a_context():
    assert sorted(FOLDERS.values()) == sorted(path.name for path in FOLDER.iterdir() if path.name != "_base")


@EVERY_MAIL
def test_a_mail_renders_to_three_texts(templates: Templates, mail: ConfirmMail | WelcomeMail | BriefingMail):
    rendered = templates.render(mail)

    assert rendered.subject
    assert len(rendered.text) > 300
    assert rendered.html.startswith("<!DOCTYPE html>")
    assert rendered.html.rstrip().endswith("</html>")


@EVERY_MAIL
def test_the_same_mail_gives_the_same_bytes(templates: Templates, mail):
    assert templates.render(mail) == Templates(FOLDER).render(mail)


@EVERY_MAIL
def test_a_subject_is_one_line(templates: Templates, mail):
    assert not re.search(r"[\r\n\u2028\u2029]", templates.render(mail).subject)


@EVERY_MAIL
def test_text_and_html_lead_to_the_same_places(templates: Templates, mail):
    rendered = templates.render(mail)
    hrefs = {link["href"] for link in Page(rendered.html).all("a")}

    assert {link for link in hrefs if link.startswith("http")} == set(WEB_LINK.findall(rendered.text))
    assert all(link.removeprefix("mailto:") in rendered.text for link in hrefs)


@EVERY_MAIL
def test_no_line_of_the_text_is_wider_than_72_columns_unless_it_is_one_long_word(templates: Templates, mail):
    wide = [line for line in templates.render(mail).text.splitlines() if len(line) > COLUMNS]

    assert [line for line in wide if " " in line.strip()] == []


@EVERY_MAIL
def test_the_text_has_no_untidy_gaps(templates: Templates, mail):
    text = templates.render(mail).text

    assert "\n\n\n\n" not in text
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


@EVERY_MAIL
def test_a_mail_stays_far_below_the_size_at_which_gmail_clips(templates: Templates, mail):
    assert len(templates.render(mail).html.encode()) < TARGET_BYTES


@EVERY_MAIL
def test_a_mail_has_one_title_and_no_heading_skips_a_level(templates: Templates, mail):
    levels = [int(tag[1]) for tag, _ in Page(templates.render(mail).html).tags if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@EVERY_MAIL
def test_a_mail_names_its_language_where_webmail_keeps_it(templates: Templates, mail):
    page = Page(templates.render(mail).html)
    article = next(attributes for attributes in page.all("div") if attributes.get("role") == "article")

    assert page.all("html")[0] == {"lang": "en", "dir": "ltr"}
    assert (article["lang"], article["dir"]) == ("en", "ltr")
    assert article["aria-label"]


@EVERY_MAIL
def test_tables_are_layout_only_and_every_coloured_cell_says_so_twice(templates: Templates, mail):
    page = Page(templates.render(mail).html)

    assert {table.get("role") for table in page.all("table")} == {"presentation"}
    coloured = [tag for tag in page.all("td", "table", "body") if "background-color" in tag.get("style", "")]
    assert coloured
    assert all(f"background-color: {tag['bgcolor']}" in tag["style"] for tag in coloured)


@EVERY_MAIL
def test_a_mail_loads_nothing_and_tracks_nobody(templates: Templates, mail):
    html = templates.render(mail).html
    page = Page(html)

    assert page.all("img", "script", "link", "iframe", "object", "form") == []
    assert "url(" not in html
    assert "No tracking pixels, no tracked links." in page.words()


@EVERY_MAIL
def test_nothing_is_hidden_by_a_font_size_of_nothing(templates: Templates, mail):
    assert not re.search(r"font-size:\s*0", templates.render(mail).html)


@EVERY_MAIL
def test_the_preheader_is_the_first_thing_in_the_body(templates: Templates, mail):
    html = templates.render(mail).html
    first = Page(html.partition("</head>")[2]).said[0][1]

    assert 20 <= len(first) <= 90
    assert first != templates.render(mail).subject


@EVERY_MAIL
def test_our_own_words_follow_the_house_rules(templates: Templates, mail):
    if mail is MAILS["hostile"]:
        mail = replace(mail, edition=full_edition())
    rendered = templates.render(mail)
    words = f"{rendered.subject} {rendered.text} {Page(rendered.html).words()}"

    assert not re.search("[!—\U0001f300-\U0001faff]", words)


@EVERY_MAIL
def test_every_mail_says_why_it_came_and_gives_the_postal_address(templates: Templates, mail):
    rendered = templates.render(mail)

    for body in (" ".join(rendered.text.split()), Page(rendered.html).words()):
        assert "You get this" in body
        assert mail.sender_address in body


@pytest.mark.parametrize("kind", ["confirm", "welcome", "goodbye"])
def test_every_fact_of_an_account_mail_is_shown(templates: Templates, kind: str):
    mail = MAILS[kind]
    rendered = templates.render(mail)
    hrefs = " ".join(link["href"] for link in Page(rendered.html).all("a"))

    told = [getattr(mail, field.name) for field in fields(mail)]
    facts = [str(fact) for value in told for fact in (value if isinstance(value, tuple) else (value,))]
    for fact in facts:
        assert fact in " ".join(rendered.text.split())
        assert fact in f"{Page(rendered.html).words()} {hrefs}"


# ---------------------------------------------------------------- confirm and welcome


def test_the_confirmation_mail_has_one_link_and_nothing_to_unsubscribe_from(templates: Templates):
    rendered = templates.render(confirm_mail())

    assert [link["href"] for link in Page(rendered.html).all("a")] == [confirm_mail().confirm_url]
    assert "unsubscribe" not in f"{rendered.text} {rendered.html}".lower()
    assert "We send you nothing more unless you confirm." in rendered.text
    assert "after 7 days" in " ".join(rendered.text.split())


def test_the_welcome_mail_can_be_unsubscribed_from(templates: Templates):
    hrefs = [link["href"] for link in Page(templates.render(welcome_mail()).html).all("a")]

    assert hrefs == [welcome_mail().plan_url, welcome_mail().unsubscribe_url]


def test_a_goodbye_has_one_link_which_undoes_it_and_names_what_is_kept(templates: Templates):
    rendered = templates.render(goodbye_mail())

    assert [link["href"] for link in Page(rendered.html).all("a")] == [goodbye_mail().undo_url]
    assert "for MLOps & AI Infrastructure. This is the last mail" in " ".join(rendered.text.split())
    assert "briefing comes any more." in templates.render(replace(goodbye_mail(), specialization="")).text


def test_the_digest_tells_staff_what_went_out_what_did_not_and_why(templates: Templates):
    rendered = templates.render(digest_mail())

    assert rendered.subject == "2026-W48: 7 of 13 briefings sent"
    for body in (" ".join(rendered.text.split()), Page(rendered.html).words()):
        assert "7 of 13 readers were sent a briefing, 1 wait, 4 got none." in body
        assert "2 refused: their mail server does not take this address" in body
        assert "1 paused: they have paused; their week waits" in body
        assert "13 candidates, but 12 decided (editions + skipped)" in body
        assert "3 unsubscribed and 1 called a mail spam" in body


# ---------------------------------------------------------------- the briefing


def test_the_subject_of_a_briefing_is_that_of_its_edition(templates: Templates):
    assert templates.render(briefing_mail()).subject == "Week 5 of 12: raise tokens per GPU hour"


def test_every_fact_of_the_fullest_edition_stands_in_text_and_html(templates: Templates):
    rendered = templates.render(briefing_mail())
    edition = full_edition()
    facts = [edition.opening, edition.theme, edition.goal, edition.note, edition.editor, "Week 5 of 12"]
    facts += ["3 h 20 of your 4 h, reading included", "You ticked 2 tasks. What is open waits on your plan page."]
    facts += ["items against a four-week mean: KV cache up (23, mean 11); GPU scheduling down (3, mean 8)."]
    facts += [fact for task in edition.tasks for fact in (task.title, task.done_when, task.first_step)]
    facts += ["Then: Write down what the cache costs (25 min) and 1 more task, on your plan page."]
    facts += ["vLLM documentation", "15 min", "17 Nov, 1 min. Also in The Daily Circuit and Release Lane"]
    facts += [edition.tool.name, edition.tool.why, edition.tool.cost, edition.tool.alternative, edition.tool.skip_when]
    facts += edition.skills
    facts += [
        fact
        for story in edition.stories
        for fact in (story.title, story.summary, because(story.reasons), story.source, story.published, *story.also)
    ]
    facts += ["We read 312 items from 41 sources; 5 matter to you.", "26 October 2026", "Weekly Briefing"]

    for body in (" ".join(rendered.text.split()), Page(rendered.html).words()):
        assert [fact for fact in facts if fact not in body] == []


def test_the_first_words_of_a_briefing_are_the_facts_of_the_week(templates: Templates):
    text = " ".join(templates.render(briefing_mail()).text.split())

    assert text.startswith(full_edition().opening)


@pytest.mark.parametrize("week", [1, 5, 12])
def test_the_bar_shows_twelve_cells_and_says_the_week_in_words(templates: Templates, week: int):
    rendered = templates.render(briefing_mail(replace(full_edition(), week=week)))
    page = Page(rendered.html)
    cells = [
        kind for cell in page.all("td") for kind in ("done", "now", "later") if kind in cell.get("class", "").split()
    ]

    assert cells == ["done"] * (week - 1) + ["now"] + ["later"] * (12 - week)
    assert f"Week {week} of 12" in page.words()
    assert f"Week {week} of 12" in rendered.text


def test_a_quiet_week_is_said_and_not_padded(templates: Templates):
    rendered = templates.render(briefing_mail(quiet_edition()))

    for body in (" ".join(rendered.text.split()), Page(rendered.html).words()):
        assert "Nothing changed this week that touches your plan" in body
        assert "none matters to you this week" in body
        assert "Why it matters" not in body
        assert "Then:" not in body
        assert "pulse" not in body
        assert "editor" not in body.replace("editors@", "").lower()


def test_one_story_matters_and_two_stories_matter(templates: Templates):
    edition = full_edition()
    one, two = (
        templates.render(briefing_mail(replace(edition, stories=edition.stories[:count]))).text for count in (1, 2)
    )

    assert "1 matters to you" in one
    assert "2 matter to you" in two


@pytest.mark.parametrize(
    ("name", "says", "asks"),
    [
        ("week 1", "Pause when life is full: the week number waits for you.", "What do you want to be able to do"),
        ("checkpoint", "This week closes a part of your plan.", "What surprised you so far?"),
        ("week 12", "can hold: 1. A cost sheet with its assumptions 2. A recording", "What should your next weeks"),
        ("field", "Field pulse:", "What did we miss in your field?"),
        ("full", "Last week", "What got in your way this week?"),
    ],
)
def test_each_kind_of_week_has_words_of_its_own(templates: Templates, name: str, says: str, asks: str):
    rendered = templates.render(MAILS[name])

    for body in (" ".join(rendered.text.split()), Page(rendered.html).words()):
        assert says.lower() in body.lower()
        assert asks in body


@pytest.mark.parametrize("name", ["week 1", "field"])
def test_who_had_no_week_with_tasks_before_is_told_of_none(templates: Templates, name: str):
    assert "ticked" not in templates.render(MAILS[name]).text


def test_a_field_briefing_speaks_of_no_week_task_or_hours(templates: Templates):
    text = templates.render(MAILS["field"]).text

    assert not re.search("week 14|THIS WEEK\n|SKILL OF|of your 4 h", text)


def test_stories_beyond_the_hours_stand_under_words_that_say_so(templates: Templates):
    rendered = templates.render(MAILS["crowded"])
    edition = crowded_edition()

    for body in (" ".join(rendered.text.split()), Page(rendered.html).words()):
        before, _, after = body.partition("Beyond your 4 h, for when there is time:")
        assert [story.title in after for story in edition.stories] == [False, False, False, True, True]
        assert edition.stories[2].title in before


@pytest.mark.parametrize(
    "name", [name for name in MAILS if MAILS[name].__class__ is BriefingMail and name != "hostile"]
)
def test_a_briefing_can_be_left_paused_and_read_on_the_web(templates: Templates, name: str):
    mail = MAILS[name]
    hrefs = [link["href"] for link in Page(templates.render(mail).html).all("a")]

    assert hrefs[-3:] == [mail.web_url, mail.settings_url, mail.unsubscribe_url]


def test_an_edition_that_was_kept_before_it_said_so_much_is_still_shown(templates: Templates):
    new = {"editor", "then", "pulse", "portfolio", "reading"}
    old = {name: value for name, value in asdict(full_edition()).items() if name not in new}
    for story in old["stories"]:
        del story["minutes"], story["beyond"]
    text = templates.render(briefing_mail(CONTENT.validate_python(old))).text

    assert "Then: 2 more tasks, on your plan page." in text
    assert "Grounded, 18 Nov\n" in text


def test_a_story_without_a_web_link_keeps_its_title_as_plain_words(templates: Templates):
    rendered = templates.render(briefing_mail(edition_without_links()))

    assert full_edition().stories[1].title in Page(rendered.html).words()
    assert "javascript:" not in rendered.html + rendered.text
    assert "data:text" not in rendered.html + rendered.text


def test_hostile_text_stays_text(templates: Templates):
    rendered = templates.render(briefing_mail(hostile_edition()))
    page = Page(rendered.html)

    assert page.all("script", "b") == []
    assert len(page.all("title")) == len(page.all("style")) == 1
    assert not [tag for _, tag in page.tags if "onclick" in tag]
    assert " ".join(HOSTILE.split()) in page.words()
    assert "{{7*7}}" in rendered.html
    assert "{{7*7}}" in rendered.text


def test_a_hostile_link_cannot_leave_its_attribute(templates: Templates):
    edition = hostile_edition()
    hrefs = [link["href"] for link in Page(templates.render(briefing_mail(edition)).html).all("a")]

    assert edition.stories[0].url in hrefs


def test_words_written_from_right_to_left_take_their_own_direction(templates: Templates):
    html = templates.render(briefing_mail(hostile_edition())).html

    assert re.search(rf'<h3[^>]* dir="auto"><a[^>]*>{RTL}</a>', html)


def test_rendering_reads_no_file_and_writes_no_style_again(copied: Path, templates: Templates):
    loaded = Templates(copied)
    rmtree(copied)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(StyleSheet, "inline")
        rendered = {name: loaded.render(mail) for name, mail in MAILS.items()}

    assert rendered == {name: templates.render(mail) for name, mail in MAILS.items()}


# ---------------------------------------------------------------- styles


def test_no_class_is_left_that_only_gave_looks(templates: Templates):
    style_sheet = StyleSheet((FOLDER / "_base/mail.css").read_text("utf-8"))
    needed = set(re.findall(r"\.([a-z]\w*)", style_sheet.media_rules))

    for mail in MAILS.values():
        classes = {name for _, tag in Page(templates.render(mail).html).tags for name in tag.get("class", "").split()}
        assert classes <= needed


def test_every_tag_with_words_has_its_looks_inline(templates: Templates):
    for mail in MAILS.values():
        page = Page(templates.render(mail).html)
        assert all("style" in tag for tag in page.all("h1", "h2", "h3", "p", "a", "li", "strong"))


def test_the_head_keeps_the_media_rules_and_nothing_else(templates: Templates):
    head = templates.render(briefing_mail()).html.partition("</head>")[0]
    style = head.partition("<style>")[2].partition("</style>")[0]

    assert style.count("@media") == 2
    assert "prefers-color-scheme: dark" in style
    assert "max-width: 620px" in style
    assert "/*" not in style
    assert len(style.encode()) < MOST_STYLE_BYTES
    assert all("!important" in rule for rule in re.findall(r"[\w-]+: [^;{}]+;", style))


def test_jinja_in_attributes_and_between_table_rows_survives_styling():
    markup = (
        '<table class="a">{% for x in xs %}<tr {% if x > 1 %}dir="rtl"{% endif %}>'
        '<td class="a b" title="{{ x }}" {{ more }}>{{ x }}</td></tr>{% endfor %}</table>'
    )
    css = ".a { color: #111111; } .b { background-color: #ffffff; } @media print { .b { color: red !important; } }"

    assert StyleSheet(css).inline(markup, "sample.html") == (
        '<table style="color: #111111">{% for x in xs %}<tr {% if x > 1 %}dir="rtl"{% endif %}>'
        '<td class="b" bgcolor="#ffffff" style="color: #111111;background-color: #ffffff" title="{{ x }}" {{ more }}>'
        "{{ x }}</td></tr>{% endfor %}</table>"
    )


def test_the_later_rule_of_two_wins_however_the_classes_are_written():
    style_sheet = StyleSheet(".a { color: #111111; } .b { color: #222222; }")

    assert style_sheet.inline('<p class="b a">', "x.html") == '<p style="color: #222222">'


@pytest.mark.parametrize("markup", ['<p class="absent">', '<p class="{{ kind }}">', '<p id="x" class="a">'])
def test_a_class_that_cannot_be_written_inline_is_refused(markup: str):
    with pytest.raises(TemplateError, match=r"sample\.html"):
        StyleSheet(".a { color: #111111; }").inline(markup, "sample.html")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_looks_are_written_in_the_style_sheet_only(path: Path):
    assert "style=" not in path.read_text("utf-8")
    assert "bgcolor=" not in path.read_text("utf-8")


def test_every_class_of_the_style_sheet_is_used():
    written = " ".join(path.read_text("utf-8") for path in SOURCES)
    used = {name for names in re.findall(r'class="([^"]*)"', written) for name in names.split()}
    known = set(re.findall(r"^\.([a-z]\w*)", (FOLDER / "_base/mail.css").read_text("utf-8"), re.MULTILINE))

    assert used == known


# ---------------------------------------------------------------- strictness and version


def test_a_template_that_asks_for_what_the_mail_does_not_have_is_refused(copied: Path):
    (copied / "welcome" / "body.txt").write_text("{{ mail.pet_name }}", "utf-8")

    with pytest.raises(PermanentError, match=r"welcome/body\.txt .*pet_name") as refusal:
        Templates(copied).render(welcome_mail())
    assert isinstance(refusal.value.__cause__, UndefinedError)


@pytest.mark.parametrize("source", ["{% if %}", '<p class="absent">'])
def test_a_broken_template_is_found_at_the_start(copied: Path, source: str):
    (copied / "welcome" / "body.html").write_text(source, "utf-8")

    with pytest.raises(PermanentError, match="Correct that file"):
        Templates(copied)


def test_a_folder_without_templates_is_refused_at_the_start(tmp_path: Path):
    with pytest.raises(PermanentError, match="cannot be used"):
        Templates(tmp_path)


def test_a_change_on_disk_does_not_reach_mails_until_the_next_start(copied: Path):
    templates = Templates(copied)
    before = templates.render(confirm_mail())

    (copied / "confirm" / "body.txt").write_text("changed", "utf-8")

    assert templates.render(confirm_mail()) == before
    assert Templates(copied).render(confirm_mail()).text == "changed\n"


@pytest.mark.parametrize("file", ["_base/mail.css", "_base/layout.html", "briefing/subject.txt"])
def test_the_version_changes_with_any_file(copied: Path, file: str):
    before = Templates(copied).version
    path = copied / file

    path.write_text(path.read_text("utf-8") + "\n", "utf-8")

    assert before == Templates(FOLDER).version
    assert Templates(copied).version != before


# ---------------------------------------------------------------- filters


def test_wrapping_joins_lines_indents_and_never_cuts_a_link():
    link = "https://news.example/" + "a-b/" * 30

    assert wrap(f"one\ntwo  {link}", first="  ", then="    ") == f"  one two\n    {link}"
    assert wrap("") == ""


@pytest.mark.parametrize("story", full_edition().stories, ids=lambda story: story.source)
def test_wrapping_agrees_with_the_standard_library(story: EditionStory):
    standard = fill(story.summary, COLUMNS, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)

    assert wrap(story.summary, first="- ", then="  ") == standard


def test_reasons_read_as_sentences():
    assert because(["week 5 of your plan builds vLLM", "3 sources report it"]) == (
        "Because week 5 of your plan builds vLLM. 3 sources report it."
    )
    assert because([]) == ""


@pytest.mark.parametrize(
    ("names", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_listed_as_in_speech(names: list[str], said: str):
    assert listed(names) == said
