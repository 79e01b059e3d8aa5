"""Messages of SNMP v3 in, who sent them, their decrypted bodies, and whether they came before out. No I/O.

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

WINDOW_S = 150
LAST_BOOTS = 2**31 - 1
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

    def mac(self, engine: bytes, whole: bytes) -> bytes:
        """The MAC of a message of an engine. `whole`: all of it, zeros where the MAC stands."""
        return hmac.digest(self._localized(self.auth_key, engine), whole, self.digest)[: self.mac_bytes]

    def opened(self, message: Secured) -> bytes:
        """The body of a message of this user, decrypted. Raises: RefusedError."""
        if not message.private:
            return message.body
        if len(message.salt) != 8:
            raise RefusedError("a salt that cannot be")
        return self._ciphered(message.engine, message.boots, message.time_s, message.salt, message.body, is_plain=False)

    def encrypted(self, engine: bytes, boots: int, time_s: int, salt: bytes, body: bytes) -> bytes:
        """A body for this user. `salt`: 8 bytes, others for each message."""
        return self._ciphered(engine, boots, time_s, salt, body, is_plain=True)

    def _ciphered(self, engine: bytes, boots: int, time_s: int, salt: bytes, body: bytes, *, is_plain: bool) -> bytes:
        """AES-128 in CFB with 128 bits of feedback: a block is masked by the block before it, as it was sent, encrypted."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        key = self._localized(self.privacy_key, engine)[:16]
        encrypt = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305  the mask of CFB, no mode of its own
        before, found = boots.to_bytes(4) + time_s.to_bytes(4) + salt, bytearray()
        for at in range(0, len(body), 16):
            block = body[at : at + 16]
            masked = bytes(one ^ other for one, other in zip(block, encrypt(before), strict=False))
            before = masked if is_plain else block
            found += masked
        return bytes(found)

    def _localized(self, key: bytes, engine: bytes) -> bytes:
        """Kul: the user's key for one engine."""
        return hashlib.new(self.digest, key + engine + key).digest()


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

    def sender(self, message: Secured, data: bytes) -> User:
        """Who sent a message, as its MAC proves. `data`: the whole datagram. Raises: RefusedError."""
        user = self._users.get(message.user)
        if user is None:
            raise RefusedError("an unknown user")
        if not message.authentic or (user.privacy_key and not message.private):
            raise RefusedError("less security than the user has")
        if message.private and not user.privacy_key:
            raise RefusedError("encrypted by a user without a privacy password")
        if not 5 <= len(message.engine) <= 32:
            raise RefusedError("an engine id that cannot be")
        end = message.mac_at + len(message.mac)
        zeroed = data[: message.mac_at] + bytes(len(message.mac)) + data[end:]
        if not hmac.compare_digest(user.mac(message.engine, zeroed), message.mac):
            raise RefusedError("wrong authentication")
        return user

    def is_replay(self, message: Secured) -> bool:
        """Whether it came already. Only for what is authentic: nobody else may move an engine's time. Raises: RefusedError."""
        boots, time_s = message.boots, message.time_s
        if not (0 <= boots < LAST_BOOTS and 0 <= time_s <= LAST_BOOTS):
            raise RefusedError("not in the time window")
        engine = self._engines.get(message.engine)
        if engine is None:
            if len(self._engines) >= _ENGINES:
                raise RefusedError("too many engines")
            engine = self._engines[message.engine] = _Engine(boots, time_s)
        elif boots > engine.boots:
            engine = self._engines[message.engine] = _Engine(boots, time_s)
        elif boots < engine.boots or time_s < engine.youngest_s - WINDOW_S:
            raise RefusedError("not in the time window")
        if message.mac in engine.seen:
            return True
        engine.youngest_s = max(engine.youngest_s, time_s)
        engine.seen[message.mac] = time_s
        engine.order.append(message.mac)
        oldest = engine.youngest_s - WINDOW_S
        while len(engine.order) > _KEPT_MACS or engine.seen[engine.order[0]] < oldest:
            del engine.seen[engine.order.popleft()]
        return False


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
