"""Text files in, lines out: read once, or followed through every kind of rotation.

Delivery: exactly once as far as the file keeps its lines, crashes included, when each batch's marks are journalled with its records.
Rotation by rename (the old file is read to its end, for `rotate_wait_s` after the last line that its writer still adds), copytruncate (what
the copy holds beyond the place reached is read from the copy), delete and create, truncation. What copytruncate itself loses between
copying and truncating nobody can read. Lines come within `poll_s` of being written. Rotations that are compressed are passed over when
following, for their lines were read before; one that was packed unread is unpacked (in the folder for temporary files) and read.
"""

from __future__ import annotations

import glob
import logging
import os
import stat
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from collectors.errors import SourceError
from collectors.record import DeadLetter, Mark, Position, RawRecord
from collectors.sources.keys import check_encoding, check_timezone
from collectors.sources.lines import Continues
from collectors.sources.packed import open_content
from collectors.sources.rotation import (
    COMPRESSED,
    Opened,
    find_marked,
    is_generation,
    may_be_copy,
    missed_since,
    open_marked,
)
from collectors.sources.source import BATCH_RECORDS, Batch, Counts
from collectors.sources.tail import Tail, open_file, shown
from collectors.sources.text import SAMPLE_BYTES, binary_kind

log = logging.getLogger(__name__)

_DISCOVER_S = 1.0
"""How often a pattern is expanded anew; known paths are looked at in every poll."""
_OPEN_WAIT_S = 2.0
"""How long the end of a record that spans lines is waited for: daemons write one whole, so it is a line that only looks open."""
_CHUNKS_A_TURN = 8
"""Chunks (2 MiB) from one file before the next one has its turn."""


@dataclass(frozen=True, slots=True)
class FileConfig:
    """`path`: one file or a pattern (`*`, `?`, `[…]`, `**`). `format`: the parser, "auto" to recognise it line by line.

    `encoding`: of its bytes, a Python codec's name. `timezone`: of lines that name none (default: the site's).
    `from_start`: whether the very first start reads what the files hold already; files that appear later are always read whole.
    """

    id: str
    path: str
    format: str = "auto"
    follow: bool = True
    from_start: bool = True
    encoding: str = "utf-8"
    timezone: str = ""
    max_line_bytes: int = 64 * 1024
    poll_s: float = 0.1
    rotate_wait_s: float = 30.0
    kind: Literal["file"] = "file"

    def __post_init__(self) -> None:
        """Raises: ValueError."""
        check_encoding(self.encoding)
        check_timezone(self.timezone)


