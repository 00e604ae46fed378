from datetime import UTC, datetime, timedelta

import pytest

from briefings.domain.links import BRIEFING, CONFIRM, PLAN, UNSUBSCRIBE, Links
from briefings.errors import NotFoundError

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LINKS = Links("https://briefings.example", b"k" * 40)
BY_ID = {PLAN: LINKS.plan, UNSUBSCRIBE: LINKS.unsubscribe, BRIEFING: LINKS.briefing}


def token_of(link: str) -> str:
    return link.rpartition("/")[2]


@pytest.mark.parametrize(("purpose", "path"), [(PLAN, "/plan/"), (UNSUBSCRIBE, "/u/"), (BRIEFING, "/b/")])
def test_a_link_leads_to_its_page_and_back_to_its_id(purpose, path):
    link = BY_ID[purpose](42)
    assert link.startswith(f"https://briefings.example{path}")
    assert LINKS.read_id(purpose, token_of(link), NOW) == 42


@pytest.mark.parametrize("purpose", BY_ID)
@pytest.mark.parametrize("other", [CONFIRM, PLAN, UNSUBSCRIBE, BRIEFING])
def test_a_link_opens_no_other_page(purpose, other):
    if other == purpose:
        assert LINKS.read_id(other, token_of(BY_ID[purpose](42)), NOW) == 42
        return
    with pytest.raises(NotFoundError):
        LINKS.read_id(other, token_of(BY_ID[purpose](42)), NOW)


def test_a_confirmation_carries_the_plan_and_the_time_zone_until_it_expires():
    expires = NOW + timedelta(days=7)
    token = token_of(LINKS.confirm(9, "America/Argentina/Buenos_Aires", expires))
    assert LINKS.read_confirm(token, NOW) == (9, "America/Argentina/Buenos_Aires")
    with pytest.raises(NotFoundError, match="expired"):
        LINKS.read_confirm(token, expires + timedelta(seconds=1))


def test_a_token_of_another_installation_is_refused():
    with pytest.raises(NotFoundError):
        Links(LINKS.base, b"K" * 40).read_id(PLAN, token_of(LINKS.plan(42)), NOW)
