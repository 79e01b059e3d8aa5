"""A sealed group of rows in, what the matcher reads out: columns of codes and distinct values, so that no event is made but of what fires.

Rows stand in the order of the journal. Columns are read when they are asked for. What stands in no column (`_rest`: another type, a field
that few rows have, a whole event) takes its place in them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from collectors.event import ENVELOPE, Event, Value
from soc.detect.sigma.keywords import Block, Pieces, together
from soc.detect.table import Coded, ColumnTable, Values
from soc.store.segments.building import ENVELOPE_COLUMNS, ID_START, MESSAGE, WHOLE
from soc.store.segments.files import Rows
from soc.store.segments.restoring import events as restored
from soc.store.segments.texts import Texts, among
from soc.store.segments.view import Asked, within

_EVENT = msgspec.msgpack.Decoder(Event)
_OURS = frozenset({*ENVELOPE_COLUMNS, ID_START})
"""Columns of a group that are no fields."""
_MOST_CODES = 1 << 62

Codes = NDArray[np.int64]


class SealedTable(ColumnTable):
    """The rows of a group that happened within a span. Raises, wherever it reads: DamagedFileError, FileNotFoundError."""

    def __init__(self, rows: Rows, asked: Asked, *, together: bool = False) -> None:
        """`together`: whether all columns are read at once, for who reads a column at the price of many."""
        self._group = rows
        known = rows.read(["_offset", "@timestamp", "event.ingested", "_shape", "_rest"])
        times = known["@timestamp"].cast(pa.int64()).to_numpy()
        order = np.argsort(known["_offset"].to_numpy(), kind="stable")
        if asked.bounded and asked.cuts(rows.about):
            order = order[within(np.ones(len(order), bool), times[order], asked)]
        self._order: Codes = order
        self._counts_as = np.minimum(times, known["event.ingested"].cast(pa.int64()).to_numpy())[order]
        self._rest = _rest(known, order)
        self._beside: dict[str, list[tuple[int, Value]]] = {}
        for place, fields in self._rest.items():
            for name, value in fields.items():
                self._beside.setdefault(name, []).append((place, value))
        self._columns: dict[str, _Column] = {}
        self._places = np.arange(len(order))
        self._asked = self._rows = _NONE
        self._events: dict[int, Event] = {}
        self._expected: Sequence[int] = ()
        self._arrays: dict[str, pa.Array] = {}
        self._suspects: dict[Pieces, Codes] = {}
        shapes = {rows.shapes[number] for number in np.unique(known["_shape"].to_numpy()).tolist() if number != WHOLE}
        self._names = {name for shape in shapes for name in shape} - _OURS
        self._together = together

    def __len__(self) -> int:
        return len(self._order)

    def kinds(self, names: Sequence[str]) -> Iterable[tuple[Values, Codes]]:
        """Rows by what a few fields hold."""
        columns = [self.coded(name, self._places) for name in names]
        codes, most = np.zeros(len(self), np.int64), 1
        for column in columns:
            size = len(column.values)
            if size == 1:
                continue
            if most * size >= _MOST_CODES:
                codes, most = np.unique(codes, return_inverse=True)[1], len(self)
            codes, most = codes * size + column.codes, most * size
        _, first, counts = np.unique(codes, return_index=True, return_counts=True)
        places = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
        held = zip(*[column.values[column.codes[first]].tolist() for column in columns], strict=True)
        return zip(held, places, strict=True)

    def column(self, name: str, places: Sequence[int]) -> list[Value]:
        """The values of one field in these rows."""
        column = self.coded(name, np.asarray(places, np.int64))
        found: list[Value] = column.values[column.codes].tolist()
        return found

    def coded(self, name: str, places: Codes) -> Coded:
        """The values of one field in these rows."""
        if name in ENVELOPE:
            self.expect(places.tolist())
            return _encoded([self.event(place).get(name) for place in places.tolist()])
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = self._column(name)
        if column is _ABSENT:
            return Coded(_NOTHING, np.zeros(len(places), np.int64))
        if places is not self._asked:
            self._asked, self._rows = places, self._order[places]
        return column.of(self._rows)

    def _column(self, name: str) -> _Column:
        """A field that is none of the envelope's."""
        array = self._read(name) if name in self._names else None
        column = _ABSENT if array is None else _coded(array)
        beside = self._beside.get(name)
        return column if beside is None else column.filled(beside, self._order)

    def _read(self, name: str) -> pa.Array | None:
        """A column of the group; None where there is none of that name."""
        if name in self._arrays:
            return self._arrays[name]
        if name != MESSAGE and (self._together or "_fields" in self.__dict__):
            return self._fields.get(name)
        table = self._group.read([name])
        return _array(table.column(0)) if table.num_columns else None

    @cached_property
    def _fields(self) -> dict[str, pa.Array]:
        """The columns of all fields but the message."""
        table = self._group.read(sorted(self._names - {MESSAGE}))
        return dict(zip(table.column_names, map(_array, table.columns), strict=True))

    def cell(self, name: str, place: int) -> Value:
        """The value of one field in one row."""
        return self.column(name, (place,))[0]

    def texts(self, place: int) -> list[str]:
        """The record as received, then every text value."""
        event = self.event(place)
        found = [event.original]
        for value in event.fields.values():
            found += [value] if isinstance(value, str) else _texts(value)
        return found

    def prepare(self, names: Collection[str], words: Mapping[Pieces, Sequence[int]]) -> None:
        """Read these columns at once, and look for keywords in all their rows at once."""
        if not self._together:
            wanted = sorted(self._names.intersection(names) - self._arrays.keys())
            table = self._group.read(wanted)
            self._arrays.update(zip(table.column_names, map(_array, table.columns), strict=True))
        telling = {pieces: np.unique(places) for pieces, places in words.items() if pieces.telling}
        sharing = self._sharing(tuple(telling)) if telling else {}
        for pieces, places in telling.items():
            self._suspects[pieces] = self._suspicious(pieces, places, sharing.get(pieces, _NONE))

    def suspects(self, pieces: Pieces, places: Codes) -> Sequence[int]:
        """Which of these rows may have one of some keywords in their texts."""
        if not pieces.telling:
            return range(len(places))
        found = self._suspects.get(pieces)
        if found is None:
            found = self._suspicious(pieces, places, self._sharing((pieces,)).get(pieces, _NONE))
        return np.flatnonzero(np.isin(places, found)).tolist() if len(found) else ()

    def _suspicious(self, pieces: Pieces, places: Codes, sharing: Codes) -> Codes:
        """Those of these places, and maybe others."""
        rows = self._order[places]
        found = [sharing, places[np.isin(rows, self._raw.suspects(pieces, np.sort(rows)))]]
        if self._rest:
            found.append(np.array(list(self._rest), np.int64)[list(pieces.suspects(self._left))])
        return np.unique(np.concatenate(found))

    @cached_property
    def _raw(self) -> Texts:
        """The raw bytes of each row of the group, and its message where that does not stand in them."""
        table = self._group.read(["_before", "_after", MESSAGE] if MESSAGE in self._names else ["_before"])
        before = _array(table["_before"])
        if MESSAGE in table.column_names:
            message, after = (_array(table[name]).cast(pa.binary()).fill_null(b"") for name in (MESSAGE, "_after"))
            before = pc.binary_join_element_wise(before, message, after, b"")
        return Texts(before)

    @cached_property
    def _left(self) -> Block:
        """What stands in no column."""
        texts = [
            "\0".join(text for value in fields.values() for text in _texts(value)) for fields in self._rest.values()
        ]
        return Block([text.encode("utf-8", "surrogatepass") for text in texts], [""] * len(texts))

    def _sharing(self, many: tuple[Pieces, ...]) -> dict[Pieces, Codes]:
        """Of some keywords, places of rows that have them in a text of a column; none are left out."""
        every = together(many)
        columns = {name: _texts_in(array) for name in self._telling(every) if (array := self._read(name)) is not None}
        if not columns:
            return {}
        texts = Texts(pa.concat_arrays(columns.values()))
        ends = np.cumsum([len(array) for array in columns.values()])
        found: dict[Pieces, Codes] = {}
        some = texts.suspects(every)
        for pieces in many if len(some) else ():
            numbers = texts.suspects(pieces, some)
            of = np.searchsorted(ends, numbers, "right")
            places = [_NONE]
            for number, (name, array) in enumerate(columns.items()):
                own = numbers[of == number] - (ends[number] - len(array))
                if len(own):
                    places.append(self._holding(name, own))
            found[pieces] = np.unique(np.concatenate(places))
        return found

    def _telling(self, pieces: Pieces) -> list[str]:
        """Columns that may have some of the keywords in their texts."""
        if self._together:
            return sorted(self._names - {MESSAGE})
        texts = self._group.texts(self._names - {MESSAGE})
        run = b"".join(text or b"" for text in texts.values())
        ends = np.cumsum([len(text or b"") for text in texts.values()])
        names = list(texts)
        return [name for name, text in texts.items() if text is None] + [
            names[number] for number in np.unique(np.searchsorted(ends, among(run, pieces), "right")).tolist()
        ]

    def _holding(self, name: str, own: Codes) -> Codes:
        """Places of rows that have some of a column's texts."""
        array = self._read(name)
        assert array is not None
        if pa.types.is_list(array.type):
            rows = pc.list_parent_indices(array).to_numpy()[own]
        else:
            column = _coded(array)
            rows = np.flatnonzero(np.isin(column.of(np.arange(len(array))).codes, own + 1))
        return np.flatnonzero(np.isin(self._order, rows))

    def haystack(self, place: int) -> str:
        """All texts in one."""
        return "\0".join(self.texts(place))

    def expect(self, places: Sequence[int]) -> None:
        """Events that will be asked for are made together."""
        self._expected = places

    def event(self, place: int) -> Event:
        """The whole event, exactly as it was journalled."""
        event = self._events.get(place)
        if event is None:
            wanted = (
                [each for each in self._expected if each not in self._events] if place in self._expected else [place]
            )
            made = restored(self._group, self._order[np.array(wanted)].tolist())
            self._events.update(zip(wanted, made, strict=True))
            event = self._events[place]
        return event

    def latest(self) -> Event:
        """An event than which none is later."""
        return self.event(int(np.argmax(self._counts_as)))


