"""What a mail asks of mail programs, against what caniemail.com has found that each of them can do."""

from __future__ import annotations

import json
import re
from functools import cache
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DATA = Path(__file__).with_name("caniemail.json")
#: Of a hundred opens, so many are in each program. We measure no opens, so this is an assumption: public statistics
#: of the market, with more Outlook in it, since our readers are at work.
SHARES: Mapping[str, float] = {
    "apple-mail.ios": 26,
    "apple-mail.macos": 12,
    "gmail.desktop-webmail": 14,
    "gmail.android": 10,
    "gmail.ios": 5,
    "gmail.mobile-webmail": 1,
    "outlook.windows": 12,
    "outlook.outlook-com": 7,
    "outlook.macos": 3,
    "outlook.ios": 2,
    "outlook.android": 1,
    "yahoo.desktop-webmail": 1.5,
    "yahoo.ios": 0.5,
    "yahoo.android": 0.5,
    "samsung-email.android": 1.5,
    "thunderbird.macos": 1,
    "protonmail.desktop-webmail": 1,
    "fastmail.desktop-webmail": 0.5,
    "gmx.desktop-webmail": 0.5,
}
#: Whatever fails in these has failed.
HARD = tuple(
    name
    for name in SHARES
    if name.startswith(("apple-mail.", "gmail.", "yahoo.", "outlook.windows", "outlook.outlook-com"))
)
#: What a mail may use though not every program has it, because nothing is lost where it is missing. A slug for all
#: elements, or one behind an element.
ENHANCEMENTS: Mapping[str, str] = {
    "css-border-radius": "corners are square",
    "css-max-width": "the width attribute says the same",
    "css-max-height": "the preheader is hidden by display:none as well",
    "css-overflow": "as css-max-height",
    "css-word-break": "only words longer than a line need it",
    "div css-display-none": "the preheader shows as a first line",
    "css-display": "a block that is none is a smaller place to press",
    "a css-padding": "Word pads the cell around the link (mso-padding-alt)",
    "ul css-padding": "the list is indented by its program's own measure",
    "html-aria-hidden": "a screen reader says more than it must",
    "html-aria-label": "as html-aria-hidden",
    "html-role": "as html-aria-hidden",
    "html-body": "a webmail makes it a div; the article in it says the same again",
    "html-meta-color-scheme": "the mail stays light",
    "html-style": "it holds media rules only",
}
COMMENT = re.compile(r"<!--.*?-->|/\*.*?\*/", re.DOTALL)
STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"<([a-z][\w-]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"([^\s=/\"']+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+)))?")
MEDIA_RULE = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}")
RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
UNIT = re.compile(r"(?<![\w#])-?\d*\.?\d+(%|[a-z]+)\b|(?<![\w#])-?\d*\.?\d+(%)")
FUNCTION = re.compile(r"\b(calc|min|max|clamp|rgb|rgba|light-dark|(?:linear|radial|conic)-gradient|var)\(")
PSEUDO = re.compile(r"(::?)([a-z-]+)")
BEFORE_SIDE = re.compile(r"^(margin|padding|border)-(top|right|bottom|left).*")
SEMANTIC = ("article", "aside", "details", "figcaption", "figure", "footer", "header", "main", "mark", "nav", "section")
#: What is rated under another name than its own.
RENAMED = {
    **{f"html-h{level}": "html-h1-h6" for level in range(1, 7)},
    **dict.fromkeys(("html-ul", "html-ol", "html-li", "html-dl", "html-dt", "html-dd"), "html-lists"),
    **dict.fromkeys(("html-tr", "html-td", "html-th", "html-tbody", "html-thead", "html-tfoot"), "html-table"),
    **{f"html-{name}": "html-semantics" for name in SEMANTIC},
    **dict.fromkeys(("css-top", "css-right", "css-bottom", "css-left"), "css-left-right-top-bottom"),
    **dict.fromkeys(("css-border-color", "css-border-style", "css-border-width"), "css-border"),
    **{f"css-{name}": f"css-function-{name}" for name in ("min", "max", "clamp", "light-dark")},
    "css-calc": "css-unit-calc",
    "css-unit-%": "css-unit-percent",
    "css-var": "css-variables",
    "css-column-gap": "css-gap",
    "css-row-gap": "css-gap",
    "css-grid-template-columns": "css-grid-template",
    "css-grid-template-rows": "css-grid-template",
    "image-jpeg": "image-jpg",
}


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(DATA.read_text("utf-8"))
    if data["clients"] != list(SHARES):
        raise ValueError(f"{DATA.name} is of other mail programs; renew it with mail_check.extract")
    return data


