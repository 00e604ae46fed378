"""Bounce mail -> notice: from wherever it lies, and out of there only when it is written down."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from briefings.actions.record import NOT_A_BOUNCE, record_bounce
from briefings.domain.notices import NOT_OURS, TOO_EARLY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from briefings.adapters.bounce_boxes import BounceMail
    from briefings.adapters.review_box import ReviewBox
    from briefings.clock import Clock
    from briefings.store.base import Database

log = logging.getLogger(__name__)

GONE, UNREADABLE = "gone", "unreadable"
#: What a person must look at.
FOR_REVIEW = {NOT_A_BOUNCE, NOT_OURS}


@dataclass(frozen=True)
class TakingIn:
    """Takes bounce mails; `domain` is that of our mails."""

    database: Database
    review: ReviewBox
    domain: str
    clock: Clock

    def all_of(self, mails: Iterable[BounceMail]) -> Counter[str]:
        """Take mails one after the other. Returns how many of which word there were (see `one`)."""
        words = Counter(self.one(mail) for mail in mails)
        if words:
            log.info("Bounce mails: %s", ", ".join(f"{count} {word}" for word, count in sorted(words.items())))
        return words

    def one(self, mail: BounceMail) -> str:
        """Take a mail: commit what it says, or keep it for review, and only then remove it from its source.

        Returns the word of `record`, NOT_A_BOUNCE, GONE (nothing is there any more) or UNREADABLE. A mail that is
        TOO_EARLY or UNREADABLE stays where it is. Raises DependencyError or OSError, and removes nothing, when what
        it says cannot be written down.
        """
        try:
            beginning = next(mail.pieces(), b"")
        except FileNotFoundError:
            return GONE
        except OSError as error:
            log.warning("A bounce mail cannot be read and stays where it is: %s", error)
            return UNREADABLE
        word = (
            record_bounce(self.database, beginning, self.domain, mail.recipients, self.clock()) if beginning else GONE
        )
        if word in FOR_REVIEW:
            self._keep(mail, word, beginning)
        if word != TOO_EARLY:
            mail.remove()
        return word

    def _keep(self, mail: BounceMail, word: str, beginning: bytes) -> None:
        """Under the same name when the same mail comes again, since a crash may have come before its removal."""
        self.review.keep(f"{word}-{sha256(beginning).hexdigest()[:32]}", mail.pieces())
