"""A search and a group of rows in, out which rows meet it: columns are looked at whole, each different value once.

What columns cannot tell (a field in `_rest`, an event that is kept whole, a comparison of no column) is asked of the values themselves, by
`soc.store.meaning`, which says what a search means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from functools import cached_property
from ipaddress import ip_address
from typing import Any as Anything

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from collectors.event import ENVELOPE, Event
from soc.store.columns import micros
from soc.store.language import All, Any, Compares, Equals, Exists, Not, Query, Text
from soc.store.matching import is_address
from soc.store.meaning import (
    TIMES,
    AsDocument,
    Test,
    holds,
    moment,
    number_of,
    value_test,
    whole_words,
)
from soc.store.segments.addresses import suspects
from soc.store.segments.building import ENVELOPE_COLUMNS, MESSAGE, NOT_ENTERED, WHOLE, original_text, searched
from soc.store.segments.files import File, Rows
from soc.store.segments.lines import Lines, Mask
from soc.store.segments.restoring import events

MOST_REMEMBERED = 100_000
"""Values of a field whose answer is remembered from one group to the next."""

_FEW = 32
"""Values whose answers are looked up in less time than native code takes to begin."""


class Look:
    """One search, made ready."""

    def __init__(self, query: Query, zone: tzinfo) -> None:
        """Raises: SocError for a value that cannot be compared."""
        self.query = query
        self.zone = zone
        self._tests: dict[Query, Test] = {}
        self._known: dict[Query, dict[str, bool]] = {}
        for leaf in leaves(query):
            if isinstance(leaf, Equals | Compares):
                self._tests[leaf] = value_test(leaf, zone)
                self._known[leaf] = {}
        self.columns = sorted({column for leaf in leaves(query) for column in _columns(leaf)})

    def groups(self, file: File) -> int:
        """The groups of a file (one bit each) that may hold what is looked for. Raises: DamagedFileError."""
        return self._possible(self.query, file)

    def _possible(self, query: Query, file: File) -> int:
        every = (1 << len(file.header.groups)) - 1
        match query:
            case All(parts):
                for part in parts:
                    every &= self._possible(part, file)
                    if not every:
                        break
                return every
            case Any(parts):
                some = 0
                for part in parts:
                    some |= self._possible(part, file)
                return some
            case Compares("@timestamp", sign, value):
                limit = micros(moment(value, self.zone))
                return sum(
                    1 << at
                    for at, about in enumerate(file.header.groups)
                    if (about.since_us <= limit if sign[0] == "<" else about.until_us >= limit)
                )
            case Text() | Equals():
                words = _entered(query)
                return file.holding(words) if words else every
            case _:
                return every

    def mask(self, seen: Seen) -> Mask:
        """Which rows meet the search. Raises: DamagedFileError, FileNotFoundError."""
        return self._mask(self.query, seen)

    def _mask(self, query: Query, seen: Seen) -> Mask:
        match query:
            case All(parts):
                found = np.ones(seen.count, np.bool_)
                for part in parts:
                    found &= self._mask(part, seen)
                    if not found.any():
                        break
                return found
            case Any(parts):
                found = np.zeros(seen.count, np.bool_)
                for part in parts:
                    found |= self._mask(part, seen)
                return found
            case Not(part):
                return ~self._mask(part, seen)
            case Text():
                found = _with_words(query, seen)
            case Exists(field):
                found = seen.there(field)
            case Equals() | Compares():
                found = self._values(query, seen)
        return self._beside(query, seen, found)

    def _values(self, leaf: Equals | Compares, seen: Seen) -> Mask:
        column = seen.column(leaf.field)
        if column is None:
            return np.zeros(seen.count, np.bool_)
        kind, test = column.type, self._tests[leaf]
        if pa.types.is_timestamp(kind):
            return self._times(leaf, column)
        if pa.types.is_dictionary(kind):
            return of_codes(column, self.answers(leaf, column.dictionary))
        if pa.types.is_list(kind):
            values = column.flatten()
            met = of_codes(values.dictionary_encode(), self.answers(leaf, values.unique()))
            found = np.zeros(seen.count, np.bool_)
            found[np.asarray(pc.list_parent_indices(column))[met]] = True
            return found
        if pa.types.is_integer(kind) and not is_address(leaf.field):
            vectorised = _of_numbers(leaf, column)
            if vectorised is not None:
                return vectorised
        coded = column.dictionary_encode()
        answers = np.array([test(value) for value in coded.dictionary.to_pylist()], np.bool_)
        return of_codes(coded, answers)

    def answers(self, leaf: Equals | Compares, values: pa.Array) -> Mask:
        """The test of each of these texts; of null, no."""
        wanted = leaf.parts[0] if isinstance(leaf, Equals) and not leaf.wild else None
        if wanted is None:
            return self._tested(leaf, values)
        if is_address(leaf.field):
            found = np.zeros(len(values), np.bool_)
            places = suspects(values, wanted)
            found[places] = self._tested(leaf, values.take(pa.array(places)))
            return found
        if len(values) > _FEW and wanted.isascii() and pc.all(pc.string_is_ascii(values)).as_py() is not False:
            return np.asarray(pc.fill_null(pc.equal(pc.ascii_lower(values), wanted.lower()), fill_value=False))
        return self._tested(leaf, values)

    def _tested(self, leaf: Query, values: pa.Array) -> Mask:
        known, test = self._known[leaf], self._tests[leaf]
        if len(known) > MOST_REMEMBERED:
            known = self._known[leaf] = {}
        found = []
        for value in values.to_pylist():
            answer = known.get(value)
            if answer is None:
                answer = known[value] = value is not None and test(value)
            found.append(answer)
        return np.array(found, np.bool_)

    def _times(self, leaf: Equals | Compares, column: pa.Array) -> Mask:
        values = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
        if isinstance(leaf, Equals):
            texts = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
            return self._answers_each(leaf, texts)
        limit = micros(moment(leaf.value, self.zone))
        compare: Callable[[Anything, int], Mask] = _COMPARE[leaf.sign]
        return compare(values, limit)

    def _answers_each(self, leaf: Equals, texts: pa.Array) -> Mask:
        coded = texts.dictionary_encode()
        return of_codes(coded, self.answers(leaf, coded.dictionary))

    def _beside(self, leaf: Text | Exists | Equals | Compares, seen: Seen, found: Mask) -> Mask:
        """With the rows that have the field in `_rest`, or are kept whole."""
        about = seen.about
        if not about.whole and leaf.field not in about.rest and not (isinstance(leaf, Text) and MESSAGE in about.rest):
            return found
        check = holds(leaf, self.zone)
        found = found.copy()
        for at, event in seen.odd(leaf.field or MESSAGE):
            found[at] = check(AsDocument(event))
        return found


class Seen:
    """Columns of one group that were read, and what was made of them."""

    def __init__(self, rows: Rows, columns: Iterable[str]) -> None:
        """Raises: DamagedFileError, FileNotFoundError."""
        self.about = rows.about
        self.count = rows.about.rows
        self._rows = rows
        wanted = [*columns, *(["_rest", "_shape"] if self.about.whole or self.about.rest else [])]
        self._table = rows.read(wanted)
        if MESSAGE in wanted and (MESSAGE not in self._table.column_names or self._table[MESSAGE].null_count):
            self._table = rows.read([*dict.fromkeys([*wanted, "_before"])])  # searched where there is no message

    def taken(self, at: NDArray[np.intp]) -> pa.Table:
        """These rows of what was read."""
        return self._table.take(pa.array(at))

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """When each event happened, in microseconds since 1970."""
        found: NDArray[np.int64] = self._table["@timestamp"].cast(pa.int64()).to_numpy()
        return found

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each event stands in the journal."""
        found: NDArray[np.int64] = self._table["_offset"].to_numpy()
        return found

    def column(self, field: str) -> pa.Array | None:
        """The column of a field, in one piece; None where the group has none. Empty texts of the envelope are no values."""
        if field in ("log.source.address", "log.source.subject"):
            return self._peer(field)
        if field in self._table.column_names and not (field in ENVELOPE_COLUMNS and field[0] == "_"):
            return self._table[field].combine_chunks()
        if field == "event.original":
            return self.original.dictionary_encode()
        if field == "event.id":
            return pa.array(
                [event.id for event in events(self._rows, range(self.count))], pa.string()
            ).dictionary_encode()
        return None

    def _peer(self, field: str) -> pa.Array:
        column = self._table["_peer"].combine_chunks()
        at = 0 if field.endswith("address") else 2
        texts = [text.partition(" ")[at] or None for text in column.dictionary.to_pylist()]
        return pa.DictionaryArray.from_arrays(column.indices, pa.array(texts, pa.string()))

    @cached_property
    def lines(self) -> Lines:
        """The text of each row that is searched by words."""
        return Lines(searched(self._table))

    @cached_property
    def original(self) -> pa.Array:
        """`event.original` of each row."""
        before = self._table["_before"].combine_chunks()
        after = self._table["_after"].combine_chunks()
        if MESSAGE not in self._table.column_names or after.null_count == len(after):
            return original_text(before)
        message = pc.if_else(after.is_valid(), self._table[MESSAGE].combine_chunks().cast(pa.binary()), None)
        return original_text(pc.binary_join_element_wise(before, message, after, b"", null_handling="skip"))

    def there(self, field: str) -> Mask:
        """Which rows have the field in its column."""
        if field in ("event.original", "event.id", *TIMES):
            return np.ones(self.count, np.bool_)
        column = self.column(field)
        if column is None:
            return np.zeros(self.count, np.bool_)
        if pa.types.is_list(column.type):
            return np.asarray(pc.fill_null(pc.greater(pc.list_value_length(column), 0), fill_value=False))
        if field in ENVELOPE and pa.types.is_dictionary(column.type):
            return of_codes(column, np.array([bool(text) for text in column.dictionary.to_pylist()], np.bool_))
        return np.asarray(column.is_valid())

    def odd(self, field: str) -> Iterator[tuple[int, Event]]:
        """Rows that have this field in `_rest`, and those that are kept whole."""
        places = _odd_places(self._table, [field]).tolist()
        return zip(places, events(self._rows, places), strict=True)


