"""A decoded JSON object in, flat dotted names with one typed value each out: `{"user": {"name": "an"}}` is `user.name`.

An object in a list gives its leaves as lists (`{"a": [{"b": 1}, {"b": 2}]}` is `a.b: [1, 2]`), as Elasticsearch sees
it. Null and empty objects are absent fields. A field that ECS types gets its type (`collectors.parse.ecs`); a value
that cannot have it is kept as text under `producer.<name>`, and so is what a producer says about an event's envelope
(`event.id`, `log.file.path`): that is ours to say.
"""

from __future__ import annotations

from collectors.errors import ParseError
from collectors.event import ENVELOPE, Value
from collectors.parse.ecs import CONVERT, INT64_MAX, INT64_MIN, plain

MAX_DEPTH = 64
MAX_FIELDS = 5_000
"""Bounds of one object; beyond them it is refused, as a store would (Elasticsearch: 20 levels, 1,000 fields an index)."""


def flatten(document: dict[str, object]) -> dict[str, Value]:
    """Every leaf of the object, `@timestamp` included. Raises: ParseError beyond the bounds."""
    leaves: dict[str, object] = {}
    try:
        _walk(document, "", leaves, 0)
        return {kept: value for name, leaf in leaves.items() for kept, value in _typed(name, leaf)}
    except ValueError as error:
        raise ParseError("a number of more than 4,300 digits") from error


def _walk(node: dict[str, object], prefix: str, leaves: dict[str, object], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ParseError(f"nested deeper than {MAX_DEPTH} levels")
    if len(leaves) > MAX_FIELDS:
        raise ParseError(f"more than {MAX_FIELDS:,} fields")
    for key, value in node.items():
        kind = type(value)
        if kind is dict:
            _walk(value, f"{prefix}{key}.", leaves, depth + 1)  # type: ignore[arg-type]  # the JSON decoder makes str keys
        elif kind is list:
            _put_list(value, prefix + key, leaves, depth + 1)  # type: ignore[arg-type]
        elif value is not None:
            leaves[prefix + key] = value


def _put_list(values: list[object], name: str, leaves: dict[str, object], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ParseError(f"nested deeper than {MAX_DEPTH} levels")
    for value in values:
        if type(value) is dict:
            inner: dict[str, object] = {}
            _walk(value, f"{name}.", inner, depth + 1)
            for path, leaf in inner.items():
                _append(path, leaf, leaves)
        elif type(value) is list:
            _put_list(value, name, leaves, depth + 1)
        elif value is not None:
            _append(name, value, leaves)


def _append(name: str, leaf: object, leaves: dict[str, object]) -> None:
    known = leaves.get(name)
    if type(known) is not list:
        known = leaves[name] = [] if known is None else [known]
    if type(leaf) is list:
        known.extend(leaf)
    else:
        known.append(leaf)


def _typed(name: str, leaf: object) -> tuple[tuple[str, Value], ...]:
    convert = CONVERT.get(name)
    if convert is not None:
        value = convert(leaf)
        return ((name, value),) if value is not None else ((f"producer.{name}", _text(leaf)),)
    if name in ENVELOPE and name != "@timestamp":
        return ((f"producer.{name}", _text(leaf)),)
    if "" in name.split("."):  # an empty part of a name, which no store takes
        name = ".".join(part or "_" for part in name.split("."))
    return ((name, _scalars(leaf) if type(leaf) is list else _scalar(leaf)),)


def _text(leaf: object) -> Value:
    return [plain(each) for each in leaf] if type(leaf) is list else plain(leaf)


def _scalar(leaf: object) -> Value:
    if type(leaf) is int and not INT64_MIN <= leaf <= INT64_MAX:
        return str(leaf)
    return leaf  # type: ignore[return-value]  # text, a flag, a number: what JSON has


def _scalars(leaf: list[object]) -> Value:
    """A list of one kind: whole numbers, or text."""
    if all(type(each) is int and INT64_MIN <= each <= INT64_MAX for each in leaf):
        return leaf  # type: ignore[return-value]
    return [plain(each) for each in leaf]
