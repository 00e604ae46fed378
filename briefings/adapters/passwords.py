"""Hashes the passwords of staff with Argon2id, and checks them."""

from __future__ import annotations

from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
#: A hash takes 64 MB while it is made: a crowd at the login page waits in line instead of using up the memory.
_IN_LINE = BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """The salted hash of a password, with its parameters, as one line of text."""
    with _IN_LINE:
        return _HASHER.hash(password)


def verify(password_hash: str, password: str) -> bool:
    """Whether the password is the one that was hashed."""
    with _IN_LINE:
        try:
            return _HASHER.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


@cache
def nobodys_hash() -> str:
    """A hash that belongs to nobody: checking against it takes as long as checking against a real one."""
    return hash_password("nobody has this password")
