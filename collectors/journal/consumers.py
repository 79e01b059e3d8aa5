"""A consumer's name and offset in, one small file that survives a crash out.

The file is made durably once and then written in place: its 21 bytes stand in one sector, which a disk writes whole or not at all. A
consumer commits after each batch; a file aside, two fsyncs and a rename each time took 0.9 ms of CPU, and detection waited for its turn
at each of these calls.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from collectors.errors import JournalError
from collectors.journal.durable import make_directory, write_durably

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Offset:
    """The committed offset of one consumer, for the one process that writes the journal."""

    def __init__(self, journal: Path, consumer: str) -> None:
        """Opens nothing yet. Raises: JournalError for what is no name of a consumer."""
        self._path = _path(journal, consumer)
        self._fd = -1

    def save(self, offset: int) -> None:
        """Replace what was committed, durably. Raises: JournalError; then the one before still stands."""
        data = b"%020d\n" % offset
        try:
            if self._fd < 0:
                make_directory(self._path.parent)
                write_durably(self._path, data)
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            else:
                os.pwrite(self._fd, data, 0)
                os.fdatasync(self._fd)
        except OSError as error:
            raise JournalError(f"{self._path}: {error.strerror}") from error

    def close(self) -> None:
        """Release the file; a second time changes nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


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


def check_name(consumer: str) -> None:
    """Raises: JournalError for what is no name of a consumer."""
    if not _NAME.fullmatch(consumer):
        raise JournalError(f"{consumer!r} is no name of a consumer: lower case letters, digits, dot, dash, underscore")


def _path(journal: Path, consumer: str) -> Path:
    check_name(consumer)
    return journal / "consumers" / consumer
