"""Files that may be packed in, their content out: in chunks, or as an open file. Memory stays bounded, and a bomb is left after a ratio
that no log has.

Source of truth: RFC 1952 (gzip), the .xz file format 1.2, bzip2 1.0, RFC 8878 (zstd). Of each, a file may hold several one after the other.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple, Protocol

from collectors.errors import SourceError
from collectors.sources.tail import CHUNK_BYTES, open_file

SUFFIXES = (".gz", ".xz", ".bz2", ".zst")
"""What names of packed files end with."""
_MAX_RATIO = 500
_FREE_BYTES = 64 * 1024 * 1024
"""Logs pack by 5 to 30, logs of one repeated line by 200 to 400; below so many bytes no ratio matters."""
_MEMORY_BYTES = 128 * 1024 * 1024
"""What unpacking may take: xz takes 65 MiB for its strongest preset, zstd 128 MiB for what it packs with --long."""
_STEP_BYTES = 128
"""zstd is unpacked so many packed bytes at a time: a block has 4 at least and becomes 128 KiB at most."""


class _Unpacker(Protocol):
    """`eof`: what it unpacks is over; `left`: bytes behind that end."""

    eof: bool
    left: bytes

    def texts(self, data: bytes, most: int) -> Iterator[bytes]:
        """What the next bytes become, in pieces of at most `most` bytes (zstd: of 4 MiB)."""
        ...


class _Gzip:
    def __init__(self) -> None:
        self._unpack = zlib.decompressobj(wbits=31)
        self.eof, self.left = False, b""

    def texts(self, data: bytes, most: int) -> Iterator[bytes]:
        while data and not self.eof:
            yield self._unpack.decompress(data, most)
            data, self.eof, self.left = self._unpack.unconsumed_tail, self._unpack.eof, self._unpack.unused_data


class _Buffering:
    """The unpackers of `lzma` and `bz2`, which keep what they have not unpacked yet."""

    def __init__(self, unpack: Any) -> None:
        self._unpack = unpack
        self.eof, self.left = False, b""

    def texts(self, data: bytes, most: int) -> Iterator[bytes]:
        yield self._unpack.decompress(data, most)
        while not (self._unpack.eof or self._unpack.needs_input):
            yield self._unpack.decompress(b"", most)
        self.eof, self.left = self._unpack.eof, self._unpack.unused_data


class _Zstd:
    def __init__(self, unpack: Any) -> None:
        self._unpack = unpack
        self.eof, self.left = False, b""

    def texts(self, data: bytes, most: int) -> Iterator[bytes]:
        del most
        for at in range(0, len(data), _STEP_BYTES):
            yield self._unpack.decompress(data[at : at + _STEP_BYTES])
            if self._unpack.eof:
                self.eof, self.left = True, self._unpack.unused_data + data[at + _STEP_BYTES :]
                return


class _Kind(NamedTuple):
    """`error`: what its unpackers raise of damage."""

    name: str
    new: Callable[[], _Unpacker]
    error: type[Exception]


def _gzip() -> _Kind:
    return _Kind("gzip", _Gzip, zlib.error)


def _xz() -> _Kind:
    import lzma

    return _Kind("xz", lambda: _Buffering(lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY_BYTES)), lzma.LZMAError)


def _bzip2() -> _Kind:
    import bz2

    return _Kind("bzip2", lambda: _Buffering(bz2.BZ2Decompressor()), OSError)


def _zstd() -> _Kind:
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=_MEMORY_BYTES)
    return _Kind("zstd", lambda: _Zstd(unpacker.decompressobj()), zstandard.ZstdError)


_KINDS = {b"\x1f\x8b": _gzip, b"\xfd7zXZ\x00": _xz, b"BZh": _bzip2, b"\x28\xb5\x2f\xfd": _zstd}
"""By how files begin; a library is loaded with the first file that needs it."""


def is_packed(begin: bytes) -> bool:
    """Whether a file that begins so is one of those that `unpacked` unpacks."""
    return begin.startswith(tuple(_KINDS))


def without_suffix(path: str) -> str:
    """What the file was called before it was packed."""
    return next((path.removesuffix(each) for each in SUFFIXES if path.endswith(each)), path)


def unpacked(file: BinaryIO, chunk_bytes: int) -> Iterator[bytes]:
    """Chunks of the content, as it stands where it is not packed. Raises: OSError, SourceError for a bomb and what is damaged or cut."""
    chunk = file.read(chunk_bytes)
    opening = next((each for each in _KINDS if chunk.startswith(each)), None)
    if opening is None:
        while chunk:
            yield chunk
            chunk = file.read(chunk_bytes)
        return
    kind = _KINDS[opening]()
    unpack, given = kind.new(), 0
    while chunk:
        if unpack.eof:
            unpack = kind.new()
        try:
            for text in unpack.texts(chunk, chunk_bytes):
                given += len(text)
                if given > _FREE_BYTES and given > _MAX_RATIO * file.tell():
                    raise SourceError(
                        f"unpacks to more than {_MAX_RATIO} times its size, which no log does; left after {given} bytes"
                    )
                if text:
                    yield text
        except kind.error as error:
            raise SourceError(f"{kind.name}: {error}") from error
        chunk = unpack.left.lstrip(b"\0") or file.read(chunk_bytes)
        while unpack.eof and chunk and not (chunk := chunk.lstrip(b"\0")):  # padding
            chunk = file.read(chunk_bytes)
    if not unpack.eof:
        raise SourceError(f"{kind.name}: the end is missing")


def open_content(path: str) -> tuple[int, int]:
    """A descriptor of a file, or of what a packed one unpacks to: a file without a name, as old as the packed one. And the inode at `path`.

    Raises: OSError, SourceError.
    """
    fd = open_file(path)
    if not path.endswith(SUFFIXES):
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
            if not path.endswith(SUFFIXES):
                return file.read(size)
            for chunk in unpacked(file, size):
                begin += chunk
                if len(begin) >= size:
                    break
    except (OSError, SourceError):
        pass  # what can be read of it is its beginning
    return begin[:size]
