from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from fakes import Bell, FakeClock, NoFetcher
from web_world import TUESDAY, Browser, add_item, enrol

from briefings.bootstrap import App
from briefings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def settings(tmp_path, migrated_sqlite) -> Settings:
    """The pages ask the same of both databases; SQLite is quicker to copy."""
    shutil.copy(migrated_sqlite, tmp_path / "briefings.db")
    return Settings.from_env(
        {
            "BRIEFINGS_HOME": str(tmp_path),
            "BRIEFINGS_SECRET_KEY": "an invented key of more than 32 characters",
            "BRIEFINGS_CAUGHT_MAIL": str(tmp_path / "mail"),
        }
    )


@pytest.fixture
def app(settings, catalogue) -> Iterator[App]:
    app = App(settings, FakeClock(TUESDAY), catalogue, NoFetcher(), Bell())
    yield app
    app.database.close()


@pytest.fixture
def browser(app) -> Iterator[Browser]:
    browser = Browser(app)
    yield browser
    browser.close()


@pytest.fixture
def subscriber_id(app) -> int:
    """A confirmed subscriber."""
    return enrol(app, "ada@example.org")


@pytest.fixture
def item_id(app) -> int:
    with app.database.write() as session:
        return add_item(session, "vLLM 0.92 halves start-up time")
