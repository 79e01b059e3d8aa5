"""Groups of rows in, files out that a crash leaves whole or absent and that damage cannot make lie: parts, and the segments sealed of them.

    events/part-….arrow        one group: the newest rows, until as many are there as make a segment
    events/segment-….parquet   up to 32 groups, each a row group (Zstandard, CRC-32 a page)
    events/segment-….index     what tells of its groups without reading them:

    index  = "SOCX\\x00\\x01\\r\\n" | u32 length and u32 CRC-32 of header | header (JSON) | pad to a block | block* | counts*
             (little endian)
    blocks = filter of words (soc.store.segments.words) | first four bytes of each id; their CRC-32s stand in the header
    counts = of a field: how often each of its values (soc.store.segments.tally), as Arrow IPC
    part   = the same header and pad | its filter of words | Arrow IPC (lz4)

A name holds the first offset and the one behind the last; that of a segment from which retention dropped rows also how many it has left.
What is read is held against a checksum: of a part the filter
and the rows, of a Parquet file its footer (by the index) and its pages (by Parquet), of an index its header and each block of 4 KiB.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from struct import Struct
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from soc.errors import SocError
from soc.store.segments.building import ID_START, Shape, Types
from soc.store.segments.dictionaries import HEADER_BYTES, DamagedPageError, chunks, dictionaries
from soc.store.segments.words import BLOCK, holding, wanted

MAGIC = b"SOCX\x00\x01\r\n"
HEAD = Struct("<8sII")
BLOCK_BYTES = 4 * BLOCK


class DamagedFileError(SocError):
    """A file of the store does not read as it was written."""


class DroppedFileError(DamagedFileError):
    """A segment is not there any more: retention dropped it since the folder was listed."""


class About(msgspec.Struct, frozen=True, gc=False):
    """What is known of a group without reading it. `rest`: fields that some row has beside its columns; `whole`: rows kept whole.

    `received_us`: when the last of them came in; 0 in files of earlier versions.
    """

    rows: int
    first: int
    last: int
    since_us: int
    until_us: int
    rest: tuple[str, ...]
    whole: int
    conflicts: int
    received_us: int = 0


class Header(msgspec.Struct, frozen=True, gc=False):
    """Of an index or a part. `words`: positions of the filter. `checks`: of each block. `footer`: length and CRC-32 of the Parquet's.

    `counts`: by field, `stretches`: for each five minutes; where they begin behind the blocks, length and CRC-32.
    """

    groups: tuple[About, ...]
    shapes: tuple[Shape, ...]
    types: Types
    marks: tuple[tuple[str, str, int], ...]
    words: int = 0
    checks: tuple[int, ...] = ()
    size: int = 0
    footer: tuple[int, int] = (0, 0)
    counts: dict[str, tuple[int, int, int]] = {}
    stretches: tuple[int, int, int] | None = None


_HEADER = msgspec.json.Decoder(Header)


class Rows(Protocol):
    """One group as it can be read."""

    @property
    def about(self) -> About:
        """What is known without reading."""
        ...

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """What `_shape` numbers."""
        ...

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """These columns (default: all) as far as the group has them. Raises: DamagedFileError, FileNotFoundError."""
        ...

    def texts(self, columns: Collection[str]) -> dict[str, bytes | None]:
        """Of those of these columns that hold texts: bytes in which each stands whole, with its length before it where it was read of a
        file (`soc.store.segments.dictionaries`); None where only `read` tells. Raises: as `read`."""
        ...


class File(Protocol):
    """A part or a segment. `first`, `end`: offsets of the journal that it answers for."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def first(self) -> int:
        """See the class."""
        ...

    @property
    def end(self) -> int:
        """See the class."""
        ...

    @property
    def header(self) -> Header:
        """What is known of its groups. Raises: DamagedFileError, FileNotFoundError."""
        ...

    def groups(self) -> Sequence[Rows]:
        """Its groups, in order."""
        ...

    def holding(self, text: bytes) -> int:
        """The groups (one bit each, the first lowest) that may hold every word of `text`. Raises: DamagedFileError."""
        ...

    def id_starts(self) -> list[np.ndarray[Any, np.dtype[np.uint32]]]:
        """Of each group the first four bytes of the id of each row. Raises: DamagedFileError."""
        ...

    def counted(self, field: str) -> pa.Table | None:
        """How often each value of a field stands in it (soc.store.segments.tally); None: it does not tell. Raises: DamagedFileError."""
        ...

    def stretches(self) -> pa.Table | None:
        """The same of each five minutes, for fields of few values. Raises: DamagedFileError."""
        ...


