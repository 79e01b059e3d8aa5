"""A search in, counts out: how many events in each stretch of time, by the values of a field, and the most frequent values of a field."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from collectors.event import Event
from soc.store.columns import micros
from soc.store.language import All
from soc.store.matching import text_of
from soc.store.meaning import AsDocument, Scalar, elements
from soc.store.segments.files import DamagedFileError, File, Rows
from soc.store.segments.lines import Mask
from soc.store.segments.looking import Look, Seen
from soc.store.segments.tally import NO_FIELD, STRETCH_US
from soc.store.segments.view import Asked, View, within

T = TypeVar("T")
U = TypeVar("U")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Values(NamedTuple):
    """The values of a field in a group: `rows[i]` has the value `names[codes[i]]`; a row with several stands there several times."""

    rows: NDArray[np.intp]
    codes: NDArray[np.intp]
    names: pa.Array


def histogram(view: View, asked: Asked, every: timedelta, field: str = "") -> dict[datetime, Counter[str]]:
    """Events of each stretch of time that has some, by its begin: a count for each of the field's values ("": none, or no field asked).

    Stretches begin at multiples of `every` since 1970. An event with several values counts under each.
    """
    width = every // _MICROSECOND
    total: Counter[tuple[int, str]] = Counter()
    sums, groups = _summed(view, asked, lambda file: _counted_stretches(file, width, field))
    for part in sums:
        total.update(part)
    for parts in _of_groups(asked, groups, lambda look, rows: _stretches(look, rows, asked, width, field), list):
        for part in parts:
            total.update(part)
    for *_, event in view.unfiled(asked):
        for name in _names(event, field) or [""]:
            total[micros(event.time) // width, name] += 1
    found: dict[datetime, Counter[str]] = {}
    for (stretch, name), count in sorted(total.items()):
        found.setdefault(_EPOCH + timedelta(microseconds=stretch * width), Counter())[name] = count
    return found


def _stretches(look: Look, rows: Rows, asked: Asked, width: int, field: str) -> Counter[tuple[int, str]]:
    """Of one group the counts by number of the stretch and value."""
    seen = Seen(rows, {*look.columns, "@timestamp", *([field] if field else [])})
    mask = _mask(look, seen, asked)
    stretches = seen.times // width
    least = int(stretches.min())
    stretches -= least
    places, codes, names = _with_none(values_of(seen, field), seen.count)
    if mask is not None:
        kept = mask[places]
        places, codes = places[kept], codes[kept]
    cells = stretches[places] * len(names) + codes
    if (int(stretches.max()) + 1) * len(names) > _DENSE:
        pairs, found = np.unique(cells, return_counts=True)
    else:
        found = np.bincount(cells)
        pairs = np.flatnonzero(found)
        found = found[pairs]
    texts = names.to_pylist()
    counts: Counter[tuple[int, str]] = Counter()
    for pair, count in zip(pairs.tolist(), found.tolist(), strict=True):
        counts[least + pair // len(texts), texts[pair % len(texts)]] += count
    return counts


_DENSE = 1 << 20
"""Cells of a table of counts that is filled; larger ones are sorted."""


def top(view: View, asked: Asked, field: str) -> Counter[str]:
    """How many events have each value of a field; an event with several counts for each, one without for none."""
    sums, groups = _summed(view, asked, lambda file: file.counted(field))
    tables = [*sums, *_of_groups(asked, groups, lambda look, rows: _counted(look, rows, asked, field), _added)]
    total: Counter[str] = Counter()
    if tables:
        summed = _added(tables)
        total.update(dict(zip(summed["value"].to_pylist(), summed["count"].to_pylist(), strict=True)))
    for *_, event in view.unfiled(asked):
        total.update(_names(event, field))
    return total


def _counted(look: Look, rows: Rows, asked: Asked, field: str) -> pa.Table:
    seen = Seen(rows, {*look.columns, field, "@timestamp"} if asked.bounded else {*look.columns, field})
    mask = _mask(look, seen, asked)
    places, codes, names = values_of(seen, field)
    counts = np.bincount(codes if mask is None else codes[mask[places]], minlength=len(names))
    some = np.flatnonzero(counts)
    return pa.table({"value": names.take(pa.array(some)), "count": counts[some]})


def _added(tables: Sequence[pa.Table]) -> pa.Table:
    """Each value once; by one thread, which costs a quarter of what several do."""
    summed = pa.concat_tables(tables).group_by("value", use_threads=False).aggregate([("count", "sum")])
    return summed.rename_columns(["value", "count"])


def _summed(view: View, asked: Asked, read: Callable[[File], T | None]) -> tuple[list[T], list[Rows]]:
    """What files say of themselves where all of one is asked for, and the groups that have to be read."""
    if asked.query != All():
        return [], view.candidates(Look(asked.query, asked.zone), asked)
    sums: list[T] = []
    groups: list[Rows] = []
    for file in view.files:
        abouts = file.header.groups
        told = None if any(asked.cuts(about) for about in abouts) else read(file)
        if told is not None:
            sums.append(told)
        else:
            groups += [rows for rows in file.groups() if asked.overlaps(rows.about)]
    return sums, groups


def _counted_stretches(file: File, width: int, field: str) -> Counter[tuple[int, str]] | None:
    """As `_stretches`, of all of a file; None where its counts do not tell."""
    table = file.stretches() if width % STRETCH_US == 0 else None
    if table is None:
        return None
    of_all = _by_stretch(table, NO_FIELD, width)
    if not field:
        return of_all
    found = _by_stretch(table, field, width)
    if not found:
        return None
    without = Counter({(stretch, ""): count for (stretch, _), count in of_all.items()})
    for (stretch, _), count in found.items():
        without[stretch, ""] -= count
    found.update(+without)
    return found


def _by_stretch(table: pa.Table, field: str, width: int) -> Counter[tuple[int, str]]:
    found: Counter[tuple[int, str]] = Counter()
    kept = table.filter(pc.equal(table["field"], field))
    for stretch, value, count in zip(*(kept[name].to_pylist() for name in ("stretch", "value", "count")), strict=True):
        found[stretch * STRETCH_US // width, value] += count
    return found


def _of_groups(
    asked: Asked, groups: Sequence[Rows], count: Callable[[Look, Rows], T], add: Callable[[list[T]], U]
) -> Iterator[U]:
    """What is counted in these groups, added up of some at a time; several threads do it, since native code does most of it."""
    look = Look(asked.query, asked.zone)

    def of_some(some: Sequence[Rows]) -> list[T]:
        found = []
        for rows in some:
            try:
                found.append(count(look, rows))
            except DamagedFileError:  # told where it was found
                continue
        return found

    def added(first: int) -> U | None:
        found = of_some(groups[first : first + _TOGETHER])
        return add(found) if found else None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from (found for found in pool.map(added, range(0, len(groups), _TOGETHER)) if found is not None)


_TOGETHER = 32
"""Groups that one thread counts: as many as a segment has, which is then opened once."""


def _mask(look: Look, seen: Seen, asked: Asked) -> Mask | None:
    """Which rows count; None for all."""
    mask = look.mask(seen) if look.columns else None
    if not asked.cuts(seen.about):
        return mask
    return within(np.ones(seen.count, np.bool_) if mask is None else mask, seen.times, asked)


def _names(event: Event, field: str) -> list[str]:
    return [text_of(value) for value in elements(AsDocument(event).get(field))] if field else []


def values_of(seen: Seen, field: str) -> Values:
    """The values of a field as text, those that stand in no column too."""
    column = seen.column(field) if field else None
    if column is None:
        found = Values(np.zeros(0, np.intp), np.zeros(0, np.intp), pa.array([], pa.string()))
    else:
        found = _of_column(column)
        if field in ("log.file.path", "soc.source"):  # an empty text of the envelope is no value
            kept = np.asarray(pc.not_equal(found.names, ""))[found.codes]
            found = Values(found.rows[kept], found.codes[kept], found.names)
    if not field or not (seen.about.whole or field in seen.about.rest):
        return found
    rows, names = [], []
    for at, event in seen.odd(field):
        for name in _names(event, field):
            rows.append(at)
            names.append(name)
    odd = np.isin(found.rows, [at for at, _ in seen.odd(field)], invert=True)
    beside = pa.array(names, pa.string()).dictionary_encode()
    return Values(
        np.concatenate([found.rows[odd], np.array(rows, np.intp)]),
        np.concatenate([found.codes[odd], np.asarray(beside.indices, np.intp) + len(found.names)]),
        pa.concat_arrays([found.names, beside.dictionary]),
    )


def _of_column(column: pa.Array) -> Values:
    rows = None
    if pa.types.is_list(column.type):
        rows, column = np.asarray(pc.list_parent_indices(column)), column.flatten()
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    there = np.flatnonzero(np.asarray(coded.is_valid()))
    codes = coded.indices.fill_null(0).to_numpy()[there]
    names = coded.dictionary
    if not pa.types.is_string(names.type):
        names = pa.array([text_of(value) for value in _plain(names)], pa.string())
    return Values(there if rows is None else rows[there], codes.astype(np.intp, copy=False), names)


def _plain(values: pa.Array) -> list[Scalar]:
    if pa.types.is_timestamp(values.type):
        values = pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")
    found: list[Scalar] = values.to_pylist()
    return found


def _with_none(values: Values, count: int) -> Values:
    """With the value "" for each row that has none."""
    without = np.ones(count, np.bool_)
    without[values.rows] = False
    rows = np.flatnonzero(without)
    if not len(rows):
        return values
    return Values(
        np.concatenate([values.rows, rows]),
        np.concatenate([values.codes, np.full(len(rows), len(values.names))]),
        pa.concat_arrays([values.names, pa.array([""], pa.string())]),
    )
