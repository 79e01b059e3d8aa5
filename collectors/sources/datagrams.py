"""Datagrams off the wire into memory: what every source over UDP shares.

A thread of its own drains the socket into memory, so a consumer that waits for its disk costs no datagram until `queue_bytes` are full;
then the kernel's buffer fills, and what it throws away is read from the socket (SO_MEMINFO) and counted. Measured on loopback, 300,000
datagrams at once: this loop lost none where an asyncio protocol lost 46 %.
"""

from __future__ import annotations

import logging
import select
import socket
import struct
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Protocol

from collectors.sources.address import bound_socket
from collectors.sources.rates import PeerRates

log = logging.getLogger(__name__)

_DATAGRAM_BYTES = 65_535
DRAIN = 256
"""Datagrams a round: they share one time of receipt and one hand-over."""
_WAIT_S = 0.1
_LAST_S = 0.2
"""How long the socket is still drained after the stop: for all that had arrived, but not for a flood that goes on."""
_SO_RCVBUFFORCE = 33
_SO_MEMINFO = 55
_MEMINFO_DROPS = 8
"""asm-generic/socket.h and linux/sock_diag.h; Python's socket module does not name them."""

Datagram = tuple[bytes, tuple[str, int]]
"""What came, and the address of its sender."""
Round = tuple[datetime, list[Datagram]]
"""Datagrams that were received together, and when."""


class DatagramKeys(Protocol):
    """What a source over UDP is configured with."""

    @property
    def id(self) -> str: ...
    @property
    def listen(self) -> str: ...
    @property
    def receive_buffer_bytes(self) -> int: ...
    @property
    def queue_bytes(self) -> int: ...


class Datagrams:
    """Listens from the moment it is made, so that nothing is lost between opening and the first batch."""

    def __init__(self, config: DatagramKeys, max_peer_rate: int = 0) -> None:
        """`max_peer_rate`: datagrams a second of one address, 0 for any; what is beyond is dropped: its sender cannot be made to wait."""
        self._config = config
        self._max_peer_rate = max_peer_rate
        self._rates = PeerRates(max_peer_rate)
        self._over_rate = 0
        self._socket = bound_socket(config.id, config.listen, socket.SOCK_DGRAM)
        self._queue: deque[Round] = deque()
        self._queued_bytes = 0
        self._taken_bytes = 0
        self._arrived = threading.Event()
        self._stop = threading.Event()
        self._ask_for_room()
        self._thread = threading.Thread(target=self._drain, name=f"udp {config.id}", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the socket is bound to (port 0 in the configuration: any free one)."""
        return self._socket.getsockname()[:2]  # type: ignore[no-any-return]

    def wait(self, stop: threading.Event) -> bool:
        """Until datagrams wait, soon in any case; False once `stop` is set and all that the kernel still held waits too."""
        going_on = not stop.is_set()
        if not going_on:
            self._stop.set()
            self._thread.join()
        elif not self._queue:
            self._arrived.wait(_WAIT_S)
        self._arrived.clear()
        return going_on

    def take(self) -> Round | None:
        """Datagrams that were received together, up to `DRAIN`; None when none wait."""
        if not self._queue:
            return None
        received, got = self._queue.popleft()
        self._taken_bytes += sum(len(data) + 100 for data, _ in got)
        return received, self._within_rate(got) if self._max_peer_rate else got

    def answer(self, data: bytes, address: tuple[str, int]) -> None:
        """Send a datagram back; one that cannot be sent is lost like any other, and its sender asks again."""
        try:
            self._socket.sendto(data, address)
        except OSError as error:
            log.warning("udp answer not sent", extra={"source": self._config.id, "error": str(error)})

    def close(self) -> None:
        """Stop listening; a second time changes nothing."""
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _drain(self) -> None:
        """Move datagrams from the kernel to the queue; the only thing that the thread does."""
        receive = self._socket.recvfrom
        leave_at = float("inf")
        while True:
            stopping = self._stop.is_set()
            if stopping:
                leave_at = min(leave_at, time.monotonic() + _LAST_S)
            if not stopping and self._queued_bytes - self._taken_bytes > self._config.queue_bytes:
                self._stop.wait(0.005)
                continue
            got: list[Datagram] = []
            try:
                for _ in range(DRAIN):
                    got.append(receive(_DATAGRAM_BYTES))  # noqa: PERF401  what came before the last one must be kept
            except BlockingIOError:
                pass
            except OSError as error:
                log.warning("udp receive failed", extra={"source": self._config.id, "error": str(error)})
            if got:
                self._queue.append((datetime.now(UTC), got))  # noqa: TID251  sources say when a record was received
                self._queued_bytes += sum(len(data) + 100 for data, _ in got)
                self._arrived.set()
            if stopping and (not got or time.monotonic() > leave_at):
                return
            if not got:
                select.select([self._socket], [], [], _WAIT_S)

    def _ask_for_room(self) -> None:
        """The receive buffer: beyond the system's limit where we may, else up to it, with a warning."""
        wanted = self._config.receive_buffer_bytes
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, wanted)
        except OSError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)
        granted = (
            self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
        )  # the kernel doubles what it is asked
        if granted < wanted:
            log.warning(
                "udp receive buffer is smaller than asked for: bursts may be lost; raise net.core.rmem_max",
                extra={"source": self._config.id, "wanted_bytes": wanted, "granted_bytes": granted},
            )

    def dropped(self) -> int:
        """Datagrams that the kernel threw away since the socket was opened, and those beyond the rate."""
        return self._kernel_drops() + self._over_rate

    def _within_rate(self, got: list[Datagram]) -> list[Datagram]:
        now, kept = time.monotonic(), list[Datagram]()
        for datagram in got:
            peer = datagram[1][0]
            if self._rates.wait_s(peer, now):
                self._over_rate += 1
            else:
                self._rates.took(peer, 1, now)
                kept.append(datagram)
        return kept

    def _kernel_drops(self) -> int:
        """0 where the kernel does not say (Linux before 4.12)."""
        try:
            info = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * 16)
        except OSError:
            return 0
        values = struct.unpack(f"={len(info) // 4}I", info)
        return int(values[_MEMINFO_DROPS]) if len(values) > _MEMINFO_DROPS else 0
