"""A tree head as a signed note, read and checked: size, root and time of a ledger under an Ed25519 key, in a text that a person can print.

The form is a C2SP checkpoint (c2sp.org/tlog-checkpoint inside c2sp.org/signed-note) with the time as its one extension line:

    origin
    size
    root in base64
    time in RFC 3339

    — origin base64(key id of 4 bytes || signature)

The manifest of an evidence pack is signed in the same envelope, with `manifest SHA-256` in the place of size and root.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from iso27001.errors import LedgerError, SigningError

_NOTE = re.compile(
    r"(?P<origin>[^\s+]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?P<time>[0-9TZ:.-]+)\n"
    r"\n\N{EM DASH} (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})\n"
)
_MANIFEST = re.compile(
    r"(?P<origin>[^\s+]+)\nmanifest (?P<hash>[0-9a-f]{64})\n(?P<time>[0-9TZ:.-]+)\n"
    r"\n\N{EM DASH} (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})\n"
)


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T10:30:00.000000Z`: always UTC, always six digits, so that texts sort as moments do. Raises: LedgerError if naive."""
    if moment.tzinfo is None:
        raise LedgerError(f"the moment {moment.isoformat()} has no time zone")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@dataclass(frozen=True, slots=True)
class Head:
    """A signed statement: at `time` the ledger named `origin` had `size` entries with this `root`."""

    origin: str
    size: int
    root: bytes
    time: datetime
    key_id: bytes
    signature: bytes

    @property
    def body(self) -> bytes:
        """What is signed: the four lines, the last newline included."""
        return head_body(self.origin, self.size, self.root, self.time)

    @property
    def note(self) -> str:
        """The signed note as text."""
        return signed_note(self.body, self.origin, self.key_id + self.signature)


@dataclass(frozen=True, slots=True)
class ManifestNote:
    """A signed statement: at `time` a pack of the ledger `origin` was made, whose manifest has this SHA-256 (hex)."""

    origin: str
    sha256: str
    time: datetime
    key_id: bytes
    signature: bytes

    @property
    def body(self) -> bytes:
        """What is signed: the three lines, the last newline included."""
        return manifest_body(self.origin, self.sha256, self.time)

    @property
    def note(self) -> str:
        """The signed note as text."""
        return signed_note(self.body, self.origin, self.key_id + self.signature)


def head_body(origin: str, size: int, root: bytes, time: datetime) -> bytes:
    """What is signed of a head."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n{rfc3339(time)}\n".encode()


def manifest_body(origin: str, digest: str, time: datetime) -> bytes:
    """What is signed of a pack's manifest; no head has a second line like that."""
    return f"{origin}\nmanifest {digest}\n{rfc3339(time)}\n".encode()


def signed_note(body: bytes, origin: str, signed: bytes) -> str:
    """The envelope. `signed`: key id and signature."""
    return f"{body.decode()}\n\N{EM DASH} {origin} {base64.b64encode(signed).decode()}\n"


def read_notes(text: str) -> tuple[list[Head], list[str]]:
    """The heads of a text of signed notes, and every stretch in it that is none."""
    heads, foreign, at = [], [], 0
    for match in _NOTE.finditer(text):
        if between := text[at : match.start()].strip():
            foreign.append(between)
        try:
            heads.append(_head(match))
        except (ValueError, OverflowError, LedgerError, binascii.Error):
            foreign.append(match[0])
        at = match.end()
    if rest := text[at:].strip():
        foreign.append(rest)
    return heads, foreign


def read_note(text: str) -> Head:
    """The head of one signed note. Raises: SigningError."""
    heads, foreign = read_notes(text)
    if len(heads) != 1 or foreign:
        raise SigningError("not a signed head: a note of origin, size, root, time and one signature is expected")
    return heads[0]


def read_manifest_note(text: str) -> ManifestNote:
    """The signed note of a pack's manifest. Raises: SigningError."""
    match = _MANIFEST.fullmatch(text)
    if match is None:
        raise SigningError("not a signed manifest: three lines and one signature are expected")
    try:
        signed = _signed(match)
        time = datetime.fromisoformat(match["time"])
        found = ManifestNote(match["origin"], match["hash"], time, signed[:4], signed[4:])
        canonical = found.note == text
    except (ValueError, OverflowError, LedgerError, binascii.Error) as error:
        raise SigningError(f"not a signed manifest: {error}") from error
    if not canonical:
        raise SigningError("not a signed manifest: not in canonical form")
    return found


def _head(match: re.Match[str]) -> Head:
    signed = _signed(match)
    head = Head(
        origin=match["origin"],
        size=int(match["size"]),
        root=base64.b64decode(match["root"], validate=True),
        time=datetime.fromisoformat(match["time"]),
        key_id=signed[:4],
        signature=signed[4:],
    )
    if head.note != match[0]:
        raise ValueError("not in canonical form")
    return head


def _signed(match: re.Match[str]) -> bytes:
    signed = base64.b64decode(match["signature"], validate=True)
    if match["name"] != match["origin"] or len(signed) != 4 + 64:
        raise ValueError("not an Ed25519 signature of the origin")
    return signed


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key of 32 bytes: what an auditor gets by another way than the ledger."""

    raw: bytes

    @classmethod
    def load(cls, path: Path) -> PublicKey:
        """From a PEM file. Raises: SigningError."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError) as error:
            raise SigningError(f"{path}: cannot be read as a public key: {error}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise SigningError(f"{path}: not an Ed25519 key")
        return cls(key.public_bytes_raw())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key in hex, to be read out and compared."""
        return sha256(self.raw).hexdigest()

    def key_id(self, origin: str) -> bytes:
        """The four bytes by which a note of `origin` names this key (c2sp.org/signed-note, Ed25519)."""
        return sha256(origin.encode() + b"\n\x01" + self.raw).digest()[:4]

    def pem(self) -> bytes:
        """The key as a PEM file."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signed(self, note: Head | ManifestNote) -> bool:
        """Whether this key signed that note."""
        return note.key_id == self.key_id(note.origin) and self.verifies(note.signature, note.body)

    def verifies(self, signature: bytes, body: bytes) -> bool:
        """Whether this key made the signature of these bytes."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, body)
        except (InvalidSignature, ValueError):
            return False
        return True
