"""A mail as it goes out, and what a gate says of it."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import EmailMessage


@dataclass(frozen=True)
class Sent:
    """A mail's bytes; `kind` is its delivery's, and `pattern` the state of its template, such as `week 1`."""

    name: str
    kind: str
    pattern: str
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The mail as Python's parser reads it."""
        return message_from_bytes(self.raw, policy=default)

    @cached_property
    def text(self) -> str:
        """The text part, or ""."""
        return self._part("plain")

    @cached_property
    def html(self) -> str:
        """The HTML part, or ""."""
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return part.get_content() if part else ""


@dataclass(frozen=True)
class Finding:
    """Figures for the scoreboard by their names, and what is wrong in words; without faults the mail has passed."""

    figures: Mapping[str, float]
    faults: tuple[str, ...] = ()
