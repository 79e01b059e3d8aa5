"""Events of Beats in (Filebeat, Winlogbeat, Auditbeat, …; Logstash's lumberjack output), records out: Lumberjack version 2 over TCP or TLS.

    output.logstash: {hosts: ["soc.example:5044"], ssl.certificate_authorities: ["ca.pem"]}

A window is acknowledged in parts where it is large or its sender pauses, each part when it is durable; meanwhile an acknowledgement of 0
every few seconds keeps the sender waiting. Back-pressure: a connection whose events wait is not read.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from collectors.record import Position, RawRecord
from collectors.sources.beats_config import BeatsConfig
from collectors.sources.connections import Connection, Connections
from collectors.sources.handover import Handover
from collectors.sources.listening import ListeningSource
from collectors.sources.lumberjack import Deframer, FramingError, Sent, Window, acknowledgement
from collectors.sources.rates import PeerRates
from collectors.sources.refusals import Refusals
from collectors.sources.room import Room
from collectors.sources.source import BATCH_RECORDS, Batch

KEEPALIVE_S = 3.0
"""Between two acknowledgements of 0; Beats give up after 30 s without one."""
PAUSE_S = 0.5
"""A sender that pauses so long amid its window gets what it sent acknowledged."""
FRAME_S = 60.0
"""A frame that was begun must be whole by then."""
PART_BYTES = 4 * 1024 * 1024
"""So much of a window is handed over at once."""
_CHUNK_BYTES = 64 * 1024


class BeatsSource(ListeningSource[Connections]):
    """Listens from the moment it is made; answers when driven."""

    def __init__(self, config: BeatsConfig) -> None:
        """Raises: SourceError (an address that cannot be had, files that cannot be read)."""
        super().__init__(config.id)
        self._config = config
        self._refusals = Refusals(config.id, self.counts)
        self._rates = PeerRates(config.max_peer_rate)
        self._room = Room(config.queue_bytes)
        self._handover = Handover(self.counts)
        self._listener = Connections(config, config.listen, self._serve, self._refusals)

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then what was handed over is still taken and acknowledged.

        Raises: SourceError where the listener ended by itself.
        """
        return self._listener.batches(self._handover, stop)

    async def _serve(self, connection: Connection) -> None:
        session = _Session(connection, self._config.max_line_bytes)
        try:
            await self._converse(session)
        except FramingError as error:
            self.counts.framing_faults += 1
            self._refusals.add("no Lumberjack frames", connection.sender, str(error))
        finally:
            self._room.give_back(session.counted_bytes)

    async def _converse(self, session: _Session) -> None:
        """Read, hand over, acknowledge, until the peer leaves or the source ends."""
        reader = session.connection.reader
        while not self._listener.ending:
            session.connection.idle = not session.events
            try:
                async with asyncio.timeout(PAUSE_S if session.events else session.patience_s()):
                    chunk = await reader.read(_CHUNK_BYTES)
            except TimeoutError:
                if not session.events:
                    raise
                await self._acknowledge(session)
                continue
            session.connection.idle = False
            if not chunk:
                return  # what is not acknowledged, the peer sends again
            for frame in session.deframer.feed(chunk):
                if isinstance(frame, Window):
                    if session.events:
                        await self._acknowledge(session)
                    session.expected = frame.events
                    continue
                session.add(frame)
                full = len(session.events) >= BATCH_RECORDS or session.events_bytes >= PART_BYTES
                if full or not session.expected:
                    await self._acknowledge(session)
            self._account(session)

    def _account(self, session: _Session) -> None:
        """Count what the session holds in memory. Raises: ConnectionAbortedError where there is no room; the peer comes back."""
        self._room.give_back(session.counted_bytes)
        session.counted_bytes = 0
        holds = session.events_bytes + session.deframer.held_bytes
        if not self._room.take(holds):
            self._refusals.add("too many events in memory", session.connection.sender)
            raise ConnectionAbortedError
        session.counted_bytes = holds

    async def _acknowledge(self, session: _Session) -> None:
        """Hand over what was read and acknowledge it once it is durable. Raises: ConnectionAbortedError where it will not be."""
        self._account(session)
        connection, peer = session.connection, session.connection.peer
        told = asyncio.wrap_future(self._handover.put(self._records(session.events, connection.sender)))
        while not (await asyncio.wait([told], timeout=KEEPALIVE_S))[0]:
            await connection.send(acknowledgement(0))
        if told.cancelled() or not told.result():
            raise ConnectionAbortedError
        await connection.send(acknowledgement(session.events[-1].sequence))
        self._rates.took(peer, len(session.events), time.monotonic())
        session.events.clear()
        session.events_bytes = 0
        if wait_s := self._rates.wait_s(peer, time.monotonic()):
            connection.idle = True
            await asyncio.sleep(wait_s)
            connection.idle = False

    def _records(self, events: list[Sent], sender: str) -> list[RawRecord]:
        received = datetime.now(UTC)  # noqa: TID251  sources say when a record was received
        records = []
        for ordinal, event in enumerate(events, self._ordinal):
            place = Position("", self._stream, ordinal, ordinal + 1)
            records.append(RawRecord(event.data, self.id, place, received, sender, event.truncated))
        self._ordinal += len(records)
        return records


class _Session:
    """One connection: its `events` that are read and not acknowledged; `expected`: of the window, so many are still to come."""

    def __init__(self, connection: Connection, max_bytes: int) -> None:
        self.connection = connection
        self.deframer = Deframer(max_bytes)
        self.events: list[Sent] = []
        self.events_bytes = 0
        self.expected = 0
        self.counted_bytes = 0

    def add(self, event: Sent) -> None:
        """One more. Raises: FramingError where no window announced it."""
        if not self.expected:
            raise FramingError("an event outside a window")
        self.expected -= 1
        self.events.append(event)
        self.events_bytes += len(event.data)

    def patience_s(self) -> float | None:
        """How long the next bytes may take: for ever between two frames, as Beats keep connections open."""
        return None if self.deframer.between else FRAME_S
