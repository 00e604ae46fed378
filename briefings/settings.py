"""All settings, read once from the environment (and `.env`) into one frozen object."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values

from briefings.domain.mails import Sender, is_plain_address
from briefings.domain.rates import Rates, read_domain_rates, read_rates
from briefings.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The repository: templates and migrations lie beside the package.
ROOT = Path(__file__).resolve().parent.parent
SECRET_LENGTH = 32
#: No span of ours is longer: a hundred years, in seconds.
MOST = 3_155_760_000
#: Read by the command line alone, for `briefings staff add`.
PASSWORD = "BRIEFINGS_STAFF_PASSWORD"  # noqa: S105 - a name
DATABASES = ("sqlite:///", "postgresql+psycopg://")
BROKERS = ("redis://", "rediss://", "redis+socket://")
HIGHEST_PORT = 65535
IMAPS_PORT = 993
HUNDRED = 100
#: What may follow the address of a relay.
WEIGHT = re.compile(r"(?:weight=([1-9][0-9]?|100))?")
#: An SNS topic; its fourth part is the region.
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]+:[A-Za-z0-9_.-]+")


class Variable(NamedTuple):
    """A variable of the environment: its default, and what it means."""

    name: str
    default: str
    meaning: str


VARIABLES = (
    Variable(
        "BRIEFINGS_HOME", ".briefings", "Folder of everything that we write: database, broker socket, caught mail"
    ),
    Variable("BRIEFINGS_DATABASE_URL", "", "SQLAlchemy address; empty means SQLite in the home folder"),
    Variable("BRIEFINGS_BROKER_URL", "", "Redis or Valkey address; empty means one started on a private socket"),
    Variable("BRIEFINGS_SECRET_KEY", "", "Signs links and sessions, 32 characters or more; kept in the home if empty"),
    Variable("BRIEFINGS_PUBLIC_URL", "http://127.0.0.1:8025", "How readers reach the web pages; stands in mails"),
    Variable("BRIEFINGS_LISTEN", "127.0.0.1:8025", "Address and port on which the web pages are served"),
    Variable(
        "BRIEFINGS_SMTP_URL",
        "",
        "smtp://host, smtp+starttls://user:pw@host or smtps://...; several, split by spaces, share the mail by weight "
        "(smtps://host?weight=3; default 1); empty: mail is caught",
    ),
    Variable(
        "BRIEFINGS_SMTP_VERDICT_SECONDS",
        "600",
        "How long the relay may think after the final dot; less makes duplicates (RFC 5321, 4.5.3.2.6)",
    ),
    Variable(
        "BRIEFINGS_CAUGHT_MAIL",
        "",
        "The inbox page's folder; empty: in the home, or none if a relay is set",
    ),
    Variable("BRIEFINGS_CATCHER_LISTEN", "127.0.0.1:1025", "Address and port of the mail catcher"),
    Variable("BRIEFINGS_SENDER_NAME", "Weekly Briefing", "The name that mails come from"),
    Variable("BRIEFINGS_MAIL_DOMAIN", "briefings.example", "Domain of our sender addresses and Message-IDs"),
    Variable("BRIEFINGS_REPLY_TO", "editors@briefings.example", "A box that a person reads"),
    Variable(
        "BRIEFINGS_POSTAL_ADDRESS", "Briefings, 1 Example Street, Exampletown", "Stands in every mail, as the law asks"
    ),
    Variable("BRIEFINGS_CATALOGUE", "", "Folder of another catalogue; empty means the bundled one"),
    Variable("BRIEFINGS_ALLOW_PRIVATE_FEEDS", "no", "yes lets feeds live on private and loopback addresses"),
    Variable("BRIEFINGS_CLOCK_OFFSET", "0", "Seconds by which our clock runs ahead; for the demo and for tests"),
    Variable("BRIEFINGS_CLOCK_FILE", "", "File with further such seconds, read at every look; for `briefings chaos`"),
    Variable("BRIEFINGS_SWEEP_SECONDS", "5", "How often each process looks for work that no message announced"),
    Variable("BRIEFINGS_LEASE_SECONDS", "60", "How long a worker may hold a delivery without finishing it"),
    Variable("BRIEFINGS_UNKNOWN_POLICY", "resend", "An outcome nobody knows: resend once, or hold for the operator"),
    Variable("BRIEFINGS_UNKNOWN_SECONDS", "900", "How long to wait for evidence before that policy acts"),
    Variable(
        "BRIEFINGS_BOUNCES_IMAP_URL",
        "",
        "imaps://user:password@host/INBOX, which `briefings bounces read --imap` empties",
    ),
    Variable("BRIEFINGS_SES_TOPICS", "", "Amazon SNS topics (ARNs, split by commas) that POST /hooks/ses believes"),
    Variable("BRIEFINGS_NOTICES_SECRET", "", "Signs POST /hooks/notices, 32 characters or more; empty: none is taken"),
    Variable("BRIEFINGS_LATEST_HOURS", "36", "A briefing later than this is not sent (skipped: too-late)"),
    Variable("BRIEFINGS_RATE", "", "Messages at most, over all workers: 100/s, 5000/m, 20000/h or 50000/d, or several"),
    Variable("BRIEFINGS_DOMAIN_RATES", "", "The same by recipient domain: gmail.com=20/s, *=5/s (* is each other one)"),
    Variable("BRIEFINGS_CANARY", "0", "Percent of an issue (20 mails at least) that is tried first; 0: all go at once"),
)


@dataclass(frozen=True)
class Relay:
    """Where mail is handed over."""

    host: str
    port: int
    tls: Literal["none", "starttls", "tls"]
    user: str = ""
    password: str = field(default="", repr=False)
    verdict_seconds: float = 600  #: how long it may think after the final dot
    weight: int = 1  #: its share of the letters, when there are several

    def __str__(self) -> str:
        return f"The relay {self.host}:{self.port}"


@dataclass(frozen=True)
class Mailbox:
    """An IMAP mailbox, reached by TLS."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str


