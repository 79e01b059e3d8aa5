"""A decoded JSON object in, flat dotted names with one typed value each out: `{"user": {"name": "an"}}` is `user.name`.

An object in a list gives its leaves as lists (`{"a": [{"b": 1}, {"b": 2}]}` is `a.b: [1, 2]`), as Elasticsearch sees
it. Null and empty objects are absent fields. A field that ECS types gets its type (`collectors.parse.ecs`); a value
that cannot have it is kept as text under `producer.<name>`, and so is what a producer says about an event's envelope
(`event.id`, `log.file.path`): that is ours to say.
"""

from __future__ import annotations

from collections.abc import Callable

from collectors.errors import ParseError
from collectors.event import ENVELOPE, Value
from collectors.parse.ecs import CONVERT, INT64_MAX, INT64_MIN, plain, words

MAX_DEPTH = 64
MAX_FIELDS = 5_000
"""Bounds of one object; beyond them it is refused, as a store would (Elasticsearch: 20 levels, 1,000 fields an index)."""


_NAMES_KEPT = 50_000
"""Names remembered; a stream of invented ones must not fill the memory."""


class _Names(dict[str, tuple[str, Callable[[object], Value] | None]]):
    """A producer's dotted name -> the name that the field gets, and how its value gets the field's type (None: as it is)."""

    def __missing__(self, name: str) -> tuple[str, Callable[[object], Value] | None]:
        if len(self) >= _NAMES_KEPT:
            self.clear()
        kept, convert = name, CONVERT.get(name)
        if name in ENVELOPE and name != "@timestamp":
            kept, convert = f"producer.{name}", words
        elif "" in name.split("."):  # an empty part of a name, which no store takes
            kept = ".".join(part or "_" for part in name.split("."))
        self[name] = known = kept, convert
        return known


_FIELD = _Names()


def flatten(document: dict[str, object]) -> dict[str, Value]:
    """Every leaf of the object, `@timestamp` included. Raises: ParseError beyond the bounds."""
    fields: dict[str, Value] = {}
    lists: dict[str, list[object]] = {}
    try:
        _walk(document, "", fields, lists, 0)
        for name, values in lists.items():
            _put(name, values, fields)
    except ValueError as error:
        raise ParseError("a number of more than 4,300 digits") from error
    return fields


def _walk(
    node: dict[str, object],
    prefix: str,
    fields: dict[str, Value],
    lists: dict[str, list[object]],
    depth: int,
    *,
    listed: bool = False,
) -> None:
    """Put the scalars of an object into `fields` and its lists into `lists`; in an object that stands in a list, all are lists."""
    if depth > MAX_DEPTH:
        raise ParseError(f"nested deeper than {MAX_DEPTH} levels")
    if len(fields) + len(lists) > MAX_FIELDS:
        raise ParseError(f"more than {MAX_FIELDS:,} fields")
    for key, value in node.items():
        kind = type(value)
        if kind is str and not listed:
            name, convert = _FIELD[prefix + key]
            if convert is None or convert is words:
                fields[name] = value  # type: ignore[assignment]
            else:
                _put(prefix + key, value, fields)
        elif kind is dict:
            _walk(value, f"{prefix}{key}.", fields, lists, depth + 1, listed=listed)  # type: ignore[arg-type]  # JSON has str keys
        elif kind is list:
            _walk_list(value, prefix + key, fields, lists, depth + 1)  # type: ignore[arg-type]
        elif value is None:
            continue
        elif listed:
            lists.setdefault(prefix + key, []).append(value)
        else:
            _put(prefix + key, value, fields)


def _walk_list(
    values: list[object], name: str, fields: dict[str, Value], lists: dict[str, list[object]], depth: int
) -> None:
    if depth > MAX_DEPTH:
        raise ParseError(f"nested deeper than {MAX_DEPTH} levels")
    for value in values:
        if type(value) is dict:
            _walk(value, f"{name}.", fields, lists, depth + 1, listed=True)
        elif type(value) is list:
            _walk_list(value, name, fields, lists, depth + 1)
        elif value is not None:
            lists.setdefault(name, []).append(value)


def _put(name: str, leaf: object, fields: dict[str, Value]) -> None:
    """One value, or one list of values, under its field's name and in its type."""
    kept, convert = _FIELD[name]
    if convert is None:
        fields[kept] = _scalars(leaf) if type(leaf) is list else _scalar(leaf)
        return
    value = convert(leaf)
    if value is not None:
        fields[kept] = value
    else:
        fields[f"producer.{name}"] = words(leaf)


def _scalar(leaf: object) -> Value:
    if type(leaf) is int and not INT64_MIN <= leaf <= INT64_MAX:
        return str(leaf)
    return leaf  # type: ignore[return-value]  # text, a flag, a number: what JSON has


def _scalars(leaf: list[object]) -> Value:
    """A list of one kind: whole numbers, or text."""
    if all(type(each) is int and INT64_MIN <= each <= INT64_MAX for each in leaf):
        return leaf  # type: ignore[return-value]
    return [plain(each) for each in leaf]
