"""The command line: `briefings ...`."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from briefings import logs
from briefings.cli.bench import bench
from briefings.cli.bounces import bounces
from briefings.cli.brakes import resume, stop
from briefings.cli.catalogue import catalogue, plan
from briefings.cli.chaos import chaos
from briefings.cli.doctor import doctor
from briefings.cli.evaluate import evaluate
from briefings.cli.feeds import feeds
from briefings.cli.rules import labels, rules
from briefings.cli.tags import tag
from briefings.cli.terminal import console, open_app
from briefings.errors import BriefingsError
from briefings.settings import ROOT, Settings, home_from_env

DEMO_HOME = Path(".briefings/demo")


class _Words(click.Group):
    """Errors of ours end a command with their words, not with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever the command returns
        try:
            return super().invoke(ctx)
        except (BriefingsError, OSError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Words, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--demo", "of_demo", is_flag=True, help="Ask about the demo's data (.briefings/demo).")
def main(*, of_demo: bool) -> None:
    """A personal weekly email: your plan's week, and the AI news that matters to it."""
    logs.set_up()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows only ASCII must not end a command
    if of_demo:
        from briefings.demo.run import kept_environment

        os.environ.update(kept_environment(DEMO_HOME))


# ------------------------------------------------------------------ the stack
@main.command()
def up() -> None:
    """Run everything on this machine: broker, web, worker, beat. Ends with Ctrl-C."""
    from briefings.adapters.catalogue_files import load
    from briefings.embedded import only_one, prepare_home, running

    home = home_from_env()
    prepare_home(home)
    settings = Settings.from_env()
    load(settings.catalogue)
    with only_one(home), suppress(KeyboardInterrupt), running(settings, os.environ) as stack:
        console.print(f"Briefings is up at [bold]{settings.public_url}[/]. Logs: {settings.home / 'logs'}")
        if settings.caught_mail:
            console.print(
                f"Mails are caught: {settings.public_url}/inbox (to send them, set BRIEFINGS_SMTP_URL to a relay)"
            )
        console.print("Press Ctrl-C to end.")
        stack.wait()
    console.print("Ended.")


@main.command()
@click.option("--once", is_flag=True, help="Exit after the table; non-zero if a planned mail is unaccounted for.")
@click.option("--home", type=click.Path(path_type=Path), default=DEMO_HOME, show_default=True)
@click.option(
    "--subscribers", type=click.IntRange(1, 100_000), help="How many sample subscribers (default: as bundled)."
)
def demo(home: Path, subscribers: int | None, *, once: bool) -> None:
    """Run the whole week on sample data, and show the mails on an inbox page."""
    from briefings.demo.run import run_demo

    logging.getLogger().setLevel(logging.WARNING)
    try:
        balanced = run_demo(console, home.resolve(), once=once, number=subscribers)
    except KeyboardInterrupt:
        console.print("\nEnded.")
        return
    sys.exit(0 if balanced else 1)


@main.command()
def web() -> None:
    """Serve the web pages."""
    import uvicorn

    listen = Settings.from_env().listen
    uvicorn.run(  # no access log: paths carry the tokens of links
        "briefings.web.main:create",
        factory=True,
        host=listen.host,
        port=listen.port,
        log_level="warning",
        access_log=False,
    )


@main.command()
def catcher() -> None:
    """Catch mails instead of sending them, for the inbox page."""
    from briefings.adapters.mail_catcher import serve

    settings = Settings.from_env()
    serve(settings.caught_mail or settings.home / "caught", settings.catcher.host, settings.catcher.port)


@main.command()
def migrate() -> None:
    """Bring the database's tables to the newest version."""
    from briefings.store.base import Database
    from briefings.store.schema import migrate as run

    settings = Settings.from_env()
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database_url)
    console.print(f"The tables have version {run(database.engine, ROOT / 'migrations')}.")


# ------------------------------------------------------------------ the steps of the week
@main.command()
def poll() -> None:
    """Poll the feeds that are due, then tag and group what is new."""
    app = open_app()
    new = app.poll()
    console.print(f"{new} new items; {app.tag()} tagged; {app.group()} new stories.")


@main.command()
def compose() -> None:
    """Compose the issue whose cut-off has come."""
    console.print(f"{open_app().compose()} subscribers decided.")


@main.command()
def deliver() -> None:
    """Send what is due."""
    console.print(f"{open_app().deliver()} mails sent.")


@main.command()
@click.option("--subscriber", required=True, help="Id or e-mail address.")
@click.option("--week", type=click.IntRange(1, 12), required=True, help="Plan week.")
@click.option("--part", type=click.Choice(["source", "html", "text"]), default="source", show_default=True)
def preview(subscriber: str, week: int, part: str) -> None:
    """Write the exact mail of a plan week to standard output; changes nothing."""
    from briefings.adapters.letters import write

    letter = open_app().preview(subscriber, week)
    content = {"html": letter.html.encode(), "text": letter.text.encode()}.get(part) or write(letter)
    sys.stdout.buffer.write(content)


# ------------------------------------------------------------------ people and accounts
@main.group()
def staff() -> None:
    """Editors and operators."""


@staff.command("add")
@click.argument("name")
@click.option("--duty", "duties", multiple=True, type=click.Choice(["viewer", "editor", "operator"]), required=True)
@click.password_option(envvar="BRIEFINGS_STAFF_PASSWORD", help="At least 12 characters; asked for if not given.")
def staff_add(name: str, duties: tuple[str, ...], password: str) -> None:
    """Add a member of staff. There is no default password."""
    from briefings.actions.staff import add_staff

    app = open_app()
    add_staff(app.database, name, password, duties, app.clock())
    console.print(f"{name} may log in at {app.settings.public_url}/console.")


@main.command("record-bounce")
@click.argument("mail", type=click.File("rb"), default="-")
def record_bounce(mail: Any) -> None:  # noqa: ANN401 - click's file
    """Take a bounce mail (standard input, or a file) into account."""
    from briefings.domain.bounces import LARGEST
    from briefings.domain.notices import TOO_EARLY

    beginning = mail.read(LARGEST)
    while mail.read(LARGEST):
        pass  # a mail server that hands a mail over wants to be rid of all of it
    word = open_app().record_bounce(beginning)
    if word in {"not-a-bounce", "not-ours"}:
        raise click.ClickException(f"Nothing was recorded ({word}); look at this mail yourself")
    if word == TOO_EARLY:
        raise click.ClickException("Nothing was recorded: the mail is still being sent; try again in a minute")
    console.print(f"Recorded: {word}.")


@main.command()
@click.argument("delivery", type=int)
@click.option("--as", "verdict", type=click.Choice(["sent", "resend", "dead"]), required=True)
def settle(delivery: int, verdict: str) -> None:
    """Decide about a delivery that is unknown or dead: it was sent, send it (again), or give it up."""
    open_app().settle(delivery, verdict)
    console.print(f"Delivery {delivery}: {verdict}.")


for command in (bench, bounces, stop, resume, catalogue, chaos, doctor, plan, feeds, tag, rules, labels, evaluate):
    main.add_command(command)
