from datetime import timedelta
from pathlib import Path

import pytest

from briefings.domain.rates import Rate, Rates
from briefings.errors import SettingsError
from briefings.settings import VARIABLES, Address, Mailbox, Relay, Settings, secret_path

SECRET = "a-secret-key-of-the-tests-with-40-letters"
PASSWORD = "p@ss/word"


@pytest.fixture
def read(tmp_path):
    """Reads settings that say nothing but a home, a secret and what is given."""

    def from_env(**values: str) -> Settings:
        return Settings.from_env({"BRIEFINGS_HOME": str(tmp_path), "BRIEFINGS_SECRET_KEY": SECRET} | values)

    return from_env


def test_a_misspelt_name_is_no_setting(read):
    with pytest.raises(SettingsError, match="no setting BRIEFINGS_LISTEM; did you mean BRIEFINGS_LISTEN"):
        read(BRIEFINGS_LISTEM="127.0.0.1:80")


def test_an_address_of_the_sixth_version_is_read(read):
    assert read(BRIEFINGS_LISTEN="[::1]:8025").listen == Address("::1", 8025)


@pytest.mark.parametrize("name", ["BRIEFINGS_DATABASE_URL", "BRIEFINGS_BROKER_URL"])
def test_a_part_that_we_cannot_use_is_refused_without_telling_its_password(read, name):
    with pytest.raises(SettingsError, match=f"{name} must begin with one of") as refusal:
        read(**{name: "mysql://ana:canary@host/db"})
    assert "canary" not in str(refusal.value)


# ---------------------------------------------------------------- defaults


def test_a_home_and_a_secret_are_enough(read, tmp_path):
    settings = read()
    assert settings.database_url == f"sqlite:///{tmp_path / 'briefings.db'}"
    assert settings.broker_url == f"redis+socket://{tmp_path / 'run' / 'valkey.sock'}"
    assert settings.relays == (Relay("127.0.0.1", 1025, "none"),)
    assert settings.caught_mail == tmp_path / "caught"
    assert settings.latest == timedelta(hours=36)
    assert settings.unknown_patience == timedelta(minutes=15)
    assert (settings.catalogue / "skills.toml").is_file()
    assert not settings.allow_private_feeds
    assert not settings.rates
    assert settings.canary == 0


def test_an_empty_value_means_the_default(read):
    assert read(BRIEFINGS_LISTEN="", BRIEFINGS_UNKNOWN_POLICY="") == read()


def test_a_dot_env_file_lies_beneath_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text(f"BRIEFINGS_SECRET_KEY={SECRET}\nBRIEFINGS_HOME=a\nBRIEFINGS_LISTEN=127.0.0.1:1\n")
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    monkeypatch.setenv("BRIEFINGS_LISTEN", "127.0.0.1:2")
    settings = Settings.from_env()
    assert settings.home == tmp_path / "a"
    assert settings.listen == Address("127.0.0.1", 2)


def test_every_variable_says_what_it_means_and_is_named_once():
    assert all(variable.meaning for variable in VARIABLES)
    assert len({variable.name for variable in VARIABLES}) == len(VARIABLES)


def test_every_variable_of_the_list_is_read_and_no_other():
    asked = set()

    class Asked(dict):
        def get(self, name, default=None):
            asked.add(name)
            return super().get(name, default)

    Settings.from_env(Asked({"BRIEFINGS_SECRET_KEY": SECRET}))
    assert asked == {variable.name for variable in VARIABLES}


# ---------------------------------------------------------------- relays and secrets


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://mail.example", Relay("mail.example", 25, "none")),
        ("smtp://mail.example:2525", Relay("mail.example", 2525, "none")),
        ("smtp+starttls://ana:pw@mail.example", Relay("mail.example", 587, "starttls", "ana", "pw")),
        (
            "smtps://ana%40x.example:p%40ss%2Fword@mail.example",
            Relay("mail.example", 465, "tls", "ana@x.example", PASSWORD),
        ),
        ("smtps://[::1]:4650", Relay("::1", 4650, "tls")),
        ("smtps://mail.example?weight=3", Relay("mail.example", 465, "tls", weight=3)),
    ],
)
def test_a_relay_is_read_from_its_address(read, url, relay):
    assert read(BRIEFINGS_SMTP_URL=url).relays == (relay,)
    several = read(BRIEFINGS_SMTP_URL=f"smtp://first.example {url}").relays
    assert several == (Relay("first.example", 25, "none"), relay)


def test_one_real_relay_of_several_takes_the_inbox_page_away(read, tmp_path):
    caught, plain = str(tmp_path), "smtp://a.example smtp://b.example"
    assert read(BRIEFINGS_SMTP_URL=plain, BRIEFINGS_CAUGHT_MAIL=caught).caught_mail == tmp_path
    assert read(BRIEFINGS_SMTP_URL=f"{plain} smtps://c.example", BRIEFINGS_CAUGHT_MAIL=caught).caught_mail is None


