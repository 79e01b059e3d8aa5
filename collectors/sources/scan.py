"""One file in, all its records out in batches: what `soc scan` reads. Never raises for what a file holds or is.

A file that cannot be read gives one dead letter with the reason. Text may be gzipped: memory stays bounded whatever it unpacks to, and a
bomb is left after a ratio that no log has.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from collectors.errors import SourceError
from collectors.record import DeadLetter, Position, RawRecord
from collectors.sources.evtx import SIGNATURE, read_evtx
from collectors.sources.lines import Continues, LineCutter
from collectors.sources.source import BATCH_RECORDS, Batch
from collectors.sources.tail import HEAD_BYTES, open_file, shown
from collectors.sources.text import SAMPLE_BYTES, binary_kind

_CHUNK_BYTES = 256 * 1024
_GZIP = b"\x1f\x8b"
_MAX_RATIO = 500
_FREE_BYTES = 64 * 1024 * 1024
"""Logs pack by 5 to 30, logs of one repeated line by 200 to 400; below so many bytes no ratio matters."""


MAX_LINE_BYTES = 64 * 1024


def read_file(path: Path, source: str, received: datetime, continues: Continues | None = None) -> Iterator[Batch]:
    """A Windows event file by its signature or its name (`.evtx`), anything else as lines of text.

    `continues`: of the format, where its records span lines.
    """
    try:
        with os.fdopen(open_file(str(path)), "rb", buffering=0) as file:
            windows = path.suffix.lower() == ".evtx" or file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        windows = False  # the reader of text says why
    return read_evtx(path, source, received) if windows else read_text(path, source, received, continues)


def read_text(path: Path, source: str, received: datetime, continues: Continues | None = None) -> Iterator[Batch]:
    """Lines of a text file, with progress in bytes of the file itself. Ids are the same for the same content, wherever it lies."""
    name = shown(path)
    cutter = LineCutter(MAX_LINE_BYTES, continues=continues)
    stream, read, total = "", 0, 0
    try:
        with os.fdopen(open_file(str(path)), "rb", buffering=0) as file:
            total = _size(file)
            for chunk in _text(file):
                stream = stream or _identity(chunk)
                read = min(file.tell(), total)
                cutter.feed(chunk)
                while cutter.more:
                    if records := cutter.take(BATCH_RECORDS, source, name, stream, received):
                        yield Batch(records, read_bytes=read, total_bytes=total)
    except (OSError, SourceError, zlib.error) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        position = Position(name, stream, cutter.offset, cutter.index)
        record = RawRecord(b"", source, position, received)
        dead = [DeadLetter(record, "text", f"{name}: {reason}")]
    else:
        dead = []
    yield Batch(cutter.finish(source, name, stream, received), {}, dead, total, total)


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


def _text(file: BinaryIO) -> Iterator[bytes]:
    """Chunks of the content, unpacked where the file is gzip. Raises: OSError, zlib.error, SourceError for a bomb."""
    chunk = file.read(_CHUNK_BYTES)
    if not chunk.startswith(_GZIP):
        while chunk:
            yield chunk
            chunk = file.read(_CHUNK_BYTES)
        return
    unpack = zlib.decompressobj(wbits=31)
    given = 0
    while chunk:
        if unpack.eof:
            unpack = zlib.decompressobj(wbits=31)  # a file may hold several members one after the other
        text = unpack.decompress(chunk, _CHUNK_BYTES)
        chunk = (unpack.unused_data if unpack.eof else unpack.unconsumed_tail) or file.read(_CHUNK_BYTES)
        given += len(text)
        if given > _FREE_BYTES and given > _MAX_RATIO * file.tell():
            raise SourceError(
                f"unpacks to more than {_MAX_RATIO} times its size, which no log does; left after {given} bytes"
            )
        if text:
            yield text
    if not unpack.eof:
        raise SourceError("gzip: the end is missing")
