"""Sealed groups of rows in, what the matcher reads out: columns of codes and distinct values, so that no event is made but of what fires.

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
from soc.store.segments.dictionaries import texts_of
from soc.store.segments.files import Rows
from soc.store.segments.held import Held, codes_of
from soc.store.segments.restoring import events as restored
from soc.store.segments.texts import Texts, among
from soc.store.segments.view import Asked, within

_EVENT = msgspec.msgpack.Decoder(Event)
_OURS = frozenset({*ENVELOPE_COLUMNS, ID_START})
"""Columns of a group that are no fields."""
_MOST_CODES = 1 << 62

Codes = NDArray[np.int64]


class SealedTable(ColumnTable):
    """The rows of groups that happened within a span. Raises, wherever it reads: DamagedFileError, FileNotFoundError."""

    def __init__(self, groups: Sequence[Rows], asked: Asked, *, at_once: bool = False) -> None:
        """`groups`: in the order of the journal. `at_once`: all columns are read where one is asked for, as of a part that costs little."""
        super().__init__()
        self._groups = [Held(rows) for rows in groups]
        known = [rows.read(["_offset", "@timestamp", "event.ingested", "_shape", "_rest"]) for rows in self._groups]
        self._starts = np.cumsum([0, *(table.num_rows for table in known)])
        offsets, times, ingested = (
            np.concatenate([table[name].cast(pa.int64()).to_numpy() for table in known])
            for name in ("_offset", "@timestamp", "event.ingested")
        )
        order = np.argsort(offsets, kind="stable")
        if asked.bounded and any(asked.cuts(rows.about) for rows in groups):
            order = order[within(np.ones(len(order), bool), times[order], asked)]
        self._order: Codes = order
        self._counts_as = np.minimum(times, ingested)[order]
        self._rest = self._rests(known)
        self._beside: dict[str, list[tuple[int, Value]]] = {}
        for place, fields in self._rest.items():
            for name, value in fields.items():
                self._beside.setdefault(name, []).append((place, value))
        self._columns: dict[str, _Column] = {}
        self._texts: list[dict[str, bytes | None]] = [{} for _ in self._groups]
        """What the groups' columns have, as `Rows.texts` tells it, of `_asked_texts`."""
        self._asked_texts: set[str] = set()
        self._told: dict[str, list[Value]] = {}
        self._places = np.arange(len(order))
        self._asked = self._rows = _NONE
        self._events: dict[int, Event] = {}
        self._expected: Sequence[int] = ()
        self._suspects: dict[Pieces, Codes] = {}
        self._blocks: dict[str, tuple[Block, Codes]] = {}
        self._names: set[str] = set()
        self._fields: list[frozenset[str]] = []
        """Of each row's shape, by its number in `_shape`, the names."""
        shapes, base = [], 0
        for rows, table in zip(self._groups, known, strict=True):
            self._fields += [frozenset(shape) - _OURS for shape in rows.shapes] + [frozenset()]
            own = table["_shape"].to_numpy()
            shapes.append(np.where(own == WHOLE, len(rows.shapes), own) + base)
            base = len(self._fields)
        self._shape = np.concatenate(shapes)[order]
        for number in np.unique(self._shape).tolist():
            self._names |= self._fields[number]
        self._at_once = at_once

    def _rests(self, known: Sequence[pa.Table]) -> dict[int, Mapping[str, Value]]:
        """Place -> what of it stands in no column."""
        beside = np.concatenate([np.asarray(table["_rest"].is_valid()) for table in known])[self._order]
        found: dict[int, Mapping[str, Value]] = {}
        for place in np.flatnonzero(beside).tolist():
            group, row = self._stands(int(self._order[place]))
            packed = known[group]["_rest"][row].as_py()
            whole = known[group]["_shape"][row].as_py() == WHOLE
            found[place] = _EVENT.decode(packed).fields if whole else msgspec.msgpack.decode(packed)
        return found

    def _stands(self, row: int) -> tuple[int, int]:
        """Which group a row is of, and which row of that."""
        group = int(np.searchsorted(self._starts, row, "right")) - 1
        return group, row - int(self._starts[group])

    def __len__(self) -> int:
        return len(self._order)

    def kinds(self, names: Sequence[str]) -> Iterable[tuple[Values, Codes]]:
        """Rows by what a few fields hold."""
        self.load(names)
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
        column = _ABSENT
        if name in self._names:
            self.load([name])
            column = _coded([rows.array(name) for rows in self._groups], np.diff(self._starts).tolist())
        beside = self._beside.get(name)
        return column if beside is None else column.filled(beside, self._order)

    def load(self, names: Collection[str]) -> None:
        """Read these columns, together."""
        wanted = self._names - {MESSAGE} if self._at_once and MESSAGE not in names else self._names.intersection(names)
        for rows in self._groups:
            rows.load(sorted(wanted))

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
        """Read the dictionaries of these columns at once, and look for keywords in all their rows at once."""
        telling = {pieces: np.unique(places) for pieces, places in words.items() if pieces.telling}
        self._read_texts(self._names if telling else names)
        self.load([name for name in names if not any(name in texts for texts in self._texts)])
        if telling:
            self._look_for(telling)

    def told(self, name: str) -> list[Value] | None:
        """None and each value that a field has in a row; a list may stand there by its items."""
        if name in ENVELOPE:
            return None
        if name not in self._told:
            self._told[name] = self._values(name)
        return self._told[name]

    def _values(self, name: str) -> list[Value]:
        beside = [value for _, value in self._beside.get(name, ())]
        if name not in self._names:
            return [None, *beside]
        self._read_texts([name])
        found = [texts[name] for texts in self._texts if name in texts]
        dictionaries = [each for each in found if each is not None]
        if len(dictionaries) < max(1, len(found)) or any(rows.array(name) is not None for rows in self._groups):
            values: list[Value] = self.coded(name, self._places).values.tolist()
            return values
        return [None, *{text: None for each in dictionaries for text in texts_of(each)}, *beside]

    def _read_texts(self, names: Collection[str]) -> None:
        """Read what texts these columns have, as far as that is known without reading their rows."""
        wanted = self._names.intersection(names) - self._asked_texts - {MESSAGE}
        if wanted:
            self._asked_texts |= wanted
            if self._at_once:
                self.load(wanted)
            for rows, texts in zip(self._groups, self._texts, strict=True):
                texts.update(rows.texts(wanted))

    def suspects(self, pieces: Pieces, places: Codes) -> Sequence[int]:
        """Which of these rows may have one of some keywords in their texts."""
        if not pieces.telling:
            return range(len(places))
        if pieces not in self._suspects:
            self._look_for({pieces: places})
        found = self._suspects[pieces]
        return np.flatnonzero(_among(found, places, len(self))).tolist() if len(found) else ()

    def _look_for(self, wanted: Mapping[Pieces, Codes]) -> None:
        """Note where keywords may stand in the texts of rows: of those of the places that are given with them, none is left out."""
        sharing = self._sharing(wanted)
        raw = self._in_raw({pieces: np.sort(self._order[places]) for pieces, places in wanted.items()})
        for pieces, places in wanted.items():
            found = [*sharing.get(pieces, ()), places[_among(raw[pieces], self._order[places], int(self._starts[-1]))]]
            if self._rest:
                found.append(np.array(list(self._rest), np.int64)[list(pieces.suspects(self._left))])
            self._suspects[pieces] = np.unique(np.concatenate(found))

    def _in_raw(self, wanted: Mapping[Pieces, Codes]) -> dict[Pieces, Codes]:
        """Rows, and all of those that are given, in whose raw bytes keywords may stand; the bytes of one group are held at a time."""
        found: dict[Pieces, list[Codes]] = {pieces: [_NONE] for pieces in wanted}
        for group, start, end in zip(self._groups, self._starts[:-1], self._starts[1:], strict=True):
            own = {pieces: rows[(rows >= start) & (rows < end)] - start for pieces, rows in wanted.items()}
            if any(map(len, own.values())):
                texts = self._raw(group)
                for pieces, rows in own.items():
                    found[pieces].append(texts.suspects(pieces, rows) + start)
        return {pieces: np.concatenate(rows) for pieces, rows in found.items()}

    def _raw(self, group: Held) -> Texts:
        """The raw bytes of each row of a group, and its message where that does not stand in them."""
        table = group.apart(["_before", "_after", MESSAGE] if MESSAGE in self._names else ["_before"])
        before = table["_before"]
        if MESSAGE in table:
            message, after = (table[name].cast(pa.binary()).fill_null(b"") for name in (MESSAGE, "_after"))
            before = pc.binary_join_element_wise(before, message, after, b"")
        return Texts(before)

    @cached_property
    def _left(self) -> Block:
        """What stands in no column."""
        return _block(self._rest.values())

    def _sharing(self, wanted: Mapping[Pieces, Codes]) -> dict[Pieces, list[Codes]]:
        """Places of rows that may have some of the keywords in a text of a column: only columns that the rows have are looked at."""
        texts = self._all_texts()
        run = b"".join([text or b"" for text in texts.values()])
        ends = np.cumsum([len(text or b"") for text in texts.values()])
        told = np.unique(np.searchsorted(ends, among(run, together(tuple(wanted))), "right")).tolist()
        telling = {name for number, (name, text) in enumerate(texts.items()) if text is None or number in told}
        found: dict[Pieces, list[Codes]] = {}
        for pieces, places in wanted.items() if telling else ():
            shapes = np.unique(self._shape[places]).tolist()
            for name in sorted(telling.intersection(*[frozenset().union(*[self._fields[each] for each in shapes])])):
                text = texts[name]
                if text is None or len(among(text, pieces)):
                    found.setdefault(pieces, []).append(self._holding(name, pieces))
        return found

    def _all_texts(self) -> dict[str, bytes | None]:
        """Of each column with texts all of them, None where they are only in its rows."""
        self._read_texts(self._names)
        found: dict[str, bytes | None] = {}
        for texts in self._texts:
            for name, text in texts.items():
                before = found.get(name, b"")
                found[name] = None if text is None or before is None else before + text
        return found

    def _holding(self, name: str, pieces: Pieces) -> Codes:
        """Places of rows that may have some of the keywords in one column."""
        known = self._blocks.get(name)
        if known is None:
            column = self.coded(name, self._places)
            known = self._blocks[name] = _block([{"": value} for value in column.values.tolist()]), column.codes
        block, codes = known
        found = np.array(pieces.suspects(block), np.int64)
        return np.flatnonzero(_among(found, codes, len(block))) if len(found) else _NONE

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
            by_group: dict[int, list[tuple[int, int]]] = {}
            for each in wanted:
                group, row = self._stands(int(self._order[each]))
                by_group.setdefault(group, []).append((each, row))
            for group, members in by_group.items():
                made = restored(self._groups[group], [row for _, row in members])
                self._events.update(zip([each for each, _ in members], made, strict=True))
            event = self._events[place]
        return event

    def latest(self) -> Event:
        """An event than which none is later."""
        return self.event(int(np.argmax(self._counts_as)))