@pytest.mark.parametrize(
    ("first", "name"), [("", "BRIEFINGS_SMTP_URL"), ("smtp://a ", "Relay 2 of BRIEFINGS_SMTP_URL")]
)
def test_no_password_goes_over_a_connection_in_the_clear(read, first, name):
    with pytest.raises(SettingsError, match=f"^{name} would send a password in the clear"):
        read(BRIEFINGS_SMTP_URL=f"{first}smtp://ana:pw@mail.example")


def test_a_password_that_smtp_cannot_send_is_refused_without_telling_it(read):
    with pytest.raises(SettingsError, match="letters beyond ASCII") as refusal:
        read(BRIEFINGS_SMTP_URL="smtps://user:p%C3%A4ss@relay.example")
    assert "p\u00e4ss" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", [" ", "mail.example", "http://mail.example", "smtp://", "smtp://[", "smtp://mail.example:x"]
)
def test_what_is_no_relay_is_refused(read, url):
    with pytest.raises(SettingsError, match="BRIEFINGS_SMTP_URL is not a relay; write it as"):
        read(BRIEFINGS_SMTP_URL=url)


@pytest.mark.parametrize("query", ["weight=0", "weight=101", "weight=1.5", "weight=", "weigth=3", "weight=1&weight=2"])
def test_a_wrong_weight_is_refused(read, query):
    with pytest.raises(SettingsError, match="Relay 2 of BRIEFINGS_SMTP_URL has a wrong weight; write it as"):
        read(BRIEFINGS_SMTP_URL=f"smtp://a.example smtp://b.example?{query}")


@pytest.mark.parametrize("password", ["secret/word", "12?secret", "word secret"])
def test_a_password_that_breaks_the_address_is_not_in_the_error(read, password):
    with pytest.raises(SettingsError) as refusal:
        read(BRIEFINGS_SMTP_URL=f"smtps://ana:{password}@mail.example")
    assert "secret" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "mailbox"),
    [
        ("imaps://ana:pw@imap.example", Mailbox("imap.example", 993, "ana", "pw", "INBOX")),
        (
            "imaps://b%40x.example:p%40ss%2Fword@[::1]:9930/Sent%20back",
            Mailbox("::1", 9930, "b@x.example", PASSWORD, "Sent back"),
        ),
    ],
)
def test_a_mailbox_is_read_from_its_address(read, url, mailbox):
    assert read(BRIEFINGS_BOUNCES_IMAP_URL=url).bounces_imap == mailbox


@pytest.mark.parametrize(
    "url",
    [
        *("imap://ana:secret@imap.example", "imaps://ana@imap.example", "imaps://ana:secret/x@imap.example"),
        *("imaps://ana:secret@", "imaps://ana:secret@imap.example/a%0D%0Ab", "imaps://ana:secret@["),
        "imaps://ana:secr%C3%A9t@imap.example",
    ],
)
def test_what_is_no_mailbox_is_refused_without_telling_its_password(read, url):
    with pytest.raises(SettingsError, match="BRIEFINGS_BOUNCES_IMAP_URL is no mailbox; write it as") as refusal:
        read(BRIEFINGS_BOUNCES_IMAP_URL=url)
    assert "secr" not in str(refusal.value)


def test_rates_are_read_for_all_and_by_domain(read):
    settings = read(BRIEFINGS_RATE="100/s, 20000/h", BRIEFINGS_DOMAIN_RATES="gmail.com=20/s", BRIEFINGS_CANARY="2.5")
    assert settings.rates == Rates((Rate(100, 1), Rate(20000, 3600)), {"gmail.com": Rate(20, 1)})
    assert settings.canary == 2.5


def test_topics_are_split_by_commas_or_spaces(read):
    one, two = "arn:aws:sns:eu-west-1:123456:a", "arn:aws:sns:us-east-1:123456:b"
    assert read(BRIEFINGS_SES_TOPICS=f"{one}, {two}").ses_topics == {one, two}
    assert read().ses_topics == frozenset()


def test_what_is_no_topic_is_refused(read):
    with pytest.raises(SettingsError, match="BRIEFINGS_SES_TOPICS is no list of topics; write each as"):
        read(BRIEFINGS_SES_TOPICS="bounces")


def test_a_short_secret_of_notices_is_refused(read):
    with pytest.raises(SettingsError, match="BRIEFINGS_NOTICES_SECRET is too short"):
        read(BRIEFINGS_NOTICES_SECRET="short")


def test_no_secret_shows_when_settings_are_printed(read):
    printed = repr(
        read(
            BRIEFINGS_SMTP_URL="smtp://a.example smtps://ana:hush-mail@mail.example",
            BRIEFINGS_DATABASE_URL="postgresql+psycopg://b:hush-rows@db.example/b",
            BRIEFINGS_BROKER_URL="rediss://:hush-bell@broker.example/0",
            BRIEFINGS_BOUNCES_IMAP_URL="imaps://ana:hush-box@imap.example",
            BRIEFINGS_NOTICES_SECRET="hush" * 8,
        )
    )
    assert SECRET not in printed
    assert "hush" not in printed