@dataclass(frozen=True, slots=True)
class _Column:
    """`values`: each once, None the first; `codes`: of each row of the group, behind which of them its own stands; `valid`: whether it has
    one (default: each has)."""

    values: NDArray[np.object_]
    codes: NDArray[np.integer[Any]]
    valid: NDArray[np.uint8] | None = None

    def of(self, rows: Codes) -> Coded:
        """Of these rows."""
        codes = self.codes[rows].astype(np.int64)
        codes += 1
        if self.valid is not None:
            codes *= self.valid[rows]
        return Coded(self.values, codes)

    def filled(self, beside: Sequence[tuple[int, Value]], order: Codes) -> _Column:
        """With values of some places more."""
        values = np.empty(len(self.values) + len(beside), object)
        values[: len(self.values)] = self.values
        codes = self.of(np.arange(len(self.codes))).codes if len(self.codes) else np.zeros(order.max() + 1, np.int64)
        for at, (place, value) in enumerate(beside, len(self.values)):
            values[at] = value
            codes[order[place]] = at
        return _Column(values, codes - 1)


_NONE: Codes = np.zeros(0, np.int64)
_NOTHING = np.array([None], object)
_ABSENT = _Column(_NOTHING, _NONE)


def _rest(known: pa.Table, order: Codes) -> dict[int, Mapping[str, Value]]:
    """Place -> what of it stands in no column."""
    rest, shapes = known["_rest"], known["_shape"].to_numpy()
    beside = np.asarray(rest.is_valid())[order]
    found: dict[int, Mapping[str, Value]] = {}
    for place in np.flatnonzero(beside).tolist():
        row = int(order[place])
        packed = rest[row].as_py()
        found[place] = _EVENT.decode(packed).fields if shapes[row] == WHOLE else msgspec.msgpack.decode(packed)
    return found


