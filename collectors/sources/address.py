"""What soc.yaml calls `listen` in, a bound socket out; and the addresses of peers as records have them."""

from __future__ import annotations

import socket

from collectors.errors import SourceError


def bound_socket(source: str, listen: str, kind: socket.SocketKind) -> socket.socket:
    """A bound socket that does not block. `listen`: "host:port", "[::1]:514", ":514" for every address.

    Raises: SourceError (not an address, in use, no right to the port).
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise SourceError(f'{source}: listen: "{listen}" is not host:port')
    host = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(host or None, int(port), type=kind, flags=socket.AI_PASSIVE)
        family, _, _, _, address = next((f for f in found if not host and f[0] == socket.AF_INET6), found[0])
        listener = socket.socket(family, kind)
    except OSError as error:
        raise SourceError(f"{source}: {listen}: {error.strerror or error}") from error
    try:
        if kind == socket.SOCK_STREAM:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and not host:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.setblocking(False)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise SourceError(f"{source}: {listen}: {error.strerror or error}") from error
    return listener


def peer_of(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    """The transport's address as text; IPv4 as such also on a socket of both families."""
    return address[0].removeprefix("::ffff:")
