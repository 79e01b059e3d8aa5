"""A sealed group of rows in, what the matcher reads out: columns of codes and distinct values, so that no event is made but of what fires.

Implements `soc.detect.table.Table`; rows stand in the order of the journal. Columns are read when they are asked for. What stands in no
column (`_rest`: another type, a field that few rows have, a whole event) takes its place in them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.event import ENVELOPE, Event, Value
from soc.detect.sigma.keywords import Block
from soc.detect.table import Key, Values, keys_of
from soc.store.segments.building import ENVELOPE_COLUMNS, ID_START, MESSAGE, WHOLE
from soc.store.segments.files import About, Rows
from soc.store.segments.restoring import events as restored
from soc.store.segments.view import Asked, within

_EVENT = msgspec.msgpack.Decoder(Event)
_OURS = frozenset({*ENVELOPE_COLUMNS, ID_START})
"""Columns of a group that are no fields."""
_MOST_CODES = 1 << 62

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Column:
    """`values`: each once, None first; `codes`: of each row, which of them."""

    values: NDArray[np.object_]
    codes: Codes


class SealedTable:
    """The rows of a group that happened within a span. Raises, wherever it reads: DamagedFileError, FileNotFoundError."""

    def __init__(self, rows: Rows, asked: Asked) -> None:
        self._group = _Held(rows)
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
        self._events: dict[int, Event] = {}
        self._expected: Sequence[int] = ()
        self._sharing: dict[tuple[int, ...], set[int]] = {}
        shapes = {rows.shapes[number] for number in np.unique(known["_shape"].to_numpy()).tolist() if number != WHOLE}
        names = {name for shape in shapes for name in shape}
        self._texts = sorted(names - _OURS - {MESSAGE})
        self._firsts: list[int] = []

    def __len__(self) -> int:
        return len(self._order)

    def keys(self, names: Sequence[str]) -> list[Values]:
        """The values of a few fields, row by row; rows that hold the same share a tuple."""
        columns, inverse = self._together(names, range(len(self)))
        held = list(zip(*columns, strict=True))
        return [held[at] for at in inverse]

    def values(self, names: Sequence[str], places: Sequence[int]) -> Sequence[Key | None]:
        """A key of each row."""
        columns, inverse = self._together(names, places)
        keys = keys_of(columns, max(inverse, default=-1) + 1)
        return [keys[at] for at in inverse]

    def _together(self, names: Sequence[str], places: Sequence[int]) -> tuple[list[list[Value]], list[int]]:
        """Each combination of values once, as columns, and which of them each row has."""
        self._load(names)
        columns = [self._column(name, places) for name in names]
        codes, most = np.zeros(len(places), np.int64), 1
        for column in columns:
            size = len(column.values)
            if size == 1:
                continue
            if most * size >= _MOST_CODES:
                codes, most = np.unique(codes, return_inverse=True)[1], len(places)
            codes, most = codes * size + column.codes, most * size
        _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        return [column.values[column.codes[first]].tolist() for column in columns], inverse.tolist()

    def column(self, name: str, places: Sequence[int]) -> list[Value]:
        """The values of one field in these rows."""
        column = self._column(name, places)
        found: list[Value] = column.values[column.codes].tolist()
        return found

    def _column(self, name: str, places: Sequence[int]) -> _Column:
        if name in ENVELOPE:
            self.expect(places)
            return _encoded([self.event(place).get(name) for place in places])
        self._load((name,))
        whole = self._columns[name]
        if len(places) == len(self):  # all, in order, as places never repeat
            return whole
        return _Column(whole.values, whole.codes[np.fromiter(places, np.int64, len(places))])

    def _load(self, names: Iterable[str]) -> None:
        """Read columns, together."""
        missing = [name for name in names if name not in self._columns and name not in ENVELOPE]
        if not missing:
            return
        table, there = self._fields
        for name in missing:
            column = self._absent
            if name in there:
                column = _coded(table[name], self._order)
            elif name == MESSAGE and name in (alone := self._group.rows.read([name])).column_names:
                column = _coded(alone[name], self._order)
            self._columns[name] = self._filled(name, column)

    @cached_property
    def _fields(self) -> tuple[pa.Table, frozenset[str]]:
        """The columns of all fields but the message, read at once: a read a column takes several times as long."""
        table = self._group.rows.read(self._texts)
        return table, frozenset(table.column_names)

    @cached_property
    def _absent(self) -> _Column:
        return _Column(_NOTHING, np.zeros(len(self), np.int64))

    def _filled(self, name: str, column: _Column) -> _Column:
        """The column with what stands beside it."""
        beside = self._beside.get(name)
        if beside is None:
            return column
        values = np.empty(len(column.values) + len(beside), object)
        values[: len(column.values)] = column.values
        codes = column.codes.copy()
        for at, (place, value) in enumerate(beside, len(column.values)):
            values[at] = value
            codes[place] = at
        return _Column(values, codes)

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

    def lines(self, places: Sequence[int]) -> list[bytes]:
        """The raw bytes, and what stands in no column."""
        raw, rest = self._raw, self._rest
        found = [raw[place] for place in places]
        for row, place in enumerate(places) if rest else ():
            if place in rest:
                texts = [text for value in rest[place].values() for text in _texts(value)]
                found[row] += "\0".join(["", *texts]).encode("utf-8", "surrogatepass")
        return found

    @cached_property
    def _raw(self) -> list[bytes]:
        """The raw bytes of each row, and its message where that does not stand in them."""
        table = self._group.rows.read(["_before", "_after", MESSAGE]).take(pa.array(self._order))
        before: list[bytes] = table["_before"].to_pylist()
        if MESSAGE in table.column_names:
            messages: list[str | None] = table[MESSAGE].to_pylist()
            after: list[bytes | None] = table["_after"].to_pylist()
            before = [
                head if message is None else b"%b%b%b" % (head, message.encode(), tail or b"")
                for head, message, tail in zip(before, messages, after, strict=True)
            ]
        for place, event in self._whole.items():
            before[place] = event.raw
        return before

    def words(self, places: Sequence[int]) -> Sequence[str]:
        """Nothing."""
        return [""] * len(places)

    def shared(self) -> Block:
        """Every text that a column has."""
        return self._block

    def sharing(self, numbers: Sequence[int]) -> Collection[int]:
        """The places of rows with one of `shared`."""
        key = tuple(numbers)
        found = self._sharing.get(key)
        if found is None:
            found = self._sharing[key] = set()
            at = np.array(key, np.int64)
            for name, start, end in zip(self._texts, self._firsts, [*self._firsts, len(self._block)][1:], strict=True):
                codes = at[(at >= start) & (at < end)] - start
                if len(codes):
                    column = self._column(name, range(len(self)))
                    found.update(np.flatnonzero(np.isin(column.codes, codes + 1)).tolist())
        return found

    @cached_property
    def _block(self) -> Block:
        """The texts of all columns, as they lie in memory; `_firsts` are the numbers of the first of each column."""
        table, _ = self._fields
        self._texts = table.column_names
        runs, starts, length, count = [], [np.zeros(0, np.int64)], 0, 0
        for name in self._texts:
            data, begins = self._run(name, _array(table[name]))
            runs.append(data)
            starts.append(begins + length)
            self._firsts.append(count)
            length, count = length + len(data) + 1, count + len(begins)
        return Block(b"\n".join(runs), lambda: np.concatenate(starts).tolist(), [""] * count)

    def _run(self, name: str, array: pa.Array) -> tuple[bytes, Codes]:
        """The texts of a column one after the other, and where each of its values but None begins."""
        if pa.types.is_dictionary(array.type):
            texts = array.dictionary
            if not len(texts):
                return b"", np.zeros(0, np.int64)
            _, offsets, data = texts.buffers()
            ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
            return memoryview(data)[ends[0] : ends[-1]].tobytes() if data else b"", ends[:-1] - ends[0]
        values = self._column(name, range(len(self))).values.tolist()[1:]
        written = ["\0".join(_texts(value)).encode("utf-8", "surrogatepass") for value in values]
        return b"".join(written), np.cumsum([0, *map(len, written)][:-1], dtype=np.int64)[: len(written)]

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

    @cached_property
    def _whole(self) -> dict[int, Event]:
        return {place: fields.event for place, fields in self._rest.items() if isinstance(fields, _Whole)}


class _Whole(dict[str, Value]):
    """The fields of an event that is kept whole."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.fields)
        self.event = event


