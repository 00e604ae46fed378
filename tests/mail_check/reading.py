"""The gates that read a mail's bytes; they are quick, so they see every mail."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from mail_check.compatibility import HARD, per_open, unsupported
from mail_check.sent import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mail_check.sent import Sent

#: Gmail cuts a mail at about 102 KB of HTML, and the link to unsubscribe with it.
WANTED_BYTES, MOST_BYTES = 40_000, 90_000
WANTED_WORDS = range(450, 651)
WORDS_A_MINUTE = 230
MOST_UNSUPPORTED = 0.10
LONGEST_LINE = 998  # RFC 5322, without the line end
ONCE = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version")
LIST_HEADERS = ("List-ID", "List-Unsubscribe", "List-Unsubscribe-Post")
LINK = re.compile(r"<a\b[^>]*?\shref=\"([^\"]*)\"", re.IGNORECASE)
WORD = re.compile(r"\S*\w\S*")
WEB_LINK = re.compile(r"https?://\S+")


def well_formed(mail: Sent) -> Finding:
    """Python's parser finds no defect, and the mail is built as we promise."""
    faults = [*_defects(mail), *_misbuilt(mail)]
    return Finding({"defects": len(faults)}, tuple(faults))


def _defects(mail: Sent) -> Iterator[str]:
    for part in mail.message.walk():
        yield from (f"{part.get_content_type()}: {type(defect).__name__}" for defect in part.defects)
        for name, value in part.items():
            yield from (f"{name}: {type(defect).__name__}" for defect in getattr(value, "defects", ()))


def _misbuilt(mail: Sent) -> Iterator[str]:
    message = mail.message
    for name in ONCE:
        if len(message.get_all(name, [])) != 1:
            yield f"{len(message.get_all(name, []))} headers {name} instead of one"
    has = [name for name in LIST_HEADERS if name in message]
    if has != list(LIST_HEADERS if mail.kind == "briefing" else ()):
        yield f"a {mail.kind} mail with the list headers {has}"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    if message.get_content_type() != "multipart/alternative" or kinds != ["text/plain", "text/html"]:
        yield f"{message.get_content_type()} of {kinds} instead of text, then HTML"
    if not mail.raw.isascii() or max(map(len, mail.raw.split(b"\r\n"))) > LONGEST_LINE:
        yield "bytes beyond ASCII, or a line longer than 998"


def same_links(mail: Sent) -> Finding:
    """The text and the HTML lead to the same places."""
    links = [unescape(link) for link in LINK.findall(mail.html)]
    in_html = {link for link in links if not link.startswith("mailto:")}
    in_text = set(WEB_LINK.findall(mail.text))
    written = {link.removeprefix("mailto:").partition("?")[0] for link in links if link.startswith("mailto:")}
    faults = [f"the text lacks {link[:100]}" for link in sorted(in_html - in_text)]
    faults += [f"the HTML lacks {link[:100]}" for link in sorted(in_text - in_html)]
    faults += [f"the text lacks the address {address}" for address in sorted(written) if address not in mail.text]
    return Finding({"links": len(in_html)}, tuple(faults if links else [*faults, "there is no link at all"]))


def size(mail: Sent) -> Finding:
    """The bytes of HTML, by which Gmail clips. Words and minutes are reported only: the news is as long as it is."""
    size, words = len(mail.html.encode()), len(WORD.findall(WEB_LINK.sub("", mail.text)))
    faults = (f"{size:,} bytes of HTML; {MOST_BYTES:,} fail",) if size >= MOST_BYTES else ()
    return Finding({"KB": size / 1000, "words": words, "minutes": words / WORDS_A_MINUTE}, faults)


def compatible(mail: Sent) -> Finding:
    """What the mail needs is there where it is read."""
    missing = unsupported(mail.html)
    figure = per_open(missing)
    faults = [
        f"{feature} fails in {', '.join(hard)}"
        for feature, clients in missing.items()
        if (hard := [client for client in clients if client in HARD])
    ]
    if figure > MOST_UNSUPPORTED:
        faults.append(f"{figure:.2f} essential features missing per open: {', '.join(missing)}")
    return Finding({"unsupported": figure}, tuple(faults))
