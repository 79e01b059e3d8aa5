"""Two patterns of one field in, how they stand to one another out: can one value match both, does the one make the other true?

Sound for a single value: `compatible` is False and `implies` True only where that is certain.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from math import inf

from soc.detect.sigma.ir import Pattern

_ANCHORED = frozenset({"equals", "startswith", "endswith", "contains"})
_OF_VALUES = _ANCHORED | {"wildcards", "cased", "re", "cidr", "number", "bool", "compare", "time", "field"}
"""Kinds that only a field with a value matches."""


def compatible(one: Pattern, other: Pattern) -> bool:
    """Whether one value can match both patterns."""
    absent = _wants_absence(one), _wants_absence(other)
    if any(absent):
        return all(absent) or not (_wants_value(one) or _wants_value(other))
    kinds = {one.kind, other.kind}
    if kinds <= _ANCHORED:
        return _texts_meet(one, other)
    if kinds <= {"number", "compare"}:
        return _ranges_meet(one, other)
    if kinds == {"bool"}:
        return one.value == other.value
    if kinds == {"cidr"}:
        left, right = _network(str(one.value)), _network(str(other.value))
        return left.version == right.version and left.overlaps(right)
    if kinds == {"cidr", "equals"}:
        net, text = (one, other) if one.kind == "cidr" else (other, one)
        return _within(text.literal, _network(str(net.value)))
    return True


def implies(one: Pattern, other: Pattern) -> bool:
    """Whether each value that matches the one matches the other."""
    if (one.kind, one.literal, one.parts, one.value, one.flags) == (
        other.kind, other.literal, other.parts, other.value, other.flags,
    ) and type(one.value) is type(other.value):  # fmt: skip
        return one.kind != "never"
    if other.kind == "exists" and other.value is True:
        return _wants_value(one)
    if one.kind in _ANCHORED and other.kind in _ANCHORED:
        return _text_implies(one, other)
    return False


def _wants_absence(pattern: Pattern) -> bool:
    return pattern.kind == "null" or (pattern.kind == "exists" and pattern.value is False)


def _wants_value(pattern: Pattern) -> bool:
    """`equals` of nothing is left out: an empty text is near to absence, and not every engine tells them apart."""
    if pattern.kind == "exists":
        return pattern.value is True
    return pattern.kind in _OF_VALUES and not (pattern.kind in _ANCHORED and not pattern.literal)


def _texts_meet(one: Pattern, other: Pattern) -> bool:
    a, b = one.literal, other.literal
    match one.kind, other.kind:
        case "equals", kind:
            return _fits(a, kind, b)
        case kind, "equals":
            return _fits(b, kind, a)
        case "startswith", "startswith":
            return a.startswith(b) or b.startswith(a)
        case "endswith", "endswith":
            return a.endswith(b) or b.endswith(a)
    return True


def _fits(text: str, kind: str, literal: str) -> bool:
    match kind:
        case "equals":
            return text == literal
        case "startswith":
            return text.startswith(literal)
        case "endswith":
            return text.endswith(literal)
    return literal in text


def _text_implies(one: Pattern, other: Pattern) -> bool:
    match one.kind, other.kind:
        case ("equals", kind) | (_, ("contains" as kind)):
            return _fits(one.literal, kind, other.literal)
        case ("startswith", "startswith") | ("endswith", "endswith"):
            return _fits(one.literal, one.kind, other.literal)
    return False


def _ranges_meet(one: Pattern, other: Pattern) -> bool:
    (low, low_open), (high, high_open) = (-inf, False), (inf, False)
    for pattern in (one, other):
        value = pattern.value
        if not isinstance(value, int | float):
            return True
        how = pattern.flags if pattern.kind == "compare" else "eq"
        if how in ("gt", "gte", "eq") and (value, how == "gt") > (low, low_open):
            low, low_open = value, how == "gt"
        if how in ("lt", "lte", "eq") and (-value, how == "lt") > (-high, high_open):
            high, high_open = value, how == "lt"
    return low < high or (low == high and not low_open and not high_open)


@lru_cache(1_024)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text, strict=False)


def _within(text: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(text) in network
    except ValueError:
        return False
