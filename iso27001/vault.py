"""Files in, kept under the SHA-256 of their bytes; what is kept is never changed, and can be hashed anew at any time.

A folder `ab/abcdef…` a file, read-only. A file is written beside its place, synced and renamed, so that it is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from iso27001.errors import VaultError

MAX_BYTES = 1 << 30
"""Of one file: a photograph or a document is far below, a disk image is kept elsewhere and named by its hash."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that was given, as it lies in the vault: name as given (no folder), size, SHA-256 (hex)."""

    name: str
    size_bytes: int
    sha256: str


class Vault:
    """The kept files under `folder`, which is made at the first file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, path: Path) -> KeptFile:
        """Keep a copy of a file; the same bytes again are kept once. Raises: VaultError; then nothing is left behind."""
        partial = self._folder / f".{secrets.token_hex(8)}.partial"
        try:
            with path.open("rb") as given:
                self._folder.mkdir(parents=True, exist_ok=True)
                digest, size = _copy(given, partial)
            place = self.path(digest)
            if not place.is_file():
                place.parent.mkdir(exist_ok=True)
                partial.chmod(0o440)
                partial.replace(place)
                _sync_folder(place.parent)
                _sync_folder(self._folder)
        except OSError as error:
            raise VaultError(f"{path} cannot be kept in {self._folder}: {error.strerror or error}") from error
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        return KeptFile(path.name, size, digest)

    def path(self, digest: str) -> Path:
        """Where a file of this SHA-256 (hex) lies, if it is kept. Raises: VaultError for what is no such hash."""
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise VaultError(f'"{digest}" is not a SHA-256 in hex')
        return self._folder / digest[:2] / digest

    def fault(self, digest: str) -> str:
        """What is wrong with a kept file, in words; empty where its bytes still have this hash."""
        place = self.path(digest)
        try:
            with place.open("rb") as file:
                found = _hash(file)
        except FileNotFoundError:
            return f"the file {digest} is not in {self._folder}"
        except OSError as error:
            return f"the file {digest} cannot be read: {error.strerror or error}"
        return "" if found == digest else f"the file {digest} was changed: its SHA-256 is {found}"


def _copy(given: BinaryIO, partial: Path) -> tuple[str, int]:
    digest, size = sha256(), 0
    with partial.open("xb") as kept:
        while chunk := given.read(_CHUNK):
            size += len(chunk)
            if size > MAX_BYTES:
                raise OSError(f"it is larger than {MAX_BYTES:,} bytes")
            digest.update(chunk)
            kept.write(chunk)
        kept.flush()
        os.fsync(kept.fileno())
    return digest.hexdigest(), size


def _hash(file: BinaryIO) -> str:
    digest = sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