def known() -> Mapping[str, str]:
    """The pinned extract: a feature's verdicts (y, a, n or -), in the order of SHARES."""
    features: Mapping[str, str] = _data()["features"]
    return features


def source() -> str:
    """Where the extract is from, and of when."""
    return str(_data()["source"])


def unsupported(html: str) -> dict[str, tuple[str, ...]]:
    """The essential features that a mail uses, each with the programs that do not have it."""
    found: dict[str, tuple[str, ...]] = {}
    for feature in sorted(set(essential(html))):
        verdicts = known()[feature.partition(":")[0]]
        wanted = "an" if ":" in feature else "n"
        found[feature] = tuple(client for client, says in zip(SHARES, verdicts, strict=True) if says in wanted)
    return {feature: clients for feature, clients in found.items() if clients}


def per_open(missing: Mapping[str, tuple[str, ...]]) -> float:
    """How many essential features a reader misses, at an average open."""
    return sum(SHARES[client] for clients in missing.values() for client in clients) / sum(SHARES.values())


def essential(html: str) -> Iterator[str]:
    """The rated features that a mail cannot do without, as `slug`, or `slug:how` for what is only half supported."""
    shown = COMMENT.sub("", html)
    for sheet in STYLE.findall(shown):
        yield from _of_sheet(MEDIA_RULE.sub("", sheet))
    for tag in set(TAG.findall(STYLE.sub("<style></style>", shown))):
        yield from _of_tag(*tag)


def _of_sheet(css: str) -> Iterator[str]:
    """What stands outside media rules must be had."""
    for name in re.findall(r"@([a-z-]+)", css):
        yield from _rated(f"css-at-{name}")
    for selector, declarations in RULE.findall(css):
        yield "html-style:essential rules"
        yield from (slug for _, name in PSEUDO.findall(selector) for slug in _rated(f"css-pseudo-class-{name}"))
        yield from _of_style("*", declarations)


@cache
def _of_tag(element: str, rest: str) -> tuple[str, ...]:
    element = element.lower()
    attributes = {
        name.lower(): unescape(double or single or bare) for name, double, single, bare in ATTRIBUTE.findall(rest)
    }
    found = [*_rated(f"html-{element}", element), *_of_style(element, attributes.pop("style", ""))]
    found += [slug for name in attributes for slug in _rated(f"html-{name}", element)]
    if element in {"input", "button"}:
        found += _rated(f"html-{element}-{attributes.get('type', 'text')}")
    if element == "meta" and attributes.get("name") == "color-scheme":
        found += _rated("html-meta-color-scheme")
    if element == "img":
        found += _rated(f"image-{attributes.get('src', '').rpartition('.')[2].lower()}")
    return tuple(found)


def _of_style(element: str, declarations: str) -> Iterator[str]:
    for declaration in declarations.lower().split(";"):
        name, colon, value = (part.strip() for part in declaration.partition(":"))
        if colon:
            yield from _of_declaration(element, name, value)


def _of_declaration(element: str, name: str, value: str) -> Iterator[str]:
    prop = BEFORE_SIDE.sub(r"\1", name)
    yield from _rated(f"css-{prop}", element)
    if prop == "display":
        yield from _rated(f"css-display-{value.removeprefix('inline-')}", element)
    if prop == "margin" and re.search(r"(^|\s)-\d|auto", value):
        yield "css-margin:negative or auto"
    if prop == "padding" and element not in {"td", "th"} and re.search("[1-9]", value):
        yield from (f"{slug}:outside cells" for slug in _rated("css-padding", element))
    yield from (slug for units in UNIT.findall(value) for slug in _rated(f"css-unit-{''.join(units)}", element))
    yield from (slug for function in FUNCTION.findall(value) for slug in _rated(f"css-{function}", element))


def _rated(name: str, element: str = "") -> list[str]:
    """The feature of this name, unless nobody rates it or it is an enhancement."""
    slug = RENAMED.get(name, name)
    if slug not in known() or slug in ENHANCEMENTS or f"{element} {slug}" in ENHANCEMENTS:
        return []
    return [slug]
