from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from web_world import Browser, FakeClock, NoFetcher, RecordingDoorbell, add_item, enrol

from briefings.adapters import catalogue_files
from briefings.bootstrap import App
from briefings.settings import ROOT, Settings
from briefings.store.base import Base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from briefings.domain.catalogue import Catalogue


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return catalogue_files.load(ROOT / "briefings" / "catalogue")


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings.from_env(
        {
            "BRIEFINGS_HOME": str(tmp_path),
            "BRIEFINGS_SECRET_KEY": "an invented key of more than 32 characters",
            "BRIEFINGS_CAUGHT_MAIL": str(tmp_path / "mail"),
        }
    )


@pytest.fixture
def app(settings, catalogue) -> Iterator[App]:
    app = App(settings, FakeClock(), catalogue, NoFetcher(), RecordingDoorbell())
    Base.metadata.create_all(app.database.engine)
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
