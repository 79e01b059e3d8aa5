"""The configuration of the syslog listeners, and what UDP and TCP share: addresses and the place of a message.

Delivery: best effort, as the protocols are: neither UDP nor plain TCP syslog (RFC 5426, RFC 6587) tells a sender what arrived. What
we received and had not journalled when the process died is lost; over UDP also what the kernel had no room for, which is counted.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal

from collectors.errors import SourceError


@dataclass(frozen=True, slots=True)
class SyslogConfig:
    """`listen`: "host:port", "[::1]:514", ":514" for every address. `format`: the parser, "auto" to recognise it line by line.

    `receive_buffer_bytes`: asked of the kernel for UDP, which may grant less (then there is a warning). `queue_bytes`: datagrams that
    wait in our memory for a slow consumer. `max_connections`: TCP; one more is refused and counted.
    """

    id: str
    transport: Literal["udp", "tcp"] = "udp"
    listen: str = "127.0.0.1:5514"
    format: str = "syslog"
    max_line_bytes: int = 64 * 1024
    receive_buffer_bytes: int = 64 * 1024 * 1024
    queue_bytes: int = 64 * 1024 * 1024
    max_connections: int = 1_024
    kind: Literal["syslog"] = "syslog"


def bound_socket(config: SyslogConfig) -> socket.socket:
    """A bound socket of the transport asked for. Raises: SourceError (not an address, in use, no right to the port)."""
    host, colon, port = config.listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise SourceError(f'{config.id}: listen: "{config.listen}" is not host:port')
    kind = socket.SOCK_DGRAM if config.transport == "udp" else socket.SOCK_STREAM
    host = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(host or None, int(port), type=kind, flags=socket.AI_PASSIVE)
        family, _, _, _, address = next((f for f in found if not host and f[0] == socket.AF_INET6), found[0])
        listener = socket.socket(family, kind)
    except OSError as error:
        raise SourceError(f"{config.id}: {config.listen}: {error.strerror or error}") from error
    try:
        if kind == socket.SOCK_STREAM:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and not host:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.setblocking(False)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise SourceError(f"{config.id}: {config.listen}: {error.strerror or error}") from error
    return listener


def peer_of(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    """The transport's address as text; IPv4 as such also on a socket of both families."""
    return address[0].removeprefix("::ffff:")
