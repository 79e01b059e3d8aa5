"""A decoded JSON object in, flat dotted names with one typed value each out: `{"user": {"name": "an"}}` is `user.name`.

An object in a list gives its leaves as lists (`{"a": [{"b": 1}, {"b": 2}]}` is `a.b: [1, 2]`), as Elasticsearch sees
it. Null and empty objects are absent fields. A field that ECS types gets its type (`collectors.parse.ecs`); a value
that cannot have it is kept as text under `producer.<name>`, and so is what a producer says about an event's envelope
(`event.id`, `log.file.path`): that is ours to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from collectors.errors import ParseError
from collectors.event import ENVELOPE, Value
from collectors.parse.ecs import CONVERT, INT64_MAX, INT64_MIN, plain, words

MAX_DEPTH = 64
MAX_FIELDS = 5_000
"""Bounds of one object; beyond them it is refused, as a store would (Elasticsearch: 20 levels, 1,000 fields an index)."""


_NAMES_KEPT, _LONGEST_KEPT = 50_000, 200
"""Names remembered, and characters of the longest; a stream of invented ones must not fill the memory."""


_Convert = Callable[[object], Value] | None


def _known(name: str) -> tuple[str, _Convert]:
    """The field that a producer's dotted name becomes, and how its value gets the field's type (None: as it is)."""
    if name in ENVELOPE and name != "@timestamp":
        return f"producer.{name}", words
    if "" in name.split("."):  # an empty part of a name, which no store takes
        return ".".join(part or "_" for part in name.split(".")), CONVERT.get(name)
    return name, CONVERT.get(name)


class _Level(dict[str, tuple[str, _Convert]]):
    """What names mean that stand in one place of objects: objects come again and again with the same ones."""

    __slots__ = ("below", "prefix")

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix
        self.below: dict[str, _Level] = {}

    def __missing__(self, key: str) -> tuple[str, _Convert]:
        name = self.prefix + key
        known = _known(name)
        if _is_kept(name):
            self[key] = known
        return known

    def into(self, key: str) -> _Level:
        """The level of the objects under a name."""
        level = self.below.get(key)
        if level is None:
            level = _Level(f"{self.prefix}{key}.")
            if _is_kept(level.prefix):
                self.below[key] = level
        return level


_TOP = _Level("")
_kept = 0


def _is_kept(name: str) -> bool:
    """Whether one name more is remembered; at the limit all are forgotten."""
    global _kept  # noqa: PLW0603  names are the process's, as the cache is
    if len(name) > _LONGEST_KEPT:
        return False
    _kept += 1
    if _kept > _NAMES_KEPT:
        _TOP.clear()
        _TOP.below.clear()
        _kept = 1
    return True


def flatten(document: dict[str, object], *, as_text: bool = False) -> dict[str, Value]:
    """Every leaf of the object, `@timestamp` included; `as_text`: those without a type of their own as JSON writes them.

    Raises: ParseError beyond the bounds.
    """
    fields: dict[str, Value] = {}
    lists: dict[str, list[object]] = {}
    as_it_is = _text if as_text else _scalar
    try:
        _walk(document, _TOP, fields, lists, 0, as_it_is)
        for name, values in lists.items():
            kept, convert = _known(name)
            _put(kept, convert, values, name, fields, _texts if as_text else _scalars)
    except ValueError as error:
        raise ParseError("a number of more than 4,300 digits") from error
    return fields


def _walk(
    node: dict[str, object],
    level: _Level,
    fields: dict[str, Value],
    lists: dict[str, list[object]],
    depth: int,
    as_it_is: Callable[[object], Value],
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
            name, convert = level[key]
            if convert is None or convert is words:
                fields[name] = value  # type: ignore[assignment]
            else:
                _put(name, convert, value, level.prefix + key, fields, as_it_is)
        elif kind is dict:
            _walk(value, level.into(key), fields, lists, depth + 1, as_it_is, listed=listed)  # type: ignore[arg-type]  # JSON has str keys
        elif kind is list:
            _walk_list(value, level, key, fields, lists, depth + 1, as_it_is)  # type: ignore[arg-type]
        elif value is None:
            continue
        elif listed:
            lists.setdefault(level.prefix + key, []).append(value)
        else:
            name, convert = level[key]
            _put(name, convert, value, level.prefix + key, fields, as_it_is)


def _walk_list(
    values: list[object],
    level: _Level,
    key: str,
    fields: dict[str, Value],
    lists: dict[str, list[object]],
    depth: int,
    as_it_is: Callable[[object], Value],
) -> None:
    if depth > MAX_DEPTH:
        raise ParseError(f"nested deeper than {MAX_DEPTH} levels")
    for value in values:
        if type(value) is dict:
            _walk(value, level.into(key), fields, lists, depth + 1, as_it_is, listed=True)
        elif type(value) is list:
            _walk_list(value, level, key, fields, lists, depth + 1, as_it_is)
        elif value is not None:
            lists.setdefault(level.prefix + key, []).append(value)


def _put(
    kept: str, convert: _Convert, leaf: object, name: str, fields: dict[str, Value], as_it_is: Callable[[Any], Value]
) -> None:
    """One value, or one list of values, under its field's name and in its type."""
    if convert is None:
        fields[kept] = as_it_is(leaf)
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


def _text(leaf: object) -> Value:
    return plain(leaf)


def _texts(leaf: list[object]) -> Value:
    return [plain(each) for each in leaf]
