"""The gates in headless Chromium: axe-core in light and dark, and nothing wider than the screen. See browser.mjs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from mail_check.sent import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mail_check.sent import Sent

SCRIPT = Path(__file__).with_name("browser.mjs")
PACKAGES = SCRIPT.parents[1] / "node_modules"
WIDTHS, SCHEMES = ("320", "390", "700"), ("light", "dark")


def missing() -> str:
    """What must be installed for these gates, or ""."""
    programs = [f"{name} (Debian)" for name in ("chromium", "node") if not shutil.which(name)]
    packages = [f"{name} (npm)" for name in ("axe-core", "playwright-core") if not (PACKAGES / name).exists()]
    return ", ".join(programs + packages)


def clean(mails: Sequence[Sent]) -> Iterator[Finding]:
    """What axe-core finds in each colour scheme, and how many widths are too narrow for the mail."""
    with NamedTemporaryFile("w", suffix=".jsonl") as lines:
        lines.writelines(json.dumps({"html": mail.html}) + "\n" for mail in mails)
        lines.flush()
        command = [shutil.which("node") or "node", str(SCRIPT), shutil.which("chromium") or "chromium", lines.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as looking:
            seen = 0
            for line in looking.stdout or ():
                seen += 1
                yield _finding(json.loads(line))
    if seen != len(mails):
        raise RuntimeError(f"Chromium looked at {seen} of {len(mails)} mails; what went wrong stands above")


def _finding(seen: dict[str, Any]) -> Finding:
    faults = [f"{scheme}: {violation}" for scheme in SCHEMES for violation in seen[scheme]]
    faults += [f"wider than {width} px: {', '.join(seen[width])}" for width in WIDTHS if seen[width]]
    figures = {f"axe {scheme}": len(seen[scheme]) for scheme in SCHEMES}
    return Finding({**figures, "too wide": sum(bool(seen[width]) for width in WIDTHS)}, tuple(faults))
