"""Connections of one listener in, one task each out: asyncio in a thread of its own, TLS and limits included.

For protocols that answer (HTTP, Lumberjack): while the intake waits for its disk, connections must still be told so. A task reads from
and writes to its `Connection`; when it returns or fails, the connection is closed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from collectors.errors import SourceError
from collectors.sources.address import bound_socket, peer_of
from collectors.sources.handover import Handover
from collectors.sources.keys import ConnectionKeys
from collectors.sources.refusals import Refusals
from collectors.sources.source import Batch
from collectors.sources.tls import ServerTls, subject_of

log = logging.getLogger(__name__)

HANDSHAKE_S = 10.0
SEND_S = 30.0
"""A peer that takes no answers for so long is left."""
LAST_S = 0.2
"""How long connections that are being answered may go on after the end."""
_BACKLOG = 128
_PAUSE_S = 0.1
"""After an accept that failed, as it does while the process has no more descriptors."""


@dataclass(slots=True, eq=False)
class Connection:
    """`peer`: its address; `subject`: of its certificate, "" where it showed none. `idle`: nothing is lost when it is closed now."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    peer: str
    subject: str = ""
    idle: bool = True

    @property
    def sender(self) -> str:
        """Peer and subject, as records have them."""
        return f"{self.peer} {self.subject}" if self.subject else self.peer

    async def send(self, data: bytes) -> None:
        """Answer. Raises: TimeoutError where the peer takes no answers any more."""
        self.writer.write(data)
        async with asyncio.timeout(SEND_S):
            await self.writer.drain()


class Connections:
    """Bound from the moment it is made; served from `start` to `end`."""

    def __init__(
        self,
        config: ConnectionKeys,
        listen: str,
        serve: Callable[[Connection], Awaitable[None]],
        refusals: Refusals,
    ) -> None:
        """Raises: SourceError where the address cannot be had, or a file of `config` cannot be read."""
        self._source = config.id
        self._serve = serve
        self._refusals = refusals
        self._tls = ServerTls.of(config) if config.certificate else None
        self._max = config.max_connections
        self._max_of_peer = config.max_peer_connections
        self._listener = bound_socket(config.id, listen, socket.SOCK_STREAM)
        self._listener.listen(_BACKLOG)
        self._peers: Counter[str] = Counter()
        self._open: dict[asyncio.Task[None], Connection | None] = {}
        self._thread = threading.Thread(target=self._run, name=f"connections {config.id}", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = threading.Event()
        self._ending = asyncio.Event()
        self.ended = threading.Event()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the socket is bound to (port 0 in the configuration: any free one)."""
        return self._listener.getsockname()[:2]  # type: ignore[no-any-return]

    @property
    def ending(self) -> bool:
        """Whether no further request may begin."""
        return self._ending.is_set()

    def batches(self, handover: Handover, stop: threading.Event) -> Iterator[Batch]:
        """Serve, and give what the connections hand over until `stop`; then what was handed over is still taken.

        Raises: SourceError where the listener ended by itself.
        """
        self.start()
        yield from handover.batches(stop, self.ended)
        if not stop.is_set():
            raise SourceError(f"{self._source}: the listener ended by a fault")
        self.end()
        yield from handover.batches(self.ended)

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()
        self._running.wait()

    def end(self) -> None:
        """Accept no more, close what is idle, let the others be answered for `LAST_S`; returns at once, `ended` is set when it is done."""
        if self._loop is not None and not self.ended.is_set():
            self._loop.call_soon_threadsafe(self._ending.set)
        elif self._loop is None:
            self.ended.set()

    def close(self) -> None:
        """End, wait for it, and release the socket; a second time changes nothing."""
        self.end()
        if self._thread.is_alive():
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception:
            log.exception("fault of a listener; it ends", extra={"source": self._source})
        finally:
            self._running.set()
            self.ended.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._running.set()
        accepting, ending = asyncio.create_task(self._accept(self._loop)), asyncio.create_task(self._ending.wait())
        await asyncio.wait([accepting, ending], return_when=asyncio.FIRST_COMPLETED)
        if accepting.done():
            accepting.result()
        accepting.cancel()
        self._listener.close()
        for task, connection in self._open.items():
            if connection is None or connection.idle:
                task.cancel()
        if self._open:
            await asyncio.wait(self._open, timeout=LAST_S)

    async def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            try:
                accepted, address = await loop.sock_accept(self._listener)
            except OSError as error:
                log.warning("accept failed", extra={"source": self._source, "error": str(error)})
                await asyncio.sleep(_PAUSE_S)
                continue
            peer = peer_of(address)
            if len(self._open) >= self._max or self._peers[peer] >= self._max_of_peer:
                accepted.close()
                self._refusals.add("too many connections", peer)
                continue
            self._peers[peer] += 1
            task = asyncio.create_task(self._one(loop, accepted, peer))
            self._open[task] = None
            task.add_done_callback(lambda done, peer=peer: self._forget(done, peer))  # type: ignore[misc]

    def _forget(self, task: asyncio.Task[None], peer: str) -> None:
        self._open.pop(task)
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]

    async def _one(self, loop: asyncio.AbstractEventLoop, accepted: socket.socket, peer: str) -> None:
        reader = asyncio.StreamReader()
        try:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            transport, protocol = await loop.connect_accepted_socket(
                lambda: asyncio.StreamReaderProtocol(reader),
                accepted,
                ssl=self._tls.context() if self._tls else None,
                ssl_handshake_timeout=HANDSHAKE_S if self._tls else None,
                ssl_shutdown_timeout=LAST_S if self._tls else None,
            )
        except (OSError, ssl.SSLError):
            accepted.close()
            self._refusals.add("no TLS handshake", peer)
            return
        shown = transport.get_extra_info("ssl_object")
        if self._tls is not None and not self._tls.permits(shown):
            transport.abort()
            self._refusals.add("a certificate that clients does not name", f"{peer} {subject_of(shown.getpeercert())}")
            return
        subject = subject_of(shown.getpeercert()) if shown else ""
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        task = asyncio.current_task()
        assert task is not None
        connection = self._open[task] = Connection(reader, writer, peer, subject)
        try:
            await self._serve(connection)
        except (OSError, EOFError, ssl.SSLError, TimeoutError):
            pass  # the peer went away, which is its right; what it was not answered, it sends again
        except Exception:
            log.exception("fault while serving a connection", extra={"source": self._source, "peer": peer})
        finally:
            if transport.get_write_buffer_size():
                transport.abort()  # a close would wait for a peer that takes nothing
            else:
                transport.close()