class FileSource:
    """Reads the files of one configuration, all in one thread."""

    def __init__(self, config: FileConfig, marks: Mapping[str, Mark], continues: Continues | None = None) -> None:
        self._config = config
        self._continues = continues
        self._marks = {key: mark for key, mark in marks.items() if mark.source == config.id}
        self._tails: list[Tail] = []
        self._leaving: list[Tail] = []
        self._inodes: set[int] = set()
        self._left: dict[str, int] = {}
        """Name -> when (mtime) the last file was written that is known to have had it, while any is left."""
        self._reported: set[tuple[str, int]] = set()
        self._paths: list[str] = []
        self._expand_at = 0.0
        self._first_start = not self._marks
        self.counts = Counts()
        self._records: list[RawRecord] = []
        self._changes: dict[str, Mark | None] = {}
        self._dead: list[DeadLetter] = []
        if not config.follow and not self._expand():
            raise SourceError(f"{config.path}: no such file")

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._config.id

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until the files end (read once) or `stop` is set."""
        self._resume()
        self._discover()
        if not self._tails:
            log.warning("no file yet", extra={"source": self.id, "path": self._config.path})
        self._first_start = False
        while not stop.is_set():
            moved = False
            for tail in [*self._leaving, *self._tails]:
                for _ in range(_CHUNKS_A_TURN):
                    if stop.is_set() or not self._advance(tail):
                        break
                    moved = True
                    yield from self._full(tail)
            if not self._config.follow and not moved:
                for tail in [*self._leaving, *self._tails]:
                    self._end(tail)
                break
            yield from self._rest()
            if not moved:
                stop.wait(self._config.poll_s)
            self._discover()
        yield from self._rest()

    def close(self) -> None:
        """Release the files."""
        for tail in [*self._tails, *self._leaving]:
            tail.close()
        self._tails, self._leaving = [], []

    def _advance(self, tail: Tail) -> bool:
        """Take in what is new in one file; False when there is nothing. Its whole lines then wait to be taken."""
        try:
            if tail.truncated():
                self._restart(tail)
                return False
            if tail.untouched and (kind := binary_kind(sample := tail.sample(SAMPLE_BYTES))):
                self._report(tail.path, tail.inode, f"{kind}, not lines of text", sample)
                return False
            unread = tail.untouched
            if unread and self._was_swapped(tail):
                return False  # what it held before comes first
            if tail.read():
                if unread:
                    self._was_swapped(tail)
                if tail.leave_at is not None:
                    tail.leave_at = time.monotonic() + self._config.rotate_wait_s
                return True
        except OSError as error:
            self._report(tail.path, tail.inode, f"cannot be read: {error.strerror}")
            return False
        if tail.waits_since is not None and time.monotonic() >= tail.waits_since + _OPEN_WAIT_S:
            self._records += tail.release(_now())
            self._changes[_key(tail)] = tail.mark()
        if tail.leave_at is not None and time.monotonic() >= tail.leave_at:
            self._end(tail)
            self._changes[_key(tail)] = None
            self._leaving.remove(tail)
            self._inodes.discard(tail.inode)  # a file system gives it away again
            tail.close()
            if not self._leaving:
                self._left.clear()
        return False

    def _full(self, tail: Tail) -> Iterator[Batch]:
        """Collect the whole lines of one file; give a batch whenever it is full."""
        received = _now()
        while True:
            before, blank = tail.offset, tail.blank
            self._records += tail.take(max(1, BATCH_RECORDS - len(self._records)), received)
            self.counts.blank += tail.blank - blank
            if tail.offset > before:
                self._changes[_key(tail)] = tail.mark()
            if not tail.more:
                return
            yield from self._rest()

    def _rest(self) -> Iterator[Batch]:
        """What was collected, if anything."""
        if self._records or self._changes or self._dead:
            batch = Batch(self._records, self._changes, self._dead)
            self.counts.add(self._records)
            self.counts.dead += len(self._dead)
            self._records, self._changes, self._dead = [], {}, []
            yield batch

    def _end(self, tail: Tail) -> None:
        """Nothing more will come to this file: its last line is whole even without a newline."""
        if records := tail.finish(_now()):
            self._records += records
            self._changes[_key(tail)] = tail.mark()

    def _restart(self, tail: Tail) -> None:
        """A file was truncated: read on in the copy that a rotation made of it, and in the file itself from its start."""
        self.counts.restarts += 1
        old = tail.mark()
        copy = self._marked(find_marked(old, tail.path, other_than=tail.inode)) if old.offset else None
        log.info("file truncated", extra={"source": self.id, "path": old.path, "copy": copy and shown(copy.path)})
        if copy is None:
            self._end(tail)
            self._changes[_key(tail)] = None
        fresh = tail.renewed()
        for tails in (self._tails, self._leaving):
            if tail in tails:
                tails[tails.index(tail)] = fresh
        if copy is not None:
            copy.start_at(old)
            self._leave(copy)
            fresh.known_ns = self._read_missed(tail.path, copy.mtime_ns)

    def _resume(self) -> None:
        """Find the file of every mark again, under its own name or the one that a rotation gave it."""
        self._paths = self._expand()
        names = {shown(path): path for path in self._paths}
        newest: dict[str, Tail] = {}
        for key, mark in self._marks.items():
            path = names.get(mark.path) or next((p for p in self._paths if is_generation(mark.path, p)), mark.path)
            tail = self._marked(open_marked(path, mark) or find_marked(mark, path))
            if tail is None:
                log.warning("marked file is gone", extra={"source": self.id, "path": mark.path, "offset": mark.offset})
                self._changes[key] = None
                continue
            tail.start_at(mark)
            self._leave(tail)
            if path not in newest or tail.mtime_ns >= newest[path].mtime_ns:
                newest[path] = tail
        for path, tail in newest.items():
            if tail.path != path:
                self._left[path] = self._read_missed(path, tail.mtime_ns)

    def _read_missed(self, path: str, mtime_ns: int) -> int:
        """Whole generations written after the last one that was read, which was then, are read too; when the last of them was."""
        for found in missed_since(path, mtime_ns, self._inodes, [*self._tails, *self._leaving]):
            log.info("unseen generation of a rotated file", extra={"source": self.id, "path": shown(found)})
            try:
                fd, inode = open_content(found)
            except (OSError, SourceError) as error:
                self._report(found, 0, (isinstance(error, OSError) and error.strerror) or str(error))
                continue
            tail = self._tail(fd, found, inode)
            mtime_ns = max(mtime_ns, tail.mtime_ns)
            self._leave(tail)
        return mtime_ns

    def _was_swapped(self, tail: Tail) -> bool:
        """Whether a file of which nothing was read yet was copied and truncated since it was opened; the copies are read then."""
        if tail.known_ns in (None, tail.mtime_ns):
            return False
        before, tail.known_ns = tail.known_ns, self._read_missed(tail.path, tail.known_ns or 0)
        return tail.known_ns != before

    def _leave(self, tail: Tail) -> None:
        """Read a file on that has lost its name, for a while after its last line."""
        tail.leave_at = time.monotonic() + self._config.rotate_wait_s
        if tail not in self._leaving:
            self._leaving.append(tail)
        self._expand_at = 0.0  # a pattern may know it by its new name

    def _marked(self, found: Opened | None) -> Tail | None:
        return self._tail(*found) if found else None

    def _tail(self, fd: int, path: str, inode: int = 0) -> Tail:
        tail = Tail(fd, path, self.id, self._config.max_line_bytes, self._continues, inode=inode)
        self._inodes.add(tail.inode)
        return tail

    def _discover(self) -> None:
        """Match names with files: new files are opened, renamed ones keep their place, those without a name leave after a while."""
        if time.monotonic() >= self._expand_at:
            self._paths = self._expand()
            self._expand_at = time.monotonic() + _DISCOVER_S
        known = {tail.key: tail for tail in [*self._leaving, *self._tails]}
        present: dict[tuple[int, int], Tail] = {}
        opened: list[str] = []
        for path in self._paths:
            try:
                status = Path(path).stat()
            except (FileNotFoundError, NotADirectoryError):
                continue  # not there yet, or between two names in a rotation
            except OSError as error:
                self._report(path, 0, f"cannot be read: {error.strerror}")
                continue
            key = (status.st_dev, status.st_ino)
            tail = known.get(key)
            if tail is None and (tail := self._open(path, status, known.values())):
                opened.append(path)
            if tail is not None and key not in present:
                tail.path, tail.leave_at = path, None
                present[key] = tail
        self._leaving = [tail for key, tail in known.items() if key not in present]
        self._tails = list(present.values())
        for tail in list(self._leaving):
            if tail.leave_at is None:
                self._leave(tail)
                self._left[tail.path] = self._read_missed(tail.path, tail.mtime_ns)
        for path in opened:  # others may have had the name since, before this one was seen
            if path in self._left:
                self._left[path] = self._read_missed(path, self._left[path])

    def _open(self, path: str, status: os.stat_result, known: Collection[Tail]) -> Tail | None:
        """A file that was not open yet; None when it cannot be, or should not."""
        if self._config.follow and path.endswith(COMPRESSED):
            return None
        if not stat.S_ISREG(status.st_mode):
            if not (stat.S_ISDIR(status.st_mode) and glob.has_magic(self._config.path)):
                self._report(path, status.st_ino, "not a regular file")
            return None
        try:
            fd = open_file(path)
        except OSError as error:
            self._report(path, status.st_ino, f"cannot be read: {error.strerror}")
            return None
        if self._config.follow and may_be_copy(fd, known):
            os.close(fd)
            return None
        tail = self._tail(fd, path)
        tail.known_ns = status.st_mtime_ns
        if self._first_start and not self._config.from_start:
            tail.start_at_end()
            self._changes[_key(tail)] = tail.mark()
        return tail

    def _expand(self) -> list[str]:
        path = self._config.path
        if not glob.has_magic(path) or os.path.lexists(path):
            return [path] if self._config.follow or os.path.lexists(path) else []
        return sorted(glob.glob(path, recursive=True))  # noqa: PTH207  Path.glob takes no absolute pattern

    def _report(self, path: str, inode: int, reason: str, sample: bytes = b"") -> None:
        """One dead letter for a file that gives no lines, however often it is looked at."""
        if (path, inode) in self._reported:
            return
        self._reported.add((path, inode))
        log.warning("file gives no lines", extra={"source": self.id, "path": shown(path), "reason": reason})
        record = RawRecord(sample, self.id, Position(shown(path), "", 0, 0), _now())
        self._dead.append(DeadLetter(record, self._config.format, f"{shown(path)}: {reason}"))


def _key(tail: Tail) -> str:
    return f"{tail.source}/{tail.stream}"


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  sources say when a record was received
