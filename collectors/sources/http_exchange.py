"""One HTTP/1.1 connection in, its requests answered one after the other. Source of truth: RFC 9110, RFC 9112.

h11 keeps the protocol (it does no I/O and is strict where leniency lets requests be smuggled), asyncio the sockets. Python's own
http.server is not for networks that are not trusted, as its documentation says; the servers of frameworks take the body's limits, the
threads and the answer's moment out of our hands. A request goes through three steps: `admit` by its head, its body within the limit,
`answer` by its body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import h11
import msgspec

from collectors.sources.connections import Connection
from collectors.sources.room import Room

IDLE_S = 75.0
"""Between two requests of a connection: longer than the 60 s that shippers and proxies keep one."""
HEAD_S = 10.0
BODY_S = 30.0
"""The head, and the body plus a second for each `SLOWEST_BYTES` that came, must be here by then: dripping holds no place for long."""
SLOWEST_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_LINGER_BYTES = 1024 * 1024
_LINGER_S = 1.0
"""What is still read of a request that was refused by its head, so that the answer is not lost in a reset (RFC 9112 §9.6)."""


@dataclass(frozen=True, slots=True)
class Head:
    """`target`: path without the query. `headers`: by lower-case name, the last where one stands twice. `peer`: address, `sender`: with
    the subject of its certificate.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    peer: str
    sender: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`reason`: of a refusal, constant words; "" where the request was taken. `retry_after_s`: 0 where it makes no sense to try again."""

    status: int
    body: bytes
    kind: str = "application/json"
    reason: str = ""
    retry_after_s: int = 0
    headers: tuple[tuple[str, str], ...] = ()


def refusal(status: int, reason: str, detail: str = "", *, retry_after_s: int = 0, allow: str = "") -> Answer:
    """An answer that says why in JSON. `detail`: what the sender shall hear besides; it is not logged. `allow`: methods, for a 405."""
    told = msgspec.json.encode({"error": f"{reason}: {detail}" if detail else reason})
    headers = (("WWW-Authenticate", "Bearer"),) if status == HTTPStatus.UNAUTHORIZED else ()
    if allow:
        headers = (("Allow", allow),)
    return Answer(status, told, reason=reason, retry_after_s=retry_after_s, headers=headers)


class Exchange:
    """Serves one connection. `refused`: hears of every answer that has a reason."""

    def __init__(
        self,
        connection: Connection,
        admit: Callable[[Head], Answer | None],
        answer: Callable[[Head, bytes], Awaitable[Answer]],
        refused: Callable[[Answer, str], None],
        room: Room,
        *,
        max_header_bytes: int,
        max_body_bytes: int,
    ) -> None:
        self._connection = connection
        self._admit = admit
        self._answer = answer
        self._refused = refused
        self._room = room
        self._max_body = max_body_bytes
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=max_header_bytes)

    async def run(self, ending: Callable[[], bool]) -> None:
        """Answer until the peer leaves, errs, or `ending` says that no request may begin any more."""
        try:
            while not ending() and await self._one():
                self._h11.start_next_cycle()
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint if error.error_status_hint in (413, 414, 431, 501) else 400
            await self._send(refusal(status, "not HTTP/1.1" if status == 400 else "head too large", str(error)[:200]))
        except TimeoutError:
            if not self._connection.idle:
                await self._send(refusal(408, "request too slow"))

    async def _one(self) -> bool:
        """One request; False where the connection is to be closed after it."""
        self._connection.idle = True
        async with asyncio.timeout(IDLE_S) as limit:
            event = await self._next(limit)
        self._connection.idle = False
        if not isinstance(event, h11.Request):
            return False
        head = _head(event, self._connection)
        answer = self._admit(head) or self._too_large(head)
        held: list[bytes] = []
        size = 0
        try:
            if answer is None:
                async with asyncio.timeout(BODY_S) as limit:
                    while answer is None and isinstance(event := await self._body_part(), h11.Data):
                        if size + len(event.data) > self._max_body:
                            answer = refusal(413, "body too large", f"at most {self._max_body} bytes")
                        elif not self._room.take(len(event.data)):
                            answer = refusal(503, "too many requests in memory", retry_after_s=1)
                        else:
                            size += len(event.data)
                            held.append(bytes(event.data))
                            limit.reschedule((limit.when() or 0.0) + len(event.data) / SLOWEST_BYTES)
            if answer is None:
                answer = await self._answer(head, b"".join(held))
        finally:
            self._room.give_back(size)
        await self._send(answer)
        return self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE

    def _too_large(self, head: Head) -> Answer | None:
        if _length(head) > self._max_body:
            return refusal(413, "body too large", f"at most {self._max_body} bytes")
        return None

    async def _next(self, limit: asyncio.Timeout) -> h11.Event:
        """The head of a request, or what comes in its place; as soon as there is one byte of it, the rest must follow."""
        while not isinstance(event := self._h11.next_event(), h11.Event):
            await self._receive()
            if self._connection.idle and self._h11.trailing_data[0]:
                self._connection.idle = False
                limit.reschedule(asyncio.get_running_loop().time() + HEAD_S)
        return event

    async def _body_part(self) -> h11.Event:
        while not isinstance(event := self._h11.next_event(), h11.Event):
            if self._h11.they_are_waiting_for_100_continue:
                go_on = self._h11.send(h11.InformationalResponse(status_code=100, headers=[]))
                self._connection.writer.write(go_on or b"")
            await self._receive()
        return event

    async def _receive(self) -> None:
        self._h11.receive_data(await self._connection.reader.read(_CHUNK_BYTES))

    async def _send(self, answer: Answer) -> None:
        if answer.reason:
            self._refused(answer, self._connection.sender)
        if self._h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        headers = [("Content-Type", answer.kind), ("Content-Length", str(len(answer.body))), *answer.headers]
        if answer.retry_after_s:
            headers.append(("Retry-After", str(answer.retry_after_s)))
        unread = self._h11.their_state is not h11.DONE
        if unread:
            headers.append(("Connection", "close"))
        head = h11.Response(status_code=answer.status, headers=headers, reason=HTTPStatus(answer.status).phrase)
        parts = [self._h11.send(head), self._h11.send(h11.Data(data=answer.body)), self._h11.send(h11.EndOfMessage())]
        await self._connection.send(b"".join(part for part in parts if part))
        if unread:
            await self._linger()

    async def _linger(self) -> None:
        """Read for a while what the peer still sends."""
        writer, left = self._connection.writer, _LINGER_BYTES
        if writer.can_write_eof():
            writer.write_eof()
        try:
            async with asyncio.timeout(_LINGER_S):
                while left > 0 and (data := await self._connection.reader.read(_CHUNK_BYTES)):
                    left -= len(data)
        except TimeoutError:
            return


def _head(request: h11.Request, connection: Connection) -> Head:
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in request.headers}
    target = request.target.decode("latin-1").partition("?")[0]
    return Head(request.method.decode("ascii", "replace"), target, headers, connection.peer, connection.sender)


def _length(head: Head) -> int:
    """What the head says of the body's size (h11 lets digits pass only); 0 where it does not say."""
    return int(head.headers.get("content-length", "0")[:20])
