"""One detection item's field, modifiers and values in, its patterns out: for plain text, whole numbers and null, which are nearly all.

Source of truth: Sigma specification 2.1, "String Wildcard", "Escaping", `contains`, `startswith`, `endswith`, `all`. Everything else goes
through pySigma's modifier chain (.chain), which costs three times as much; tests hold that both give the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from soc.detect.sigma import text
from soc.detect.sigma.ir import ANY_ONE, ANY_RUN, Part, Pattern

_PLAIN = frozenset({"contains", "startswith", "endswith", "all"})
_OF_TEXT = _PLAIN - {"all"}
_SPECIAL = re.compile(r"\\([*?\\])|([*?])")
"""An escaped character, or a wildcard; a backslash before anything else is a backslash."""
_KINDS = {
    (False, False): "equals",
    (False, True): "startswith",
    (True, False): "endswith",
    (True, True): "contains",
}
"""Whether anything may stand before and after a literal -> the pattern's kind."""


class UnfitError(Exception):
    """A value that cannot be matched, in words; the caller knows its place."""


def plain(field: str, words: Sequence[str], values: Sequence[object]) -> list[tuple[Pattern, ...]] | None:
    """The patterns of each value, or None where a modifier or a value is not plain."""
    if not _PLAIN.issuperset(words):
        return None
    anchored = "startswith" in words or "endswith" in words
    before = "contains" in words or "endswith" in words or (not field and not anchored)
    after = "contains" in words or "startswith" in words or (not field and not anchored)
    as_text = not _OF_TEXT.isdisjoint(words)
    found: list[tuple[Pattern, ...]] = []
    for value in values:
        kind = type(value)
        if kind is str:
            found.append(_text(str(value), before=before, after=after))
        elif not field or as_text:
            return None
        elif isinstance(value, int) and kind is int and -(2**63) <= value < 2**63:
            found.append((Pattern("number", str(value), str(value), value=value),))
        elif value is None:
            found.append((Pattern("null", "null"),))
        else:
            return None
    return found


def parts(value: str) -> list[Part]:
    """A value's literals and wildcards, escapes undone."""
    found: list[Part] = []
    literal, at = "", 0
    for match in _SPECIAL.finditer(value):
        literal += value[at : match.start()] + (match[1] or "")
        at = match.end()
        if match[2]:
            if literal:
                found.append(literal)
            found.append(ANY_RUN if match[2] == "*" else ANY_ONE)
            literal = ""
    literal += value[at:]
    return [*found, literal] if literal else found


def _text(value: str, *, before: bool, after: bool) -> tuple[Pattern, ...]:
    if value and value.isascii() and "*" not in value and "?" not in value and "\\" not in value:
        return (Pattern(_KINDS[before, after], value, value.lower()),)
    around = [*([ANY_RUN] if before else []), *parts(value), *([ANY_RUN] if after else [])]
    return tuple(text.patterns(text.joined(around), value))
