"""A folder in, the right to write its journal out: one process holds it, and everyone can see which."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from collectors.errors import JournalError


def hold(path: Path) -> int:
    """Hold the journal of this folder for this process; the file descriptor that holds it.

    Raises: JournalError when another process does, OSError.
    """
    fd = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.read(fd, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise JournalError(f"{path}: another process writes this journal (pid {owner})") from error
    os.ftruncate(fd, 0)
    os.write(fd, f"{os.getpid()}\n".encode())
    return fd


def writer(path: Path) -> int:
    """The process that holds the journal of this folder; 0 where none does."""
    try:
        with (path / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read(20).strip() or 0)
    except FileNotFoundError:
        pass
    return 0
