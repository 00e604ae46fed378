"""What every command needs: the terminal, and the product put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from briefings.settings import ROOT

if TYPE_CHECKING:
    from briefings.bootstrap import App

console = Console()


def open_app() -> App:
    """The product on the data that the environment names. Raises DependencyError when its tables are not current."""
    from briefings.bootstrap import bootstrap
    from briefings.store.schema import require_current

    app = bootstrap()
    require_current(app.database.engine, ROOT / "migrations")
    return app
