"""A leaf's patterns in, a guess out: how rarely is it true? The index waits for a rule's rarest part; a bad guess costs time only."""

from __future__ import annotations

from collections.abc import Iterable

from soc.detect.sigma.ir import Pattern

_KINDS = {"cidr": 6.0, "number": 3.0, "bool": 1.0, "time": 1.5, "compare": 1.0, "never": 100.0, "field": 0.0}
_ENOUGH = 24
"""Characters from which on more do not make a text rarer."""

_COMMON = (
    "c:\\windows\\system32",
    "c:\\program files (x86)",
    "\\powershell.exe",
    "\\rundll32.exe",
    "\\svchost.exe",
    "\\cmd.exe",
    "powershell",
    "\\windows\\",
    "\\appdata\\",
    "\\users\\",
    ".exe",
    ".dll",
    "http",
)
"""Text that most hosts log all day: a literal is as telling as what is left of it without these."""

_EVERYDAY = frozenset(
    {
        "get",
        "post",
        "http",
        "https",
        "tcp",
        "udp",
        "true",
        "false",
        "success",
        "microsoft corporation",
        "system",
        "windows",
    }
)
"""Whole values that every day brings by the thousand."""


def weight(patterns: Iterable[Pattern]) -> float:
    """That of the most common pattern, for any of them makes the leaf true."""
    return min(map(_weight, patterns), default=0.0)


def _weight(pattern: Pattern) -> float:
    if pattern.kind in _KINDS:
        return _KINDS[pattern.kind]
    if pattern.kind == "equals" and pattern.literal in _EVERYDAY:
        return 0.2
    rest = pattern.literal
    for common in _COMMON:
        rest = rest.replace(common, " ")
    if pattern.kind == "re":
        return min(len(rest), _ENOUGH) / 2
    return min(len(rest), _ENOUGH) + (3.0 if pattern.kind == "equals" and rest else 0.1)
