"""Ledger -> mail to staff: on the day after an issue's Monday, what went out, and what was skipped and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from briefings.actions.account import ledger_of
from briefings.adapters.letters import write
from briefings.domain.deliveries import Outcome
from briefings.domain.digests import digest
from briefings.domain.mails import DigestMail, letter
from briefings.store import deliveries, issues

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from sqlalchemy.orm import Session

    from briefings.actions.render import Writer
    from briefings.adapters.mailer import Mailer
    from briefings.clock import Clock
    from briefings.domain.mails import Letter
    from briefings.store.base import Database

JOB = "digest"
#: Tuesday, when every Monday morning on earth is over (UTC).
AFTER_MONDAY, AT = timedelta(days=1), time(20, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Digesting:
    """Writes to the box that editors read.

    The mail goes straight to the relay and is no delivery: it has no subscriber, no issue gives account of it, and no
    brake holds it, least of all when a brake is what it has to tell.
    """

    database: Database
    writer: Writer
    namespace: UUID
    clock: Clock

    def send(self, connect: Callable[[], Mailer]) -> bool:
        """Send the digest of the newest issue, if it is due and not sent. Returns whether the relay took it.

        Not taken, it is tried again the next time. Raises DependencyError when there is no relay.
        """
        now = self.clock()
        with self.database.write() as session:
            issue = issues.latest(session)
            due = due_at(issue.monday) if issue else now
            slot = issues.take_slot(session, JOB, due, now) if issue and due <= now else None
            if issue is None or slot is None:
                return False
            mail, slot_id = self.letter(session, issue), slot.id
        taken = self._send(connect(), mail)
        if taken:
            with self.database.write() as session:
                session.get_one(issues.Slot, slot_id).done_at = self.clock()
        return taken

    def letter(self, session: Session, issue: issues.Issue) -> Letter:
        """The digest of an issue, as it stands now."""
        left = deliveries.count_events(session, "unsubscribed", issue.cutoff_at)
        complained = deliveries.count_events(session, "complained", issue.cutoff_at)
        mail = DigestMail(
            sender_name=self.writer.sender.name,
            issue=issue.key,
            digest=digest(ledger_of(session, issue), left, complained),
            items_read=issue.items_read,
            feeds_read=issue.feeds_read,
            console_url=self.writer.links.console(),
            sender_address=self.writer.postal_address,
        )
        return letter(
            self.writer.templates.render(mail),
            sender=self.writer.sender,
            recipient=self.writer.sender.reply_to,
            uid=uuid5(self.namespace, f"digest/{issue.key}").hex,
            dated=due_at(issue.monday),
        )

    def _send(self, mailer: Mailer, mail: Letter) -> bool:
        try:
            mailer.open()
            attempt = mailer.send(write(mail), self.writer.sender.account, mail.recipient)
        finally:
            mailer.close()
        return attempt.outcome is Outcome.ACCEPTED


def due_at(monday: date) -> datetime:
    """When the digest of the issue of this Monday is due (UTC)."""
    return datetime.combine(monday + AFTER_MONDAY, AT)
