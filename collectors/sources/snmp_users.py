"""Messages of SNMP v3 in, the decrypted bodies of those that a known user sent, that nobody changed and that are no replay out. No I/O.

Sources of truth: RFC 3414 (user-based security; §3.2 what is checked, A.2 keys of passwords), RFC 7860 (HMAC-SHA-2), RFC 3826 (AES-128).
The sender of a trap is its own authority for the time: what is younger than all before it is taken, and what is more than 150 s older
than the youngest from that engine, or equal to one within them, is a replay. After a start each engine's first message sets its time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from collectors.errors import SourceError
from collectors.sources.snmp_message import Secured

_WINDOW_S = 150
_LAST_BOOTS = 2**31 - 1
"""An engine that says so can no longer tell its time (RFC 3414 §2.3)."""
_AUTHENTICATIONS = {
    "SHA": ("sha1", 12),
    "SHA-224": ("sha224", 16),
    "SHA-256": ("sha256", 24),
    "SHA-384": ("sha384", 32),
    "SHA-512": ("sha512", 48),
}
"""As Net-SNMP names them -> the hash and how much of it stands in a message (RFC 3414 §6.3.1, RFC 7860 §4.1)."""
_PRIVACIES = ("AES", "AES-128")
_LEAST_PASSWORD = 8
_ENGINES = 65_536
_KEPT_MACS = 65_536
"""Of one engine, of the last 150 s of its time."""


class RefusedError(Exception):
    """A message that cannot be believed: why, in constant words."""


@dataclass(frozen=True, slots=True)
class User:
    """`auth_key`, `privacy_key`: Ku of RFC 3414 A.2, of no engine yet; `privacy_key` is empty where messages need not be encrypted."""

    digest: str
    mac_bytes: int
    auth_key: bytes
    privacy_key: bytes


@dataclass(slots=True)
class _Engine:
    boots: int
    youngest_s: int
    seen: dict[bytes, int] = field(default_factory=dict)
    order: deque[bytes] = field(default_factory=deque)


class Users:
    """Of one source; `users` by name."""

    def __init__(self, users: Mapping[bytes, User]) -> None:
        self._users = users
        self._engines: dict[bytes, _Engine] = {}

    def opened(self, message: Secured, data: bytes) -> bytes:
        """The body, decrypted. `data`: the whole datagram. Raises: RefusedError."""
        if not message.engine:
            raise RefusedError("a question for an engine of ours, with which an inform of v3 begins")
        user = self._users.get(message.user)
        if user is None:
            raise RefusedError("an unknown user")
        if not message.authentic or (user.privacy_key and not message.private):
            raise RefusedError("less security than the user has")
        if message.private and not user.privacy_key:
            raise RefusedError("encrypted by a user without a privacy password")
        if not 5 <= len(message.engine) <= 32:
            raise RefusedError("an engine id that cannot be")
        if not hmac.compare_digest(self._mac(user, message, data), message.mac):
            raise RefusedError("wrong authentication")
        self._check_time(message)
        if not message.private:
            return message.body
        if len(message.salt) != 8:
            raise RefusedError("a salt that cannot be")
        times = message.boots.to_bytes(4) + message.time_s.to_bytes(4)
        key = _localized(user.digest, user.privacy_key, message.engine)[:16]
        return _decrypted(key, times + message.salt, message.body)

    def _mac(self, user: User, message: Secured, data: bytes) -> bytes:
        """What the MAC of a message should be: over all of it, zeros where the MAC stands."""
        end = message.mac_at + len(message.mac)
        zeroed = data[: message.mac_at] + bytes(len(message.mac)) + data[end:]
        key = _localized(user.digest, user.auth_key, message.engine)
        return hmac.digest(key, zeroed, user.digest)[: user.mac_bytes]

    def _check_time(self, message: Secured) -> None:
        """Only for what is authentic: nobody else may move an engine's time. Raises: RefusedError."""
        boots, time_s = message.boots, message.time_s
        if not (0 <= boots < _LAST_BOOTS and 0 <= time_s <= _LAST_BOOTS):
            raise RefusedError("not in the time window")
        engine = self._engines.get(message.engine)
        if engine is None:
            if len(self._engines) >= _ENGINES:
                raise RefusedError("too many engines")
            engine = self._engines[message.engine] = _Engine(boots, time_s)
        elif boots > engine.boots:
            engine = self._engines[message.engine] = _Engine(boots, time_s)
        elif boots < engine.boots or time_s < engine.youngest_s - _WINDOW_S:
            raise RefusedError("not in the time window")
        if message.mac in engine.seen:
            raise RefusedError("a replay")
        engine.youngest_s = max(engine.youngest_s, time_s)
        engine.seen[message.mac] = time_s
        engine.order.append(message.mac)
        oldest = engine.youngest_s - _WINDOW_S
        while len(engine.order) > _KEPT_MACS or engine.seen[engine.order[0]] < oldest:
            del engine.seen[engine.order.popleft()]


