"""Groups of rows in, parts and sealed segments out (soc.store.segments.files); a crash leaves each file whole or absent."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from collectors.journal.durable import write_durably
from soc.store.columns import micros
from soc.store.segments.building import ENVELOPE_COLUMNS, ID_START, MESSAGE, WHOLE, Group, Marks, Shape, Types
from soc.store.segments.fields import ARROW
from soc.store.segments.files import BLOCK_BYTES, HEAD, MAGIC, About, Header, Part, Segment
from soc.store.segments.folder import part_path, segment_path
from soc.store.segments.tally import Tally
from soc.store.segments.words import Bits, side_by_side

GROUPS = 32
"""Of a full segment."""

_ZSTD_LEVEL = 1
_PAGE_BYTES = 8 * 1024 * 1024
"""A column of a group is one page: nothing reads less of it."""


def write_part(folder: Path, group: Group, first: int, types: Types) -> Part:
    """A part of this group that answers from offset `first` on. Raises: OSError; then nothing is there."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    with pa.ipc.new_file(sink, group.table.schema, options=options) as writer:
        writer.write_table(group.table)
    data, words = sink.getvalue(), group.words.tobytes()
    header = Header(
        (about_of(group),),
        group.shapes,
        types,
        listed_marks(group.marks),
        8 * len(words),
        (zlib.crc32(words),),
        data.size,
        (data.size, zlib.crc32(data)),
    )
    part = Part(part_path(folder, first, group.last + 1), first, group.last + 1)
    write_durably(part.path, _headed(header) + words + data)
    return part


def _headed(header: Header) -> bytes:
    """The header with what stands around it, as long as blocks are."""
    text = msgspec.json.encode(header)
    head = HEAD.pack(MAGIC, len(text), zlib.crc32(text)) + text
    return head + bytes(-len(head) % BLOCK_BYTES)


def about_of(group: Group) -> About:
    rest: set[str] = set()
    shape = group.table["_shape"].to_numpy()
    for at in np.flatnonzero(np.asarray(group.table["_rest"].is_valid())):
        if shape[at] != WHOLE:
            rest.update(msgspec.msgpack.decode(group.table["_rest"][int(at)].as_py()))
    return About(
        group.table.num_rows,
        group.first,
        group.last,
        micros(group.since),
        micros(group.until),
        tuple(sorted(rest)),
        int((shape == WHOLE).sum()),
        group.conflicts,
        pc.max(group.table["event.ingested"]).cast(pa.int64()).as_py(),
    )


def listed_marks(marks: Marks) -> tuple[tuple[str, str, int], ...]:
    return tuple((source, stream, offset) for (source, stream), offset in marks.items())


class Piece(Protocol):
    """What becomes a group of a segment: a part, or what is left of groups."""

    @property
    def about(self) -> About:
        """What is known without reading."""
        ...

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """What `_shape` numbers."""
        ...

    @property
    def bits(self) -> Bits:
        """Its filter of words. Raises: DamagedFileError."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Its columns. Raises: DamagedFileError."""
        ...

    def read(self) -> pa.Table:
        """All columns. Raises: DamagedFileError."""
        ...


def seal(folder: Path, parts: Sequence[Part]) -> Segment:
    """One segment of these parts, which are then removed. Raises: OSError, DamagedFileError; then the parts are as before."""
    types: Types = {}
    marks: Marks = {}
    for part in parts:
        types |= part.header.types
        for source, stream, offset in part.header.marks:
            marks[source, stream] = max(offset, marks.get((source, stream), offset))
    first, end = parts[0].first, parts[-1].end
    segment = Segment(segment_path(folder, first, end), first, end)
    write_segment(segment, parts, types, listed_marks(marks))
    for part in parts:
        part.path.unlink(missing_ok=True)
    return segment


