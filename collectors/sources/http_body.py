"""The body of a request in, its records out: decompressed within a limit, and cut into records by what its type says.

    application/json        one value, a list of values (a record each), or one value a line
    application/x-ndjson    one value a line (also application/jsonl, application/ndjson)
    text/plain              a record a line

Source of truth: RFC 1952 (gzip), RFC 8878 (zstd), RFC 8259.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence

import msgspec

from collectors.errors import CollectorError

_WINDOW_BYTES = 8 * 1024 * 1024
"""What a zstd frame may ask of our memory (RFC 8878 §3.1.1.1.2 recommends that decoders support so much)."""
_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "text/plain"})
_JSON = "application/json"
_values = msgspec.json.Decoder(list[msgspec.Raw]).decode
_value = msgspec.json.Decoder(msgspec.Raw).decode


class BodyError(CollectorError):
    """A body that is not taken: `status` as HTTP has it, `reason` in constant words."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.status = status
        self.reason = reason
        self.detail = detail


def decompressed(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """The body without its Content-Encoding ("" or "identity", "gzip", "zstd").

    Raises: BodyError (415 another encoding, 413 beyond the limit, of which no more was unpacked, 400 not what it says it is).
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    try:
        if encoding in ("gzip", "x-gzip"):
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as unpacking:
                data = unpacking.read(max_bytes + 1)
        elif encoding == "zstd":
            data = _zstd(body, max_bytes + 1)
        else:
            raise BodyError(415, "unknown content encoding", "gzip, zstd or none")
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BodyError(400, "body cannot be decompressed", str(error)[:100]) from error
    if len(data) > max_bytes:
        raise BodyError(413, "body too large", f"at most {max_bytes} bytes once it is decompressed")
    return data


def records_of(body: bytes, content_type: str) -> Sequence[bytes]:
    """The records of a body. Lines are taken as they are: one that cannot be parsed is a dead letter, and costs no other.

    Raises: BodyError (415 another type, 400 where application/json is none: then nothing of it is taken).
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _LINES:
        return _lines(body)
    if kind != _JSON:
        raise BodyError(415, "unknown content type", f"{_JSON}, {', '.join(sorted(_LINES))}")
    text = body.strip()
    if not text:
        return []
    try:
        if text.startswith(b"["):
            return [bytes(value) for value in _values(text)]
        return [bytes(_value(text))]
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        if b"\n" in text and (lines := _lines(text)) and all(map(_is_json, lines)):
            return lines
        raise BodyError(400, "body is not JSON", str(error)[:100]) from error


def _lines(body: bytes) -> list[bytes]:
    return [line for line in (line.rstrip(b"\r") for line in body.split(b"\n")) if line.strip()]


def _is_json(line: bytes) -> bool:
    try:
        _value(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True


def _zstd(body: bytes, most_bytes: int) -> bytes:
    """At most so many bytes of all frames. Raises: ValueError."""
    import zstandard

    unpacking = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    data = bytearray()
    try:
        with unpacking.stream_reader(body, read_across_frames=True) as reader:
            while len(data) < most_bytes and (part := reader.read(min(most_bytes - len(data), 1 << 20))):
                data += part
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    return bytes(data)
