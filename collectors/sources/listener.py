"""Connections in, chunks of bytes out: what every source of streams shares (syslog over TCP and TLS, RELP), one thread for all peers.

Back-pressure: nothing is read but in `read`; while nobody calls it, the kernel's windows close and the senders wait. Limits: connections in
all and of one address, seconds for what must be said at the start (the TLS handshake), records a second of one address (its connections
then rest until that pace is kept), bytes of answers that a peer does not take. Whoever is refused is counted and told.
"""

from __future__ import annotations

import fcntl
import logging
import selectors
import socket
import ssl
import termios
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from collectors.sources.address import bound_socket, peer_of
from collectors.sources.rates import PeerRates
from collectors.sources.refusals import Refusals
from collectors.sources.source import Counts
from collectors.sources.tls import ServerTls, subject_of

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
START_S = 10.0
"""How long a peer may take for what it must say first: enough for a handshake over a bad line, too little to hold up others."""
LOOK_S = 0.1
"""Between two looks at all connections, of which a thousand may be idle."""
LAST_BYTES = 4 * 1024 * 1024
"""What is still read of one connection when the source stops: more than its sender's kernel holds as a rule."""
_BACKLOG = 128
_UNTAKEN_BYTES = 256 * 1024
"""Answers that wait for a peer; beyond them it is read no more until it has taken some."""
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 20), (socket.TCP_KEEPCNT, 4))
"""A peer whose machine is gone is noticed after 140 s, not after the kernel's two hours."""

T = TypeVar("T")


class Listening(Protocol):
    """What a source that listens for streams is configured with; see the configurations for what each means."""

    @property
    def id(self) -> str: ...
    @property
    def listen(self) -> str: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def max_peer_connections(self) -> int: ...
    @property
    def max_peer_rate(self) -> int: ...


@dataclass(slots=True, eq=False)
class Connection(Generic[T]):
    """One peer. `peer`: its address; `subject`: of its certificate, "" where it showed none; `session`: what the source keeps of it."""

    socket: socket.socket
    peer: str
    opened: float
    session: T
    subject: str = ""
    ready: bool = True
    answers: bytearray = field(default_factory=bytearray)
    rests_until: float = 0.0

    @property
    def sender(self) -> str:
        """As records name it: the address, and after a space the certificate's subject."""
        return f"{self.peer} {self.subject}" if self.subject else self.peer


