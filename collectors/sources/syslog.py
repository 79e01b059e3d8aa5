"""The configuration of the syslog listeners.

Delivery: best effort, as the protocols are: neither UDP nor plain TCP syslog (RFC 5426, RFC 6587) tells a sender what arrived. What
we received and had not journalled when the process died is lost; over UDP also what the kernel had no room for, which is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
