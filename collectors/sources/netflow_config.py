"""The configuration of the receiver of flows.

Delivery: best effort, as the protocols are. Datagrams that the kernel had no room for are counted in `dropped`, those that exporters say
they sent and that never came in `missing`. Templates are journalled: after a restart flows are read at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class NetflowConfig:
    """NetFlow v5, v9 and IPFIX over UDP, told apart by each datagram. `listen`: "host:port". A record is a flow, as JSON.

    `receive_buffer_bytes`, `queue_bytes`: as of syslog over UDP.
    """

    id: str
    listen: str = "127.0.0.1:2055"
    format: str = "json"
    receive_buffer_bytes: int = 64 * 1024 * 1024
    queue_bytes: int = 64 * 1024 * 1024
    kind: Literal["netflow"] = "netflow"
