"""The database: one engine, two kinds of transaction, the column types that all tables share."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.pool import NullPool

from briefings.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Dialect

#: How long a writer waits for another on SQLite.
BUSY_MILLISECONDS = 30_000
#: How long PostgreSQL waits for a lock, and for the next word in a transaction.
LOCK_TIMEOUT, IDLE_TIMEOUT = "10s", "60s"
#: Constraint names that are the same on both databases, so that migrations can speak of them.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, always UTC. A naive one is refused, because nobody can say when it is."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"{value!r} has no time zone; pass an aware datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own convention
        datetime: UTCDateTime(),
        dict[str, Any]: JSON(none_as_null=True),  # no content is NULL, not the text "null"
        list[str]: JSON(),
        str: String(),
    }


Id = Annotated[int, mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)]


class Database:
    """The store of record: SQLite for one machine, PostgreSQL when outgrown."""

    def __init__(self, url: str) -> None:
        """`url` is an SQLAlchemy address such as `sqlite:////var/lib/briefings.db` or `postgresql+psycopg://...`."""
        self.engine = _engine(url)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that changes rows: committed at the end, rolled back on any error."""
        with self._answering(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only looks; it never makes a writer wait."""
        reading = self.engine.execution_options(reading=True)
        with self._answering(), Session(reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def trial(self) -> Iterator[Session]:
        """A transaction whose changes are never kept: what would happen if."""
        with self._answering(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InternalError) as error:  # the latter: a server that has become a read-only standby
            words = f"The database refuses or does not answer ({error.orig})"
            raise DependencyError(f"{words}; is it running, may we write, has its disk room?") from error

    def close(self) -> None:
        """Give up all connections."""
        self.engine.dispose()


def alone(session: Session, what: str) -> None:
    """Let one transaction at a time do `what`, over all workers, until it ends.

    On SQLite a writing transaction is alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": what})


def insert_new(session: Session, table: type[Base], rows: list[dict[str, Any]], returning: Any = None) -> list[Any]:  # noqa: ANN401 - a column
    """Insert what is not there yet; a row that breaks a uniqueness rule is left as it is.

    Returns the `returning` column of the rows that were really inserted.
    """
    if not rows:
        return []
    dialect_insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = dialect_insert(table).on_conflict_do_nothing()
    # Rows that return something go in few statements; others would go one by one.
    wanted = next(iter(table.__table__.primary_key)) if returning is None else returning
    inserted = list(session.scalars(statement.returning(wanted), rows))
    return [] if returning is None else inserted


def put(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    """Write rows, each in the place of the one that has its primary key, if there is one; all with the same columns."""
    if not rows:
        return
    dialect_insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = dialect_insert(table).values(rows)
    keys = {column.name for column in table.__table__.primary_key}
    values = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.execute(statement.on_conflict_do_update(index_elements=sorted(keys), set_=values))


def _engine(url: str) -> Engine:
    """Parameters stay out of error messages: they may be addresses, and errors go to the log."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    # A connection a session: SQLite opens in microseconds, and none is carried into a forked worker.
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    """A process that stands still in a transaction must not hold up all others for ever."""
    for name, value in (("lock_timeout", LOCK_TIMEOUT), ("idle_in_transaction_session_timeout", IDLE_TIMEOUT)):
        connection.execute(f"SET {name} = '{value}'")
    connection.commit()


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", f"busy_timeout={BUSY_MILLISECONDS}", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its turn at once: a late upgrade from reader to writer would fail instead of waiting."""
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
