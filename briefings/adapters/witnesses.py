"""Witnesses: they remember, outside the database, the last words that they were told."""

from __future__ import annotations

import os
from threading import get_ident
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

#: No words are longer.
LONGEST = 200


class Witness(Protocol):
    """Whoever remembers. Never raises for what cannot be kept or read."""

    def tell(self, words: str) -> bool:
        """Let it remember these words in the place of all before. Returns whether it does."""
        ...

    def told(self) -> str:
        """What it was told last; empty when it has forgotten or does not answer."""
        ...


class FileWitness:
    """A small file."""

    def __init__(self, file: Path) -> None:
        """`file` lies in a folder that is there."""
        self._file = file

    def tell(self, words: str) -> bool:
        """See Witness.tell. The file is whole at any moment."""
        unfinished = self._file.with_suffix(f".{os.getpid()}-{get_ident()}")
        try:
            unfinished.write_text(words, "ascii")
            unfinished.replace(self._file)
        except OSError:
            return False
        return True

    def told(self) -> str:
        """See Witness.told."""
        try:
            with self._file.open(encoding="ascii", errors="replace") as file:
                return file.read(LONGEST)
        except OSError:
            return ""
