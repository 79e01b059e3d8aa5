"""Events in, one group of rows out: an Arrow table with a column a field, losslessly, and the filter of its words.

Rows stand ordered by *shape* (the names of an event's fields, in their order), then by offset: values of one kind of event stand together,
which packs well, and a shape's column is one run. One field has one type in all of a store: that of its first value. What is of another
type, beyond 64 bits, explicitly null, a list of anything but texts, or of a field that few rows have, stays as it is in `_rest` (msgpack:
field -> value); an event that is odd in its envelope stands there whole. `conflicts` counts values that are not of their field's type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.event import ENVELOPE, Event, Value
from soc.store.matching import is_address, text_of
from soc.store.meaning import fold
from soc.store.segments.envelope import TIME, Envelopes
from soc.store.segments.fields import ARROW, TYPES, Fields
from soc.store.segments.words import Bits, bits

ROWS = 8_192
"""Of a full group: what is read and looked at to answer for one row of it."""

FEW = ROWS // 1024
"""Rows of a full group that a field has to be in more of for a column of its own, which costs some 100 bytes a group."""

MOST_SHAPES = 1_000
"""Of a group; what a hostile sender invents beyond is kept whole."""

ENVELOPE_COLUMNS = {
    "@timestamp": TIME,
    "event.ingested": TIME,
    "soc.source": ARROW["text"],
    "log.file.path": ARROW["text"],
    "log.offset": pa.int64(),
    "event.index": pa.int64(),
    "_offset": pa.int64(),
    "_stream": ARROW["text"],
    "_peer": ARROW["text"],
    "_id": pa.binary(16),
    "_before": pa.binary(),
    "_after": pa.binary(),
    "_shape": pa.int32(),
    "_rest": pa.binary(),
}
"""`_before` and `_after`: what of the raw bytes stands before and after `message`; all of it stands in `_before` where `_after` is null.
`_id`: null where it is `collectors.event.event_id`. `_shape`: number in `Group.shapes`, WHOLE where `_rest` is the event as msgpack."""

ID_START = "_id4"
"""A column of groups only: the first four bytes of the event's id, as a number."""

WHOLE = -1

MESSAGE = "message"
_RESERVED = frozenset({*ENVELOPE, *ENVELOPE_COLUMNS, ID_START})