def test_a_generated_secret_is_kept_in_the_home(read, tmp_path):
    with pytest.raises(SettingsError, match="BRIEFINGS_SECRET_KEY is missing or shorter than 32"):
        read(BRIEFINGS_SECRET_KEY="")
    secret_path(tmp_path).write_text(f"{SECRET}\n")
    assert read(BRIEFINGS_SECRET_KEY="").secret_key == SECRET.encode()


def test_a_short_secret_is_refused(read):
    with pytest.raises(SettingsError, match="token_urlsafe"):
        read(BRIEFINGS_SECRET_KEY="short")


# ---------------------------------------------------------------- wrong values


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("BRIEFINGS_LISTEN", "8025", "write it as 127.0.0.1:8025"),
        ("BRIEFINGS_LISTEN", "127.0.0.1:web", "write it as 127.0.0.1:8025"),
        ("BRIEFINGS_LISTEN", "127.0.0.1:²", "write it as 127.0.0.1:8025"),
        ("BRIEFINGS_CATCHER_LISTEN", "127.0.0.1:65536", "write it as 127.0.0.1:8025"),
        ("BRIEFINGS_PUBLIC_URL", "briefings.example", "write it as https://briefings.example"),
        ("BRIEFINGS_PUBLIC_URL", "ftp://briefings.example", "write it as https://briefings.example"),
        ("BRIEFINGS_PUBLIC_URL", "https://", "write it as https://briefings.example"),
        ("BRIEFINGS_PUBLIC_URL", "http://[", "write it as https://briefings.example"),
        ("BRIEFINGS_SWEEP_SECONDS", "often", "write a number of 0.1 or more"),
        ("BRIEFINGS_SWEEP_SECONDS", "nan", "write a number of 0.1 or more"),
        ("BRIEFINGS_LEASE_SECONDS", "inf", "write a number of 1 or more"),
        ("BRIEFINGS_LATEST_HOURS", "1e12", "write a number of 0 or more"),
        ("BRIEFINGS_ALLOW_PRIVATE_FEEDS", "true", "write yes or no"),
        ("BRIEFINGS_RATE", "100", "write it as 100/s, or 100/s, 20000/h"),
        ("BRIEFINGS_DOMAIN_RATES", "5/s", "write it as gmail.com=20/s, *=5/s"),
        ("BRIEFINGS_CANARY", "101", "write a number from 0 to 100"),
        ("BRIEFINGS_CANARY", "few", "write a number from 0 to 100"),
        ("BRIEFINGS_UNKNOWN_POLICY", "guess", "write resend or hold"),
        ("BRIEFINGS_MAIL_DOMAIN", "briefings example", "write it as briefings.example"),
        ("BRIEFINGS_MAIL_DOMAIN", "x.example>\r\nBcc: all@x.example", "write it as briefings.example"),
        ("BRIEFINGS_REPLY_TO", "Editors <editors@briefings.example>", "write it as editors@briefings.example"),
    ],
)
def test_a_wrong_value_names_its_variable_and_the_way_to_write_it(read, name, value, remedy):
    with pytest.raises(SettingsError) as refusal:
        read(**{name: value})
    assert str(refusal.value).startswith(f"{name} is ")
    assert str(refusal.value).endswith(remedy)


def test_links_never_have_two_slashes(read):
    assert read(BRIEFINGS_PUBLIC_URL="https://briefings.example/").public_url == "https://briefings.example"


def test_the_sender_has_one_address_for_briefings_and_one_for_account_mail(read):
    sender = read(BRIEFINGS_MAIL_DOMAIN="x.example", BRIEFINGS_SENDER_NAME="Weekly,\r\n Inc.").sender
    assert (sender.name, sender.briefing, sender.account) == ("Weekly, Inc.", "briefing@x.example", "account@x.example")


# ---------------------------------------------------------------- what chaos sets


def test_the_relay_may_think_for_ten_minutes_unless_said_otherwise(read):
    assert read().relays[0].verdict_seconds == 600
    assert read(BRIEFINGS_SMTP_VERDICT_SECONDS="1.5").relays[0].verdict_seconds == 1.5
    relay = read(BRIEFINGS_SMTP_URL="smtp://mail.example", BRIEFINGS_SMTP_VERDICT_SECONDS="2").relays[0]
    assert relay == Relay("mail.example", 25, "none", verdict_seconds=2)


def test_no_clock_file_is_read_unless_it_is_named(read, tmp_path):
    assert read().clock_file is None
    assert read(BRIEFINGS_CLOCK_FILE=str(tmp_path / "clock")).clock_file == tmp_path / "clock"
