"""Files in, what is read of them out, anew when one of them changes; what cannot be read is told, and what was read before goes on.

Files are looked at (`stat`) as often as `refresh` is called, and read in the thread that sees the change; others go on with what they have.
Who replaces a file whole (written beside it, then renamed) is never read half-way.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from collectors.errors import CollectorError

Read = TypeVar("Read")

_log = logging.getLogger(__name__)


class Renewed(Generic[Read]):
    """What files say. `value`: as of the last time that they could be read; for any number of threads."""

    def __init__(self, what: str, paths: Sequence[Path], read: Callable[[], Read]) -> None:
        """`what`: in words, for the log. `read`: all of the files; raises CollectorError, here too."""
        self.what = what
        self.refused = ""
        """Why the files as they are now cannot be read; "" where they were."""
        self._paths = tuple(paths)
        self._read = read
        self._lock = threading.Lock()
        self._stamps = self._look()
        self.value = read()

    def refresh(self) -> bool:
        """Read the files where one is another than it was; whether there is a new value. Files that are refused are told once."""
        if self._look() == self._stamps or not self._lock.acquire(blocking=False):
            return False
        try:
            self._stamps = self._look()  # before they are read: what changes meanwhile is seen next time
            self.value = self._read()
        except CollectorError as error:
            self.refused = str(error)
            facts = {"what": self.what, "error": self.refused}
            _log.error("changed files are refused; what was read before goes on", extra=facts)
            return False
        finally:
            self._lock.release()
        self.refused = ""
        _log.info("changed files were read anew", extra={"what": self.what})
        return True

    def _look(self) -> list[tuple[int, int, int] | None]:
        """What tells a file from another at its path; None where there is none."""
        return [_stamp(path) for path in self._paths]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
