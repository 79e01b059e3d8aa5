"""The head of a request and its body in, whether its sender may send out; and by what name it calls the request.

Bearer tokens: `Authorization: Bearer TOKEN` (RFC 6750 §2.1). Signatures: Standard Webhooks 1.0.0, `webhook-id`, `webhook-timestamp`
(seconds since 1970, within five minutes of our clock: a recorded request is worthless afterwards, and before that is known by its id) and
`webhook-signature: v1,BASE64`, the HMAC-SHA256 of `ID.TIMESTAMP.BODY`, the body as sent. What is secret is compared in constant time.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from collectors.errors import SourceError

TOLERANCE_S = 300
LEAST_SECRET_BYTES = 16
"""What can be guessed is no secret; Standard Webhooks asks for 24 bytes, tokens of 16 characters are common."""
_MAX_NAME = 256


class Guard:
    """Of one source; its files are read when it is made."""

    def __init__(self, source: str, token_file: Path | None = None, signing_key_file: Path | None = None) -> None:
        """Raises: SourceError for a file that cannot be read or holds no secret that is long enough."""
        self._tokens = [sha256(token.encode()).digest() for token in _secrets(source, token_file)]
        self._keys = [_key(source, signing_key_file, text) for text in _secrets(source, signing_key_file)]

    @property
    def open(self) -> bool:
        """Whether anybody may send."""
        return not (self._tokens or self._keys)

    def refuses(self, headers: Mapping[str, str]) -> str:
        """Why a request cannot be right whatever its body is, in constant words; "" where it may be."""
        if self.open or self._has_token(headers):
            return ""
        if not self._keys or "webhook-signature" not in headers:
            return "no valid token" if self._tokens else "no signature"
        return "" if _is_now(headers.get("webhook-timestamp", "")) else "timestamp too far from now"

    def refuses_body(self, headers: Mapping[str, str], body: bytes) -> str:
        """Why a request that `refuses` let pass is not right with this body; "" where it is."""
        if self.open or self._has_token(headers):
            return ""
        signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode("latin-1") + body
        wanted = [hmac.digest(key, signed, "sha256") for key in self._keys]
        shown = [_decoded(each[3:]) for each in headers["webhook-signature"].split()[:10] if each.startswith("v1,")]
        found = [hmac.compare_digest(one, other) for one in wanted for other in shown]
        return "" if any(found) else "wrong signature"

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        shown = sha256(token.strip().encode("latin-1")).digest()
        found = [hmac.compare_digest(shown, known) for known in self._tokens]
        return scheme.lower() == "bearer" and any(found)


def name_of(headers: Mapping[str, str]) -> str:
    """What the sender calls this request and every repetition of it; "" where it does not say."""
    return (headers.get("idempotency-key") or headers.get("webhook-id") or "")[:_MAX_NAME]


def _secrets(source: str, path: Path | None) -> Sequence[str]:
    """Lines of a file, without empty ones and those that begin with #."""
    if path is None:
        return []
    try:
        lines = [line.strip() for line in path.read_text("ascii").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{source}: {path}: {getattr(error, 'strerror', None) or 'not ASCII text'}") from error
    found = [line for line in lines if line and not line.startswith("#")]
    if not found or min(map(len, found)) < LEAST_SECRET_BYTES:
        raise SourceError(f"{source}: {path}: at least {LEAST_SECRET_BYTES} characters are needed in each line")
    return found


def _key(source: str, path: Path | None, text: str) -> bytes:
    """A key as Standard Webhooks writes it."""
    key = _decoded(text.removeprefix("whsec_"))
    if len(key) < LEAST_SECRET_BYTES:
        told = f'a key is "whsec_" and at least {LEAST_SECRET_BYTES} bytes in base64'
        raise SourceError(f"{source}: {path}: {told}")
    return key


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_now(seconds: str) -> bool:
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        return False
    now = datetime.now(UTC).timestamp()  # noqa: TID251  sources say when a record was received
    return abs(now - int(seconds)) <= TOLERANCE_S