def write_segment(
    segment: Segment, pieces: Sequence[Piece], types: Types, marks: tuple[tuple[str, str, int], ...]
) -> None:
    """Both files of a segment of at most GROUPS pieces. Raises: OSError, DamagedFileError; then nothing is there that answers."""
    shapes: dict[Shape, int] = {}
    names = dict.fromkeys(name for piece in pieces for name in piece.names if name != ID_START)
    schema = pa.schema([(name, ENVELOPE_COLUMNS.get(name) or _arrow(name, types)) for name in names])
    sink = pa.BufferOutputStream()
    starts, tally = [], Tally()
    with pq.ParquetWriter(sink, schema, **_options(schema)) as writer:
        for piece in pieces:
            numbers = np.array([*(shapes.setdefault(shape, len(shapes)) for shape in piece.shapes), WHOLE], np.int32)
            table = piece.read()
            starts.append(table[ID_START].to_numpy())
            tally.add(table, piece.about)
            writer.write_table(_fitted(table, schema, numbers), row_group_size=piece.about.rows)
    data = sink.getvalue()
    words = side_by_side([piece.bits for piece in pieces])
    blocks = words.tobytes() + np.concatenate(starts).tobytes()
    blocks += bytes(-len(blocks) % BLOCK_BYTES)
    counts, stretches, behind = _counts(tally)
    tail = memoryview(data)[-8:]
    length = int.from_bytes(tail[:4], "little") + 8
    header = Header(
        tuple(piece.about for piece in pieces),
        tuple(shapes),
        types,
        marks,
        len(words),
        tuple(zlib.crc32(blocks[at : at + BLOCK_BYTES]) for at in range(0, len(blocks), BLOCK_BYTES)),
        data.size,
        (length, zlib.crc32(memoryview(data)[-length:])),
        counts,
        stretches,
    )
    write_durably(segment.path.with_suffix(".index"), _headed(header) + blocks + behind)
    write_durably(segment.path, data)


def _counts(tally: Tally) -> tuple[dict[str, tuple[int, int, int]], tuple[int, int, int] | None, bytes]:
    """Where the counts of each field and those by time stand, and their bytes, one behind the other."""
    behind = bytearray()

    def place(table: pa.Table) -> tuple[int, int, int]:
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table.combine_chunks())
        data = sink.getvalue()
        start = len(behind)
        behind.extend(memoryview(data))
        return start, data.size, zlib.crc32(data)

    counts = {field: place(table) for field, table in sorted(tally.values().items())}
    stretches = tally.stretches()
    return counts, None if stretches is None else place(stretches), bytes(behind)


def _arrow(name: str, types: Types) -> pa.DataType:
    return pa.string() if name == MESSAGE else ARROW[types[name]]


def _fitted(table: pa.Table, schema: pa.Schema, shapes: np.ndarray[Any, np.dtype[np.int32]]) -> pa.Table:
    """The table with every column of the schema, its shapes numbered as the segment has them."""
    columns, names = [], set(table.column_names)
    for field in schema:
        if field.name == "_shape":
            columns.append(pa.array(shapes[table["_shape"].to_numpy()]))
        elif field.name in names:
            columns.append(table[field.name])
        else:
            columns.append(pa.nulls(table.num_rows, field.type))
    return pa.table(columns, schema=schema)


def _options(schema: pa.Schema) -> dict[str, Any]:
    numbers = [field.name for field in schema if pa.types.is_integer(field.type) or pa.types.is_timestamp(field.type)]
    texts = [field.name for field in schema if pa.types.is_dictionary(field.type) or pa.types.is_list(field.type)]
    return {
        "compression": "zstd",
        "compression_level": _ZSTD_LEVEL,
        "use_dictionary": [
            f"{name}.list.element" if pa.types.is_list(schema.field(name).type) else name for name in texts
        ],
        "column_encoding": dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
        "write_statistics": False,
        "write_page_checksum": True,
        "data_page_size": _PAGE_BYTES,
        "store_schema": True,
    }
