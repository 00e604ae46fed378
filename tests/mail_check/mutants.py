"""Mails with one thing wrong each: a gate that lets one pass does not bite."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from briefings.adapters.letters import write
from briefings.domain.mails import Letter

if TYPE_CHECKING:
    from collections.abc import Callable

    from mail_check.sent import Sent


@dataclass(frozen=True)
class Mutant:
    """What is wrong in words, how a good mail becomes so, and what the gate must say of it."""

    name: str
    change: Callable[[Sent], Sent]
    complaint: str

    def of(self, mail: Sent) -> Sent:
        """The mail with this fault. Raises ValueError when the change changes nothing."""
        made = self.change(mail)
        if made.raw == mail.raw:
            raise ValueError(f"The mutant “{self.name}” is the mail itself; find another way to spoil it")
        return replace(made, name=self.name, pattern="mutant")


def raw(name: str, old: bytes, new: bytes, complaint: str) -> Mutant:
    """A mutant in the bytes: the first match of the pattern `old` is replaced."""
    pattern = re.compile(old, re.MULTILINE)
    return Mutant(name, lambda mail: replace(mail, raw=pattern.sub(new, mail.raw, count=1)), complaint)


def shown(name: str, html: str, complaint: str) -> Mutant:
    """A mutant with something more to see at the end of its HTML."""
    return html_of(name, "</body>", f"{html}</body>", complaint)


def html_of(name: str, old: str, new: str, complaint: str) -> Mutant:
    """A mutant in the HTML: every match of the pattern `old` is replaced."""
    return Mutant(name, lambda mail: _written(mail, mail.text, re.sub(old, new, mail.html)), complaint)


def text_of(name: str, old: str, new: str, complaint: str) -> Mutant:
    """A mutant in the text part: every match of the pattern `old` is replaced."""
    return Mutant(name, lambda mail: _written(mail, re.sub(old, new, mail.text), mail.html), complaint)


def _written(mail: Sent, text: str, html: str) -> Sent:
    mime = {"mime-version", "content-type"}
    headers = tuple((name, str(value)) for name, value in mail.message.items() if name.lower() not in mime)
    return replace(mail, raw=write(Letter("", headers, text, html)))


FORMED = (
    raw("two senders", rb"^From: ", b"From: Nobody <nobody@example.org>\r\nFrom: ", "2 headers From"),
    raw("no date", rb"^Date: .*\r\n", b"", "0 headers Date"),
    raw("no one-click unsubscribe", rb"^List-Unsubscribe-Post: .*\r\n", b"", "list headers"),
    raw("a part that never ends", rb"^--=_next--\r\n", b"", "Defect"),
    raw("HTML before the text", rb"text/plain", b"text/html", "instead of text, then HTML"),
    raw("a letter beyond ASCII", rb"^Subject: ", b"Subject: \xc3\xa9", "beyond ASCII"),
)
LINKS = (
    shown("a link only in the HTML", '<a href="https://only.example/html">this</a>', "the text lacks https://only"),
    text_of("a link only in the text", r"\Z", "https://only.example/text\n", "the HTML lacks https://only"),
    shown("an address only in the HTML", '<a href="mailto:only@example.org">us</a>', "lacks the address only@"),
)
SIZE = (shown("a mail that Gmail clips", f"<p>{'padding ' * 11_300}</p>", "bytes of HTML"),)
COMPATIBLE = (
    shown("what half of the readers miss", '<div style="display:grid">a</div>', "features missing per open"),
    shown("columns by grid", '<div style="display:grid;gap:8px">a</div>', "css-display-grid fails"),
    shown("columns by flex", '<p style="display:flex">a</p>', "css-display-flex fails"),
    shown("a progress element", "<progress value=5 max=12></progress>", "html-progress fails"),
    shown("a picture as SVG", '<img src="https://a.example/bar.svg" alt="">', "image-svg fails"),
    shown("a colour as a variable", '<p style="color:var(--ink)">a</p>', "css-variables fails"),
    shown("measures in rem", '<p style="font-size:1rem">a</p>', "css-unit-rem fails"),
    shown("padding that Word ignores", '<div style="padding:12px">a</div>', "css-padding:outside cells fails"),
    shown("a negative margin", '<p style="margin:-8px 0 0">a</p>', "css-margin:negative or auto fails"),
    html_of("looks only in the head", "</head>", "<style>p{font-size:16px}</style></head>", "essential rules fails"),
    html_of("a font from the web", "</head>", "<style>@font-face{src:url(a)}</style></head>", "css-at-font-face fails"),
)
SPAM = (
    html_of(
        "nothing but a picture", r"(?s)<body.*</body>", '<body><img src="https://a.example/1.jpg"></body>', "HTML_"
    ),
    Mutant(
        "no date and no message id",
        lambda mail: replace(mail, raw=re.sub(rb"(?m)^(Date|Message-ID): .*\r\n", b"", mail.raw)),
        "MISSING_DATE",
    ),
    raw("a shouting subject", rb"^Subject: .*\r", b"Subject: ACT NOW!!! YOUR PLAN EXPIRES TODAY\r", "SUBJ_ALL_CAPS"),
    Mutant(
        "crude spam",
        lambda mail: _written(mail, "", '<p style="font-size:0">viagra cialis</p><p>Dear friend, $1,000,000.00</p>'),
        "score",
    ),
)
LOOKED_AT = (
    shown("pale words", '<p style="color:#c8ced6">pale</p>', "light: color-contrast"),
    shown("words that stay dark in the dark", '<p style="color:#1f2933">dark</p>', "dark: color-contrast"),
    shown("a picture without words", '<img src="https://a.example/1.jpg">', "light: image-alt"),
    html_of("no language", ' lang="en"', "", "light: html-has-lang"),
    shown("a link without words", '<a href="https://a.example/"></a>', "dark: link-name"),
    shown("a skipped heading level", "<h6>deep</h6>", "heading-order"),
    shown("a table of 900 px", '<table role="presentation" width="900"><tr><td>a</td></tr></table>', "wider than 700"),
    shown("a table of 600 px", '<table role="presentation" width="600"><tr><td>a</td></tr></table>', "wider than 390"),
    shown("a word of 60 letters", f"<p>{'unbreaking' * 6}</p>", "wider than 320"),
)