@dataclass(frozen=True)
class Address:
    """Where to listen."""

    host: str
    port: int


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Build it with `from_env`, or directly in a test."""

    home: Path
    database_url: str = field(repr=False)  # may hold a password
    broker_url: str = field(repr=False)
    secret_key: bytes = field(repr=False)
    public_url: str
    listen: Address
    relays: tuple[Relay, ...]  #: one at least
    caught_mail: Path | None
    catcher: Address
    sender: Sender
    postal_address: str
    catalogue: Path
    allow_private_feeds: bool
    clock_offset: timedelta
    clock_file: Path | None
    sweep: timedelta
    lease: timedelta
    unknown_policy: Literal["resend", "hold"]
    unknown_patience: timedelta
    latest: timedelta
    bounces_imap: Mailbox | None
    ses_topics: frozenset[str]
    notices_secret: bytes = field(repr=False)  #: empty: no notice is taken
    rates: Rates
    canary: float  #: percent

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment, and `.env` in the working folder beneath it.

        Raises SettingsError that names the variable and what to write instead.
        """
        values = _values(environ)
        home = Path(values["BRIEFINGS_HOME"]).resolve()
        catcher = _address(values, "BRIEFINGS_CATCHER_LISTEN")
        relays = _relays(values, catcher)
        return cls(
            home=home,
            database_url=_part_url(values, "BRIEFINGS_DATABASE_URL", DATABASES) or f"sqlite:///{home / 'briefings.db'}",
            broker_url=_part_url(values, "BRIEFINGS_BROKER_URL", BROKERS) or f"redis+socket://{socket_path(home)}",
            secret_key=_secret(values, home),
            public_url=_web_url(values, "BRIEFINGS_PUBLIC_URL"),
            listen=_address(values, "BRIEFINGS_LISTEN"),
            relays=relays,
            caught_mail=_caught_mail(values, home, relays),
            catcher=catcher,
            sender=_sender(values),
            postal_address=values["BRIEFINGS_POSTAL_ADDRESS"],
            catalogue=_catalogue(values),
            allow_private_feeds=_yes(values, "BRIEFINGS_ALLOW_PRIVATE_FEEDS"),
            clock_offset=_seconds(values, "BRIEFINGS_CLOCK_OFFSET", -MOST),
            clock_file=Path(values["BRIEFINGS_CLOCK_FILE"]) if values["BRIEFINGS_CLOCK_FILE"] else None,
            sweep=_seconds(values, "BRIEFINGS_SWEEP_SECONDS", 0.1),
            lease=_seconds(values, "BRIEFINGS_LEASE_SECONDS", 1),
            unknown_policy=_policy(values),
            unknown_patience=_seconds(values, "BRIEFINGS_UNKNOWN_SECONDS"),
            latest=_span(values, "BRIEFINGS_LATEST_HOURS", timedelta(hours=1)),
            bounces_imap=_mailbox(values["BRIEFINGS_BOUNCES_IMAP_URL"]),
            ses_topics=_topics(values),
            notices_secret=_notices_secret(values),
            rates=_rates(values),
            canary=_percent(values, "BRIEFINGS_CANARY"),
        )


def home_from_env() -> Path:
    """The home folder, before there is a secret in it."""
    return Path(_values(None)["BRIEFINGS_HOME"]).resolve()


def inherited() -> dict[str, str]:
    """The environment of this process without our variables, for a child that gets settings of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BRIEFINGS_")}


def catalogue_from_env() -> Path:
    """The catalogue's folder, for those who need nothing else."""
    return _catalogue(_values(None))


