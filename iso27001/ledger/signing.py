"""A tree head in, a signed note out: size, root and time of the ledger under an Ed25519 key, in a text that a person can print.

The form is a C2SP checkpoint (c2sp.org/tlog-checkpoint inside c2sp.org/signed-note) with the time as its one extension line:

    origin
    size
    root in base64
    time in RFC 3339

    — origin base64(key id of 4 bytes || signature)
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from iso27001.errors import SigningError
from iso27001.ledger import rfc3339

if TYPE_CHECKING:  # cryptography costs 40 ms to import: only who signs or verifies pays
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_NOTE = re.compile(
    r"(?P<origin>[^\s+]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?P<time>[0-9TZ:.-]+)\n"
    r"\n\N{EM DASH} (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})\n"
)


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
        return _body(self.origin, self.size, self.root, self.time)

    @property
    def note(self) -> str:
        """The signed note as text."""
        signed = base64.b64encode(self.key_id + self.signature).decode()
        return f"{self.body.decode()}\n\N{EM DASH} {self.origin} {signed}\n"


def read_notes(text: str) -> tuple[list[Head], list[str]]:
    """The heads of a text of signed notes, and every stretch in it that is none."""
    heads, foreign, at = [], [], 0
    for match in _NOTE.finditer(text):
        if between := text[at : match.start()].strip():
            foreign.append(between)
        try:
            heads.append(_head(match))
        except (ValueError, binascii.Error):
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


def _head(match: re.Match[str]) -> Head:
    signed = base64.b64decode(match["signature"], validate=True)
    if match["name"] != match["origin"] or len(signed) != 4 + 64:
        raise ValueError("not an Ed25519 signature of the origin")
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

    def signed(self, head: Head) -> bool:
        """Whether this key signed that head."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(head.signature, head.body)
        except InvalidSignature:
            return False
        return head.key_id == self.key_id(head.origin)


class Signer:
    """The private key of a ledger. Its file is made at first use, for its owner's eyes only; the public key stands beside it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key().public_bytes_raw())

    @classmethod
    def load_or_create(cls, path: Path) -> Signer:
        """The key of `path`, made now where it is missing, and so is the public key beside it. Raises: SigningError."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            if not path.exists():
                _create(path)
            if path.stat().st_mode & 0o077:
                raise SigningError(f"{path}: others may read this private key; allow its owner only (chmod 600)")
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise SigningError(f"{path}: cannot be read as a private key: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningError(f"{path}: not an Ed25519 key")
        signer = cls(key)
        beside = public_path(path)
        if not beside.exists():
            beside.write_bytes(signer.public.pem())
        return signer

    def sign(self, origin: str, size: int, root: bytes, time: datetime) -> Head:
        """The signed head. Raises: SigningError if `origin` cannot stand in a note."""
        check_origin(origin)
        signature = self._key.sign(_body(origin, size, root, time))
        return Head(origin, size, root, time, self.public.key_id(origin), signature)


def check_origin(origin: str) -> None:
    """Raises: SigningError for a name of a ledger that cannot stand in a signed note."""
    if not re.fullmatch(r"[^\s+]+", origin):
        raise SigningError(f'"{origin}" cannot name a ledger: no spaces and no "+", at least one character')


def public_path(key: Path) -> Path:
    """Where the public key of a private key file stands: `ledger.pub` beside `ledger.key`."""
    return key.with_name(key.stem + ".pub")


def _body(origin: str, size: int, root: bytes, time: datetime) -> bytes:
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n{rfc3339(time)}\n".encode()


def _create(path: Path) -> None:
    """A new key file, whole or not at all, and never over another process's."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:  # another process was first: its key is the key
        pass
    finally:
        draft.unlink()
