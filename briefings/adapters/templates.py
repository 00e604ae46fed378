"""Turns a mail's context into its three texts, with the templates in `templates/email`: a folder a mail.

All reading, styling and compiling happens once, when `Templates` is built; rendering touches no file.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError, select_autoescape

from briefings.domain import phrases
from briefings.domain.mails import (
    BriefingMail,
    ConfirmMail,
    DigestMail,
    FinishedMail,
    GoodbyeMail,
    Rendered,
    WelcomeMail,
    one_line,
)
from briefings.domain.wording import inside, listed, spoken_minutes
from briefings.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from briefings.domain.mails import Mail

FOLDERS: Mapping[type, str] = {
    ConfirmMail: "confirm",
    WelcomeMail: "welcome",
    BriefingMail: "briefing",
    FinishedMail: "finished",
    GoodbyeMail: "goodbye",
    DigestMail: "digest",
}
#: What a briefing says of itself, as filters of an edition.
PHRASES = ("heading", "kind_words", "budget", "more", "skills", "found", "moved", "question", "beyond")
SUBJECT, TEXT, HTML = "subject.txt", "body.txt", "body.html"
STYLE_SHEET = "_base/mail.css"
STYLE_LINK = '<link rel="stylesheet" href="mail.css">'

COLUMNS = 72
CLASS_NAME = re.compile(r"\.([a-z][\w-]*)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
#: A start tag with its class, which house style writes first, so that Jinja may stand anywhere behind it.
CLASSED_TAG = re.compile(r'<(\w+) class="([^"]*)"')
STYLE_ATTRIBUTE = re.compile(r' style="([^"]*)"')
BACKGROUND = re.compile(r"background-color: (#\w+)")
COLOURED_BY_ATTRIBUTE = {"body", "table", "td"}


class Templates:
    """The mails of one folder, ready to render.

    `version` changes when any byte of any file in the folder does. Raises PermanentError when a template
    cannot be read, is no Jinja, or uses a class that the style sheet does not have.
    """

    def __init__(self, folder: Path) -> None:
        self.version = _version(folder)
        try:
            environment = _environment(_StylingLoader(folder))
            for name in environment.list_templates(extensions=["txt", "html"]):
                environment.get_template(name)
            self._mails = {
                kind: {part: environment.get_template(f"{name}/{part}") for part in (SUBJECT, TEXT, HTML)}
                for kind, name in FOLDERS.items()
            }
        except (TemplateError, OSError) as error:
            raise PermanentError(f"A mail template in {folder} cannot be used: {error}. Correct that file.") from error

    def render(self, mail: Mail) -> Rendered:
        """The mail's subject (one line), plain text and HTML; the same mail gives the same bytes.

        Raises PermanentError when a template asks for something that the mail does not have.
        """
        parts = self._mails[type(mail)]
        return Rendered(
            subject=one_line(_rendered(parts[SUBJECT], mail)),
            text=_rendered(parts[TEXT], mail).strip() + "\n",
            html=_rendered(parts[HTML], mail).strip() + "\n",
        )


class StyleSheet:
    """A style sheet of classes, written into the tags that use them: Gmail and Outlook read little else."""

    def __init__(self, css: str) -> None:
        self._css = COMMENT.sub("", css)
        emptied = css_inline.inline(f"<style>{self._css}</style>", keep_at_rules=True)
        #: The media rules: no tag can carry them, so they stay in the head.
        self.media_rules = " ".join(emptied.partition("<style>")[2].partition("</style>")[0].split())
        self._known = set(CLASS_NAME.findall(self._css))
        self._in_media_rules = set(CLASS_NAME.findall(self.media_rules))
        self._written: dict[str, str] = {}

    def inline(self, markup: str, name: str) -> str:
        """The markup of template `name` with styles in place of classes and of the link to the style sheet.

        A class stays, beside its style, when a media rule needs it. Only the class attributes are touched, so
        Jinja may stand anywhere else. Raises TemplateError for an unknown class, or one that does not come
        first in its tag.
        """
        if markup.count("class=") != len(CLASSED_TAG.findall(markup)):
            raise TemplateError(f'{name}: write class="..." as the first attribute of its tag')
        styled = CLASSED_TAG.sub(lambda tag: self._tag(tag[1], tag[2], name), markup)
        return styled.replace(STYLE_LINK, f"<style>{self.media_rules}</style>")

    def _tag(self, element: str, classes: str, name: str) -> str:
        unknown = [word for word in classes.split() if word not in self._known]
        if unknown:
            raise TemplateError(f"{name}: {STYLE_SHEET} has no class {', '.join(unknown)}")
        kept = " ".join(word for word in classes.split() if word in self._in_media_rules)
        style = self._style(classes)
        colour = BACKGROUND.search(style) if element in COLOURED_BY_ATTRIBUTE else None
        attributes = {"class": kept, "bgcolor": colour[1] if colour else "", "style": style}
        return f"<{element}" + "".join(f' {key}="{value}"' for key, value in attributes.items() if value)

    def _style(self, classes: str) -> str:
        """The declarations of classes that stand together, by the rules of the cascade."""
        if classes not in self._written:
            tag = css_inline.inline_fragment(f'<p class="{classes}"></p>', self._css)
            style = STYLE_ATTRIBUTE.search(tag)
            self._written[classes] = style[1].rstrip(";") if style else ""
        return self._written[classes]


class _StylingLoader(FileSystemLoader):
    """Reads templates, and gives HTML its styles before Jinja compiles it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._style_sheet = StyleSheet((folder / STYLE_SHEET).read_text("utf-8"))

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The source of a template, its path, and whether it is still fresh (for Jinja)."""
        source, path, is_fresh = super().get_source(environment, template)
        if template.endswith(".html"):
            source = self._style_sheet.inline(source, template)
        return source, path, is_fresh


def wrap(text: str, first: str = "", then: str | None = None) -> str:
    """Text in lines of at most 72 columns, the first led by `first`, the others by `then` (else by `first`).

    Words and links are never cut, and a line break counts as a space. (textwrap gives the same, but takes five
    times as long, which was most of the time of a mail.)
    """
    lines: list[str] = []
    line, indent = "", first
    for word in text.split():
        if line and len(line) + len(word) < COLUMNS:
            line += f" {word}"
        else:
            lines += [line] if line else []
            line, indent = indent + word, first if then is None else then
    return "\n".join([*lines, line])


def because(reasons: Sequence[str]) -> str:
    """`Because week 5 of your plan builds vLLM. 3 sources report it.`, or "" without reasons."""
    if not reasons:
        return ""
    return " ".join(f"{said[:1].upper()}{said[1:]}." for said in (f"because {reasons[0]}", *reasons[1:]))


def is_web_link(url: str) -> bool:
    """Whether this may stand in an href: a `javascript:` address may not."""
    return url.startswith(("https://", "http://"))


def plain_environment(folder: Path) -> Environment:
    """Templates that are no mails, with the filters of the mails; a folder's `.md` and text is not escaped."""
    return _environment(FileSystemLoader(folder))


def _environment(loader: FileSystemLoader) -> Environment:
    environment = Environment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"], default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # what was compiled at the start stays
    )
    environment.filters |= {
        "wrap": wrap,
        "spoken": spoken_minutes,
        "because": because,
        "listed": listed,
        "inside": inside,
        **{name: getattr(phrases, name) for name in PHRASES},
    }
    environment.tests["web_link"] = is_web_link
    return environment


def _rendered(template: Template, mail: object) -> str:
    try:
        return template.render(mail=mail)
    except TemplateError as error:
        raise PermanentError(f"{template.name} cannot be rendered: {error}. Correct the template.") from error


def _version(folder: Path) -> str:
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
