"""A tiny IMAP server over TLS, since none can be had: one mailbox, known by UIDs, for one client at a time."""

from __future__ import annotations

import re
import socketserver
import ssl
from threading import Thread

USER, PASSWORD = "bounces@briefings.example", 'p"w\\d of the box'


class ImapServer(socketserver.ThreadingTCPServer):
    """`mails` maps UIDs to contents; `fetched` tells how many bytes each answer brought."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, certificate, key, *, uidplus: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.port = self.server_address[1]
        self.uidplus = uidplus
        self.mails: dict[int, bytes] = {}
        self.deleted: set[int] = set()
        self.fetched: list[int] = []
        self.folders: list[str] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._thread = Thread(target=self.serve_forever, args=(0.01,))

    def start(self) -> ImapServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def get_request(self):
        connection, address = super().get_request()
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address) -> None:
        """A client that does not trust us hangs up, which is no trouble of the test."""


class _Conversation(socketserver.StreamRequestHandler):
    server: ImapServer

    def handle(self) -> None:
        self._say(b"* OK ready")
        while line := self.rfile.readline().strip():
            tag, _, words = line.partition(b" ")
            verb = words.split()[0].upper().decode()
            if verb == "UID":
                verb, words = words.split()[1].upper().decode(), words[4:]
            answer = getattr(self, f"on_{verb.lower()}")(words.decode())
            self._say(tag + b" " + (answer or b"OK done"))
            if verb == "LOGOUT":
                return

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def on_capability(self, words: str) -> None:
        self._say(b"* CAPABILITY IMAP4rev1" + (b" UIDPLUS" if self.server.uidplus else b""))

    def on_login(self, words: str) -> bytes | None:
        user, password = re.findall(r'"((?:[^"\\]|\\.)*)"', words)
        if (user, re.sub(r"\\(.)", r"\1", password)) != (USER, PASSWORD):
            return f"NO wrong: {password}".encode()
        return None

    def on_select(self, words: str) -> None:
        self.server.folders.append(words)
        self._say(b"* %d EXISTS" % len(self.server.mails))

    def on_search(self, words: str) -> None:
        found = [uid for uid in self.server.mails if uid not in self.server.deleted]
        self._say(" ".join(["* SEARCH", *map(str, reversed(found))]).encode())

    def on_fetch(self, words: str) -> None:
        uid, start, size = map(int, re.findall(r"\d+", words))
        piece = self.server.mails.get(uid, b"")[start : start + size]
        self.server.fetched.append(len(piece))
        if uid in self.server.mails:
            self._say(b"* 1 FETCH (UID %d BODY[]<%d> {%d}" % (uid, start, len(piece)))
            self.wfile.write(piece)
            self._say(b")")

    def on_store(self, words: str) -> None:
        self.server.deleted.add(int(words.split()[1]))

    def on_expunge(self, words: str) -> None:
        assert self.server.uidplus
        del self.server.mails[int(words.split()[1])]

    def on_logout(self, words: str) -> None:
        self._say(b"* BYE")
