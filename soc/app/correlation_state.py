"""What correlations remember in, a file out that a crash leaves whole: with the journal's offset that it belongs to.

The copy is made by a child of the process (fork), which sees memory as of one moment: detection pauses for the fork and not for the
encoding (measured, bench/state.py). The child takes no lock of ours: it closes every file that it inherited, encodes, writes and is gone.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import msgspec

from collectors.errors import JournalError
from collectors.journal import JournalReader
from collectors.journal.durable import make_directory, write_durably

_MAGIC = b"soc-correlation-state 1\n"
_DIGEST_BYTES = 16
_FIRST_FILE = 3
"""Above standard input, output and error."""

_log = logging.getLogger(__name__)


class Saved(msgspec.Struct, frozen=True, array_like=True):
    """`state` of a rule set that saw every event below `offset`; `last_id`: of the event before it, so that another journal is noticed."""

    offset: int
    last_id: str
    state: bytes


class StateFile:
    """The file of a site. `save` from the thread that detects."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._child = 0

    def load(self, journal: JournalReader, committed: int) -> Saved | None:
        """What was saved last, if it belongs to this journal and to events that were evaluated; None with the reason in the log."""
        try:
            return self._read(journal, committed)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            facts = {"path": str(self._path), "why": str(error)}
            _log.warning("the saved state of correlations cannot be used", extra=facts)
            return None

    def _read(self, journal: JournalReader, committed: int) -> Saved:
        """Raises: OSError, ValueError."""
        data = self._path.read_bytes()
        start = len(_MAGIC) + _DIGEST_BYTES
        if data[:start] != _MAGIC + _digest(data[start:]):
            raise ValueError("it is damaged or of another version")
        saved = msgspec.msgpack.decode(data[start:], type=Saved)
        if saved.offset > committed:
            raise ValueError(f"it is of offset {saved.offset}, and only {committed} were evaluated")
        if saved.last_id != last_id(journal, saved.offset):
            raise ValueError("it belongs to another journal")
        return saved

    def save(self, offset: int, last: str, state: Callable[[], bytes], *, wait: bool = False) -> None:
        """Have a child write the state as it is now; `wait`: until it is durable. Nothing where the child before is still at it."""
        if not self._reaped(wait=wait):
            return
        self._child = os.fork()
        if self._child == 0:
            status = 1
            try:
                os.closerange(_FIRST_FILE, os.sysconf("SC_OPEN_MAX"))
                self.write(Saved(offset, last, state()))
                status = 0
            finally:
                os._exit(status)
        if wait:
            self._reaped(wait=True)

    def write(self, saved: Saved) -> None:
        """Replace the file. Raises: OSError."""
        body = msgspec.msgpack.encode(saved)
        make_directory(self._path.parent)
        write_durably(self._path, _MAGIC + _digest(body) + body)

    def _reaped(self, *, wait: bool) -> bool:
        """Whether no child is at work any more; what went wrong with the last one is told."""
        if not self._child:
            return True
        pid, status = os.waitpid(self._child, 0 if wait else os.WNOHANG)
        if pid == 0:
            return False
        self._child = 0
        if status:
            facts = {"path": str(self._path), "status": os.waitstatus_to_exitcode(status)}
            _log.warning("the state of correlations could not be saved; the one before still stands", extra=facts)
        return True


def last_id(journal: JournalReader, offset: int) -> str:
    """The id of the event before an offset; "" at the journal's start, or where it cannot be read."""
    if offset <= journal.start():
        return ""
    try:
        return journal.fetch(offset - 1).id
    except JournalError:
        return ""


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST_BYTES).digest()
