"""The addresses in our mails and pages. Each carries a signed token, made for one purpose; none carries an address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.domain import tokens

if TYPE_CHECKING:
    from datetime import datetime

CONFIRM, PLAN, UNSUBSCRIBE, BRIEFING = "confirm", "plan", "unsubscribe", "briefing"


@dataclass(frozen=True)
class Links:
    """Makes links, and reads their tokens back."""

    base: str  #: public URL without a slash at its end
    key: bytes

    def confirm(self, plan_id: int, timezone: str, expires: datetime) -> str:
        """The page on which a person confirms a sign-up."""
        return f"{self.base}/confirm/{tokens.sign(self.key, CONFIRM, f'{plan_id} {timezone}', expires)}"

    def plan(self, subscriber_id: int) -> str:
        """A person's plan."""
        return f"{self.base}/plan/{tokens.sign(self.key, PLAN, str(subscriber_id))}"

    def roles(self) -> str:
        """Where a person chooses what to do next."""
        return f"{self.base}/#roles"

    def console(self) -> str:
        """Where staff look after issues."""
        return f"{self.base}/console"

    def unsubscribe(self, subscriber_id: int) -> str:
        """The page, and the one-click POST, that ends the mails."""
        return f"{self.base}/u/{tokens.sign(self.key, UNSUBSCRIBE, str(subscriber_id))}"

    def briefing(self, delivery_id: int) -> str:
        """A briefing on the web, as it was sent."""
        return f"{self.base}/b/{tokens.sign(self.key, BRIEFING, str(delivery_id))}"

    def read_id(self, purpose: str, token: str, now: datetime) -> int:
        """The id in a token. Raises NotFoundError if it is altered, expired or of another purpose."""
        return int(tokens.read(self.key, purpose, token, now))

    def read_confirm(self, token: str, now: datetime) -> tuple[int, str]:
        """Plan id and time zone of a confirmation. Raises NotFoundError as `read_id` does."""
        plan_id, timezone = tokens.read(self.key, CONFIRM, token, now).split(" ")
        return int(plan_id), timezone
