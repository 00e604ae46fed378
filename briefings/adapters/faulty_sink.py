"""A relay that misbehaves by a plan, at the level of bytes, and knows for certain which letters it took."""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from briefings.domain.faults import Act, Dice, Fault, Verb, of_letter, of_turn
from briefings.errors import DependencyError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from pathlib import Path

START_SECONDS = 10
LARGEST_MAIL = 10 * 1024 * 1024
#: How long a good answer takes: enough for a worker to be killed while it waits.
ANSWER_SECONDS = (0.005, 0.03)
HALFWAY = 400
HALF = 0.5
END = b"\r\n.\r\n"
MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^@<>\s]+)@", re.IGNORECASE | re.MULTILINE)
ANGLED = re.compile(rb"<([^<>]*)>")
GREETING = b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 10485760\r\n"


class FaultySink:
    """An SMTP server on a loopback port, in a thread of its own.

    A letter counts as taken from the moment when its uid (the left part of its Message-ID) stands in the log, which
    is synced to the disk before a byte of the answer leaves.
    """

    def __init__(self, log_file: Path, seed: int, trickle_seconds: float) -> None:
        """`log_file` is added to; a trickled answer takes `trickle_seconds` a byte."""
        self.port = 0
        self.made: Counter[Fault] = Counter()  #: how often each fault was made
        self.nonsense = 0  #: lines that are no command: whoever sent them lost the thread
        self.calm = False  #: set it, and no more faults are made
        self.tls: ssl.SSLContext | None = None  #: set it before the start, and TLS is spoken from the first byte
        self.seed = seed
        self.trickle_seconds = trickle_seconds
        self._log_file = log_file
        self._turns: Counter[Verb] = Counter()
        self._tries: Counter[str] = Counter()
        self._talks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="sink", daemon=True)
        self._listening, self._ending = threading.Event(), asyncio.Event()

    def start(self) -> None:
        """Listen on a free port. Raises DependencyError."""
        self._thread.start()
        if not self._listening.wait(START_SECONDS):
            raise DependencyError("The sink cannot listen on a loopback port; end some programs and try again")

    def stop(self) -> None:
        """Stop listening, and end every conversation."""
        if self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join()

    def turn(self, verb: Verb) -> Fault | None:
        """What meets the next connection, greeting or sender."""
        self._turns[verb] += 1
        return None if self.calm else of_turn(self.seed, verb, self._turns[verb])

    def faults_of(self, recipient: str) -> Fault | None:
        """What meets the next try to hand over a recipient's letter."""
        self._tries[recipient] += 1
        if self.calm:
            return None
        planned = of_letter(self.seed, recipient)
        number = self._tries[recipient] - 1
        return planned[number] if number < len(planned) else None

    def take(self, content: bytes) -> None:
        """Write the letter down, for good."""
        found = MESSAGE_ID.search(content.partition(b"\r\n\r\n")[0] + b"\r\n")
        uid = found[1].decode("ascii", "replace") if found else "(no Message-ID)"
        with self._log_file.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"uid": uid}) + "\n")
            log.flush()
            os.fsync(log.fileno())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=LARGEST_MAIL, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._ending.wait()
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._talks.add(task)
            task.add_done_callback(self._talks.discard)
        try:
            await _Conversation(self, reader, writer, self._turns[Verb.CONNECT] + 1).hold()
        except (_HungUpError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # that is what it is for
        except asyncio.CancelledError:
            pass  # the sink is stopped
        finally:
            writer.transport.abort()


def taken(log_file: Path) -> list[str]:
    """The uids of all letters that were taken, one for each time."""
    if not log_file.exists():
        return []
    return [str(json.loads(line)["uid"]) for line in log_file.read_text("utf-8").splitlines()]


class _HungUpError(Exception):
    """The conversation is over."""


class _Conversation:
    """One connection. Commands may come in one write (PIPELINING): each is answered in its turn."""

    def __init__(
        self, sink: FaultySink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self._sink, self._reader, self._writer = sink, reader, writer
        self._dice = Dice(sink.seed, "conversation", number)
        self._sender = False
        self._recipient = ""
        self._fault: Fault | None = None  #: what the present letter meets, once its recipient is known
        self._commands: dict[bytes, Callable[[bytes], Awaitable[None]]] = {
            b"EHLO": self._ehlo,
            b"HELO": self._ehlo,
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"RSET": self._rset,
            b"NOOP": self._noop,
            b"QUIT": self._quit,
        }

    async def hold(self) -> None:
        await self._answer(self._sink.turn(Verb.CONNECT), Verb.CONNECT, b"220 sink.test ESMTP\r\n")
        while line := await self._reader.readline():
            command = self._commands.get(line[:4].upper(), self._nonsense)
            await command(line)

    # -------------------------------------------------------------- commands
    async def _ehlo(self, line: bytes) -> None:
        good = GREETING if line[:4].upper() == b"EHLO" else b"250 sink.test\r\n"
        await self._answer(self._sink.turn(Verb.EHLO), Verb.EHLO, good)

    async def _mail(self, _line: bytes) -> None:
        self._forget()
        self._sender = await self._answer(self._sink.turn(Verb.MAIL), Verb.MAIL, b"250 2.1.0 sender ok\r\n")

    async def _rcpt(self, line: bytes) -> None:
        if not self._sender:
            await self._say(b"503 5.5.1 MAIL first\r\n")
            return
        found = ANGLED.search(line)
        recipient = found[1].decode("ascii", "replace") if found else ""
        self._fault = self._sink.faults_of(recipient)
        if await self._answer(self._fault, Verb.RCPT, b"250 2.1.5 recipient ok\r\n"):
            self._recipient = recipient

    async def _data(self, _line: bytes) -> None:
        if not self._recipient:
            await self._data_without_recipient()
            return
        if not await self._answer(self._fault, Verb.DATA, b"354 end with a dot\r\n"):
            return
        if self._fault and self._fault.verb is Verb.DOT and self._fault.act is Act.DROP_HALFWAY:
            await self._reader.readexactly(HALFWAY)
            self._drop(self._fault)
        content = await self._content()
        await self._verdict(content)
        self._forget()

    async def _data_without_recipient(self) -> None:
        """Either answer is right (RFC 2920, 3.1): no, or go on, and then the client has nothing but a dot to say."""
        if self._dice.fraction() < HALF:
            await self._say(b"554 5.5.1 no valid recipients\r\n")
            return
        await self._say(b"354 end with a dot\r\n")
        await self._content()
        await self._say(b"554 5.5.1 no valid recipients\r\n")

    async def _rset(self, _line: bytes) -> None:
        self._forget()
        await self._say(b"250 2.0.0 forgotten\r\n")

    async def _noop(self, _line: bytes) -> None:
        await self._say(b"250 2.0.0 ok\r\n")

    async def _quit(self, _line: bytes) -> None:
        await self._say(b"221 2.0.0 bye\r\n")
        raise _HungUpError

    async def _nonsense(self, _line: bytes) -> None:
        self._sink.nonsense += 1
        await self._say(b"500 5.5.2 no such command\r\n")

    # -------------------------------------------------------------- answers
    async def _answer(self, fault: Fault | None, verb: Verb, good: bytes) -> bool:
        """Give the good answer, or what the fault is, if it is one of this verb. Returns whether it was good."""
        if fault is None or fault.verb is not verb:
            await self._say(good)
            return True
        if fault.act is Act.DROP:
            self._drop(fault)
        self._sink.made[fault] += 1
        if fault.act is Act.DELAY:
            await asyncio.sleep(fault.seconds)
            await self._say(good)
            return True
        await self._refuse(fault)
        return False

    async def _verdict(self, content: bytes) -> None:
        """Decide about a letter whose final dot has come."""
        fault = self._fault if self._fault and self._fault.verb is Verb.DOT else None
        await asyncio.sleep(self._dice.between(*ANSWER_SECONDS))
        if fault is None or fault.act in {Act.DROP_TAKEN, Act.MUTE_TAKEN, Act.TRICKLE, Act.DELAY}:
            self._sink.take(content)
        if fault is None:
            await self._say(b"250 2.0.0 taken\r\n")
            return
        if fault.act in {Act.DROP, Act.DROP_TAKEN}:
            self._drop(fault)
        self._sink.made[fault] += 1
        if fault.act in {Act.MUTE, Act.MUTE_TAKEN}:
            await self._wait_until_the_client_gives_up()
        elif fault.act is Act.TRICKLE:
            await self._trickle(b"250 ok\r\n")
        elif fault.act is Act.DELAY:
            await asyncio.sleep(fault.seconds)
            await self._say(b"250 2.0.0 taken\r\n")
        else:
            await self._refuse(fault)

    async def _refuse(self, fault: Fault) -> None:
        await self._say(fault.reply.encode() + b"\r\n")
        if fault.reply.startswith("421") or fault.verb is Verb.CONNECT:
            raise _HungUpError

    async def _trickle(self, answer: bytes) -> None:
        for number in range(len(answer)):
            await asyncio.sleep(self._sink.trickle_seconds)
            await self._say(answer[number : number + 1])

    async def _wait_until_the_client_gives_up(self) -> None:
        while await self._reader.read(1024):
            continue
        raise _HungUpError

    def _drop(self, fault: Fault) -> None:
        self._sink.made[fault] += 1
        raise _HungUpError

    async def _content(self) -> bytes:
        """Everything up to the line that is nothing but a dot."""
        first = await self._reader.readline()
        if first == b".\r\n":
            return b""
        rest = first
        while not rest.endswith(END):
            rest += await self._reader.readuntil(b".\r\n")
        return rest[: -len(END)]

    async def _say(self, words: bytes) -> None:
        self._writer.write(words)
        with suppress(ConnectionError):
            await self._writer.drain()

    def _forget(self) -> None:
        self._sender, self._recipient, self._fault = False, "", None
