"""A decoded JSON object in, the fields of the shape that its keys tell out: `Shape`, one kind of object that a producer writes.

Cloud services, clusters and devices write JSON of their own making, which reaches us by file, HTTP, Kafka or syslog alike. What an object
is, its keys at the top say (collectors.parse.shaped). A shape lives in `collectors/parse/shapes/`, in its module's constant `SHAPES`;
putting the module there is all it takes.

Every leaf of the object stays under its own name, as text, for that is where rules look (`eventName`, `requestParameters.userName`): what
one call writes as a number another writes as text, and no store takes both. Beside it stand ECS fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import CONVERT, ip, plain
from collectors.parse.flat import flatten
from collectors.parse.format import Gives, Parsed

Document = dict[str, object]

_COPIES_KEPT, _LONGEST_KEPT = 500, 10_000
"""The same of all names of an object, of which a stream has fewer, and characters of the longest."""
_UTC = ZoneInfo("UTC")
_PAIRS = 500
"""Named values of one list that are read."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of object. `keys`: names at its top, with blanks between them, all of which it has. `fits`: what its values must say.

    `read`: what it tells; None of an envelope that holds nothing. Raises: ParseError; ValueError as `ecs.plain`. `gives`: its datasets;
    most shapes give the object's own names too.
    """

    keys: str
    read: Callable[[Document], Parsed | None]
    gives: tuple[Gives, ...] = ()
    fits: Callable[[Document], bool] = lambda _: True


def originals(document: Document) -> dict[str, Value]:
    """Every leaf under its own name, as text. Raises: ParseError, ValueError as `flatten`."""
    return flatten(document, as_text=True)


_Step = tuple[str, str, Callable[[object], Value] | None]


class Copies(dict[tuple[str, ...], tuple[_Step, ...]]):
    """Which of an object's own fields are also ECS fields: `{"eventName": "event.action"}`; of several for one field the first counts.

    It remembers, for the fields of an object in their order, which of its names are among them.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self._steps: tuple[_Step, ...] = tuple((name, field, CONVERT.get(field)) for name, field in names.items())

    def __missing__(self, held: tuple[str, ...]) -> tuple[_Step, ...]:
        found = tuple(step for step in self._steps if step[0] in held)
        if sum(map(len, held)) < _LONGEST_KEPT:
            if len(self) >= _COPIES_KEPT:
                self.clear()
            self[held] = found
        return found

    def put(self, fields: dict[str, Value]) -> None:
        """Set the ECS fields; a value that cannot have its field's type stays under its own name only."""
        for name, field, convert in self[tuple(fields)]:
            value = fields[name]
            if value is not None and value != "" and field not in fields:
                typed = value if convert is None else convert(value)
                if typed is not None:
                    fields[field] = typed


def put_whole(fields: dict[str, Value], document: Document, *names: str) -> None:
    """Set objects and lists also as the text that they are as JSON, quotes within texts without their backslash: rules look into it."""
    for name in names:
        first, _, below = name.partition(".")
        node = document.get(first)
        while below and node is not None:
            first, _, below = below.partition(".")
            node = node.get(first) if isinstance(node, dict) else None
        if isinstance(node, dict | list):
            fields[name] = msgspec.json.encode(node).decode().replace('\\"', '"')


def put_named(fields: dict[str, Value], prefix: str, values: object, name_key: str, value_key: str) -> None:
    """Set the values of a list of `{"Name": "ForwardTo", "Value": "x"}` under `<prefix>.<name>`, as text."""
    for each in values[:_PAIRS] if isinstance(values, list) else ():
        if isinstance(each, dict):
            name, value = each.get(name_key), each.get(value_key)
            if isinstance(name, str) and name.replace(".", "") and isinstance(value, str | int | float | bool):
                fields[f"{prefix}.{name.replace('.', '_')}"] = plain(value)


def put_address(fields: dict[str, Value], end: str, value: Value) -> None:
    """Set `<end>.ip` where the text is an address, else `<end>.domain`; a port behind it ("192.0.2.7:443", "[2001:db8::1]:443") goes."""
    text = value[0] if isinstance(value, list) and value else value
    if not isinstance(text, str) or not text:
        return
    address = ip(text) or ip(text[1:].partition("]")[0] if text[0] == "[" else text.rpartition(":")[0])
    fields[f"{end}.ip" if address else f"{end}.domain"] = address or text


def put_account(fields: dict[str, Value], value: Value) -> None:
    """Set `user.name`, and of an account that is written as an address (`an.nv@tinh.example`) also `user.domain` and `user.email`."""
    if not isinstance(value, str) or not value:
        return
    name, at, domain = value.partition("@")
    fields["user.name"] = name or value
    if at and name and domain:
        fields["user.domain"], fields["user.email"] = domain, value


def moment(fields: Mapping[str, Value], *names: str) -> datetime | None:
    """The first of these fields that is there, read as ISO 8601; without a zone it is UTC, as services write it. Raises: ParseError."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return timestamp.iso(value, _UTC)
    return None


def objects(value: object) -> Iterator[Document]:
    """The objects of a list, or the object itself."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            yield each
