"""One hit of a detection rule in, what each correlation over it needs to know out: keys and values, read through the rule's own route.

Read once, when the hit comes: what waits for the watermark holds texts and numbers, never the event. A field that the event lacks puts
the hit in no group of that correlation; a list puts it in one group for each of its values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from collectors.event import Event
from collectors.event import Value as Cell
from soc.detect.correlation.groups import Key
from soc.detect.correlation.kind import Value
from soc.detect.sigma.leaf import text_of

Columns = tuple[str, ...]
Part = tuple[str, ...] | int
"""One field of a key or value of a correlation over correlations: its texts, or its place in the key of the group below."""

MAX_COMBINATIONS = 1_000
"""Keys, or values, that one hit may give to one correlation; further ones are left out."""

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,300}\s*")


@dataclass(frozen=True, slots=True)
class Feed:
    """A rule, or a correlation, that feeds a correlation. `number`: its place among all feeds; `at`: the rule's places in `rules`."""

    number: int
    correlation: int
    rule: str
    at: tuple[int, ...]


class Above(NamedTuple):
    """What a correlation over the one that may fire needs to know, were it to fire at this hit."""

    feed: Feed
    key: tuple[Part, ...]
    values: tuple[Part, ...]
    above: tuple[Above, ...]


Item = tuple[int, Feed, Key, Sequence[Value], tuple[Above, ...] | None]
"""One hit for one group of one correlation: hit, feed, key, values, and what is above; None where nothing is above and the event gives
its correlation no other item, so that it goes straight to its group. A plain tuple: there are hundreds of thousands a second."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a feed is read on one route. `numeric`: its values are numbers. `above`: the plans of correlations over it."""

    feed: Feed
    key: tuple[Columns | int, ...]
    values: tuple[Columns | int, ...]
    numeric: bool
    above: tuple[Plan, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """Hits that no group got, by number of the correlation: a group-by field or a value is absent, or is not a number."""

    ungrouped: Counter[int]
    valueless: Counter[int]
    not_numbers: Counter[int]


Reader = tuple[Feed, str, str, type | None, Callable[[Event, int, list[Item]], None]]
"""One plan, ready: feed, field of the key, field of the value, its class (None: no value is asked for), and what appends the items of an
event and a hit. Where the key is a text and the value of its class (or an int, where a text is asked for), they are the one item."""


def reader(plan: Plan, unread: Unread) -> Reader:
    """What reads hits by a plan."""
    feed, columns = plan.feed, [part for part in plan.key if isinstance(part, tuple)]
    above, read_values = plan.above, _values(plan, unread) if plan.values else None
    names = [of[0] for of in columns] if len(columns) > 1 and all(len(of) == 1 for of in columns) else []

    def read(event: Event, hit: int, items: list[Item]) -> None:
        cells = tuple(map(event.fields.get, names))
        if cells and all(cell.__class__ is str for cell in cells):
            keys: Sequence[Key] = (cells,)  # type: ignore[assignment]
        else:
            found = [texts(event, of) for of in columns]
            keys = found[0] if len(found) == 1 else list(dict.fromkeys(_product(found)))
        if not keys:
            unread.ungrouped[feed.correlation] += 1
            return
        values: Sequence[Value] = ()
        if read_values is not None:
            values = read_values(event)
            if not values:
                return
        over = tuple([_above(one, event) for one in above]) if above else None
        for key in keys:
            items.append((hit, feed, key, values, over))  # noqa: PERF401  short, and appends to what is there

    value, wanted = _single(plan.values), (int if plan.numeric else str) if plan.values else None
    column = "" if above or (wanted and not value) else _single(plan.key)
    return feed, column, value, wanted, read


def _single(parts: Sequence[Columns | int]) -> str:
    """The one event field that is read for them; "" where it is not one."""
    first = parts[0] if len(parts) == 1 else ()
    return first[0] if isinstance(first, tuple) and len(first) == 1 else ""


def together(items: list[Item]) -> list[Item]:
    """All items of one event, marked where they have to be told to their correlations together: where two are for the same correlation,
    or something is above one of them."""
    if len({item[1].correlation for item in items}) == len(items) and all(item[4] is None for item in items):
        return items
    return [(hit, feed, key, values, above or ()) for hit, feed, key, values, above in items]


def _values(plan: Plan, unread: Unread) -> Callable[[Event], Sequence[Value]]:
    columns = [part for part in plan.values if isinstance(part, tuple)]
    single = _single(columns)
    number = plan.feed.correlation

    def numbers(event: Event) -> Sequence[Value]:
        cell = event.fields.get(single)
        if cell.__class__ is int:
            return (cell,)
        cells = [cell for names in columns for cell in _cells(event, names)]
        found = [number for number in map(number_of, cells) if number is not None]
        if len(found) < len(cells):
            unread.not_numbers[number] += 1
        elif not cells:
            unread.valueless[number] += 1
        return found

    def values(event: Event) -> Sequence[Value]:
        cell = event.fields.get(single)
        if cell.__class__ is str:
            return (cell,)
        if cell.__class__ is int:
            return (str(cell),)
        found = [texts(event, names) for names in columns]
        several = found[0] if len(found) == 1 else list(dict.fromkeys(_product(found)))
        if not several:
            unread.valueless[number] += 1
        return several

    return numbers if plan.numeric else values


def _above(plan: Plan, event: Event) -> Above:
    def parts(wanted: Iterable[Columns | int]) -> tuple[Part, ...]:
        return tuple(part if isinstance(part, int) else tuple(texts(event, part)) for part in wanted)

    return Above(plan.feed, parts(plan.key), parts(plan.values), tuple(_above(one, event) for one in plan.above))


def items_above(above: Above, hit: int, key: Key, *, numeric: bool) -> list[Item]:
    """The items of a correlation over one whose group `key` has fired at a hit."""
    below = key if isinstance(key, tuple) else (key,)

    def filled(parts: Iterable[Part]) -> list[tuple[str, ...]]:
        return [(below[part],) if isinstance(part, int) else part for part in parts]

    keys: Sequence[Key] = list(dict.fromkeys(_product(filled(above.key))))
    if len(above.key) == 1:
        keys = [one[0] for one in keys]
    values: Sequence[Value] = ()
    if above.values:
        found = list(dict.fromkeys(_product(filled(above.values))))
        values = [one[0] for one in found] if len(above.values) == 1 else found
        if numeric:
            values = [number for number in map(number_of, values) if number is not None]  # type: ignore[arg-type]
        if not values:
            return []
    return [(hit, above.feed, one, values, above.above) for one in keys]


def texts(event: Event, columns: Columns) -> list[str]:
    """The values of a field as texts, each once; none where it is absent."""
    if len(columns) == 1:
        cell = event.fields.get(columns[0])
        return [cell] if cell.__class__ is str else _texts(event.get(columns[0]))
    return list(dict.fromkeys(text for name in columns for text in _texts(event.get(name))))


def _texts(cell: Cell) -> list[str]:
    if cell is None:
        return []
    if isinstance(cell, list):
        return list(dict.fromkeys(text_of(item) for item in cell if item is not None))[:MAX_COMBINATIONS]
    return [text_of(cell)]


def _cells(event: Event, columns: Columns) -> list[Cell]:
    found: list[Cell] = []
    for name in columns:
        cell = event.get(name)
        if isinstance(cell, list):
            found += cell[:MAX_COMBINATIONS]
        elif cell is not None:
            found.append(cell)
    return found


def _product(found: Iterable[Iterable[str]]) -> Iterable[tuple[str, ...]]:
    for count, one in enumerate(product(*found)):
        if count >= MAX_COMBINATIONS:
            return
        yield one


def number_of(value: Cell) -> int | float | None:
    """The number that a value is or is written as; whole numbers stay whole. What is not finite is none."""
    if value.__class__ is int:
        return value
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return int(value)
        if "_" in value:
            return None
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, float):
        return value if value - value == 0 else None
    return None
