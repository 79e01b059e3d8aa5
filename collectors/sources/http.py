"""POSTed requests in, records out: what HTTP intake (`/events`) and OTLP (`/v1/logs`) share, and what is special to the first.

    curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/x-ndjson" --data-binary @events https://soc.example:8088/events

200: durable. 429 and 503 with Retry-After: nothing of it was taken, try again. Other answers say in JSON why the request will never be
taken. Requests that are being read wait in memory up to `queue_bytes`, those that are read up to `ANSWER_S`; beyond that, and as soon as
the journal is seen to wait for its disk, senders are told to come back later, which is the back-pressure.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Protocol

import msgspec

from collectors.record import DeadLetter, Mark, Position, RawRecord
from collectors.sources.connections import Connection, Connections
from collectors.sources.handover import Handover
from collectors.sources.http_auth import Guard, name_of
from collectors.sources.http_body import BodyError, decompressed, records_of
from collectors.sources.http_config import RequestsConfig
from collectors.sources.http_exchange import Answer, Exchange, Head, refusal
from collectors.sources.known import Known
from collectors.sources.listening import ListeningSource
from collectors.sources.rates import PeerRates
from collectors.sources.refusals import Refusals
from collectors.sources.room import Room
from collectors.sources.source import Batch

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""How long a request that the intake has not begun waits for it; shippers give up after 10 to 60 s."""
STALLED_S = 2.0
"""An append takes milliseconds; one that takes so long waits for a disk, and who comes now would too."""
RETRY_S = 5


@dataclass(frozen=True, slots=True)
class Content:
    """What a request holds. `refused`: records that are too long, cut: they become dead letters. `name`: see `name_of`."""

    records: Sequence[bytes]
    refused: Sequence[bytes] = ()
    name: str = ""


class Dialect(Protocol):
    """How requests are read and answered. `path`: where they are sent to."""

    path: str

    def read(self, head: Head, body: bytes) -> Content:
        """The content of a body that is decompressed. Raises: BodyError."""
        ...

    def taken(self, head: Head, content: Content, *, repeated: bool) -> Answer:
        """The answer once all of it is durable. `repeated`: it was already, and was not taken again."""
        ...

    def refused(self, head: Head, answer: Answer) -> Answer:
        """A refusal as this dialect says it."""
        ...


class Events:
    """The dialect of `/events`: see `http_body` for the types."""

    path = "/events"

    def read(self, head: Head, body: bytes) -> Content:
        """Records as they stand in the body."""
        return Content(records_of(body, head.headers.get("content-type", "")), name=name_of(head.headers))

    def taken(self, head: Head, content: Content, *, repeated: bool) -> Answer:  # noqa: ARG002  the port's
        """How many records it was, and whether they were there before."""
        return Answer(200, msgspec.json.encode({"records": len(content.records), "repeated": repeated}))

    def refused(self, head: Head, answer: Answer) -> Answer:  # noqa: ARG002  the port's
        """As it is."""
        return answer


