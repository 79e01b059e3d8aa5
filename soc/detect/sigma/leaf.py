"""The patterns of a leaf in, a `Test` out: does this value of a field match, and by which pattern?

Source of truth: Sigma specification 2.1. What it leaves open, decided here and held by tests/soc/detect/sigma/matcher_cases.yml:

- An absent field (missing, null, or an empty list) matches nothing but `null` and `exists: false`; so `not (field = x)` holds on it.
- A list matches where any of its elements does.
- A number matches a number of the same value, or text that is written the same; text patterns see a number or boolean as JSON writes it.
- lt, lte, gt, gte read text as a number where it is one. Time parts read ISO 8601 as written (no zone conversion), weeks as ISO 8601.
- `cidr` takes plain addresses; an IPv4 address written as IPv6 (::ffff:192.0.2.1) counts as IPv4.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network, ip_address, ip_network
from typing import Any

from collectors.event import Value
from soc.detect.sigma import expression
from soc.detect.sigma.ir import Pattern
from soc.detect.sigma.text import Finder, wildcards

_MANY = 24
"""Literals from which on one automaton is faster than looking for each."""

_REMEMBERED = 160
"""Characters of a value up to which a test remembers its answer."""
_ROOM = 96
"""Answers that a test remembers: some three thousand tests are asked in earnest, so 50 MB in all at worst."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
}
_TIME_PARTS: dict[str, Callable[[datetime], int]] = {
    "minute": lambda t: t.minute,
    "hour": lambda t: t.hour,
    "day": lambda t: t.day,
    "week": lambda t: t.isocalendar().week,
    "month": lambda t: t.month,
    "year": lambda t: t.year,
}


def text_of(value: Value) -> str:
    """A scalar as the text that patterns see: JSON's spelling of numbers and booleans."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
"""Not what Python reads besides: 1_000, infinity, and the digits of other scripts."""


def number_of(value: Value) -> float | int | None:
    """The number that a value is or is written as."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return None
    try:
        return int(value)
    except ValueError:  # not whole, or of thousands of digits
        return float(value)


class Test:
    """Patterns of one leaf, sorted by how they are looked for. Pure; built once, asked for each distinct value.

    `known`: the answers for texts that were asked lately. `absent`: the answer for an absent field.
    """

    __slots__ = (
        "_contains",
        "_ends",
        "_equals",
        "_finders",
        "_lower_finders",
        "_numbers",
        "_others",
        "_starts",
        "absent",
        "known",
        "present",
    )
    __test__ = False

    def __init__(self, patterns: tuple[Pattern, ...]) -> None:
        texts: dict[str, list[str]] = {"equals": [], "startswith": [], "endswith": [], "contains": []}
        self._lower_finders: list[Finder] = []
        self._finders: list[Finder] = []
        self._others: list[Callable[[Value], bool]] = []
        self._numbers: set[int | float] = set()
        self.known: dict[str, bool] = {}
        self.absent = matches_absence(patterns)
        self.present = any(p.kind == "exists" and p.value for p in patterns)
        for pattern in patterns:
            kind = pattern.kind
            if kind in texts:
                texts[kind].append(pattern.literal)
            elif kind == "number":
                self._numbers.add(pattern.value)  # type: ignore[arg-type]
                texts["equals"].append(pattern.literal)
            elif kind == "bool":
                texts["equals"].append(pattern.literal)
            elif kind == "wildcards":
                self._lower_finders.append(wildcards(pattern.parts))
            elif kind == "cased":
                self._finders.append(wildcards(pattern.parts))
            elif kind == "re":
                self._finders.append(expression.compiled(str(pattern.value), pattern.flags)[0])
            elif kind in _BUILDERS:
                self._others.append(_BUILDERS[kind](pattern))
        self._equals = frozenset(texts["equals"])
        self._starts = tuple(texts["startswith"])
        self._ends = tuple(texts["endswith"])
        self._contains = _containing(texts["contains"])

    def holds(self, value: Value) -> bool:
        """Whether the value of a field matches any of the patterns; None and an empty list are an absent field."""
        if isinstance(value, str):
            known = self.known.get(value)
            return self.holds_text(value, value.lower()) if known is None else known
        if isinstance(value, list):
            return any(self.holds(item) for item in value) if value else self.absent
        if value is None:
            return self.absent
        text = text_of(value)
        if self._numbers and not isinstance(value, bool) and value in self._numbers:
            return True
        return self._in_text(text, text.lower()) or any(other(value) for other in self._others)

    def holds_text(self, text: str, low: str) -> bool:
        """`holds` for a value that is text, with its lower case."""
        known = self.known.get(text)
        if known is None:
            known = self._in_text(text, low) or (bool(self._others) and any(other(text) for other in self._others))
            if len(text) <= _REMEMBERED:
                if len(self.known) >= _ROOM:
                    self.known.clear()
                self.known[text] = known
        return known

    def _in_text(self, text: str, low: str) -> bool:
        return (
            self.present
            or low in self._equals
            or low.endswith(self._ends)
            or low.startswith(self._starts)
            or (self._contains is not None and self._contains(low))
            or any(finds(low) for finds in self._lower_finders)
            or any(finds(text) for finds in self._finders)
        )


