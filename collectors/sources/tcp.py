"""Connections in, messages out: syslog over plain TCP (RFC 6587) and over TLS (RFC 5425), one thread for all of them.

Back-pressure and limits are those of `collectors.sources.listener`. A connection that is silent is left alone: closing it would cost the
sender its next message. Over TLS the subject of a client's certificate stands in each record's `peer`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from collectors.record import Position, RawRecord
from collectors.sources.framing import Message, SyslogFramer
from collectors.sources.listener import LAST_BYTES, Connection, Listener
from collectors.sources.listening import ListeningSource
from collectors.sources.source import BATCH_RECORDS, Batch
from collectors.sources.syslog import SyslogConfig
from collectors.sources.tls import ServerTls

_WAIT_S = 0.1
_EVERY_S = 0.01
_MANY = 1_000
"""Between two batches of fewer records: each costs a wait for the disk, and what comes meanwhile stands in the kernel."""

_Sender = Connection[SyslogFramer]


class TcpSource(ListeningSource[Listener[SyslogFramer]]):
    """Listens from the moment it is made; reads when driven."""

    def __init__(self, config: SyslogConfig) -> None:
        super().__init__(config.id)
        self._records: list[RawRecord] = []
        tls = ServerTls.of(config) if config.transport == "tls" else None
        self._listener = Listener(config, self.counts, lambda: SyslogFramer(config.max_line_bytes), tls)

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then what has arrived on open connections is given."""
        listener = self._listener
        while not stop.is_set():
            ready, began, before = listener.wait(_WAIT_S), time.monotonic(), self._ordinal
            while ready and not stop.is_set():
                start = self._ordinal
                for connection in ready:
                    self._read(connection)
                    yield from self._full(BATCH_RECORDS)
                ready = (
                    listener.wait(0) if self._ordinal - start >= _MANY else []
                )  # as long as much comes, batches become full
            yield from self._full(1)
            if 0 < self._ordinal - before < _MANY:
                stop.wait(began + _EVERY_S - time.monotonic())
        listener.wait(0)
        for connection in list(listener.connections):
            left = LAST_BYTES if connection.ready else 0
            while left > 0 and (count := self._read(connection)):
                left -= count
                yield from self._full(BATCH_RECORDS)
            self._drop(connection)
        yield from self._full(1)

    def _full(self, least: int) -> Iterator[Batch]:
        """Batches of what was collected, as long as there is so much."""
        while len(self._records) >= least:
            records, self._records = self._records[:BATCH_RECORDS], self._records[BATCH_RECORDS:]
            self.counts.add(records)
            yield Batch(records)

    def _read(self, connection: _Sender) -> int:
        """One chunk of one connection; gives its size, 0 when nothing is there or the connection is over."""
        chunk = self._listener.read(connection)
        if chunk is None:
            self._drop(connection)
        if not chunk:
            return 0
        framer = connection.session
        before = framer.faults
        messages = framer.feed(chunk)
        self._collect(connection, messages)
        self._listener.charge(connection, len(messages))
        self.counts.framing_faults += framer.faults - before
        return len(chunk)

    def _collect(self, connection: _Sender, messages: Sequence[Message]) -> None:
        received = datetime.now(UTC)  # noqa: TID251  sources say when a record was received
        source, stream, sender = self.id, self._stream, connection.sender
        self._records += [
            RawRecord(message.data, source, Position("", stream, at, at + 1), received, sender, message.truncated)
            for at, message in enumerate(messages, self._ordinal)
        ]
        self._ordinal += len(messages)

    def _drop(self, connection: _Sender) -> None:
        """The connection is over: its unfinished message is one."""
        self._listener.drop(connection)
        self._collect(connection, connection.session.finish())
