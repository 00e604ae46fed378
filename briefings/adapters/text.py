"""What a stranger wrote, made safe to show: plain text of one line, and web links that are nothing else."""

from __future__ import annotations

import html as entities
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import nh3

if TYPE_CHECKING:
    from urllib.parse import SplitResult

#: The longest link we keep; longer ones are tracking or an attack, and mail programs cut them.
LONGEST_LINK = 2000
#: How much markup we read to find one character of text: bounds the work that one field can cause.
READ_PER_CHARACTER = 20
#: Markup that may stand before the first word whatever the limit, such as an image.
READ_AT_LEAST = 2000
#: How far before the limit we look for the end of a word; languages without spaces have none.
LONGEST_WORD = 40

#: Elements whose content is not meant for readers, or which a browser reads as text (`<noscript><img>`).
UNREAD_ELEMENTS = {"script", "style", "noscript", "noembed", "noframes", "iframe", "xmp", "plaintext"}
#: Elements that end a word, so that `<p>one</p><p>two</p>` is two words.
BLOCKS = re.compile(
    r"<(?=/?(?:address|article|aside|blockquote|br|dd|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|li"
    r"|main|nav|ol|p|pre|section|table|td|th|tr|ul)\b)",
    re.IGNORECASE,
)
#: Controls (Cc), invisible and bidirectional format marks (Cf), lone surrogates (Cs) and private use (Co), which has no
#: meaning outside of the page that it came from and marks the gaps of our mails.
UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co"}
#: ZWNJ and ZWJ: Persian, Indic scripts and emoji need them inside a word.
JOINERS = "\u200c\u200d"
#: The last character of the scripts (Latin to Armenian) that never need a joiner.
LAST_WITHOUT_JOINER = "\u058f"


def plain(html: str, limit: int) -> str:
    """One line of plain text from any feed text, HTML or not, of at most `limit` characters (at least 1).

    The result holds no control, no bidirectional mark and no line break. It is text, not HTML: show it
    through a template that escapes. A tag that was escaped twice in the feed stays visible as text.
    """
    text = _without_markup(html[: limit * READ_PER_CHARACTER + READ_AT_LEAST])
    return _cut(_seen(" ".join(text.split())), limit)


def web_link(url: str, base: str) -> str:
    """The absolute http(s) address of a link found in a document at `base`, or "" when it is not a safe one.

    Safe means: http or https, a host, no user name or password, no character that could end an HTML
    attribute or a mail header, and at most LONGEST_LINK characters.
    """
    cleaned = _unseen_removed(url[: 2 * LONGEST_LINK]).strip()
    if not cleaned:
        return ""
    try:
        link = _encoded(urlsplit(urljoin(base, cleaned)))
    except ValueError:  # a broken port, bracket or host name
        return ""
    return link if len(link) <= LONGEST_LINK else ""


def _without_markup(text: str) -> str:
    text = text.encode("utf-8", "ignore").decode()  # lone surrogates cannot go through nh3
    if "<" not in text and "&" not in text:
        return text
    # nh3 gives HTML without tags in which &, < and > are escaped: unescaping once gives the text it means.
    return entities.unescape(nh3.clean(BLOCKS.sub(" <", text), tags=set(), clean_content_tags=UNREAD_ELEMENTS))


def _seen(text: str) -> str:
    """The text without invisible characters, NFC, joiners only where a script needs them."""
    text = _unseen_removed(unicodedata.normalize("NFC", text), keep=JOINERS)
    text = re.sub(f"[{JOINERS}]+", _needed_joiner, text)
    return " ".join(unicodedata.normalize("NFC", text).split())


def _unseen_removed(text: str, keep: str = "") -> str:
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\ufffe", "").replace("\uffff", "")  # no characters at all, which XML refuses
    return "".join(c for c in text if c in keep or unicodedata.category(c) not in UNSEEN_CATEGORIES)


def _needed_joiner(run: re.Match[str]) -> str:
    neighbours = run.string[max(run.start() - 1, 0) : run.start()] + run.string[run.end() : run.end() + 1]
    needed = len(neighbours) == len("ab") and min(neighbours) > LAST_WITHOUT_JOINER
    return run[0][0] if needed else ""


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    end = text.rfind(" ", max(limit - LONGEST_WORD, 1), limit)
    return text[: end if end > 0 else limit - 1].rstrip(" " + JOINERS) + "…"


def _encoded(parts: SplitResult) -> str:
    """The address in ASCII, or "" when it breaks a rule; raises ValueError when it cannot be an address."""
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return ""
    if not re.fullmatch(r"[\w.\-:\[\]]+", parts.netloc) or parts.port == 0:
        return ""
    host = parts.netloc.encode("idna").decode()
    path, query, fragment = (quote(part, safe="%/:=&?~+!$,;@()*|[]") for part in parts[2:])
    return urlunsplit((parts.scheme, host, path, query, fragment))