def read_users(source: str, path: Path) -> dict[bytes, User]:
    """`NAME SHA-256 PASSWORD [AES PASSWORD]`, a user a line; lines that begin with # are none. Raises: SourceError with the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{source}: {path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from error
    users: dict[bytes, User] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        name = words[0].encode()
        fault = _fault(words) or ("a user of this name is there already" if name in users else "")
        if fault:
            raise SourceError(f"{source}: {path}:{number}: {fault}")
        digest, mac_bytes = _AUTHENTICATIONS[words[1]]
        privacy_key = _key(digest, words[4]) if len(words) == 5 else b""
        users[name] = User(digest, mac_bytes, _key(digest, words[2]), privacy_key)
    if not users:
        raise SourceError(f"{source}: {path}: no user")
    return users


def read_communities(source: str, path: Path) -> list[bytes]:
    """A community of v2c a line; lines that begin with # are none. Raises: SourceError."""
    try:
        lines = [line.strip() for line in path.read_bytes().splitlines()]
    except OSError as error:
        raise SourceError(f"{source}: {path}: {error.strerror}") from error
    found = [line for line in lines if line and not line.startswith(b"#")]
    if not found:
        raise SourceError(f"{source}: {path}: no community")
    return found


def _fault(words: list[str]) -> str:
    """What is wrong with a line, without its passwords."""
    if len(words) not in (3, 5):
        return "a user is NAME, authentication, password, and for privacy AES and a password"
    if words[1] not in _AUTHENTICATIONS:
        return f"the authentication is one of {', '.join(_AUTHENTICATIONS)}"
    if len(words) == 5 and words[3] not in _PRIVACIES:
        return f"the privacy is one of {', '.join(_PRIVACIES)}"
    if min(len(each.encode()) for each in words[2::2]) < _LEAST_PASSWORD:
        return f"a password has {_LEAST_PASSWORD} characters or more (RFC 3414 §11.2)"
    return ""


def _key(digest: str, password: str) -> bytes:
    """Ku: the digest of a mebibyte of the password, again and again."""
    octets = password.encode()
    return hashlib.new(digest, (octets * (2**20 // len(octets) + 1))[: 2**20]).digest()


def _localized(digest: str, key: bytes, engine: bytes) -> bytes:
    """Kul: the user's key for one engine."""
    return hashlib.new(digest, key + engine + key).digest()


def _decrypted(key: bytes, vector: bytes, body: bytes) -> bytes:
    """AES-128 in CFB with 128 bits of feedback: each block is masked by the encrypted block before it, all of which are known here."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if not body:
        return b""
    blocks = vector + body[: (len(body) - 1) // 16 * 16]
    mask = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(blocks)  # noqa: S305  the mask of CFB, no mode of its own
    return bytes(one ^ other for one, other in zip(body, mask, strict=False))
