"""Files that may be gzipped in, their content out: in chunks, or as an open file. Memory stays bounded, and a bomb is left after a ratio
that no log has.

Source of truth: RFC 1952 (a file may hold several members one after the other).
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from collectors.errors import SourceError
from collectors.sources.tail import CHUNK_BYTES, open_file

GZIP = b"\x1f\x8b"
SUFFIX = ".gz"
_MAX_RATIO = 500
_FREE_BYTES = 64 * 1024 * 1024
"""Logs pack by 5 to 30, logs of one repeated line by 200 to 400; below so many bytes no ratio matters."""


def unpacked(file: BinaryIO, chunk_bytes: int) -> Iterator[bytes]:
    """Chunks of the content, as it stands where it is no gzip. Raises: OSError, SourceError for a bomb and for what is damaged or cut."""
    chunk = file.read(chunk_bytes)
    if not chunk.startswith(GZIP):
        while chunk:
            yield chunk
            chunk = file.read(chunk_bytes)
        return
    unpack = zlib.decompressobj(wbits=31)
    given = 0
    while chunk:
        if unpack.eof:
            unpack = zlib.decompressobj(wbits=31)
        try:
            text = unpack.decompress(chunk, chunk_bytes)
        except zlib.error as error:
            raise SourceError(str(error)) from error
        chunk = (unpack.unused_data if unpack.eof else unpack.unconsumed_tail) or file.read(chunk_bytes)
        given += len(text)
        if given > _FREE_BYTES and given > _MAX_RATIO * file.tell():
            raise SourceError(
                f"unpacks to more than {_MAX_RATIO} times its size, which no log does; left after {given} bytes"
            )
        if text:
            yield text
    if not unpack.eof:
        raise SourceError("gzip: the end is missing")


def open_content(path: str) -> tuple[int, int]:
    """A descriptor of a file, or of what a `.gz` unpacks to: a file without a name, as old as the packed one. And the inode at `path`.

    Raises: OSError, SourceError.
    """
    fd = open_file(path)
    if not path.endswith(SUFFIX):
        return fd, os.fstat(fd).st_ino
    with os.fdopen(fd, "rb", buffering=0) as packed, tempfile.TemporaryFile(buffering=0) as content:
        for chunk in unpacked(packed, CHUNK_BYTES):
            content.write(chunk)
        status = os.fstat(fd)
        os.utime(content.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
        return os.dup(content.fileno()), status.st_ino


def beginning(path: str, size: int) -> bytes:
    """The first bytes of the content; none where it cannot be read."""
    begin = b""
    try:
        with os.fdopen(open_file(path), "rb", buffering=0) as file:
            if not path.endswith(SUFFIX):
                return file.read(size)
            for chunk in unpacked(file, size):
                begin += chunk
                if len(begin) >= size:
                    break
    except (OSError, SourceError):
        pass  # what can be read of it is its beginning
    return begin[:size]