@dataclass(frozen=True, slots=True)
class _Column:
    """`values`: each once, None the first; `codes`: of each row of the group, behind which of them its own stands; `valid`: whether it has
    one."""

    values: NDArray[np.object_]
    codes: NDArray[np.integer[Any]]
    valid: NDArray[np.uint8]

    def of(self, rows: Codes) -> Coded:
        """Of these rows."""
        codes = self.codes[rows].astype(np.int64)
        codes += 1
        codes *= self.valid[rows]
        return Coded(self.values, codes)

    def filled(self, beside: Sequence[tuple[int, Value]], order: Codes) -> _Column:
        """With values of some places more."""
        values = np.empty(len(self.values) + len(beside), object)
        values[: len(self.values)] = self.values
        size = len(self.codes) or int(order.max()) + 1
        codes = self.of(np.arange(size)).codes if len(self.codes) else np.zeros(size, np.int64)
        for at, (place, value) in enumerate(beside, len(self.values)):
            values[at] = value
            codes[order[place]] = at
        return _Column(values, codes - 1, np.ones(size, np.uint8))


_NONE: Codes = np.zeros(0, np.int64)
_NOTHING = np.array([None], object)
_ABSENT = _Column(_NOTHING, _NONE, np.zeros(0, np.uint8))


def _among(some: Codes, of: Codes, size: int) -> NDArray[np.bool_]:
    """Which of the numbers, all below `size`, are among some."""
    mask = np.zeros(size, np.bool_)
    mask[some] = True
    return mask[of]


