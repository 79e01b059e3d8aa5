"""Connections in, messages out: syslog over plain TCP (RFC 6587), one thread for all of them.

Back-pressure: while nobody asks for the next batch nothing is read, the kernel's windows close and the senders wait. Limits: bytes of a
message, connections. A connection that is silent is left alone: closing it would cost the sender its next message.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from collectors.record import Position, RawRecord
from collectors.sources.address import bound_socket, peer_of
from collectors.sources.framing import Message, SyslogFramer
from collectors.sources.source import BATCH_RECORDS, Batch, Counts
from collectors.sources.syslog import SyslogConfig

log = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024
_WAIT_S = 0.1
_EVERY_S = 0.01
_MANY = 1_000
"""Between two batches of fewer records: each costs a wait for the disk, and what comes meanwhile stands in the kernel."""
_BACKLOG = 128
_LAST_BYTES = 4 * 1024 * 1024
"""What is still read of one connection when the source stops: more than its sender's kernel holds as a rule."""


@dataclass(slots=True, eq=False)
class _Connection:
    socket: socket.socket
    peer: str
    framer: SyslogFramer


class TcpSource:
    """Listens from the moment it is made; reads when driven."""

    def __init__(self, config: SyslogConfig) -> None:
        self._config = config
        self._stream = os.urandom(8).hex()
        self._ordinal = 0
        self._records: list[RawRecord] = []
        self._listener = bound_socket(config.id, config.listen, socket.SOCK_STREAM)
        self._listener.listen(_BACKLOG)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._connections: set[_Connection] = set()
        self.counts = Counts()

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._config.id

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the socket is bound to (port 0 in the configuration: any free one)."""
        return self._listener.getsockname()[:2]  # type: ignore[no-any-return]

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then what has arrived on open connections is given."""
        while not stop.is_set():
            ready, began, before = self._selector.select(_WAIT_S), time.monotonic(), self._ordinal
            for key, _ in ready:
                if key.data is None:
                    self._accept()
                else:
                    self._read(key.data)
                yield from self._full(BATCH_RECORDS)
            yield from self._full(1)
            if 0 < self._ordinal - before < _MANY:
                stop.wait(began + _EVERY_S - time.monotonic())
        self._accept()
        for connection in list(self._connections):
            left = _LAST_BYTES
            while left > 0 and (count := self._read(connection)):
                left -= count
                yield from self._full(BATCH_RECORDS)
            self._drop(connection)
        yield from self._full(1)

    def close(self) -> None:
        """Stop listening and leave the connections."""
        for connection in list(self._connections):
            self._drop(connection)
        self._selector.close()
        self._listener.close()

    def _full(self, least: int) -> Iterator[Batch]:
        """Batches of what was collected, as long as there is so much."""
        while len(self._records) >= least:
            records, self._records = self._records[:BATCH_RECORDS], self._records[BATCH_RECORDS:]
            self.counts.add(records)
            yield Batch(records)

    def _accept(self) -> None:
        """Take in who waits; refuse those beyond the limit."""
        while True:
            try:
                accepted, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.warning("tcp accept failed", extra={"source": self.id, "error": str(error)})
                return
            if len(self._connections) >= self._config.max_connections:
                accepted.close()
                self.counts.refused += 1
                log.warning("tcp connection refused: too many", extra={"source": self.id, "peer": peer_of(address)})
                continue
            accepted.setblocking(False)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection = _Connection(accepted, peer_of(address), SyslogFramer(self._config.max_line_bytes))
            self._connections.add(connection)
            self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _read(self, connection: _Connection) -> int:
        """One chunk of one connection; gives its size, 0 when nothing is there or the connection is over."""
        try:
            chunk = connection.socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return 0
        except OSError:
            chunk = b""  # reset: what came before it is ours
        if not chunk:
            self._drop(connection)
            return 0
        before = connection.framer.faults
        self._collect(connection, connection.framer.feed(chunk))
        self.counts.framing_faults += connection.framer.faults - before
        return len(chunk)

    def _collect(self, connection: _Connection, messages: Sequence[Message]) -> None:
        received = datetime.now(UTC)  # noqa: TID251  sources say when a record was received
        for message in messages:
            position = Position("", self._stream, self._ordinal, self._ordinal + 1)
            self._records.append(
                RawRecord(message.data, self.id, position, received, connection.peer, message.truncated)
            )
            self._ordinal += 1

    def _drop(self, connection: _Connection) -> None:
        """The connection is over: its unfinished message is one."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._selector.unregister(connection.socket)
            connection.socket.close()
            self._collect(connection, connection.framer.finish())
