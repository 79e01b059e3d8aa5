"""RELP sessions in, records out, each acknowledged when it is durable: the receiving side of the reliable event logging protocol.

Delivery: at least once over the wire, effectively once in the journal. A frame is answered `200 OK` only after the append of its batch
returned; a client sends again what has no answer, after any break of the connection and any crash of ours, and a frame that is in the
journal already is answered and not taken a second time (`collectors.sources.resent` tells how it is known; counted in `repeated`). What
is not recognised: frames of a client that broke off more than `window` frames ago, and of one that comes back from another address: they
are there twice, never lost. Where senders show
certificates it is their subject and not their address by which they are known.
Source of truth: `collectors.sources.relp_frames`. Back-pressure and limits: `collectors.sources.listener`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from collectors.record import Mark, Position, RawRecord
from collectors.sources.framing import TRAILERS
from collectors.sources.listener import LAST_BYTES, LOOK_S, START_S, Connection, Listener
from collectors.sources.listening import ListeningSource
from collectors.sources.relp_config import RelpConfig
from collectors.sources.relp_frames import SERVER_CLOSE, Command, RelpFramer, answer, opened
from collectors.sources.resent import Start, Tail, digest, tails_of
from collectors.sources.source import BATCH_RECORDS, Batch
from collectors.sources.tls import ServerTls

log = logging.getLogger(__name__)

_WAIT_S = 0.1
_SILENT_S = 1.0
"""A client sends again all that it has to at once; when it says nothing for so long, what it sent is all."""
_HANGING_S = 5.0
"""A peer whose kernel does not confirm an answer for so long may be gone."""
_READ_OUT_BYTES = 1024 * 1024
"""What is read of other connections of a peer that opens a new one: more than a window of messages as a rule."""
_BROKEN_OF_PEER = 16
_BROKEN = 4_096
"""Broken sessions that are remembered, of one address and in all: the oldest give way."""


@dataclass(slots=True)
class _Session:
    """What is kept of one connection. `held`: frames of its start that may have been taken before; `unanswered`: numbers of frames
    in the batch that is under way; `closing`: the number of its `close`, 0 before it.
    """

    framer: RelpFramer
    name: str = field(default_factory=lambda: os.urandom(8).hex())
    opened: bool = False
    tail: Tail | None = None
    start: Start | None = None
    taken: int = 0
    held: list[tuple[Command, datetime]] = field(default_factory=list)
    heard_s: float = 0.0
    answered_s: float = 0.0
    unanswered: list[int] = field(default_factory=list)
    closing: int = 0


_Client = Connection[_Session]


class RelpSource(ListeningSource[Listener[_Session]]):
    """Listens from the moment it is made; reads when driven."""

    def __init__(self, config: RelpConfig, marks: Mapping[str, Mark]) -> None:
        super().__init__(config.id)
        self._config = config
        self._records: list[RawRecord] = []
        self._answering: set[_Client] = set()
        self._changed: dict[str, Tail] = {}
        self._reading_out = False
        self._look_s = 0.0
        self._broken = {tail.session: tail for tail in tails_of(marks, config.id, config.window)}
        tls = ServerTls.of(config) if config.certificate else None
        self._listener = Listener(config, self.counts, lambda: _Session(RelpFramer(config.max_line_bytes)), tls)

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then what has arrived is given, and the clients are told that it ends."""
        listener = self._listener
        while not stop.is_set():
            for connection in listener.wait(_WAIT_S):
                self._read(connection)
                yield from self._hand_over(BATCH_RECORDS)
            yield from self._hand_over(1)
            if (now := time.monotonic()) >= self._look_s:
                self._look_s = now + LOOK_S
                self._look_round(now)
        for connection in list(listener.connections):
            left = LAST_BYTES if connection.ready else 0
            while left > 0 and (count := self._read(connection)):
                left -= count
                yield from self._hand_over(BATCH_RECORDS)
        yield from self._hand_over(1)
        for connection in list(listener.connections):
            if connection.session.opened:
                listener.send(connection, SERVER_CLOSE)
            listener.drop(connection)

    def _hand_over(self, least: int) -> Iterator[Batch]:
        """A batch of what was collected, if there is so much; being asked for more says that it is durable, and so it is answered."""
        waiting = self._answering
        if len(self._records) < least and (least > 1 or not waiting):
            return
        records, self._records = self._records, []
        self._answering = set()
        marks: dict[str, Mark | None] = {}
        while self._changed:
            marks.update(self._changed.popitem()[1].marks())
        self.counts.add(records)
        if records or marks:
            yield Batch(records, marks)
        now = time.monotonic()
        for connection in waiting:
            self._answer(connection, now)

    def _answer(self, connection: _Client, now: float) -> None:
        """Tell one client what of it is durable."""
        session = connection.session
        session.answered_s = now
        numbers, session.unanswered = session.unanswered, []
        answers = b"".join(map(answer, numbers))
        if session.closing:
            answers += answer(session.closing) + SERVER_CLOSE
        if session.tail is not None:
            session.tail.answered(now)
        if connection in self._listener.connections and not self._listener.send(connection, answers):
            self._break_off(connection)

    def _read(self, connection: _Client) -> int:
        """One chunk of one connection; gives its size, 0 when nothing is there or the connection is over."""
        session = connection.session
        chunk = self._listener.read(connection)
        if chunk is None:
            self._break_off(connection)
        if not chunk:
            return 0
        session.heard_s = time.monotonic()
        received = datetime.now(UTC)  # noqa: TID251  sources say when a record was received
        commands = session.framer.feed(chunk)
        for command in commands:
            self._obey(connection, command, received)
        self._listener.charge(connection, len(commands))
        if session.framer.broken:
            self._fault(connection, session.framer.broken)
        return len(chunk)

    def _obey(self, connection: _Client, command: Command, received: datetime) -> None:
        session = connection.session
        if session.closing or connection not in self._listener.connections:
            return
        if command.name == b"open" and not session.opened:
            session.opened = True
            self._listener.send(connection, answer(command.txnr, opened(command.data)))
        elif not session.opened:
            self._fault(connection, "no open before anything else")
        elif command.name == b"syslog":
            self._take(connection, command, received)
        elif command.name == b"close":
            self._decide(connection, at_once=True)
            session.closing = command.txnr
            self._answering.add(connection)
            if session.tail is not None:
                self._end(session.tail)
        elif command.txnr:  # 0: a hint, which has no answer
            self._listener.send(connection, answer(command.txnr, b"500 unknown command"))

    def _take(self, connection: _Client, command: Command, received: datetime) -> None:
        """A frame with a message: new, or one that was sent again."""
        session = connection.session
        if session.tail is None:
            session.tail = Tail(self.id, connection.subject or connection.peer, session.name, self._config.window)
            self._read_out(connection)
            session.start = Start(self._may_come_again(connection, session.tail.peer))
        mark = digest(command.data)
        session.tail.add(mark, session.heard_s)
        if session.start is None:
            self._collect(connection, command, received)
            return
        session.held.append((command, received))
        session.start.add(mark)
        self._decide(connection)

    def _may_come_again(self, newcomer: _Client, peer: str) -> list[Tail]:
        """Tails of this peer's sessions that broke, and of those that may have: whose answers it does not take."""
        halves = [
            each.session.tail
            for each in self._listener.connections
            if each is not newcomer and each.session.tail is not None and self._hangs(each)
        ]
        return [tail for tail in [*self._broken.values(), *halves] if tail.peer == peer]

    def _hangs(self, connection: _Client) -> bool:
        latest = time.monotonic() - _HANGING_S
        return connection.session.answered_s < latest and self._listener.untaken(connection)

    def _read_out(self, newcomer: _Client) -> None:
        """Read what other connections of this peer hold, so that one that broke is seen to be over before its frames come again."""
        if self._reading_out:
            return
        self._reading_out, left = True, _READ_OUT_BYTES
        for connection in list(self._listener.connections):
            if connection is not newcomer and connection.peer == newcomer.peer and connection.session.opened:
                while left > 0 and (count := self._read(connection)):
                    left -= count
        self._reading_out = False

    def _decide(self, connection: _Client, *, at_once: bool = False) -> None:
        """Take the frames that were held since the session's start, once it is known which of them are in the journal already."""
        session = connection.session
        start = session.start
        if start is None or not (start.decided or at_once):
            return
        session.start = None
        held, session.held = session.held, []
        for number, (command, received) in enumerate(held):
            if number < start.resent:
                session.unanswered.append(command.txnr)
                self.counts.repeated += 1
            else:
                self._collect(connection, command, received)
        assert session.tail is not None
        self._changed[session.name] = session.tail
        self._answering.add(connection)
        if start.tail is not None:
            self._broken.pop(start.tail.session, None)
            self._end(start.tail)
            for other in [each for each in self._listener.connections if each.session.tail is start.tail]:
                self._listener.drop(other)

    def _collect(self, connection: _Client, command: Command, received: datetime) -> None:
        session = connection.session
        assert session.tail is not None
        place = Position("", session.name, session.taken, session.taken + 1)
        session.taken += 1
        data = command.data if command.truncated else command.data.rstrip(TRAILERS)
        self._records.append(RawRecord(data, self.id, place, received, connection.sender, command.truncated))
        session.unanswered.append(command.txnr)
        self._changed[session.name] = session.tail
        self._answering.add(connection)

    def _look_round(self, now: float) -> None:
        """Decide about starts that do not go on; leave who has taken the answer to its `close`, and who has not opened a session."""
        for connection in list(self._listener.connections):
            session = connection.session
            if session.held and session.heard_s + _SILENT_S < now:
                self._decide(connection, at_once=True)
            elif session.closing and not connection.answers:
                self._listener.drop(connection)
            elif not session.opened and connection.ready and connection.opened + START_S < now:
                self._fault(connection, f"no open within {START_S:.0f} s")

    def _fault(self, connection: _Client, reason: str) -> None:
        """What the protocol asks for: the peer that sees a fault closes. What came before it stays taken."""
        self.counts.framing_faults += 1
        log.warning("relp session broken off", extra={"source": self.id, "peer": connection.peer, "reason": reason})
        self._break_off(connection)

    def _break_off(self, connection: _Client) -> None:
        """The connection is over without a `close`: its last frames may come again, and all of them that were held."""
        session = connection.session
        if connection not in self._listener.connections:
            return
        self._listener.drop(connection)
        if session.tail is not None and session.start is None and not session.closing:
            self._broken[session.name] = session.tail
            self._forget_oldest(session.tail.peer)

    def _forget_oldest(self, peer: str) -> None:
        of_peer = [tail for tail in self._broken.values() if tail.peer == peer]
        for tail in of_peer[:-_BROKEN_OF_PEER] or list(self._broken.values())[:-_BROKEN]:
            self._end(self._broken.pop(tail.session))

    def _end(self, tail: Tail) -> None:
        """Nothing of this session can come again: its marks go with the next append."""
        tail.over = True
        self._changed[tail.session] = tail
