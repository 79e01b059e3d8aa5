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
from soc.store.segments.words import Bits, bits

ROWS = 8_192
"""Of a full group: what is read and looked at to answer for one row of it."""

FEW = ROWS // 1024
"""Rows of a full group that a field has to be in more of for a column of its own, which costs some 100 bytes a group."""

MOST_FIELDS = 2_000
MOST_SHAPES = 1_000
"""Remembered of a store, columns of a group; what a hostile sender invents beyond stays in `_rest`."""

TYPES = {str: "text", int: "number", float: "decimal", bool: "flag", list: "texts"}
ARROW = {
    "text": pa.dictionary(pa.int32(), pa.string()),
    "number": pa.int64(),
    "decimal": pa.float64(),
    "flag": pa.bool_(),
    "texts": pa.list_(pa.string()),
}
_PYTHON = {name: kind for kind, name in TYPES.items()}

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
    by_shape: dict[Shape, list[tuple[int, Event]]] = {}
    for row in rows:
        shape = tuple(row[1].fields)
        found = by_shape.get(shape)
        if found is not None:
            found.append(row)
        elif len(by_shape) < MOST_SHAPES:
            by_shape[shape] = [row]
        else:
            whole.append(row)
    fields = _Fields(types, len(rows) + len(whole), by_shape)
    for shape, members in by_shape.items():
        fields.add(shape, [event for _, event in members])
    ordered = [row for members in by_shape.values() for row in members] + whole
    numbers = np.repeat(np.array([*range(len(by_shape)), WHOLE], np.int32), [*map(len, by_shape.values()), len(whole)])
    columns = fields.columns(len(ordered))
    rest: list[bytes | None] = [None] * len(ordered)
    for at, left in fields.rest.items():
        rest[at] = msgspec.msgpack.encode(left)
    for at, (_, event) in enumerate(whole, len(ordered) - len(whole)):
        rest[at] = msgspec.msgpack.encode(event)
    events = Envelopes([event for _, event in ordered])
    offsets = np.array([offset for offset, _ in ordered], np.int64)
    columns |= events.columns(fields.messages(len(ordered)), len(whole))
    columns |= {"_offset": pa.array(offsets), "_shape": pa.array(numbers), "_rest": pa.array(rest, pa.binary())}
    columns[ID_START] = events.id_starts()
    kept = [event for _, event in whole]
    return _group(pa.table(columns), tuple(by_shape), fields.rest.values(), kept, events.marks(), fields.conflicts)


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


_TOGETHER = 128
"""Events whose values are gathered at once: they stay in the processor's cache."""


class _Fields:
    """The columns of fields as they fill, shape by shape."""

    def __init__(self, types: Types, rows: int, shapes: Mapping[Shape, Sequence[object]]) -> None:
        counts: dict[str, int] = {}
        for shape, members in shapes.items():
            for name in shape:
                counts[name] = counts.get(name, 0) + len(members)
        few = FEW * rows // ROWS
        self._own = {name for name, count in counts.items() if count > few and name not in _RESERVED}
        self._types = types
        types[MESSAGE] = "text"
        self._values: dict[str, list[Value]] = {}
        self._rows = 0
        self.rest: dict[int, dict[str, Value]] = {}
        self.conflicts = 0

    def add(self, shape: Shape, events: Sequence[Event]) -> None:
        """Append events that all have the fields of this shape."""
        start = self._rows
        self._rows += len(events)
        gathered: list[list[Value]] = [[] for _ in shape]
        for at in range(0, len(events), _TOGETHER):
            some = zip(*[event.fields.values() for event in events[at : at + _TOGETHER]], strict=True)
            for values, more in zip(gathered, some, strict=True):
                values.extend(more)
        for name, values in zip(shape, gathered, strict=True):
            column = self._column(name, values)
            if column is None:
                self._leave(name, start, enumerate(values))
                continue
            column += [None] * (start - len(column))
            if not _may_fit(_PYTHON[self._types[name]], values):
                self._leave_odd(name, start, values)
            column += values

    def _column(self, name: str, values: Sequence[Value]) -> list[Value] | None:
        """The list that the values of a field go to; None where they have no column."""
        if name not in self._own:
            return None
        if name not in self._types:
            kind = TYPES.get(type(values[0]))
            if kind is None or len(self._types) >= MOST_FIELDS:
                return None
            self._types[name] = kind
        return self._values.setdefault(name, [])

    def _leave_odd(self, name: str, start: int, values: list[Value], *, filled: bool = False) -> None:
        """Leave what does not fit; None stands in its place then. `filled`: None stands for no value already."""
        kind = _PYTHON[self._types[name]]
        odd = [(at, v) for at, v in enumerate(values) if not (filled and v is None) and not _fits(kind, v)]
        self.conflicts += sum(value is not None for _, value in odd)
        self._leave(name, start, odd)
        for at, _ in odd:
            values[at] = None

    def _leave(self, name: str, start: int, values: Iterable[tuple[int, Value]]) -> None:
        for at, value in values:
            self.rest.setdefault(start + at, {})[name] = value

    def messages(self, rows: int) -> list[Value]:
        """The `message` of each row, None where it has none that is a text; once there are columns."""
        return self._values.get(MESSAGE) or [None] * rows

    def columns(self, rows: int) -> dict[str, pa.Array]:
        """An array a field, null where a row has it not."""
        made = {}
        for name, values in self._values.items():
            kind = self._types[name]
            arrow = pa.string() if kind == "text" else ARROW[kind]
            values.extend([None] * (rows - len(values)))
            try:
                made[name] = pa.array(values, arrow)
            except (pa.ArrowException, OverflowError):
                self._leave_odd(name, 0, values, filled=True)
                made[name] = pa.array(values, arrow)
            if kind == "text" and name != MESSAGE:
                made[name] = made[name].dictionary_encode()
        return made


def _may_fit(kind: type, values: Sequence[Value]) -> bool:
    """Whether all values are of a type and none is null; Arrow refuses what else is no text, and whole numbers beyond 64 bits."""
    if kind is str:
        return None not in values
    if kind is list:
        return all(_fits(kind, value) for value in values)
    return set(map(type, values)) == {kind}


def _fits(kind: type, value: Value) -> bool:
    """Whether a column of a type takes a value as it is."""
    if type(value) is not kind:
        return False
    if isinstance(value, list):
        return all(type(each) is str for each in value)
    return not isinstance(value, int) or -(1 << 63) <= value < 1 << 63


NOT_ENTERED = frozenset({"@timestamp", "event.ingested", "event.id", "event.original", "log.offset", "event.index"})
"""Fields whose values are not in the filter: each is another one, and they are asked for in other ways."""


def _texts(table: pa.Table, rest: Iterable[Mapping[str, Value]], whole: Iterable[Event]) -> Iterable[bytes]:
    """All text whose words are entered, line by line: of events what is searched by words, and each value of each other field once."""
    yield from _folded(searched(table).to_pylist())
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
        yield from _folded(column.to_pylist())
        if is_address(name):
            yield b"\n".join(_mapped(column))
    for fields in rest:
        yield from (fold(_line(value)).encode() for value in fields.values())
    for event in whole:
        yield from (fold(_line(value)).encode() for value in event.document().values())


def _folded(texts: Sequence[str | None]) -> Iterable[bytes]:
    """Texts as filters have them, a line each."""
    there = [text for text in texts if text]
    yield "\n".join([text for text in there if text.isascii()]).lower().encode()
    yield fold("\n".join([text for text in there if not text.isascii()])).encode()


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