class _Held:
    """A group of which all is kept once it was read whole. Implements `Rows`."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._whole: pa.Table | None = None

    @property
    def about(self) -> About:
        return self.rows.about

    @property
    def shapes(self) -> tuple[tuple[str, ...], ...]:
        return self.rows.shapes

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        if self._whole is None:
            self._whole = self.rows.read()
        return self._whole if columns is None else self._whole.select(columns)


_NOTHING = np.array([None], object)


def _rest(known: pa.Table, order: Codes) -> dict[int, Mapping[str, Value]]:
    """Place -> what of it stands in no column."""
    rest, shapes = known["_rest"], known["_shape"].to_numpy()
    beside = np.asarray(rest.is_valid())[order]
    found: dict[int, Mapping[str, Value]] = {}
    for place in np.flatnonzero(beside).tolist():
        row = int(order[place])
        packed = rest[row].as_py()
        found[place] = _Whole(_EVENT.decode(packed)) if shapes[row] == WHOLE else msgspec.msgpack.decode(packed)
    return found


def _array(column: pa.ChunkedArray) -> pa.Array:
    """A column of one group, in one piece."""
    array = column.combine_chunks()
    return array if not isinstance(array, pa.ChunkedArray) else array.chunk(0)


def _coded(column: pa.ChunkedArray, order: Codes) -> _Column:
    array = _array(column)
    if pa.types.is_list(array.type) or pa.types.is_boolean(array.type):
        return _encoded(array.take(pa.array(order)).to_pylist())
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    values = np.empty(len(array.dictionary) + 1, object)
    values[0] = None
    values[1:] = array.dictionary.to_pylist()
    codes = array.indices.cast(pa.int64()).fill_null(-1).to_numpy()
    return _Column(values, codes[order] + 1)


def _encoded(cells: Sequence[Value]) -> _Column:
    numbers: dict[Any, int] = {(None,): 0}
    codes = [
        numbers.setdefault((cell.__class__, repr(cell)) if cell is not None else (None,), len(numbers))
        for cell in cells
    ]
    values = np.empty(len(numbers), object)
    for code, cell in zip(codes, cells, strict=True):
        values[code] = cell
    return _Column(values, np.array(codes, np.int64))


def _texts(value: Value) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