Types = dict[str, str]
Marks = dict[tuple[str, str], int]
Shape = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are read together. `words`: filter of their texts and values. `marks`: of each source and stream, its highest offset."""

    table: pa.Table
    shapes: tuple[Shape, ...]
    words: Bits
    first: int
    last: int
    since: datetime
    until: datetime
    marks: Marks
    conflicts: int


def build(rows: Sequence[tuple[int, Event]], types: Types) -> Group:
    """The group of these events, each with its offset in the journal, ascending. `types` learns the types of fields that are new."""
    try:
        return _build(rows, [], types)
    except OverflowError:
        return _build([row for row in rows if not _odd(row[1])], [row for row in rows if _odd(row[1])], types)


def _build(rows: Sequence[tuple[int, Event]], whole: list[tuple[int, Event]], types: Types) -> Group:
    """Raises: OverflowError where the envelope of one that is not `whole` does not fit into columns."""
    by_shape = _by_shape(rows, whole)
    counts = {shape: len(members) for shape, (members, _) in by_shape.items()}
    types[MESSAGE] = "text"
    fields, offsets, ordered = Fields(types, _own(counts, len(rows) + len(whole))), list[int](), list[Event]()
    for shape, (members, values) in by_shape.items():
        fields.add(shape, values, len(members))
        places, events = zip(*members, strict=True)
        offsets += places
        ordered += events
    for offset, event in whole:
        offsets.append(offset)
        ordered.append(event)
    messages = fields.values(MESSAGE) + [None] * len(whole)
    columns = fields.columns(len(ordered), MESSAGE)
    rest: list[bytes | None] = [None] * len(ordered)
    for at, left in fields.rest.items():
        rest[at] = msgspec.msgpack.encode(left)
    kept = ordered[len(ordered) - len(whole) :]
    for at, event in enumerate(kept, len(ordered) - len(whole)):
        rest[at] = msgspec.msgpack.encode(event)
    envelopes = Envelopes(ordered)
    columns |= envelopes.columns(messages, len(whole))
    numbers = np.repeat(np.array([*range(len(by_shape)), WHOLE], np.int32), [*counts.values(), len(whole)])
    columns["_offset"] = pa.array(np.array(offsets, np.int64))
    columns |= {"_shape": pa.array(numbers), "_rest": pa.array(rest, pa.binary()), ID_START: envelopes.id_starts()}
    return _group(pa.table(columns), tuple(by_shape), fields.rest.values(), kept, envelopes.marks(), fields.conflicts)


def _by_shape(
    rows: Sequence[tuple[int, Event]], whole: list[tuple[int, Event]]
) -> dict[Shape, tuple[list[tuple[int, Event]], list[Value]]]:
    """Of each shape the rows, and all values of their fields, one row after the other; what has none of MOST_SHAPES joins `whole`."""
    by_shape: dict[Shape, tuple[list[tuple[int, Event]], list[Value]]] = {}
    for row in rows:
        held = row[1].fields
        shape = tuple(held)
        found = by_shape.get(shape)
        if found is None:
            if len(by_shape) == MOST_SHAPES:
                whole.append(row)
                continue
            found = by_shape[shape] = ([], [])
        found[0].append(row)
        found[1].extend(held.values())  # here they are in the processor's cache
    return by_shape


def _own(shapes: Mapping[Shape, int], rows: int) -> set[str]:
    """The fields that get a column where so many events have each shape: those that few of the rows have get none."""
    counts: dict[str, int] = {}
    for shape, count in shapes.items():
        for name in shape:
            counts[name] = counts.get(name, 0) + count
    few = FEW * rows // ROWS
    return {name for name, count in counts.items() if count > few and name not in _RESERVED}


def regrouped(table: pa.Table, shapes: tuple[Shape, ...], types: Types) -> Group:
    """The group of rows that stood in others; all columns are there. It has no marks: those of a segment are its own."""
    rest: list[Mapping[str, Value]] = []
    whole: list[Event] = []
    for number, left in zip(table["_shape"].to_pylist(), table["_rest"].to_pylist(), strict=True):
        if number == WHOLE:
            whole.append(msgspec.msgpack.decode(left, type=Event))
        elif left is not None:
            rest.append(msgspec.msgpack.decode(left))
    conflicts = sum(
        value is not None and TYPES.get(type(value)) != types[name]
        for fields in rest
        for name, value in fields.items()
        if name in types
    )
    return _group(table, shapes, rest, whole, {}, conflicts)


def _group(
    table: pa.Table,
    shapes: tuple[Shape, ...],
    rest: Iterable[Mapping[str, Value]],
    whole: Iterable[Event],
    marks: Marks,
    conflicts: int,
) -> Group:
    times = pc.min_max(table["@timestamp"]).as_py()
    offsets = pc.min_max(table["_offset"]).as_py()
    words = bits(_texts(table, rest, whole))
    return Group(table, shapes, words, offsets["min"], offsets["max"], times["min"], times["max"], marks, conflicts)


def _odd(event: Event) -> bool:
    """Whether its envelope does not fit into columns."""
    return not (-(1 << 63) <= event.position.offset < 1 << 63 and -(1 << 63) <= event.position.index < 1 << 63)


NOT_ENTERED = frozenset({"@timestamp", "event.ingested", "event.id", "event.original", "log.offset", "event.index"})
"""Fields whose values are not in the filter: each is another one, and they are asked for in other ways."""


def _texts(table: pa.Table, rest: Iterable[Mapping[str, Value]], whole: Iterable[Event]) -> Iterable[bytes]:
    """All text whose words are entered, line by line: of events what is searched by words, and each value of each other field once."""
    yield from _folded(searched(table))
    values = []
    for name in table.column_names:
        if name == MESSAGE or name in NOT_ENTERED or (name[0] == "_" and name != "_peer"):
            continue
        column = table[name].combine_chunks()
        kind = column.type
        if pa.types.is_list(kind):
            column = column.flatten().unique()
        elif pa.types.is_dictionary(kind):
            column = column.dictionary
        elif pa.types.is_floating(kind):
            column = pa.array([text_of(value) for value in column.drop_null().unique().to_pylist()], pa.string())
        else:
            column = column.drop_null().unique().cast(pa.string())
        values.append(column)
        if is_address(name):
            yield b"\n".join(_mapped(column))
    yield from _folded(pa.concat_arrays(values))
    for fields in rest:
        yield from (fold(_line(value)).encode() for value in fields.values())
    for event in whole:
        yield from (fold(_line(value)).encode() for value in event.document().values())


def _folded(texts: pa.StringArray) -> Iterable[bytes]:
    """Texts as filters have them, a line each; upper case of ASCII is left to them."""
    texts = texts.drop_null()
    ascii_only = pc.string_is_ascii(texts)
    if pc.all(ascii_only).as_py():
        yield _lines(texts)
        return
    yield _lines(texts.filter(ascii_only))
    yield fold("\n".join(texts.filter(pc.invert(ascii_only)).to_pylist())).encode()


def _lines(texts: pa.StringArray) -> bytes:
    """Texts one behind the other, with an end of line between them."""
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts), "\n")
    lines: bytes = joined[0].as_buffer().to_pybytes()
    return lines


def _line(value: Value) -> str:
    return "\n".join(map(text_of, value)) if isinstance(value, list) else "" if value is None else text_of(value)


def _mapped(addresses: pa.Array) -> list[bytes]:
    """Of addresses of IPv4 that are written as ones of IPv6 (::ffff:c000:207), those of IPv4, which they equal."""
    found = []
    for text in addresses.filter(pc.starts_with(addresses, "::")).to_pylist():
        try:
            mapped = getattr(ip_address(text), "ipv4_mapped", None)
        except ValueError:
            continue
        if mapped is not None:
            found.append(str(mapped).encode())
    return found


def searched(table: pa.Table) -> pa.Array:
    """Of each row the text that is searched by words; not folded."""
    if MESSAGE in table.column_names and table[MESSAGE].null_count == 0:
        return table[MESSAGE].combine_chunks()
    original = original_text(table["_before"].combine_chunks())
    return pc.coalesce(table[MESSAGE].combine_chunks(), original) if MESSAGE in table.column_names else original


def original_text(raw: pa.Array) -> pa.Array:
    """Raw bytes as `Event.original` gives them."""
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        texts = [None if value is None else value.decode("utf-8", "backslashreplace") for value in raw.to_pylist()]
        return pa.array(texts, pa.string())
