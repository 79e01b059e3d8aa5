"""A mark in, the file that it was made in out, whatever a rotation did to its name since. Opens files, reads their beginnings.

A generation that was packed before it was read is read unpacked (`collectors.sources.packed`); a zip archive is passed over.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Container, Iterable
from pathlib import Path

from collectors.errors import SourceError
from collectors.record import Mark
from collectors.sources.packed import SUFFIXES, beginning, open_content, without_suffix
from collectors.sources.tail import HEAD_BYTES, SURE_BYTES, Tail, begins, stands_in

_PASSED_OVER = ".zip"
COMPRESSED = (*SUFFIXES, _PASSED_OVER)
"""What rotations add to a name once they compress."""
_ROTATED = re.compile(r"[.\-_][0-9][0-9.\-_T]*")
"""What rotations add to a name: `.1`, `-20260301`, `.2026-03-01T00`."""
_FRESH_S = 60.0
"""A copy that a rotation made just now was written later than so long ago."""
_COPYING_S = 5.0
"""A file that begins like a known one, is shorter and was written so lately may be a copy in the making."""


Opened = tuple[int, str, int]
"""Descriptor, path, and the inode there (the descriptor has another one where the file is packed)."""


def open_marked(path: str, mark: Mark, *, fresh: bool = False) -> Opened | None:
    """The file at `path`, if it is the marked one: by its inode, or else by enough of its beginning (`fresh`: by any)."""
    if path.endswith(SUFFIXES) and not begins(mark, beginning(path, mark.head_bytes)):
        return None  # before it is unpacked
    try:
        fd, inode = open_content(path)
    except (OSError, SourceError):
        return None
    enough = mark.head_bytes >= (1 if fresh else SURE_BYTES)
    if (enough or inode == mark.inode) and stands_in(mark, fd):
        return fd, path, inode
    os.close(fd)
    return None


def is_generation(path: str, of: str) -> bool:
    """Whether a name is one that a rotation gives the file at `of`."""
    return path.startswith(of) and bool(_ROTATED.fullmatch(without_suffix(path[len(of) :])))


def find_marked(mark: Mark, path: str, other_than: int = 0) -> Opened | None:
    """The marked file among those beside `path` whose names begin like it (`app.log.1`, `app.log-20260301`), newest first.

    `other_than`: an inode to pass over.
    """
    for found, status in reversed(_generations(path)):
        fresh = _age_s(status) < _FRESH_S
        if status.st_ino != other_than and (
            opened := open_marked(found, mark, fresh=fresh and found != str(Path(path)))
        ):
            return opened
    return None


def missed_since(path: str, mtime_ns: int, known: Container[int], read: Collection[Tail]) -> list[str]:
    """Whole generations of a log that came and went unseen: rotated files written after the last one that was read, oldest first.

    Happens when a collector is stopped, or held up by a full disk, over two rotations. `known`: inodes to pass over; `read`: files that are
    open. A file that begins like one of them, or like the one at `path`, is a copy of it, which the truncation to come will tell.
    """
    missed: list[str] = []
    generations = _generations(path)
    current = beginning(path, SURE_BYTES)  # after them: what is a copy of it now is one that was not truncated yet
    for found, status in generations:
        if status.st_mtime_ns <= mtime_ns or status.st_ino in known:
            continue
        begin = beginning(found, HEAD_BYTES)
        if not is_generation(found, str(Path(path))) or (current and begin.startswith(current)):
            continue
        if any(each.heads(begin) for each in read):
            continue
        if found.endswith(SUFFIXES) and (
            Path(without_suffix(found)).exists()
            or (len(begin) >= SURE_BYTES and any(each.sample(HEAD_BYTES) == begin for each in read))
        ):
            continue
        missed.append(found)
    return missed


def may_be_copy(fd: int, known: Iterable[Tail]) -> bool:
    """Whether this file is a copy of one that is being read, finished or in the making: the truncation to come will tell."""
    for tail in known:
        if tail.begins_like(fd):
            status = os.fstat(fd)
            return stands_in(tail.mark(), fd) if status.st_size >= tail.offset else _age_s(status) < _COPYING_S
    return False


def _generations(path: str) -> list[tuple[str, os.stat_result]]:
    """The files beside `path` whose names begin like its own, plain or packed, in the order of their last change."""
    name = Path(path).name
    try:
        beside = [
            p for p in Path(path).parent.iterdir() if p.name.startswith(name) and not p.name.endswith(_PASSED_OVER)
        ]
        return sorted(((str(p), p.stat()) for p in beside if p.is_file()), key=lambda item: item[1].st_mtime_ns)
    except OSError:
        return []


def _age_s(status: os.stat_result) -> float:
    return time.time() - status.st_mtime  # noqa: TID251  a file's age
