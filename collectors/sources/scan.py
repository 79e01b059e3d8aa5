"""One file in, all its records out in batches: what `soc scan` reads. Never raises for what a file holds or is.

A file that cannot be read gives one dead letter with the reason. Text may be packed (`collectors.sources.packed`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from collectors.errors import SourceError
from collectors.record import DeadLetter, Position, RawRecord
from collectors.sources import directives
from collectors.sources.evtx import SIGNATURE, read_evtx
from collectors.sources.lines import Continues, LineCutter
from collectors.sources.packed import is_packed, unpacked
from collectors.sources.source import BATCH_RECORDS, Batch
from collectors.sources.tail import HEAD_BYTES, open_file, shown
from collectors.sources.text import SAMPLE_BYTES, binary_kind

CHUNK_BYTES = 256 * 1024
_COUNTED_BYTES = 4 * 1024 * 1024

MAX_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """Whole lines of a file: the bytes from `start` to before `end`, and how many lines stand before them."""

    start: int
    end: int
    lines_before: int


def is_event_file(path: Path) -> bool:
    """Whether this is a Windows event file, by its signature or its name (`.evtx`); False where it cannot be read."""
    try:
        with os.fdopen(open_file(str(path)), "rb", buffering=0) as file:
            return path.suffix.lower() == ".evtx" or file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False  # the reader of text says why


def read_file(
    path: Path,
    source: str,
    received: datetime,
    continues: Continues | None = None,
    *,
    part: Part | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[Batch]:
    """A Windows event file, or anything else as lines of text.

    `continues`: of the format, where its records span lines. `part`: of the lines of a file that `parts_of` cut; `read_bytes` and
    `total_bytes` are then those of the part. `chunk_bytes`: of text that are looked at together.
    """
    if part is None and is_event_file(path):
        return read_evtx(path, source, received)
    return read_text(
        path, source, received, continues, part=part, chunk_bytes=chunk_bytes, max_line_bytes=max_line_bytes
    )


def read_text(
    path: Path,
    source: str,
    received: datetime,
    continues: Continues | None = None,
    *,
    part: Part | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[Batch]:
    """Lines of a text file, with progress in bytes of the file itself. Ids are the same for the same content, wherever it lies."""
    name = shown(path)
    begin = Part(0, 0, 0) if part is None else part
    cutter = LineCutter(max_line_bytes, offset=begin.start, index=begin.lines_before, continues=continues)
    stream, read, total = "", 0, 0
    try:
        with os.fdopen(open_file(str(path)), "rb", buffering=0) as file:
            total = _size(file) if part is None else part.end - part.start
            if part is not None:
                stream = _identity(os.pread(file.fileno(), SAMPLE_BYTES, 0))
            for chunk in unpacked(file, chunk_bytes) if part is None else _part(file, part, chunk_bytes):
                stream = stream or _identity(chunk)
                read = min(file.tell() - begin.start, total)
                cutter.feed(chunk)
                while cutter.more:
                    if records := cutter.take_lines(BATCH_RECORDS, source, name, stream, received):
                        yield Batch(records, read_bytes=read, total_bytes=total)
    except (OSError, SourceError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        position = Position(name, stream, cutter.offset, cutter.index)
        record = RawRecord(b"", source, position, received)
        dead = [DeadLetter(record, "text", f"{name}: {reason}")]
    else:
        dead = []
    yield Batch(cutter.finish(source, name, stream, received), {}, dead, total, total)


def parts_of(path: Path, part_bytes: int) -> Iterator[Part]:
    """A text file in parts of at least so many bytes, cut between lines, as it stands now; nothing of one that is packed, no text, or gone,
    or whose lines have a header.

    A file that shrinks or grows meanwhile is read as far as it goes, and not beyond its size of now.
    """
    try:
        with os.fdopen(open_file(str(path)), "rb", buffering=0) as file:
            size = _size(file)
            head = file.read(SAMPLE_BYTES)
            if is_packed(head) or binary_kind(head) or directives.are_in(head):
                return
            start = lines = 0
            while start < size:
                count, end = _to_line_end(file, start, min(start + part_bytes, size), size)
                yield Part(start, end, lines)
                start, lines = end, lines + count
    except (OSError, SourceError):
        return


def _to_line_end(file: BinaryIO, start: int, end: int, size: int) -> tuple[int, int]:
    """How many lines end from `start` to the first end of a line at or after `end` (or the end of the file), and where that is."""
    count = 0
    while start < size:
        chunk = os.pread(file.fileno(), min(_COUNTED_BYTES, max(end - start, CHUNK_BYTES)), start)
        if not chunk:
            break
        if start + len(chunk) < end:
            count += chunk.count(b"\n")
        else:
            newline = chunk.find(b"\n", max(0, end - start - 1))
            if newline >= 0:
                return count + chunk.count(b"\n", 0, newline + 1), start + newline + 1
            count += chunk.count(b"\n")
        start += len(chunk)
    return count, size


def _size(file: BinaryIO) -> int:
    """In bytes. Raises: SourceError for a folder, a pipe or a device."""
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise SourceError("not a regular file")
    return status.st_size


def _identity(start: bytes) -> str:
    """The id of the stream that begins so. Raises: SourceError when these are no lines."""
    if kind := binary_kind(start[:SAMPLE_BYTES]):
        raise SourceError(f"{kind}, not lines of text")
    return blake2b(start[:HEAD_BYTES], digest_size=8).hexdigest()


def _part(file: BinaryIO, part: Part, chunk_bytes: int) -> Iterator[bytes]:
    """Chunks of a part of the content."""
    file.seek(part.start)
    left = part.end - part.start
    while left > 0 and (chunk := file.read(min(chunk_bytes, left))):
        left -= len(chunk)
        yield chunk
