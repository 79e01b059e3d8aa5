"""A regular expression of a rule in, one of Lucene's that matches the same whole values out, as a keyword field that folds case holds them.

Source of truth: Sigma specification 2.1, "re" (found anywhere in the value); Elasticsearch reference, "Regular expression syntax" (matches
the whole value; no anchors, no look-around, no classes such as \\d in every version; `.` is any character).
"""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]  # as in .expression
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

_CLASSES = {
    sre.CATEGORY_DIGIT: "0-9",
    sre.CATEGORY_SPACE: " \t\n\r\f\v",
    sre.CATEGORY_WORD: "a-z0-9_",
}
_OUTSIDE = {
    sre.CATEGORY_NOT_DIGIT: sre.CATEGORY_DIGIT,
    sre.CATEGORY_NOT_SPACE: sre.CATEGORY_SPACE,
    sre.CATEGORY_NOT_WORD: sre.CATEGORY_WORD,
}
_ANYTHING = "(.|\n)*"
_EDGES = {sre.AT_BEGINNING, sre.AT_BEGINNING_STRING, sre.AT_END, sre.AT_END_STRING}
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
_MANY = 60
"""Repetitions in all behind something that may stand anywhere: each doubles the states at worst, and Lucene stops at 10,000."""

_MAX_REPEAT = 1_000
"""Lucene's own bound of `{n,m}`."""


class NoLuceneExpressionError(Exception):
    """The expression uses what Lucene's have not; the message says what."""


CASE = "the index folds case, the rule tells it apart"
LARGE = "Lucene may find the expression too large, and then finds nothing"


def lucene(expression: str, flags: str) -> tuple[str, tuple[str, ...]]:
    """The expression, lower case, and why it may find more or less than it should. Raises: NoLuceneExpressionError."""
    value = 0
    for flag in flags:
        value |= _FLAGS[flag]
    try:
        parsed = sre_parser.parse(expression, value)
    except (re.error, RecursionError, OverflowError) as error:
        raise NoLuceneExpressionError(str(error)) from error
    flags = "".join(name for name, bit in _FLAGS.items() if parsed.state.flags & bit)
    if "m" in flags:
        raise NoLuceneExpressionError("anchors of lines")
    writer = _Writer(dot_is_all="s" in flags)
    branches = _branches(list(parsed))
    text = "|".join(_whole(branch, writer) for branch in branches)
    reasons = {CASE: writer.letters and "i" not in flags, LARGE: writer.large}
    return (f"({text})" if len(branches) > 1 else text), tuple(reason for reason, holds in reasons.items() if holds)


def _branches(items: list[Any]) -> list[list[Any]]:
    """The alternatives of an expression at its top, each of which has its own anchors: `(^|/)x` is `^x` or `/x`."""
    for at in dict.fromkeys((0, len(items) - 1)) if items else ():
        operation, argument = items[at]
        if operation is sre.BRANCH:
            parts = argument[1]
        elif operation is sre.SUBPATTERN and not argument[2] and _anchored(argument[3]):
            parts = [argument[3]]
        else:
            continue
        if len(items) == 1 or any(_anchored(part) for part in parts):
            made = [[*items[:at], *part, *items[at + 1 :]] for part in parts]
            return [branch for each in made for branch in _branches(each)]
    return [items]


def _anchored(items: Any) -> bool:
    """Whether an anchor of the whole value stands at an edge of a part."""
    for operation, argument in items:
        if operation is sre.AT and argument in _EDGES:
            return True
        if operation is sre.BRANCH and any(_anchored(part) for part in argument[1]):
            return True
        if operation is sre.SUBPATTERN and _anchored(argument[3]):
            return True
    return False


def _whole(items: list[Any], writer: _Writer) -> str:
    begins = bool(items) and items[0][0] is sre.AT and items[0][1] in _EDGES - {sre.AT_END, sre.AT_END_STRING}
    ends = bool(items) and items[-1][0] is sre.AT and items[-1][1] in (sre.AT_END, sre.AT_END_STRING)
    inner = writer.text(items[begins : len(items) - ends])
    return f"{'' if begins else _ANYTHING}{inner}{'' if ends else _ANYTHING}"


