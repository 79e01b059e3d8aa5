"""A consumer's name and offset in, one small file that survives a crash out."""

from __future__ import annotations

import re
from pathlib import Path

from collectors.errors import JournalError
from collectors.journal.durable import make_directory, write_durably

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def load(journal: Path, consumer: str) -> int | None:
    """The committed offset, or None for one that never committed. Raises: JournalError for a file that holds no number."""
    path = _path(journal, consumer)
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise JournalError(f"{path}: {error}") from error
    if not text.strip().isdigit():
        raise JournalError(f"{path}: holds no offset: {text[:40]!r}")
    return int(text)


def save(journal: Path, consumer: str, offset: int) -> None:
    """Replace the committed offset. Raises: JournalError; then the one before still stands."""
    path = _path(journal, consumer)
    try:
        make_directory(path.parent)
        write_durably(path, f"{offset}\n".encode())
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}") from error


def _path(journal: Path, consumer: str) -> Path:
    if not _NAME.fullmatch(consumer):
        raise JournalError(f"{consumer!r} is no name of a consumer: lower case letters, digits, dot, dash, underscore")
    return journal / "consumers" / consumer
