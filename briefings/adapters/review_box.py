"""Mails that a machine could not make sense of, kept as files for a person."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: So many may wait; then bounce mails stay where they are, so that nobody fills our disk.
MOST = 10_000


@dataclass(frozen=True)
class ReviewBox:
    """A folder with a file a mail, as it came."""

    folder: Path

    def keep(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a mail, whole or not at all; one of the same name is that mail, and is replaced.

        Raises DependencyError when the box is full, OSError when the disk is.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.count() >= MOST:
            raise DependencyError(f"The review box {self.folder} is full ({MOST} mails): look at them, delete them")
        unfinished = self.folder / f".{name}-{secrets.token_hex(4)}"
        try:
            with unfinished.open("xb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.folder / f"{name}.eml")
        finally:
            unfinished.unlink(missing_ok=True)

    def count(self) -> int:
        """How many mails wait for a person."""
        if not self.folder.is_dir():
            return 0
        return sum(name.endswith(".eml") for name in os.listdir(self.folder))  # noqa: PTH208 - ten times as quick