class _Writer:
    """Writes parts. `letters`: whether any of them tells upper from lower case."""

    def __init__(self, *, dot_is_all: bool) -> None:
        self._dot = "(.|\n)" if dot_is_all else "[^\n]"
        self.letters = False
        self._nested = False
        self._repetitions = 0
        self._depth = 0

    @property
    def large(self) -> bool:
        """Whether it takes many states to follow."""
        return self._nested or self._repetitions > _MANY

    def text(self, items: Any) -> str:
        return "".join(self._one(operation, argument) for operation, argument in items)

    def _one(self, operation: Any, argument: Any) -> str:
        if operation is sre.LITERAL:
            return self._literal(argument)
        if operation is sre.NOT_LITERAL:
            return f"[^{self._member(argument)}]"
        if operation is sre.ANY:
            return self._dot
        if operation is sre.IN:
            return self._set(argument)
        if operation is sre.BRANCH:
            return f"({'|'.join(self.text(part) or '()' for part in argument[1])})"
        if operation is sre.SUBPATTERN and not argument[2]:
            return f"({self.text(argument[3])})"
        if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeated(*argument)
        if operation is sre.AT and argument in (sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY):
            raise NoLuceneExpressionError("word boundaries")
        if operation is sre.AT:
            raise NoLuceneExpressionError("an anchor amid the expression")
        raise NoLuceneExpressionError(f"{str(operation).lower().replace('_', ' ')}")

    def _repeated(self, low: int, high: Any, inner: Any) -> str:
        endless = high is sre.MAXREPEAT
        self._nested |= endless and self._depth > 0
        before, times = self._repetitions, max(low, 1) if endless else high
        self._depth += endless
        text = f"({self.text(inner)})"
        self._depth -= endless
        self._repetitions = before + times * (self._repetitions - before) + (times if times > 1 else 0)
        if endless:
            return text + ("*" if low == 0 else "+" if low == 1 else f"{{{low},}}")
        if high > _MAX_REPEAT:
            raise NoLuceneExpressionError(f"more than {_MAX_REPEAT:,} repetitions")
        return text + ("?" if (low, high) == (0, 1) else f"{{{low},{high}}}")

    def _literal(self, code: int) -> str:
        character = chr(code)
        self.letters |= character.lower() != character.upper()
        low = character.lower()
        return low if low.isalnum() or low.isspace() else f"\\{low}"

    def _member(self, code: int) -> str:
        character = chr(code)
        self.letters |= character.lower() != character.upper()
        low = character.lower()
        return low if low.isalnum() or low.isspace() else f"\\{low}"

    def _set(self, members: Any) -> str:
        negated = members[0][0] is sre.NEGATE
        parts, outside = [], []
        for operation, argument in members[negated:]:
            if operation is sre.LITERAL:
                parts.append(self._member(argument))
            elif operation is sre.RANGE:
                parts.append(self._range(*argument))
            elif argument in _CLASSES:
                parts.append(_CLASSES[argument])
            else:
                outside.append(_CLASSES[_OUTSIDE[argument]])
        if not outside:
            return f"[{'^' if negated else ''}{''.join(parts)}]"
        if negated or len(outside) > 1:
            raise NoLuceneExpressionError("what is outside of several classes")
        return f"([{''.join(parts)}]|[^{outside[0]}])" if parts else f"[^{outside[0]}]"

    def _range(self, first: int, last: int) -> str:
        """A range in lower case; one that holds some but not all letters of a case is cut into what it holds."""
        if (first, last) in ((ord("A"), ord("Z")), (ord("a"), ord("z"))) or last < ord("A") or first > ord("z"):
            self.letters |= chr(first).isalpha()
            return f"{self._escaped(chr(first).lower())}-{self._escaped(chr(last).lower())}"
        if (chr(first).isupper() and chr(last).isupper()) or (chr(first).islower() and chr(last).islower()):
            self.letters = True
            return f"{chr(first).lower()}-{chr(last).lower()}"
        if last - first > 128:
            raise NoLuceneExpressionError("a range of characters that holds letters and others")
        return "".join(dict.fromkeys(self._member(code) for code in range(first, last + 1)))

    def _escaped(self, character: str) -> str:
        return character if character.isalnum() or character.isspace() else f"\\{character}"
