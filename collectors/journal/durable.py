"""Bytes in, a file out that a crash leaves whole or absent: write aside, fsync, rename, fsync the directory."""

from __future__ import annotations

import os
from pathlib import Path

ASIDE = ".tmp"


def write_durably(path: Path, data: bytes) -> None:
    """Create or replace a file so that a crash leaves the old one or the new one, whole. Raises: OSError; then nothing changed."""
    aside = path.with_name(path.name + ASIDE)
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """Create a directory, and those above it, so that a crash leaves it there. Raises: OSError."""
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir(exist_ok=True)
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable. Raises: OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
