"""Renews `caniemail.json` from the npm package `caniemail`: `python -m mail_check.extract PACKAGE_FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from mail_check.compatibility import DATA, SHARES

RATED = {"css", "html", "image"}
UNKNOWN = "-"


def extract(package: Path) -> dict[str, Any]:
    """The newest known verdict of each feature in each mail program of ours: a letter each, in their order.

    y is supported, a partly, n not, and - means that nobody has looked.
    """
    said = json.loads((package / "package.json").read_text("utf-8"))
    whole = json.loads((package / "dist" / "data" / "caniemail.json").read_text("utf-8"))
    return {
        "source": f"npm {said['name']} {said['version']}, data of {whole['last_update_date'][:10]}",
        "licence": "MIT, see caniemail.LICENSE",
        "clients": list(SHARES),
        "features": {
            one["slug"]: "".join(_newest(one["stats"], client) for client in SHARES)
            for one in sorted(whole["data"], key=lambda one: one["slug"])
            if one["category"] in RATED
        },
    }


def _newest(stats: dict[str, Any], client: str) -> str:
    family, _, platform = client.partition(".")
    verdicts = [said[0] for said in stats.get(family, {}).get(platform, {}).values()]
    return next((verdict for verdict in reversed(verdicts) if verdict in "yan"), UNKNOWN)


if __name__ == "__main__":
    DATA.write_text(json.dumps(extract(Path(sys.argv[1])), indent=0) + "\n", "utf-8")
