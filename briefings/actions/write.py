"""Delivery -> bytes, many at once: what the readers of an edition share is rendered and encoded once."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from briefings.actions.render import OWN
from briefings.adapters.letters import Form, write
from briefings.domain.mails import gap, own_headers, shared_headers
from briefings.errors import BriefingsError
from briefings.store.deliveries import ticks_before
from briefings.store.issues import content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from briefings.actions.render import Writer
    from briefings.domain.editions import Edition
    from briefings.store.deliveries import Due

log = logging.getLogger(__name__)

#: Forms kept for the next readers, about 40 KB each. Few suffice: readers of the same are served together.
MOST_FORMS = 200
#: What is wrong with one mail's own data. Anything else is not that mail's fault, and ends the pass.
BROKEN_MAIL = (BriefingsError, ValidationError, LookupError, ValueError, TypeError)


@dataclass(frozen=True)
class Press:
    """Writes the letters of deliveries; the same bytes as `letters.write(writer.letter(...))`, one by one."""

    writer: Writer
    _forms: dict[str, Form] = field(default_factory=dict)

    def letters(self, session: Session, window: Sequence[Due]) -> dict[int, bytes]:
        """The letters by delivery id. One that cannot be written is left out, and the log says why."""
        written: dict[int, bytes] = {}
        ticks = ticks_before(session, [one for one in window if one.content_digest])
        for delivery in window:
            try:
                written[delivery.id] = self._letter(session, delivery, ticks[delivery.id])
            except BROKEN_MAIL:
                log.exception("Delivery %s cannot be rendered", delivery.id)
        return written

    def _letter(self, session: Session, delivery: Due, ticks: int) -> bytes:
        if delivery.content_digest is None or delivery.since is None:
            return write(self.writer.letter(session, delivery))
        own = self.writer.own(delivery, delivery.since, ticks)
        headers = own_headers(self.writer.sender, delivery.address, delivery.uid, delivery.send_at, own)
        return self._form(session, delivery.content_digest).fill(headers, own)

    def _form(self, session: Session, digest: str) -> Form:
        form = self._forms.get(digest)
        if form is None:
            form = self._made(content(session, digest))
            if len(self._forms) >= MOST_FORMS:
                self._forms.pop(next(iter(self._forms)), None)
            self._forms[digest] = form
        return form

    def _made(self, edition: Edition) -> Form:
        rendered = self.writer.templates.render(self.writer.briefing(edition, {name: gap(name) for name in OWN}))
        headers = shared_headers(rendered.subject, self.writer.sender, edition)
        return Form(headers, rendered.text, rendered.html)
