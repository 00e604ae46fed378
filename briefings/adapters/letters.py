"""Letters as bytes (RFC 5322, CRLF): one by one, or as a form that many readers share.

A form is a letter with gaps where the reader's own values stand. What is around them is rendered and encoded once.
Quoted-printable (RFC 2045) is written line by line, so that a value changes no byte beyond its own line: a filled
form and the letter written by itself are the same bytes.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from briefings.domain.mails import GAP, is_plain_address
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from briefings.domain.mails import Letter

#: Long headers are not folded: folding has broken signatures at later relays.
HEADERS = SMTP.clone(max_line_length=998)
LONGEST_PLAIN_HEADER = 900
ADDRESSES = frozenset({"From", "To", "Reply-To"})
#: No quoted-printable text holds this: `=` is always followed by two digits or the end of a line.
BOUNDARY = b"=_next"
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
MIME = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="%b"\r\n\r\n' % BOUNDARY
PART = b'--%b\r\nContent-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
END = b"--%b--\r\n" % BOUNDARY


#: Most lines of a template, and some headers, are the same in all letters.
KEPT_LINES, KEPT_HEADERS = 4096, 256


def write(letter: Letter) -> bytes:
    """The letter as bytes. The same letter gives the same bytes. Raises InputError for an address that is not one."""
    return Form(letter.headers, letter.text, letter.html).fill([], {})


class Form:
    """What the readers of one edition share of a letter. Thread-safe."""

    def __init__(self, headers: Iterable[tuple[str, str]], text: str, html: str) -> None:
        """Headers that are the same for all, and bodies with gaps (`mails.gap`) where values will stand.

        Raises InputError for an address that is not one.
        """
        self._headers = b"".join(header_line(*header) for header in headers)
        self._parts: list[bytes | Callable[[Mapping[str, str]], bytes]] = [
            MIME,
            PART % (BOUNDARY, b"plain"),
            *_body(text, str),
            PART % (BOUNDARY, b"html"),
            *_body(html, escape),
            END,
        ]

    def fill(self, headers: Iterable[tuple[str, str]], values: Mapping[str, str]) -> bytes:
        """The letter of one reader: the headers that are its own, and what belongs into each gap.

        Raises KeyError for a gap without a value, and InputError for an address that is not one.
        """
        parts = [part if isinstance(part, bytes) else part(values) for part in self._parts]
        return b"".join([self._headers, *(header_line(*header) for header in headers), *parts])


def header_line(name: str, value: str) -> bytes:
    """One header with its line end. Raises InputError for an address that is not one, ValueError for a line break."""
    plain = value.isascii() and value.isprintable() and "=?" not in value and len(value) <= LONGEST_PLAIN_HEADER
    if plain and (name not in ADDRESSES or is_plain_address(value)):
        return f"{name}: {value}\r\n".encode()
    return _encoded_header(name, value)


@lru_cache(KEPT_HEADERS)
def _encoded_header(name: str, value: str) -> bytes:
    # An encoded word (RFC 2047) in the value would be decoded, also to line breaks.
    literal = value.replace("=?", "= ?")
    message = EmailMessage(policy=HEADERS)
    message[name] = _mailbox(literal) if name in ADDRESSES else literal
    return message.as_bytes(policy=HEADERS).removesuffix(b"\r\n")


def _body(text: str, escaped: Callable[[str], str]) -> Iterator[bytes | Callable[[Mapping[str, str]], bytes]]:
    """The encoded lines of a body; those with a gap as functions of the values."""
    for has_gap, lines in groupby(text.removesuffix("\n").split("\n"), lambda line: GAP.search(line) is not None):
        if has_gap:
            yield from (_filler(line, escaped) for line in lines)
        else:
            yield _quoted("\n".join(lines))


def _filler(line: str, escaped: Callable[[str], str]) -> Callable[[Mapping[str, str]], bytes]:
    return lambda values: _quoted(GAP.sub(lambda found: escaped(values[found[1]]), line))


def _quoted(lines: str) -> bytes:
    """Lines in quoted-printable, each by itself, since b2a_qp breaks a line by what stands before it as well; none
    begins with a dot, which SMTP would have to double.
    """
    return b"".join(map(_quoted_line, lines.replace("\r", "").split("\n")))


@lru_cache(KEPT_LINES)
def _quoted_line(line: str) -> bytes:
    encoded = b2a_qp(line.encode("utf-8", "replace"))
    return LEADING_DOT.sub(b"=2E", encoded).replace(b"\n", b"\r\n") + b"\r\n"


def _mailbox(value: str) -> Address:
    """The one mailbox of the text. Raises InputError for none or several: an address never becomes two recipients."""
    found = getaddresses([value]) if value.isprintable() else []
    if len(found) != 1 or not found[0][1]:
        raise InputError("An address of this mail is not one plain address; correct it where it was entered")
    name, address = found[0]
    return Address(display_name=name, addr_spec=address)
