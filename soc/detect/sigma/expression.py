"""Regular expressions from rules: RE2 in linear time; Python's `re`, on a bounded text, only where RE2 lacks something (look-around).

Source of truth: Sigma specification 2.1, "re": found anywhere in the value, case-sensitive, sub-modifiers i, m, s.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from re import _constants as sre  # type: ignore[attr-defined]  # the only public way to take an expression apart was removed in 3.11
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

MAX_LENGTH = 10_000
"""Characters of one expression; SigmaHQ's longest has 1,030."""

_FALLBACK_BOUNDS = {0: 65_536, 1: 4_096, 2: 512, 3: 128}
"""Unbounded repetitions in an expression for `re` -> characters of the value it may read: some ten million steps at worst."""

_MAX_CHOICES = 8
"""Optional parts and alternatives in an expression for `re`: each may double its steps."""

_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
_HALVES = re.compile("[\ud800-\udfff]")
_LONG = 16
"""A repetition that may go on longer than this counts as one without end."""
_TOO_MANY = 1_000
_REPEATS = frozenset({sre.MAX_REPEAT, sre.MIN_REPEAT, getattr(sre, "POSSESSIVE_REPEAT", sre.MAX_REPEAT)})


class ExpressionError(Exception):
    """An expression that is wrong, or that could take exponential time."""


def compiled(expression: str, flags: str) -> tuple[Callable[[str], bool], str]:
    """A finder, and a warning where it is not linear ("" where it is). Raises: ExpressionError."""
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"the expression has {len(expression):,} characters; at most {MAX_LENGTH:,} are read")
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = "i" not in flags
    options.dot_nl = "s" in flags
    options.never_capture = True
    options.max_mem = 8 << 20
    try:
        # bytes in and out: for text the package counts characters on every call, which takes longer than the search
        search = re2.compile((("(?m)" if "m" in flags else "") + expression).encode(), options).search
    except (re2.error, UnicodeEncodeError):
        return _fallback(expression, flags)

    ends = "$" in expression and "m" not in flags

    def found(text: str) -> bool:
        try:
            value = text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot hold
            value = _HALVES.sub("\ufffd", text).encode()
        # PCRE's `$`, which Sigma names, also stands before a line feed at the very end; RE2's does not
        return search(value) is not None or (ends and value.endswith(b"\n") and search(value[:-1]) is not None)

    return found, ""


def _fallback(expression: str, flags: str) -> tuple[Callable[[str], bool], str]:
    value = 0
    for flag in flags:
        value |= _FLAGS[flag]
    parsed = _parsed(expression, value)
    repeats, choices = _work(parsed, inside=False)
    bound = _FALLBACK_BOUNDS.get(repeats)
    if bound is None or choices > _MAX_CHOICES:
        raise ExpressionError(
            "RE2 does not take this expression (look-around, back-reference or size), and it repeats too often for bounded time"
        )
    search = re.compile(expression, value).search
    warning = f"is matched without RE2, on the first {bound:,} characters of a value only"
    return lambda text: search(text[:bound]) is not None, warning


def _parsed(expression: str, flags: int) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sre_parser.parse(expression, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise ExpressionError(f"the expression is not valid: {error}") from error


def _work(node: Any, *, inside: bool) -> tuple[int, int]:
    """How many long repetitions (1,000 where one stands inside another), and how many other choices."""
    repeats = choices = 0
    for operation, argument in node:
        loops = operation in _REPEATS and argument[1] > _LONG
        if loops and inside:
            return _TOO_MANY, choices
        repeats += loops
        choices += operation is sre.BRANCH or (operation in _REPEATS and not loops and argument[0] != argument[1])
        for child in _children(argument):
            more_repeats, more_choices = _work(child, inside=inside or loops)
            repeats, choices = repeats + more_repeats, choices + more_choices
    return repeats, choices


def _children(argument: Any) -> Iterable[Any]:
    if isinstance(argument, sre_parser.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for item in argument:
            yield from _children(item)


def literal(expression: str, flags: str) -> str:
    """Text, lower case, that stands in every match: what an index can look for before the expression is run; "" where there is none."""
    return max(needed(expression, flags)[1], key=len, default="")


def needed(expression: str, flags: str) -> tuple[int, tuple[str, ...]]:
    """How many characters a match has at least, and texts, lower case, that all stand in it.

    ASCII only: beyond it, case folding of expressions and `str.lower` part ways.
    """
    value = 0
    for flag in flags:
        value |= _FLAGS[flag]
    try:
        parsed = _parsed(expression, value)
    except ExpressionError:
        return 0, ()
    found = [part.lower() for run in _runs(parsed) for part in re.split(r"[^\x00-\x7f]+", run) if part]
    return parsed.getwidth()[0], tuple(dict.fromkeys(found))


def _runs(node: Any) -> list[str]:
    runs, current = [], ""
    for operation, argument in node:
        if operation is sre.LITERAL:
            current += chr(argument)
            continue
        runs.append(current)
        current = ""
        if operation is sre.SUBPATTERN and not argument[1] and not argument[2]:
            runs += _runs(argument[3])
        elif operation in _REPEATS and argument[0] > 0:
            runs += _runs(argument[2])
    return [*runs, current]
