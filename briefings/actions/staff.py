"""Bring in staff, and let them into the console."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import update

from briefings.adapters import passwords
from briefings.errors import InputError
from briefings.store.base import insert_new
from briefings.store.deliveries import Event
from briefings.store.staff import DUTIES, Staff, by_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from briefings.store.base import Database

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
LONGEST_NAME = 60
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)


def add_staff(database: Database, name: str, password: str, duties: Iterable[str], now: datetime) -> int:
    """Write down a new member of staff. Returns their id.

    Raises InputError for a name that is taken or unreadable, a password that is too short, an unknown duty.
    """
    given = sorted(set(duties))
    _check(name, password, given)
    row = {"name": name, "password_hash": passwords.hash_password(password), "duties": given, "created_at": now}
    with database.write() as session:
        added = insert_new(session, Staff, [row], returning=Staff.id)
    if not added:
        raise InputError(f"There is a member of staff named {name!r} already; choose another name")
    return int(added[0])


def log_in(database: Database, name: str, password: str, now: datetime) -> Staff | None:
    """The member of staff whose name and password these are, or None.

    Nobody can tell an unknown name from a wrong password or a locked account: the answer and the time it takes are
    the same. Five failures lock the account for 15 minutes.
    """
    nobody = passwords.nobodys_hash()
    with database.read() as session:
        staff = by_name(session, name[:LONGEST_NAME])
        known_hash = staff.password_hash if staff else nobody
    right = passwords.verify(known_hash, password[:LONGEST_PASSWORD])
    return _decide(database, staff.id, right=right, now=now) if staff else None


def _check(name: str, password: str, duties: list[str]) -> None:
    if not name.isprintable() or name != name.strip() or not 0 < len(name) <= LONGEST_NAME:
        raise InputError(f"A staff name has 1 to {LONGEST_NAME} printable characters and no space around it")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InputError(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; choose another")
    unknown = [duty for duty in duties if duty not in DUTIES]
    if unknown or not duties:
        raise InputError(f"A duty is one of {', '.join(DUTIES)}; give at least one")


def _decide(database: Database, staff_id: int, *, right: bool, now: datetime) -> Staff | None:
    """Look again, alone: of many tries at the same moment, none counts that comes after the lock."""
    with database.write() as session:
        session.execute(update(Staff).where(Staff.id == staff_id).values(failed_logins=Staff.failed_logins + 1))
        staff = session.get_one(Staff, staff_id)
        if staff.locked_until and staff.locked_until > now:
            return None
        if right:
            staff.failed_logins, staff.locked_until = 0, None
            return staff
        if staff.failed_logins >= MOST_FAILURES:
            staff.failed_logins, staff.locked_until = 0, now + LOCKED_FOR
            session.add(Event(at=now, kind="staff-locked", detail={"staff": staff.name}))
        return None
