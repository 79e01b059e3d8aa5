"""The configuration of a RELP listener."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collectors.sources.keys import ConnectionKeys, check_encoding, check_keys, check_timezone


@dataclass(frozen=True, slots=True)
class RelpConfig(ConnectionKeys):
    """`listen`, `format`: as for syslog; TLS where there is a `certificate`. `window`: frames that a client may send without an answer
    (rsyslog's `windowSize`, 128 unless set), at most; so many are recognised when they are sent again.
    """

    listen: str = "127.0.0.1:2514"
    format: str = "syslog"
    encoding: str = "utf-8"
    timezone: str = ""
    max_line_bytes: int = 64 * 1024
    window: int = 1_024
    kind: Literal["relp"] = "relp"

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        check_timezone(self.timezone)
        check_keys(self, encrypted=self.certificate is not None)
