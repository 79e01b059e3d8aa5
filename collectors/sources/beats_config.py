"""The configuration of the source that Beats send to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collectors.sources.keys import ConnectionKeys, check_keys


@dataclass(frozen=True, slots=True)
class BeatsConfig(ConnectionKeys):
    """`listen`, `format`, `queue_bytes` as HttpConfig has them; who may send, `client_ca` and `clients` say: the protocol has no other way.

    Delivery: at least once. Events are acknowledged when they are durable in the journal; a Beat that heard no acknowledgement sends its
    events again, written anew, so what it sent twice is there twice.
    """

    listen: str = "127.0.0.1:5044"
    format: str = "json"
    max_line_bytes: int = 1024 * 1024
    queue_bytes: int = 128 * 1024 * 1024
    kind: Literal["beats"] = "beats"

    def __post_init__(self) -> None:
        check_keys(self, encrypted=self.certificate is not None)
        if self.format == "auto":
            raise ValueError('format: "auto" cannot be decided event by event; name one')
