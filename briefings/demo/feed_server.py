"""Serves the sample feeds over loopback, with validators, dated to the demo's own week."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from datetime import date

FEEDS = Path(__file__).parent / "feeds"
TYPES = {
    ".xml": "application/rss+xml",
    ".atom": "application/atom+xml",
    ".rdf": "application/rdf+xml",
    ".json": "application/feed+json",
    ".html": "text/html; charset=utf-8",
}


def rendered(monday: date) -> dict[str, bytes]:
    """The sample feeds by file name, with dates counted back from the start of `monday` (UTC)."""
    start = datetime.combine(monday, time(), tzinfo=UTC)
    environment = Environment(
        loader=FileSystemLoader(FEEDS),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - XML and JSON written by us, with dates as their only values
        keep_trailing_newline=True,
    )
    dates = {
        "rfc822": lambda days: format_datetime(start - timedelta(days=days)),
        "iso": lambda days: (start - timedelta(days=days)).isoformat(),
    }
    names = [path.name for path in FEEDS.iterdir() if path.suffix in TYPES]
    return {name: environment.get_template(name).render(**dates).encode() for name in sorted(names)}


class FeedServer:
    """A loopback server of feeds that answers 304 to a reader who has the newest version."""

    def __init__(self, feeds: dict[str, bytes], port: int) -> None:
        """`feeds` maps file names to contents; port 0 chooses a free one."""
        handler = type("Handler", (_Handler,), {"feeds": feeds})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.port = int(self._server.server_address[1])
        Thread(target=self._server.serve_forever, name="feeds", daemon=True).start()

    def url(self, name: str) -> str:
        """The address of a feed."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def __enter__(self) -> Self:
        """Serve from here on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Serve no more."""
        self.stop()

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    feeds: dict[str, bytes]

    def do_GET(self) -> None:
        name = self.path.lstrip("/")
        body = self.feeds.get(name)
        if body is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", TYPES[Path(name).suffix])
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the demo's progress is on the screen."""
