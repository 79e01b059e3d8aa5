"""The configuration of the syslog listeners.

Delivery: best effort, as the protocols are: neither UDP nor TCP nor TLS (RFC 5426, RFC 6587, RFC 5425) tells a sender what arrived. What
we received and had not journalled when the process died is lost; over UDP also what the kernel had no room for, which is counted.
Where that will not do there is RELP (`collectors.sources.relp`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collectors.sources.keys import check_encoding, check_keys


@dataclass(frozen=True, slots=True)
class SyslogConfig:
    """`listen`: "host:port", "[::1]:514", ":514" for every address. `format`: the parser, "auto" to recognise it line by line.

    `receive_buffer_bytes`: asked of the kernel for UDP, which may grant less (then there is a warning). `queue_bytes`: datagrams that
    wait in our memory for a slow consumer. TCP and TLS: `max_connections`, `max_peer_connections` (of one address): one more is refused and
    counted; `max_peer_rate`: records a second of one address, 0 for any; a faster sender waits, and over UDP, where none
    can be made to wait, what is beyond it is dropped and counted. TLS: `certificate`, `key` (PEM; "key" may
    stand in the certificate's file), `client_ca`: clients must show a certificate that it signed; `clients`: of these, only those with one
    of these names (DNS name, address, common name) or "sha256:…" digests. The files are read anew where they changed.
    """

    id: str
    transport: Literal["udp", "tcp", "tls"] = "udp"
    listen: str = "127.0.0.1:5514"
    format: str = "syslog"
    encoding: str = "utf-8"
    max_line_bytes: int = 64 * 1024
    receive_buffer_bytes: int = 64 * 1024 * 1024
    queue_bytes: int = 64 * 1024 * 1024
    max_connections: int = 1_024
    max_peer_connections: int = 256
    max_peer_rate: int = 0
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    clients: tuple[str, ...] = ()
    kind: Literal["syslog"] = "syslog"

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        check_keys(self, encrypted=self.transport == "tls")
