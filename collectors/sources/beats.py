"""Events of Beats in (Filebeat, Winlogbeat, Auditbeat, …; Logstash's lumberjack output), records out: Lumberjack version 2 over TCP or TLS.

    output.logstash: {hosts: ["soc.example:5044"], ssl.certificate_authorities: ["ca.pem"]}

A window is acknowledged in parts where it is large or its sender pauses, each part when it is durable; meanwhile an acknowledgement of 0
every few seconds keeps the sender waiting. Back-pressure: a connection whose events wait is not read.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NoReturn

from collectors.errors import SourceError
from collectors.record import Position, RawRecord
from collectors.sources.beats_config import BeatsConfig
from collectors.sources.connections import Connection, Connections
from collectors.sources.handover import Handover
from collectors.sources.lumberjack import Deframer, FramingError, Sent, Window, acknowledgement
from collectors.sources.rates import PeerRates
from collectors.sources.refusals import Refusals
from collectors.sources.room import Room
from collectors.sources.source import BATCH_RECORDS, Batch, Counts
from collectors.sources.tls import ServerTls

KEEPALIVE_S = 3.0
"""Between two acknowledgements of 0; Beats give up after 30 s without one."""
PAUSE_S = 0.5
"""A sender that pauses so long amid its window gets what it sent acknowledged."""
FRAME_S = 60.0
"""A frame that was begun must be whole by then."""
PART_BYTES = 4 * 1024 * 1024
"""So much of a window is handed over at once."""
_CHUNK_BYTES = 64 * 1024


class BeatsSource:
    """Listens from the moment it is made; answers when driven."""

    def __init__(self, config: BeatsConfig) -> None:
        """Raises: SourceError (an address that cannot be had, files that cannot be read, format "auto")."""
        if config.format == "auto":
            raise SourceError(f'{config.id}: format: "auto" cannot be decided event by event; name one')
        self._config = config
        self.counts = Counts()
        self._refusals = Refusals(config.id, self.counts)
        self._rates = PeerRates(config.max_peer_rate)
        self._room = Room(config.queue_bytes)
        self._handover = Handover(self.counts)
        self._stream = os.urandom(8).hex()
        self._ordinal = 0
        self._connections = Connections(
            config.id,
            config.listen,
            self._serve,
            self._refusals,
            tls=ServerTls.of(config) if config.certificate else None,
            max_connections=config.max_connections,
            max_peer_connections=config.max_peer_connections,
        )

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._config.id

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the socket is bound to (port 0 in the configuration: any free one)."""
        return self._connections.address

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then what was handed over is still taken and acknowledged."""
        self._connections.start()
        yield from self._handover.batches(stop)
        self._connections.end()
        yield from self._handover.batches(self._connections.ended)

    def close(self) -> None:
        """Stop listening and leave the connections."""
        self._connections.close()

    async def _serve(self, connection: Connection) -> None:
        session = _Session(connection, self._config.max_line_bytes)
        try:
            await self._converse(session)
        except FramingError as error:
            self.counts.framing_faults += 1
            self._refusals.add("no Lumberjack frames", connection.sender, str(error))
        finally:
            self._room.give_back(session.held_bytes + session.begun_bytes)

    async def _converse(self, session: _Session) -> None:
        """Read, hand over, acknowledge, until the peer leaves or the source ends."""
        reader = session.connection.reader
        while not self._connections.ending:
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
                await self._take(session, frame)
            begun_bytes = session.deframer.held_bytes
            self._room.give_back(session.begun_bytes)
            session.begun_bytes = 0
            if not self._room.take(begun_bytes):
                self._refuse_for_room(session)
            session.begun_bytes = begun_bytes

    async def _take(self, session: _Session, frame: Window | Sent) -> None:
        if isinstance(frame, Window):
            if session.events:
                await self._acknowledge(session)
            session.expected = frame.events
            return
        if not session.expected:
            raise FramingError("an event outside a window")
        size = len(frame.data)
        if not self._room.take(size):
            if session.events:
                await self._acknowledge(session)
            if not self._room.take(size):
                self._refuse_for_room(session)
        session.held_bytes += size
        session.expected -= 1
        session.events.append(frame)
        if not session.expected or len(session.events) >= BATCH_RECORDS or session.held_bytes >= PART_BYTES:
            await self._acknowledge(session)

    def _refuse_for_room(self, session: _Session) -> NoReturn:
        """Raises: ConnectionAbortedError; the peer comes back and sends again."""
        self._refusals.add("too many events in memory", session.connection.sender)
        raise ConnectionAbortedError

    async def _acknowledge(self, session: _Session) -> None:
        """Hand over what was read and acknowledge it once it is durable. Raises: ConnectionAbortedError where it will not be."""
        connection, peer = session.connection, session.connection.peer
        told = asyncio.wrap_future(self._handover.put(self._records(session.events, connection.sender)))
        while not (await asyncio.wait([told], timeout=KEEPALIVE_S))[0]:
            connection.writer.write(acknowledgement(0))
            await connection.writer.drain()
        if told.cancelled() or not told.result():
            raise ConnectionAbortedError
        connection.writer.write(acknowledgement(session.events[-1].sequence))
        await connection.writer.drain()
        self._rates.took(peer, len(session.events), time.monotonic())
        session.events.clear()
        self._room.give_back(session.held_bytes)
        session.held_bytes = 0
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
    """One connection's events that are read and not acknowledged, `held_bytes` of them; `begun_bytes`: of frames that are not whole;
    `expected`: of the window, so many are still to come."""

    def __init__(self, connection: Connection, max_bytes: int) -> None:
        self.connection = connection
        self.deframer = Deframer(max_bytes)
        self.events: list[Sent] = []
        self.expected = 0
        self.held_bytes = 0
        self.begun_bytes = 0

    def patience_s(self) -> float | None:
        """How long the next bytes may take: for ever between two frames, as Beats keep connections open."""
        return None if self.deframer.between else FRAME_S
