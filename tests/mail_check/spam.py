"""The gate of SpamAssassin, with its local tests only: it asks no network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mail_check.sent import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mail_check.sent import Sent

MOST_SCORE = 0.1
AT_ONCE = 10
COMMAND = ("--local", "--test-mode", "--nocreate-prefs", "--cf=use_bayes 0", "--cf=report_safe 0", "--mbox")
#: Says which mail a score is of: SpamAssassin puts the mails of a box in the order of their dates.
NUMBER = "X-Mail-Check-Number"
DIVIDER = b"From MAILER-DAEMON Mon Nov 23 07:00:00 2026\n"  # of the mbox format
FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
STATUS = re.compile(
    rf"^X-Spam-Status: \w+, score=(-?[\d.]+) .*?tests=(.*?)\sautolearn=.*?^{NUMBER}: (\d+)$", re.MULTILINE | re.DOTALL
)


def missing() -> str:
    """What must be installed for this gate, or ""."""
    return "" if shutil.which("spamassassin") else "spamassassin (Debian)"


def innocent(mails: Sequence[Sent]) -> Iterator[Finding]:
    """The score of each mail, which must not be above 0.1; spam has 5."""
    for start in range(0, len(mails), AT_ONCE):
        some = mails[start : start + AT_ONCE]
        scores = _scores(some)
        if sorted(scores) != list(range(len(some))):
            raise RuntimeError(f"SpamAssassin said {len(scores)} scores of {len(some)} mails; run it by hand on one")
        yield from (_finding(*scores[number]) for number in range(len(some)))


def _finding(score: float, tests: str) -> Finding:
    score = round(score, 1) + 0.0  # -0.0 is 0
    return Finding({"spam": score}, (f"score {score}: {tests}",) if score > MOST_SCORE else ())


def _scores(mails: Sequence[Sent]) -> dict[int, tuple[float, str]]:
    """The score and the rules behind it, by number: one process for all, since its start takes longer than a mail."""
    box = b"".join(
        DIVIDER + f"{NUMBER}: {number}\n".encode() + FROM_LINE.sub(rb">\1", mail.raw.replace(b"\r\n", b"\n")) + b"\n"
        for number, mail in enumerate(mails)
    )
    with TemporaryDirectory() as home:
        done = subprocess.run(
            ["spamassassin", *COMMAND],  # noqa: S607 - wherever Debian or the developer has it
            input=box,
            capture_output=True,
            check=True,
            env={**os.environ, "HOME": home, "LC_ALL": "C.UTF-8"},
        )
    found = STATUS.findall(done.stdout.decode("utf-8", "replace"))
    return {int(number): (float(score), " ".join(re.split(r"[,\s]+", tests))) for score, tests, number in found}