def _array(column: pa.ChunkedArray) -> pa.Array:
    """A column of one group, in one piece."""
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _texts_in(array: pa.Array) -> pa.Array:
    """The texts of a column, each once or more."""
    if pa.types.is_dictionary(array.type):
        return array.dictionary
    return array.flatten() if pa.types.is_list(array.type) else pa.array([], pa.string())


def _coded(array: pa.Array) -> _Column:
    if pa.types.is_list(array.type):
        return _lists(array)
    if pa.types.is_boolean(array.type):
        found = _encoded(array.to_pylist())
        return _Column(found.values, found.codes - 1)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    values = np.empty(len(array.dictionary) + 1, object)
    values[0] = None
    values[1:] = array.dictionary.to_pylist()
    valid, codes = array.indices.buffers()
    start, end = array.offset, array.offset + len(array)
    bits = None if valid is None else np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[start:end]
    return _Column(values, np.frombuffer(codes, np.int32)[start:end], bits)


def _lists(array: pa.Array) -> _Column:
    """Lists of texts; of most columns few rows have one."""
    items, ends = array.values.to_pylist(), array.offsets.to_pylist()
    known: dict[tuple[str, ...], int] = {}
    codes = np.full(len(array), -1, np.int64)
    for row in np.flatnonzero(array.is_valid()).tolist():
        codes[row] = known.setdefault(tuple(items[ends[row] : ends[row + 1]]), len(known))
    values = np.empty(len(known) + 1, object)
    values[0] = None
    for item, code in known.items():
        values[code + 1] = list(item)
    return _Column(values, codes)


def _encoded(cells: Sequence[Value]) -> Coded:
    numbers: dict[Any, int] = {(None,): 0}
    codes = [
        numbers.setdefault((cell.__class__, repr(cell)) if cell is not None else (None,), len(numbers))
        for cell in cells
    ]
    values = np.empty(len(numbers), object)
    for code, cell in zip(codes, cells, strict=True):
        values[code] = cell
    return Coded(values, np.array(codes, np.int64))


def _texts(value: Value) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