def _head(path: Path, fd: int) -> tuple[Header, int]:
    """The header of an index or a part, and the byte where what it tells of begins. Raises: DamagedFileError."""
    magic, length, crc = HEAD.unpack(os.pread(fd, HEAD.size, 0).ljust(HEAD.size))
    text = os.pread(fd, min(length, os.fstat(fd).st_size), HEAD.size)
    if magic != MAGIC or len(text) != length or zlib.crc32(text) != crc:
        raise _damaged(path, "header")
    return _HEADER.decode(text), -(-(HEAD.size + length) // BLOCK_BYTES) * BLOCK_BYTES


def _damaged(path: Path, what: str) -> DamagedFileError:
    return DamagedFileError(f"{path}: its {what} does not read as it was written")


@dataclass(frozen=True)
class Part:
    """A file of one group."""

    path: Path
    first: int
    end: int

    @cached_property
    def _head(self) -> tuple[Header, int]:
        return _head(self.path, self._fd)

    @cached_property
    def _fd(self) -> int:
        """Open from the first look on: what is read stays there when the part is sealed."""
        return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if "_fd" in self.__dict__:
            os.close(self._fd)

    @property
    def header(self) -> Header:
        """See File."""
        return self._head[0]

    @property
    def about(self) -> About:
        """See Rows."""
        return self.header.groups[0]

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """See Rows."""
        return self.header.shapes

    def groups(self) -> Sequence[Rows]:
        """See File."""
        return (self,)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """See Rows."""
        reader = pa.ipc.open_file(self._rows)
        if columns is None:
            return reader.read_all()
        numbers = {name: number for number, name in enumerate(reader.schema.names)}
        there = [name for name in columns if name in numbers]
        if not there:
            return pa.table({})
        options = pa.ipc.IpcReadOptions(included_fields=[numbers[name] for name in there], use_threads=False)
        return pa.ipc.open_file(self._rows, options=options).read_all().select(there)

    def texts(self, columns: Collection[str]) -> dict[str, bytes | None]:
        """See Rows: in a part a column costs little more than its texts."""
        del self
        return dict.fromkeys(columns)

    @property
    def names(self) -> Sequence[str]:
        """Its columns. Raises: DamagedFileError, FileNotFoundError."""
        found: list[str] = pa.ipc.open_file(self._rows).schema.names
        return found

    @cached_property
    def _rows(self) -> pa.Buffer:
        return pa.py_buffer(self._piece(self._head[1] + self.header.words // 8, *self.header.footer))

    @cached_property
    def bits(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Its filter of words. Raises: DamagedFileError, FileNotFoundError."""
        return np.frombuffer(self._piece(self._head[1], self.header.words // 8, self.header.checks[0]), np.uint8)

    def _piece(self, start: int, length: int, crc: int) -> bytes:
        data = os.pread(self._fd, length, start)
        if len(data) != length or zlib.crc32(data) != crc:
            raise _damaged(self.path, f"part from byte {start} on")
        return data

    def holding(self, text: bytes) -> int:
        """See File."""
        return _holding(text, self.header.words, self._block, 1)

    def _block(self, at: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
        packed = self.bits[at * BLOCK // 8 : (at + 1) * BLOCK // 8]
        return np.unpackbits(packed, bitorder="little").astype(np.uint32)

    def id_starts(self) -> list[np.ndarray[Any, np.dtype[np.uint32]]]:
        """See File."""
        return [self.read([ID_START])[ID_START].to_numpy()]

    def counted(self, field: str) -> pa.Table | None:
        """See File."""
        del field
        return None

    def stretches(self) -> pa.Table | None:
        """See File."""
        return None


def _holding(text: bytes, positions: int, block: Any, groups: int) -> int:
    found = (1 << groups) - 1
    for at, places in wanted(text):
        found &= holding(block(at % (positions // BLOCK)), places)
        if not found:
            break
    return found


@dataclass(frozen=True)
class _SealedRows:
    segment: Segment
    number: int
    about: About
    shapes: tuple[Shape, ...]

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        return self.segment.read(self.number, columns)

    def texts(self, columns: Collection[str]) -> dict[str, bytes | None]:
        return self.segment.texts(self.number, columns)


ALL = 1 << 63


@dataclass(frozen=True)
class Segment:
    """A sealed pair of files. `left`: rows that retention left in it; more than any has where it dropped none."""

    path: Path
    first: int
    end: int
    left: int = ALL

    @cached_property
    def _head(self) -> tuple[Header, int]:
        with self._opened() as fd:
            return _head(self.path.with_suffix(".index"), fd)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Its index, open: a store has more segments than a process may have files open. Raises: FileNotFoundError."""
        fd = os.open(self.path.with_suffix(".index"), os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)

    @property
    def header(self) -> Header:
        """See File."""
        return self._head[0]

    def groups(self) -> Sequence[Rows]:
        shapes = self.header.shapes
        return [_SealedRows(self, at, about, shapes) for at, about in enumerate(self.header.groups)]

    @property
    def parquet(self) -> pq.ParquetFile:
        """The file as this thread reads it. Raises: DamagedFileError, FileNotFoundError."""
        opened: pq.ParquetFile | None = getattr(self._readers, "file", None)
        if opened is None:
            opened = self._readers.file = pq.ParquetFile(
                self.path, metadata=self._footer, page_checksum_verification=True, pre_buffer=False
            )
        return opened

    @cached_property
    def _readers(self) -> threading.local:
        return threading.local()

    @cached_property
    def _footer(self) -> pq.FileMetaData:
        """What the file says of itself, checked."""
        size, (length, crc) = self.header.size, self.header.footer
        with self.path.open("rb") as file:
            footer = os.pread(file.fileno(), length, size - length)
            if os.fstat(file.fileno()).st_size != size or zlib.crc32(footer) != crc:
                raise _damaged(self.path, "footer")
        return pq.read_metadata(pa.BufferReader(footer))

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._footer.schema.to_arrow_schema().names)

    def read(self, number: int, columns: Sequence[str] | None) -> pa.Table:
        """One group. Raises: as Rows.read."""
        if columns is not None:
            columns = [name for name in columns if name in self._names]
        try:
            table = self.parquet.read_row_group(number, columns=columns, use_threads=False)
        except FileNotFoundError as error:
            raise self._dropped() from error
        except (OSError, pa.ArrowException) as error:
            raise _damaged(self.path, f"row group {number}") from error
        return table if columns is None else table.select(columns)  # "user" would bring "user.name" along

    def texts(self, number: int, columns: Collection[str]) -> dict[str, bytes | None]:
        """Of one group. Raises: as Rows.texts."""
        found = {name: place for name, place in chunks(self._footer.row_group(number)).items() if name in columns}
        there = {name: place for name, place in found.items() if place is not None}
        if not there:
            return dict.fromkeys(found)
        start = min(at for at, _, _ in there.values())
        end = min(self.header.size, max(first for _, first, _ in there.values()) + HEADER_BYTES)
        try:
            with self.path.open("rb") as file:
                data = os.pread(file.fileno(), end - start, start)
            moved = [(at - start, first - start, values) for at, first, values in there.values()]
            return dict.fromkeys(found) | dict(zip(there, dictionaries(data, moved), strict=True))
        except FileNotFoundError as error:
            raise self._dropped() from error
        except (OSError, DamagedPageError) as error:
            raise _damaged(self.path, f"row group {number}") from error

    def _dropped(self) -> DroppedFileError:
        return DroppedFileError(f"{self.path}: was dropped")

    def _blocks(self, first: int, count: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """Blocks of its index. Raises: DamagedFileError."""
        header, start = self._head
        try:
            with self._opened() as fd:
                data = os.pread(fd, count * BLOCK_BYTES, start + first * BLOCK_BYTES)
        except FileNotFoundError as error:
            raise self._dropped() from error
        for at in range(count):
            if zlib.crc32(memoryview(data)[at * BLOCK_BYTES : (at + 1) * BLOCK_BYTES]) != header.checks[first + at]:
                raise _damaged(self.path, f"index at block {first + at}")
        return np.frombuffer(data, np.uint32)

    def holding(self, text: bytes) -> int:
        return _holding(text, self.header.words, lambda at: self._blocks(at, 1), len(self.header.groups))

    def id_starts(self) -> list[np.ndarray[Any, np.dtype[np.uint32]]]:
        header = self.header
        first = header.words // BLOCK
        starts = self._blocks(first, len(header.checks) - first)
        ends = np.cumsum([about.rows for about in self.header.groups])
        return np.split(starts[: ends[-1]], ends[:-1])

    def counted(self, field: str) -> pa.Table | None:
        return self._counts(self.header.counts.get(field))

    def stretches(self) -> pa.Table | None:
        return self._counts(self.header.stretches)

    def _counts(self, place: tuple[int, int, int] | None) -> pa.Table | None:
        if place is None:
            return None
        header, start = self._head
        try:
            with self._opened() as fd:
                data = os.pread(fd, place[1], start + len(header.checks) * BLOCK_BYTES + place[0])
        except FileNotFoundError as error:
            raise self._dropped() from error
        if zlib.crc32(data) != place[2]:
            raise _damaged(self.path, "counts")
        return pa.ipc.open_stream(data).read_all()
