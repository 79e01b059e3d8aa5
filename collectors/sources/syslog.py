"""The configuration of the syslog listeners.

Delivery: best effort, as the protocols are: neither UDP nor TCP nor TLS (RFC 5426, RFC 6587, RFC 5425) tells a sender what arrived. What
we received and had not journalled when the process died is lost; over UDP also what the kernel had no room for, which is counted.
Where that will not do there is RELP (`collectors.sources.relp`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collectors.sources.keys import ConnectionKeys, check_encoding, check_keys, check_timezone


@dataclass(frozen=True, slots=True)
class SyslogConfig(ConnectionKeys):
    """`listen`: "host:port", "[::1]:514", ":514" for every address. `format`: the parser, "auto" to recognise it line by line.

    `receive_buffer_bytes`: asked of the kernel for UDP, which may grant less (then there is a warning). `queue_bytes`: datagrams that
    wait in our memory for a slow consumer. Over UDP, where no sender can be made to wait, what is beyond `max_peer_rate` is dropped and
    counted.
    """

    transport: Literal["udp", "tcp", "tls"] = "udp"
    listen: str = "127.0.0.1:5514"
    format: str = "syslog"
    encoding: str = "utf-8"
    timezone: str = ""
    max_line_bytes: int = 64 * 1024
    receive_buffer_bytes: int = 64 * 1024 * 1024
    queue_bytes: int = 64 * 1024 * 1024
    kind: Literal["syslog"] = "syslog"

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        check_timezone(self.timezone)
        check_keys(self, encrypted=self.transport == "tls")
