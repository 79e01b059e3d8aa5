"""The private key of a ledger: a tree head in, a signed note out (iso27001/verifier/notes.py); and what a rotation of keys needs."""

from __future__ import annotations

import os
import re
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from iso27001.errors import SigningError
from iso27001.verifier.notes import Head, ManifestNote, PublicKey, head_body, manifest_body

if TYPE_CHECKING:  # cryptography costs 40 ms to import: only who signs or verifies pays
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Signer:
    """The private key of a ledger. Its file is made at first use, for its owner's eyes only; the public key stands beside it.

    The file is read when something is signed: most processes only append.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def load_or_create(cls, path: Path) -> Signer:
        """The key of `path`, made now where it is missing, and so is the public key beside it.

        Raises: SigningError, also where only the private key is missing: heads under another key would continue nothing.
        """
        try:
            if not path.exists():
                if public_path(path).exists():
                    raise SigningError(
                        f"{path}: the private key is gone, and its public key is there; bring it back from the backup"
                    )
                _made(path)
            if path.stat().st_mode & 0o077:
                raise SigningError(f"{path}: others may read this private key; allow its owner only (chmod 600)")
            signer = cls(path)
            beside = public_path(path)
            if not beside.exists():
                beside.write_bytes(signer.public.pem())
        except OSError as error:
            raise SigningError(f"{path}: cannot be read as a private key: {error}") from error
        return signer

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        """Raises: SigningError."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(self._path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise SigningError(f"{self._path}: cannot be read as a private key: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningError(f"{self._path}: not an Ed25519 key")
        return key

    @cached_property
    def public(self) -> PublicKey:
        """What its heads are checked with. Raises: SigningError."""
        return PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, origin: str, size: int, root: bytes, time: datetime) -> Head:
        """The signed head. Raises: SigningError if `origin` cannot stand in a note."""
        check_origin(origin)
        signature = self._key.sign(head_body(origin, size, root, time))
        return Head(origin, size, root, time, self.public.key_id(origin), signature)

    def sign_manifest(self, origin: str, digest: str, time: datetime) -> ManifestNote:
        """The signed note of a pack's manifest with this SHA-256 (hex)."""
        signature = self._key.sign(manifest_body(origin, digest, time))
        return ManifestNote(origin, digest, time, self.public.key_id(origin), signature)

    def sign_bytes(self, statement: bytes) -> bytes:
        """The signature of a statement that says itself what it is, as that of a rotation does."""
        return self._key.sign(statement)


def check_origin(origin: str) -> None:
    """Raises: SigningError for a name of a ledger that cannot stand in a signed note."""
    if not re.fullmatch(r"[^\s+]+", origin):
        raise SigningError(f'"{origin}" cannot name a ledger: no spaces and no "+", at least one character')


def public_path(key: Path) -> Path:
    """Where the public key of a private key file stands: `ledger.pub` beside `ledger.key`."""
    return key.with_name(key.stem + ".pub")


def _made(path: Path) -> None:
    try:
        _create(path)
    except OSError as error:
        raise SigningError(f"{path}: no private key can be made there: {error.strerror}") from error


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
