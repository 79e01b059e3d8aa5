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
from soc.detect.sigma.literals import Literals
from soc.detect.sigma.text import Finder, wildcards

_LONG = 1_024
"""Values longer than this are not remembered: they hardly come twice."""

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
    """Patterns of one leaf, sorted by how they are looked for. Pure; asked for each distinct value.

    `known`: the answers for texts that were asked lately. `absent`: the answer for an absent field.
    """

    __slots__ = (
        "__weakref__",
        "_contains",
        "_ends",
        "_equals",
        "_gated",
        "_integers",
        "_numbers",
        "_others",
        "_remembers",
        "_starts",
        "absent",
        "known",
        "present",
    )
    __test__ = False

    def __init__(self, patterns: tuple[Pattern, ...], remembers: Callable[[int], None] | None = None) -> None:
        """`remembers` is told the length of each value of which the answer is kept; without it none is."""
        self._remembers = remembers
        self._integers: dict[int, bool] = {}  # apart from `known`: as keys, 1 and true are the same
        texts: dict[str, list[str]] = {"equals": [], "startswith": [], "endswith": [], "contains": []}
        self._gated: list[_Gated] = []
        self._others: list[Callable[[Value], bool]] = []
        self._numbers: set[int | float] = set()
        self.absent = matches_absence(patterns)
        self.present = any(p.kind == "exists" and p.value for p in patterns)
        self.known: dict[str | None, bool] = {None: self.absent}
        for pattern in patterns:
            kind = pattern.kind
            if kind in texts:
                texts[kind].append(pattern.literal)
            elif kind == "number":
                self._numbers.add(pattern.value)  # type: ignore[arg-type]
                texts["equals"].append(pattern.literal)
            elif kind == "bool":
                texts["equals"].append(pattern.literal)
            elif kind in _FINDERS:
                self._gated.append(_Gated(pattern))
            elif kind in _BUILDERS:
                self._others.append(_BUILDERS[kind](pattern))
        self._equals = frozenset(texts["equals"])
        self._starts = tuple(texts["startswith"])
        self._ends = tuple(texts["endswith"])
        self._contains = _containing(texts["contains"])

    def verdicts(self, values: list[Value]) -> list[bool]:
        """`holds` of each value."""
        try:
            found = list(map(self.known.get, values))  # type: ignore[arg-type]  # only texts and None are keys
        except TypeError:  # a list among them
            return [self.holds(value) for value in values]
        if None in found:
            for at, verdict in enumerate(found):
                if verdict is None:
                    value = values[at]
                    found[at] = self._of_integer(value) if value.__class__ is int else self.holds(value)
        return found  # type: ignore[return-value]  # every None was replaced

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

    def _of_integer(self, value: int) -> bool:
        known = self._integers.get(value)
        if known is None:
            known = self.holds(value)
            if self._remembers is not None:
                self._remembers(0)
                self._integers[value] = known
        return known

    def holds_text(self, text: str, low: str) -> bool:
        """`holds` for a value that is text, with its lower case."""
        known = self.known.get(text)
        if known is None:
            known = self._in_text(text, low) or (bool(self._others) and any(other(text) for other in self._others))
            if self._remembers is not None and len(text) <= _LONG:
                self._remembers(len(text))
                self.known[text] = known
        return known

    def age(self) -> None:
        """Forget all answers."""
        self._integers = {}
        self.known = {None: self.absent}

    def _in_text(self, text: str, low: str) -> bool:
        if (
            self.present
            or low in self._equals
            or low.endswith(self._ends)
            or low.startswith(self._starts)
            or (self._contains is not None and self._contains(low))
        ):
            return True
        for gated in self._gated:  # noqa: SIM110  `any` over a generator takes twice as long
            if gated.finds(text, low):
                return True
        return False


_FINDERS: dict[str, Callable[[Pattern], Finder]] = {
    "wildcards": lambda pattern: wildcards(pattern.parts),
    "cased": lambda pattern: wildcards(pattern.parts),
    "re": lambda pattern: expression.compiled(str(pattern.value), pattern.flags)[0],
}


class _Gated:
    """A pattern that takes a machine of its own: made and run where the text has the pattern's literal, and not before."""

    __slots__ = ("_find", "_low", "_pattern", "_runs", "_width")

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._low = pattern.kind == "wildcards"
        self._find: Finder | None = None
        self._width = 0
        self._runs: tuple[str, ...] = (pattern.literal,)

    def finds(self, text: str, low: str) -> bool:
        if len(text) < self._width:
            return False
        hay = low if self._low else haystack(low)
        for run in self._runs:
            if run not in hay and run not in low:
                return False
        if self._find is None:
            self._find = _FINDERS[self._pattern.kind](self._pattern)
            if self._pattern.kind == "re":
                self._width, self._runs = expression.needed(str(self._pattern.value), self._pattern.flags)
        return self._find(low if self._low else text)


_LONG_S = "\u017f"
"""Expressions with "i" take it for an s, `str.lower` does not: haystacks show it as an s."""


def haystack(low: str) -> str:
    """Lower-cased text in which the literal of every expression that matches it stands."""
    return low if low.isascii() else low.replace(_LONG_S, "s")


def matches_absence(patterns: tuple[Pattern, ...]) -> bool:
    """Whether one of the patterns asks for an absent field."""
    return any(pattern.kind == "null" or (pattern.kind == "exists" and not pattern.value) for pattern in patterns)


_QUICK: dict[str, Callable[[str, str], bool]] = {
    "equals": operator.eq,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}


def matching(patterns: tuple[Pattern, ...], value: Value, low: str | None = None) -> Pattern | None:
    """The first of the patterns that a single value matches (no list, not absent). `low`: of a text, its lower case."""
    is_text = isinstance(value, str)
    if low is None:
        low = value.lower() if isinstance(value, str) else ""
    for pattern in patterns:
        quick = _QUICK.get(pattern.kind) if is_text else None
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
    return Literals(literals).any


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
    compare, bound = _COMPARE[pattern.flags], number_of(pattern.value)  # beyond 64 bits it is text

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
