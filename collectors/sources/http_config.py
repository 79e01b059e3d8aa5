"""The configurations of the sources that are sent HTTP requests: `HttpConfig`, `OtlpConfig`.

Delivery: at least once. A request is answered with 200 when all of it is durable in the journal, and with what says "send it again" (429,
503 with Retry-After, RFC 9110 §10.2.3) where it was not taken. A sender that heard no answer sends again: where the request has a name
(`Idempotency-Key`, `webhook-id`, or an OTLP request whose records have times) it is known, also after a crash, and taken once; other
requests are then there twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collectors.sources.keys import ConnectionKeys, check_keys


@dataclass(frozen=True, slots=True)
class RequestsConfig(ConnectionKeys):
    """`listen`: "host:port". `format`: the parser of every record; none can be recognised request by request.

    `token_file`: bearer tokens (RFC 6750), `signing_key_file`: keys of Standard Webhooks signatures (HMAC-SHA256), one a line: any of
    them is right, which is how they are changed. Where both are named either is enough; where none is, whoever reaches the port may send.
    `max_body_bytes`: of a request, also once it is unpacked. `queue_bytes`: of all requests that are in memory.
    """

    listen: str = ""
    format: str = ""
    token_file: Path | None = None
    signing_key_file: Path | None = None
    max_line_bytes: int = 1024 * 1024
    max_header_bytes: int = 32 * 1024
    max_body_bytes: int = 16 * 1024 * 1024
    queue_bytes: int = 128 * 1024 * 1024

    def __post_init__(self) -> None:
        check_keys(self, encrypted=self.certificate is not None)
        if self.format == "auto":
            raise ValueError('format: "auto" cannot be decided request by request; name one')


@dataclass(frozen=True, slots=True)
class HttpConfig(RequestsConfig):
    """POST /events: JSON, a list of it, lines of JSON, or lines of text for another `format`."""

    listen: str = "127.0.0.1:8088"
    format: str = "json"
    kind: Literal["http"] = "http"


@dataclass(frozen=True, slots=True)
class OtlpConfig(RequestsConfig):
    """POST /v1/logs, on the port that OpenTelemetry's exporters expect."""

    listen: str = "127.0.0.1:4318"
    format: str = "otlp"
    kind: Literal["otlp"] = "otlp"