def _odd_places(table: pa.Table, fields: Sequence[str]) -> NDArray[np.intp]:
    rest = table["_rest"].combine_chunks()
    found: Mask = table["_shape"].to_numpy() == WHOLE
    whole = found.copy()
    for field in fields:
        found = found | np.asarray(pc.fill_null(pc.match_substring(rest, field.encode()), fill_value=False))
    wanted = set(fields)
    kept = [
        at for at in np.flatnonzero(found) if whole[at] or wanted & set(msgspec.msgpack.decode(rest[int(at)].as_py()))
    ]
    return np.array(kept, np.intp)


def leaves(query: Query) -> Iterator[Text | Exists | Equals | Compares]:
    """The conditions of a search."""
    match query:
        case All(parts) | Any(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield query


def _columns(leaf: Text | Exists | Equals | Compares) -> list[str]:
    field = leaf.field
    if isinstance(leaf, Text) and not field:
        return [MESSAGE]
    if field == "event.original":
        return [MESSAGE, "_before", "_after"]
    if field in ("log.source.address", "log.source.subject"):
        return ["_peer"]
    return ["_offset"] if field == "event.id" else [field]


def _entered(leaf: Text | Equals) -> bytes:
    """Words that a group must hold; none where its filter does not know them."""
    if leaf.field in NOT_ENTERED:
        return b""
    if isinstance(leaf, Equals) and is_address(leaf.field) and not leaf.wild:
        text = leaf.parts[0]
        try:
            return text.encode() if ip_address(text).version == 4 else b""
        except ValueError:
            return b"" if "/" in text else whole_words(leaf)
    return whole_words(leaf)


def _with_words(leaf: Text, seen: Seen) -> Mask:
    """Which rows hold the words in a column of text."""
    if not leaf.field:
        return seen.lines.holding(leaf)
    column = seen.original if leaf.field == "event.original" else seen.column(leaf.field)
    if column is None:
        return np.zeros(seen.count, np.bool_)
    return Lines(column).holding(leaf)


def of_codes(column: pa.DictionaryArray, answers: Mask) -> Mask:
    """The answer of each row's value; of a row without one, no."""
    codes = column.indices
    with_null = np.append(answers, False)
    filled = codes.fill_null(len(answers)) if codes.null_count else codes
    found: Mask = with_null[filled.to_numpy(zero_copy_only=False)]
    return found


_COMPARE: dict[str, Callable[[Anything, Anything], Anything]] = {
    "<": lambda values, limit: values < limit,
    "<=": lambda values, limit: values <= limit,
    ">": lambda values, limit: values > limit,
    ">=": lambda values, limit: values >= limit,
}
_ARROW_COMPARE = {"<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


def _of_numbers(leaf: Equals | Compares, column: pa.Array) -> Mask | None:
    """The rows of whole numbers that are equal or compare so; None where native code would not say the same."""
    if isinstance(leaf, Compares):
        number = number_of(leaf)
        if type(number) is not int or not -(1 << 63) <= number < 1 << 63:
            return None
        return np.asarray(pc.fill_null(_ARROW_COMPARE[leaf.sign](column, number), fill_value=False))
    if leaf.wild:
        return None
    text = leaf.parts[0]
    whole = int(text) if re.fullmatch("-?[0-9]{1,19}", text) else None
    if whole is None or str(whole) != text or not -(1 << 63) <= whole < 1 << 63:
        return np.zeros(len(column), np.bool_)
    return np.asarray(pc.fill_null(pc.equal(column, whole), fill_value=False))
