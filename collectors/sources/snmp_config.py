"""The configuration of the receiver of SNMP notifications.

Delivery: best effort for traps and at least once for informs, as the protocol is. Datagrams that the kernel had no room for and
those beyond their sender's rate are counted in `dropped`. An inform is answered when the record is durable; an agent that heard no answer
sends again, and the event is then there twice (an inform of v3 that is the same to the byte is known again, until a restart). To senders
of v3 informs the source is an engine of its own, whose id and count of starts are in the journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class SnmpConfig:
    """Traps of SNMP v2c and v3 over UDP, told apart by each datagram. `listen`: "host:port". A record is a trap, as JSON.

    `communities_file`: communities of v2c, one a line. `users_file`: users of v3, `NAME SHA-256 PASSWORD [AES PASSWORD]` a line. Where both
    are named either version is taken; where one is, only its version; where none is, v2c of whoever reaches the port.
    `receive_buffer_bytes`, `queue_bytes`: as of syslog over UDP. `max_peer_rate`: datagrams a second of one address, 0 for no limit.
    """

    id: str
    listen: str = "127.0.0.1:1162"
    format: str = "json"
    communities_file: Path | None = None
    users_file: Path | None = None
    receive_buffer_bytes: int = 16 * 1024 * 1024
    queue_bytes: int = 64 * 1024 * 1024
    max_peer_rate: int = 0
    kind: Literal["snmp"] = "snmp"