class Listener(Generic[T]):
    """Listens from the moment it is made. `begin` makes the session of a new connection."""

    def __init__(self, config: Listening, counts: Counts, begin: Callable[[], T], tls: ServerTls | None = None) -> None:
        self.connections: set[Connection[T]] = set()
        self._config = config
        self._refusals = Refusals(config.id, counts)
        self._begin = begin
        self._tls = tls
        self._look_s = 0.0
        self._of_peer: Counter[str] = Counter()
        self._rates = PeerRates(config.max_peer_rate)
        self._resting: set[Connection[T]] = set()
        self._socket = bound_socket(config.id, config.listen, socket.SOCK_STREAM)
        self._socket.listen(_BACKLOG)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ, None)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the socket is bound to (port 0 in the configuration: any free one)."""
        return self._socket.getsockname()[:2]  # type: ignore[no-any-return]

    def wait(self, timeout_s: float) -> list[Connection[T]]:
        """Who has something to read, at latest after `timeout_s`; newcomers are let in, handshakes go on, answers go out."""
        now = time.monotonic()
        for connection in [each for each in self._resting if each.rests_until <= now]:
            self._resting.discard(connection)
            self._watch(connection)
        found = []
        for key, events in self._selector.select(timeout_s):
            connection = key.data
            if connection is None:
                self.accept()
                continue
            if not connection.ready:
                self._shake_hands(connection)
                continue
            if events & selectors.EVENT_WRITE:
                self.send(connection, b"")
            if events & selectors.EVENT_READ and connection in self.connections:
                found.append(connection)
        if self._tls is not None and now >= self._look_s:
            self._look_s = now + LOOK_S
            self._close_laggards(now)
        return found

    def accept(self) -> None:
        """Take in who waits; refuse those beyond the limits."""
        while True:
            try:
                accepted, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.warning("accept failed", extra={"source": self._config.id, "error": str(error)})
                return
            peer = peer_of(address)
            if len(self.connections) >= self._config.max_connections:
                self._refuse(accepted, peer, "too many connections")
            elif self._of_peer[peer] >= self._config.max_peer_connections:
                self._refuse(accepted, peer, "too many connections of this peer")
            else:
                self._admit(accepted, peer)

    def read(self, connection: Connection[T]) -> bytes | None:
        """A chunk; b"" when nothing is there now, None when the connection is over (what came before is read)."""
        chunk = b""
        try:
            chunk = connection.socket.recv(CHUNK_BYTES)
            while chunk and self._tls is not None and len(chunk) < CHUNK_BYTES:  # TLS gives one record at a time
                if not (more := connection.socket.recv(CHUNK_BYTES)):
                    break
                chunk += more
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return chunk
        except OSError:
            pass  # reset: what came before it is ours
        return chunk or None

    def send(self, connection: Connection[T], data: bytes) -> bool:
        """Answer, now or when the peer takes it; False when the connection is over."""
        answers = connection.answers
        answers += data
        try:
            while answers:
                del answers[: connection.socket.send(answers)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            return False
        self._watch(connection)
        return True

    def untaken(self, connection: Connection[T]) -> bool:
        """Whether answers to a peer are under way that its kernel has not confirmed (tcp(7), SIOCOUTQ): it may be gone without a word."""
        waiting = fcntl.ioctl(connection.socket, termios.TIOCOUTQ, bytes(4))
        return bool(connection.answers) or any(waiting)

    def charge(self, connection: Connection[T], records: int) -> None:
        """Count what a peer sent against its pace; beyond its share its connections rest."""
        now = time.monotonic()
        self._rates.took(connection.peer, records, now)
        if wait_s := self._rates.wait_s(connection.peer, now):
            connection.rests_until = now + wait_s
            self._resting.add(connection)
            self._watch(connection)

    def drop(self, connection: Connection[T]) -> None:
        """Close a connection; a second time changes nothing."""
        if connection not in self.connections:
            return
        self.connections.discard(connection)
        self._resting.discard(connection)
        self._of_peer[connection.peer] -= 1
        if not self._of_peer[connection.peer]:
            del self._of_peer[connection.peer]
        if connection.socket in self._selector.get_map():
            self._selector.unregister(connection.socket)
        connection.socket.close()

    def close(self) -> None:
        """Stop listening and leave every connection; a second time changes nothing."""
        for connection in list(self.connections):
            self.drop(connection)
        self._selector.close()
        self._socket.close()

    def _admit(self, accepted: socket.socket, peer: str) -> None:
        accepted.setblocking(False)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer waits for no other
        for option, value in _KEEPALIVE:
            accepted.setsockopt(socket.IPPROTO_TCP, option, value)
        if self._tls is not None:
            accepted = self._tls.context().wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        connection = Connection(accepted, peer, time.monotonic(), self._begin(), ready=self._tls is None)
        self.connections.add(connection)
        self._of_peer[peer] += 1
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _refuse(self, accepted: socket.socket, peer: str, reason: str) -> None:
        accepted.close()
        self._refusals.add(reason, peer)

    def _shake_hands(self, connection: Connection[T]) -> None:
        wrapped = connection.socket
        assert isinstance(wrapped, ssl.SSLSocket)
        try:
            wrapped.do_handshake()
        except ssl.SSLWantReadError:
            self._selector.modify(wrapped, selectors.EVENT_READ, connection)
        except ssl.SSLWantWriteError:
            self._selector.modify(wrapped, selectors.EVENT_WRITE, connection)
        except OSError as error:
            why = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error.strerror
            self._give_up(connection, f"tls: {why}")
        else:
            connection.subject = subject_of(wrapped.getpeercert())
            if self._tls is not None and not self._tls.permits(wrapped):
                self._give_up(connection, "tls: the certificate is of no client that is named")
                return
            connection.ready = True
            self._watch(connection)

    def _give_up(self, connection: Connection[T], reason: str) -> None:
        self.drop(connection)
        self._refusals.add(reason, connection.sender)

    def _close_laggards(self, now: float) -> None:
        latest = now - START_S
        for connection in [each for each in self.connections if not each.ready and each.opened < latest]:
            self._give_up(connection, "tls: no handshake in time")

    def _watch(self, connection: Connection[T]) -> None:
        """Ask the selector for what is wanted of this connection now."""
        if connection not in self.connections:
            return
        events = selectors.EVENT_WRITE if connection.answers else 0
        if len(connection.answers) <= _UNTAKEN_BYTES and connection not in self._resting:
            events |= selectors.EVENT_READ
        known = self._selector.get_map().get(connection.socket)
        if known is None and events:
            self._selector.register(connection.socket, events, connection)
        elif known is not None and not events:
            self._selector.unregister(connection.socket)
        elif known is not None and known.events != events:
            self._selector.modify(connection.socket, events, connection)