class HttpSource(ListeningSource[Connections]):
    """Listens from the moment it is made; answers when driven."""

    def __init__(self, config: RequestsConfig, dialect: Dialect, marks: Mapping[str, Mark]) -> None:
        """`marks`: of the journal, all sources.

        Raises: SourceError (an address that cannot be had, files that cannot be read).
        """
        super().__init__(config.id)
        self._config = config
        self._dialect = dialect
        self._refusals = Refusals(config.id, self.counts)
        self._guard = Guard(config.id, config.token_file, config.signing_key_file)
        self._rates = PeerRates(config.max_peer_rate)
        self._room = Room(config.queue_bytes)
        self._handover = Handover(self.counts)
        self._known = Known(config.id, marks, config.max_connections)
        self._under_way: dict[str, Future[bool]] = {}
        self._listener = Connections(config, config.listen, self._serve, self._refusals)
        if self._guard.open and not config.client_ca and not self.address[0].startswith(("127.", "::1")):
            log.warning(
                "whoever reaches this port may send events", extra={"source": config.id, "listen": config.listen}
            )

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then requests that are read are still taken and answered, those that are being read are not.

        Raises: SourceError where the listener ended by itself.
        """
        return self._listener.batches(self._handover, stop)

    async def _serve(self, connection: Connection) -> None:
        config = self._config
        exchange = Exchange(
            connection,
            self._admit,
            self._answer,
            self._count_refusal,
            self._room,
            max_header_bytes=config.max_header_bytes,
            max_body_bytes=config.max_body_bytes,
        )
        await exchange.run(lambda: self._listener.ending)

    def _count_refusal(self, answer: Answer, sender: str) -> None:
        if answer.status == 400:
            self.counts.framing_faults += 1
        self._refusals.add(answer.reason, sender)

    def _admit(self, head: Head) -> Answer | None:
        """Why a request is not taken whatever its body is; None where it may be."""
        answer = self._judged(head)
        return answer and self._dialect.refused(head, answer)

    def _judged(self, head: Head) -> Answer | None:
        if head.target != self._dialect.path:
            return refusal(404, "no such path", self._dialect.path)
        if head.method != "POST":
            return refusal(405, "no such method", "POST", allow="POST")
        if reason := self._guard.refuses(head.headers):
            return refusal(401, reason)
        if wait_s := self._rates.wait_s(head.peer, time.monotonic()):
            return refusal(429, "too many records of one peer", retry_after_s=math.ceil(wait_s))
        if self._handover.stalled_s() > STALLED_S:
            return refusal(503, "the journal waits for its disk", retry_after_s=RETRY_S)
        return None

    async def _answer(self, head: Head, body: bytes) -> Answer:
        """The answer to a request that is read."""
        if reason := self._guard.refuses_body(head.headers, body):
            return self._dialect.refused(head, refusal(401, reason))
        size = 0
        try:
            data = decompressed(body, head.headers.get("content-encoding", ""), self._config.max_body_bytes)
            if not self._room.take(len(data)):
                return self._dialect.refused(head, refusal(503, "too many requests in memory", retry_after_s=1))
            size = len(data)
            content = self._dialect.read(head, data)
            self._rates.took(head.peer, 1 + len(content.records), time.monotonic())
            return await self._take(head, content, data)
        except BodyError as error:
            return self._dialect.refused(head, refusal(error.status, error.reason, error.detail))
        finally:
            self._room.give_back(size)

    async def _take(self, head: Head, content: Content, data: bytes) -> Answer:
        name = _digest(content.name, data) if content.name else ""
        if name in self._known:
            self.counts.repeated += len(content.records)
            return self._dialect.taken(head, content, repeated=True)
        told = self._under_way.get(name)
        if told is None:
            told = self._put(content, name, head.sender)
        durable = await _durable(told)
        if self._under_way.get(name) is told:
            del self._under_way[name]
        if not durable:
            return self._dialect.refused(head, refusal(503, "the journal is busy", retry_after_s=RETRY_S))
        if name:
            self._known.add(name)
        return self._dialect.taken(head, content, repeated=False)

    def _put(self, content: Content, name: str, sender: str) -> Future[bool]:
        """Queue a request's records: one that has a name gives them the same places each time, and so the same ids."""
        received = datetime.now(UTC)  # noqa: TID251  sources say when a record was received
        longest = self._config.max_line_bytes
        stream, first = (name, 0) if name else (self._stream, self._ordinal)
        records = []
        for ordinal, data in enumerate((*content.records, *content.refused), first):
            place = Position("", stream, ordinal, ordinal + 1)
            cut = max(0, len(data) - longest)
            records.append(RawRecord(data[:longest], self.id, place, received, sender, cut))
        if not name:
            self._ordinal += len(records)
        count = len(content.records)
        dead = [DeadLetter(record, self._config.format, f"longer than {longest} bytes") for record in records[count:]]
        if not name:
            return self._handover.put(records[:count], dead)
        self._under_way[name] = told = self._handover.put(records[:count], dead, self._known.mark(name))
        return told


def _digest(name: str, data: bytes) -> str:
    return blake2b(data, key=blake2b(name.encode()).digest(), digest_size=16).hexdigest()


async def _durable(told: Future[bool]) -> bool:
    """Whether what was handed over became durable. What the intake does not begin in time is withdrawn; what it begins, it ends."""
    waiting = asyncio.wrap_future(told)
    await asyncio.wait([waiting], timeout=ANSWER_S)
    if not told.done() and not told.cancel():
        await asyncio.wait([waiting])
    return not told.cancelled() and told.result()
