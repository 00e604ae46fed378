"""The errors of Briefings. The type says whether trying again can help; the docstring says what to do next."""

from __future__ import annotations


class BriefingsError(Exception):
    """Something in Briefings went wrong: read the message, which names the thing and the remedy."""

    def __str__(self) -> str:
        """The message, or the docstring when none was given."""
        return super().__str__() or (self.__doc__ or "").strip()


class TransientError(BriefingsError):
    """The world was not ready: the same call may succeed later, so it is tried again."""


class PermanentError(BriefingsError):
    """Trying again cannot help: change the input named in the message."""


class SettingsError(PermanentError):
    """A setting is missing or wrong: correct the variable named, in the environment or in .env."""


class CatalogueError(PermanentError):
    """The catalogue is broken: correct each file and key listed, then start again."""


class FetchError(TransientError):
    """A feed could not be fetched: its back-off decides when it is tried again."""


class NoAnswerError(FetchError):
    """A host did not answer: its back-off decides when it is tried again."""

    def __init__(self, message: str = "", host: str = "") -> None:
        """`host` is the one that did not answer, without its port: after a redirect, not the one of the feed."""
        super().__init__(message)
        self.host = host


class RefusedAddressError(FetchError):
    """A feed leads to an address that we do not connect to: use a public http or https address."""


class ParseError(PermanentError):
    """The bytes are not a feed that we can read: check the address in a browser."""


class InputError(PermanentError):
    """A person's input cannot be used: the message says which field and what to enter."""


class ForgedNoticeError(PermanentError):
    """A provider's notice is not signed as it must be, or too old: compare its settings with ours."""


class NotFoundError(PermanentError):
    """There is nothing at this address: the link is altered, or its person has left."""


class DependencyError(TransientError):
    """A part that Briefings needs (database, broker) does not answer: start it and try again."""