def matches_absence(patterns: tuple[Pattern, ...]) -> bool:
    """Whether one of the patterns asks for an absent field."""
    return any(pattern.kind == "null" or (pattern.kind == "exists" and not pattern.value) for pattern in patterns)


_QUICK: dict[str, Callable[[str, str], bool]] = {
    "equals": operator.eq,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}


def matching(patterns: tuple[Pattern, ...], value: Value) -> Pattern | None:
    """The first of the patterns that a single value matches (no list, not absent)."""
    low = value.lower() if isinstance(value, str) else ""
    for pattern in patterns:
        quick = _QUICK.get(pattern.kind) if isinstance(value, str) else None
        if quick(low, pattern.literal) if quick else _single(pattern).holds(value):
            return pattern
    return None


@lru_cache(4_096)
def _single(pattern: Pattern) -> Test:
    return Test((pattern,))


def _containing(literals: list[str]) -> Finder | None:
    if not literals:
        return None
    if len(literals) == 1:
        only = literals[0]
        return lambda low: only in low
    if len(literals) < _MANY or "" in literals:
        return lambda low: any(literal in low for literal in literals)
    import ahocorasick_rs

    find = ahocorasick_rs.AhoCorasick(
        literals, implementation=ahocorasick_rs.Implementation.ContiguousNFA
    ).find_matches_as_indexes

    def contains(low: str) -> bool:
        try:
            return bool(find(low))
        except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot hold
            return any(literal in low for literal in literals)

    return contains


@lru_cache(1 << 16)
def _address(text: str) -> tuple[int, int] | None:
    """Version and number of an address, None where the text is none; an IPv4 address in IPv6's clothes is IPv4. Addresses repeat."""
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped: IPv4Address | None = getattr(address, "ipv4_mapped", None)
    return ((mapped or address).version, int(mapped or address))


def _cidr(pattern: Pattern) -> Callable[[Value], bool]:
    network = ip_network(str(pattern.value))
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= _MAPPED_BITS:
        network = ip_network(f"{network.network_address.ipv4_mapped}/{network.prefixlen - _MAPPED_BITS}")
    first, last, version = int(network.network_address), int(network.broadcast_address), network.version

    def within(value: Value) -> bool:
        known = _address(value) if isinstance(value, str) else None
        return known is not None and known[0] == version and first <= known[1] <= last

    return within


_MAPPED_BITS = 96
"""Of ::ffff:0:0/96, where IPv6 keeps IPv4 (RFC 4291 section 2.5.5.2)."""


def _compare(pattern: Pattern) -> Callable[[Value], bool]:
    compare, bound = _COMPARE[pattern.flags], pattern.value
    bound = int(bound) if isinstance(bound, str) else bound  # beyond 64 bits, which the cache cannot hold

    def holds(value: Value) -> bool:
        number = number_of(value)
        return number is not None and compare(number, bound)

    return holds


def _time(pattern: Pattern) -> Callable[[Value], bool]:
    part, comparison = pattern.flags.split()
    read, compare, bound = _TIME_PARTS[part], _COMPARE[comparison], pattern.value

    def holds(value: Value) -> bool:
        try:
            return isinstance(value, str) and compare(read(datetime.fromisoformat(value.strip())), bound)
        except ValueError:
            return False

    return holds


_BUILDERS: dict[str, Callable[[Pattern], Callable[[Value], bool]]] = {"cidr": _cidr, "compare": _compare, "time": _time}
"""Patterns that look at the value and not at its text. "field" compares two fields: soc.detect.sigma.program."""


def same(left: Value, right: Value, flags: str) -> bool:
    """Whether two fields hold the same ("fieldref"): any element of one with any of the other; absent is the same as nothing."""
    how, _, cased = flags.partition(" ")
    compare = _QUICK[how]
    for a in left if isinstance(left, list) else [left]:
        for b in right if isinstance(right, list) else [right]:
            if a is None or b is None:
                continue
            if compare(text_of(a), text_of(b)) if cased else compare(_folded(a), _folded(b)):
                return True
    return False


def _folded(value: Value) -> str:
    return text_of(value).lower().replace("\u03c2", "\u03c3")