def socket_path(home: Path) -> Path:
    """Where the embedded broker listens."""
    return home / "run" / "valkey.sock"


def secret_path(home: Path) -> Path:
    """Where a generated secret key is kept."""
    return home / "secret.key"


def _values(environ: Mapping[str, str] | None) -> dict[str, str]:
    given = {**dotenv_values(".env"), **os.environ} if environ is None else environ
    known = [variable.name for variable in VARIABLES]
    for name in given:
        if name.startswith("BRIEFINGS_") and name not in {*known, PASSWORD}:
            near = get_close_matches(name, known, 1)
            raise SettingsError(f"There is no setting {name}" + (f"; did you mean {near[0]}?" if near else ""))
    return {variable.name: given.get(variable.name) or variable.default for variable in VARIABLES}


def _secret(values: Mapping[str, str], home: Path) -> bytes:
    key = values["BRIEFINGS_SECRET_KEY"]
    if not key and secret_path(home).exists():
        key = secret_path(home).read_text("ascii").strip()
    if len(key) < SECRET_LENGTH:
        raise SettingsError(
            f"BRIEFINGS_SECRET_KEY is missing or shorter than {SECRET_LENGTH} characters, and {home} keeps none: run "
            "`briefings up` once, set BRIEFINGS_HOME to the home that it made, or set the key to the output of: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return key.encode()


def _catalogue(values: Mapping[str, str]) -> Path:
    return Path(values["BRIEFINGS_CATALOGUE"] or ROOT / "briefings" / "catalogue")


def _caught_mail(values: Mapping[str, str], home: Path, relays: Sequence[Relay]) -> Path | None:
    """Without a relay our mails stay on this machine, in the catcher's folder.

    A relay that speaks TLS is a real one: then there is no inbox page, whose mails anybody could open.
    """
    if any(relay.tls != "none" for relay in relays):
        return None
    if values["BRIEFINGS_CAUGHT_MAIL"]:
        return Path(values["BRIEFINGS_CAUGHT_MAIL"]).resolve()
    return None if values["BRIEFINGS_SMTP_URL"] else home / "caught"


def _sender(values: Mapping[str, str]) -> Sender:
    domain = values["BRIEFINGS_MAIL_DOMAIN"]
    name = " ".join(values["BRIEFINGS_SENDER_NAME"].split())
    if not is_plain_address(f"briefing@{domain}"):
        raise SettingsError(f"BRIEFINGS_MAIL_DOMAIN is {domain!r}; write it as briefings.example")
    if not is_plain_address(values["BRIEFINGS_REPLY_TO"]):
        raise SettingsError("BRIEFINGS_REPLY_TO is not a plain address; write it as editors@briefings.example")
    return Sender(name, f"briefing@{domain}", f"account@{domain}", values["BRIEFINGS_REPLY_TO"], domain)


def _relays(values: Mapping[str, str], catcher: Address) -> tuple[Relay, ...]:
    url = values["BRIEFINGS_SMTP_URL"]
    verdict = _seconds(values, "BRIEFINGS_SMTP_VERDICT_SECONDS", 0.1).total_seconds()
    if not url:
        return (Relay(catcher.host, catcher.port, "none", verdict_seconds=verdict),)
    urls = url.split() or [url]
    if len(urls) == 1:
        return (_relay("BRIEFINGS_SMTP_URL", urls[0], verdict),)
    return tuple(_relay(f"Relay {place} of BRIEFINGS_SMTP_URL", one, verdict) for place, one in enumerate(urls, 1))


def _relay(name: str, url: str, verdict: float) -> Relay:
    """A relay from its address; `name` is what an error calls it. No error quotes the address: it holds a password."""
    kinds: dict[str, tuple[Literal["none", "starttls", "tls"], int]] = {
        "smtp": ("none", 25),
        "smtp+starttls": ("starttls", 587),
        "smtps": ("tls", 465),
    }
    wanted = f"{name} is not a relay; write it as smtp+starttls://user:password@host:587 (a space in it as %20)"
    try:
        parts = urlsplit(url)
        tls, usual_port = kinds[parts.scheme]
        port = parts.port or usual_port
    except (ValueError, KeyError):
        raise SettingsError(wanted) from None  # the cause may quote the password
    if not parts.hostname:
        raise SettingsError(wanted)
    if parts.username and tls == "none":
        raise SettingsError(f"{name} would send a password in the clear; use smtp+starttls:// or smtps://")
    weight = WEIGHT.fullmatch(parts.query)
    if not weight:
        raise SettingsError(f"{name} has a wrong weight; write it as smtps://host?weight=3, from 1 to 100 (a ? as %3F)")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():
        raise SettingsError(
            f"{name} has letters beyond ASCII in user name or password; SMTP (RFC 4954) cannot send them"
        )
    return Relay(parts.hostname, port, tls, user, password, verdict, int(weight[1] or 1))


def _mailbox(url: str) -> Mailbox | None:
    if not url:
        return None
    wanted = "BRIEFINGS_BOUNCES_IMAP_URL is no mailbox; write it as imaps://user:password@host/INBOX"
    try:
        parts = urlsplit(url)
        port = parts.port or IMAPS_PORT
    except ValueError:
        raise SettingsError(wanted) from None  # the cause may quote the password
    user, password, folder = (unquote(part or "") for part in (parts.username, parts.password, parts.path[1:]))
    spelt = f"{user}{password}{folder}"
    spelt_well = spelt.isprintable() and spelt.isascii()  # imaplib sends nothing else
    if parts.scheme != "imaps" or not (parts.hostname and user and password) or not spelt_well:
        raise SettingsError(wanted)
    return Mailbox(parts.hostname, port, user, password, folder or "INBOX")


def _topics(values: Mapping[str, str]) -> frozenset[str]:
    topics = frozenset(values["BRIEFINGS_SES_TOPICS"].replace(",", " ").split())
    if not all(TOPIC.fullmatch(topic) for topic in topics):
        raise SettingsError(
            "BRIEFINGS_SES_TOPICS is no list of topics; write each as arn:aws:sns:eu-west-1:123456:name"
        )
    return topics


def _notices_secret(values: Mapping[str, str]) -> bytes:
    secret = values["BRIEFINGS_NOTICES_SECRET"]
    if secret and len(secret) < SECRET_LENGTH:
        raise SettingsError(f"BRIEFINGS_NOTICES_SECRET is too short; use {SECRET_LENGTH} random characters or more")
    return secret.encode()


def _rates(values: Mapping[str, str]) -> Rates:
    everywhere, domains = values["BRIEFINGS_RATE"], values["BRIEFINGS_DOMAIN_RATES"]
    try:
        rates = Rates(read_rates(everywhere))
    except ValueError as error:
        raise SettingsError(f"BRIEFINGS_RATE is {everywhere!r}; write it as 100/s, or 100/s, 20000/h") from error
    try:
        return Rates(rates.everywhere, read_domain_rates(domains))
    except ValueError as error:
        raise SettingsError(f"BRIEFINGS_DOMAIN_RATES is {domains!r}; write it as gmail.com=20/s, *=5/s") from error


def _percent(values: Mapping[str, str], name: str) -> float:
    percent = _number(values[name])
    if not 0 <= percent <= HUNDRED:
        raise SettingsError(f"{name} is {values[name]!r}; write a number from 0 to 100")
    return percent


def _address(values: Mapping[str, str], name: str) -> Address:
    return listening(name, values[name])


def listening(name: str, value: str) -> Address:
    """Where to listen, from words such as `127.0.0.1:8025`; `name` is what the words are the value of.

    Raises SettingsError.
    """
    host, _, port = value.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > HIGHEST_PORT:
        raise SettingsError(f"{name} is {value!r}; write it as 127.0.0.1:8025")
    return Address(host.strip("[]"), int(port))


def _web_url(values: Mapping[str, str], name: str) -> str:
    wanted = f"{name} is {values[name]!r}; write it as https://briefings.example"
    try:
        parts = urlsplit(values[name])
    except ValueError as error:
        raise SettingsError(wanted) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(wanted)
    return values[name].rstrip("/")


def _seconds(values: Mapping[str, str], name: str, least: float = 0) -> timedelta:
    return _span(values, name, timedelta(seconds=1), least)


def _span(values: Mapping[str, str], name: str, unit: timedelta, least: float = 0) -> timedelta:
    number = _number(values[name])
    if not least <= number <= MOST:
        raise SettingsError(f"{name} is {values[name]!r}; write a number of {least:g} or more")
    return unit * number


def _number(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        return nan


def _part_url(values: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str:
    url = values[name]
    if url and not url.startswith(schemes):
        raise SettingsError(f"{name} must begin with one of {', '.join(schemes)}")  # not said: it holds a password
    return url


def _yes(values: Mapping[str, str], name: str) -> bool:
    if values[name] not in {"yes", "no"}:
        raise SettingsError(f"{name} is {values[name]!r}; write yes or no")
    return values[name] == "yes"


def _policy(values: Mapping[str, str]) -> Literal["resend", "hold"]:
    policy = values["BRIEFINGS_UNKNOWN_POLICY"]
    if policy == "resend":
        return "resend"
    if policy == "hold":
        return "hold"
    raise SettingsError(f"BRIEFINGS_UNKNOWN_POLICY is {policy!r}; write resend or hold")
