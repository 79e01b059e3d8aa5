r"""Text of `key=value` pairs in, the pairs or the event's fields out: what firewalls write.

    srcip=192.0.2.7 service="HTTPS" msg="URL \"a\" is denied" user=""

A value is a word, or anything between double quotes, in which a backslash takes the quote's meaning away; a quote that
is never closed opens a word. Text that is no pair is passed over. Linear in the text, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from collectors.event import Value
from collectors.parse import ecs

_PAIR = re.compile(r'\b(\w[\w.-]{0,63}+)=(?:"((?:[^"\\]++|\\.)*+)"|([^\s"]\S*+|))', re.ASCII | re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_NAMES_KEPT = 5_000
"""Names remembered; a stream of invented ones must not fill the memory."""
_PAIRS = 500
"""Pairs of one record that are read; no device writes half as many."""


def pairs(text: str) -> list[tuple[str, str]]:
    """The pairs of a text in their order, at most 500."""
    found = _PAIR.findall(text)
    del found[_PAIRS:]
    if "\\" in text:
        return [(name, _ESCAPE.sub(r"\1", quoted) if quoted else bare) for name, quoted, bare in found]
    return [(name, quoted or bare) for name, quoted, bare in found]


def converter(field: str) -> Callable[[str], Value] | None:
    """How text gets the type of an ECS field; None where it stays text."""
    if field in ecs.ADDRESSES:
        return ecs.ip
    if field in ecs.INTEGERS:
        return ecs.port if field.endswith(".port") else ecs.number
    return _mac if field.endswith(".mac") else None


def _mac(text: str) -> str:
    """A hardware address as ECS writes it (RFC 7042): `A2-E9-00-EC-40-01`."""
    return text.replace(":", "-").upper()


class Names(dict[str, tuple[str, Callable[[str], Value] | None]]):
    """A vendor's name -> the field that its value becomes, and how text gets that field's type.

    `known`: names that have an ECS field; "" for one that a parser reads itself. Every other name goes under `prefix`.
    """

    def __init__(self, prefix: str, known: Mapping[str, str]) -> None:
        super().__init__({name: (field, converter(field)) for name, field in known.items()})
        self._prefix = prefix
        self._limit = len(known) + _NAMES_KEPT

    def __missing__(self, name: str) -> tuple[str, Callable[[str], Value] | None]:
        field = self.own(name)
        if len(self) < self._limit:
            self[name] = field, None
        return field, None

    def own(self, name: str) -> str:
        """The field of a name under the vendor's prefix."""
        return self._prefix + (_NAME.sub("_", name).strip("_") or "_")

    def put(
        self, found: Iterable[tuple[str, str]], fields: dict[str, Value], nothing: frozenset[str] = frozenset({""})
    ) -> dict[str, str]:
        """Set the field of each pair whose value is not one of `nothing`; returns the values of those that a parser reads itself.

        What does not fit its field's type stays as text under the prefix. Of pairs that become one field the last counts.
        """
        own: dict[str, str] = {}
        for name, value in found:
            if value in nothing:
                continue
            field, convert = self[name]
            if convert is None:
                if field:
                    fields[field] = value
                else:
                    own[name] = value
            elif (typed := convert(value)) is not None:
                fields[field] = typed
            else:
                fields[self.own(name)] = value
        return own
