"""The port behind the hunt: a query and a span of time in, events and counts out; and how a value under the cursor becomes a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from collectors.event import Value


@dataclass(frozen=True, slots=True)
class Found:
    """`events`: documents, newest first, as many as were asked for. `bars`: how many events from each moment to the next, ascending."""

    events: Sequence[Mapping[str, Value]]
    bars: Sequence[tuple[datetime, int]]

    @property
    def total(self) -> int:
        """How many events there are altogether."""
        return sum(count for _, count in self.bars)


class Hunting(Protocol):
    """What the application implements; called as the desk is. Queries are those of `soc search`; SocError says what is wrong with one."""

    def find(self, query: str, since: datetime, until: datetime, *, events: int, bars: int) -> Found:
        """The newest so many events that meet the query, and all of them counted in at most so many stretches of time."""
        ...

    def top(self, query: str, since: datetime, until: datetime, field: str, limit: int) -> Sequence[tuple[str, int]]:
        """The most frequent values of a field among them, with how many events have them."""
        ...


def with_value(query: str, field: str, value: Value) -> str:
    """The query, narrowed to events that have this value there."""
    return _both(query, _condition(field, value))


def without_value(query: str, field: str, value: Value) -> str:
    """The query, narrowed to events that do not."""
    return _both(query, f"not {_condition(field, value)}")


def only_value(field: str, value: Value) -> str:
    """The query for all events that have this value there."""
    return _condition(field, value)


def _condition(field: str, value: Value) -> str:
    if value is None:
        return f"not {field}:*"
    values = value if isinstance(value, list) else [value]
    words = " or ".join(map(_quoted, values))
    return f"{field}:({words})" if len(values) > 1 else f"{field}:{words}"


def _quoted(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _both(query: str, condition: str) -> str:
    if not query.strip():
        return condition
    bare = f" {query.casefold()} "
    return f"({query}) and {condition}" if " or " in bare else f"{query} and {condition}"