def _block(rows: Iterable[Mapping[str, Value]]) -> Block:
    """The texts of values, row by row."""
    texts = ["\0".join([text for value in fields.values() for text in _texts(value)]) for fields in rows]
    return Block([text.encode("utf-8", "surrogatepass") for text in texts], [""] * len(texts))


def _coded(arrays: Sequence[pa.Array | None], sizes: Sequence[int]) -> _Column:
    """A column of several groups; of one that has it not, its size."""
    values: list[Value] = [None]
    codes: list[NDArray[np.integer[Any]]] = []
    valid: list[NDArray[np.uint8]] = []
    for array, size in zip(arrays, sizes, strict=True):
        if array is None:
            codes.append(np.zeros(size, np.int32))
            valid.append(np.zeros(size, np.uint8))
            continue
        distinct, own, bits = _distinct(array)
        codes.append(own + np.int32(len(values) - 1))
        valid.append(bits)
        values += distinct
    held = np.empty(len(values), object)
    held[:] = values
    return _Column(held, np.concatenate(codes), np.concatenate(valid))


def _distinct(array: pa.Array) -> tuple[list[Value], NDArray[np.int32], NDArray[np.uint8]]:
    """The values of an array, which of them each row holds, and whether it holds one."""
    if pa.types.is_list(array.type):
        return _lists(array)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    return array.dictionary.to_pylist(), *codes_of(array)


def _lists(array: pa.Array) -> tuple[list[Value], NDArray[np.int32], NDArray[np.uint8]]:
    """Lists of texts: those of one length at once."""
    items = array.values.dictionary_encode()
    texts, numbers = items.dictionary.to_pylist(), items.indices.to_numpy(zero_copy_only=False)
    starts = array.offsets.to_numpy()
    valid = np.asarray(array.is_valid())
    sizes = np.where(valid, np.diff(starts), -1)
    found: list[Value] = []
    codes = np.zeros(len(array), np.int32)
    for size in np.unique(sizes[valid]).tolist():
        rows = np.flatnonzero(sizes == size)
        runs = numbers[starts[rows, None] + np.arange(size)]
        different, own = np.unique(runs, axis=0, return_inverse=True) if size else (runs[:1], np.zeros(len(rows)))
        codes[rows] = own.reshape(-1) + len(found)
        found += [[texts[number] for number in run] for run in different.tolist()]
    return found, codes, valid.astype(np.uint8)


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
