"""The configuration of a RELP listener."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collectors.sources.keys import check_encoding, check_keys


@dataclass(frozen=True, slots=True)
class RelpConfig:
    """`listen`, `format`, limits, TLS keys: as for syslog. `window`: frames that a client may send without an answer (rsyslog's
    `windowSize`, 128 unless set), at most; so many are recognised when they are sent again. `certificate`: TLS where it is given.
    """

    id: str
    listen: str = "127.0.0.1:2514"
    format: str = "syslog"
    encoding: str = "utf-8"
    max_line_bytes: int = 64 * 1024
    window: int = 1_024
    max_connections: int = 1_024
    max_peer_connections: int = 256
    max_peer_rate: int = 0
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    clients: tuple[str, ...] = ()
    kind: Literal["relp"] = "relp"

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        check_keys(self, encrypted=self.certificate is not None)
