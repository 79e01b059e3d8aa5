"""Many literals and a text in, those that stand in the text out.

Each is looked for by itself until that has taken as long as making one automaton for all (Aho-Corasick), and by that from then on: of
the fields that rules read, most hold a handful of values in a process's life.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

Find = Callable[[str], list[tuple[int, int, int]]]

_FEW = 6
"""Literals up to which looking for each is always faster."""
_LOOKS = 24
"""Texts of a line's length after which an automaton would have paid: made in 2 microseconds a literal, which one look-up takes 0.04."""
_LINE = 256


class Literals:
    """Literals to look for: `within` tells which stand in a text, `any` whether one does. Exact, whatever the characters."""

    __slots__ = ("_all", "_first", "_literals", "_looks", "_unfit")

    def __init__(self, literals: Sequence[str]) -> None:
        self._literals = literals
        self._looks = 0 if len(literals) > _FEW else -(1 << 62)
        self._all: Find | None = None
        self._first: Find | None = None
        self._unfit: list[int] = []

    def within(self, text: str) -> Collection[int]:
        """Numbers of the literals that stand in a text."""
        if self._all is None:
            self._looks += 1 + len(text) // _LINE
            if self._looks < _LOOKS:
                return [number for number, literal in enumerate(self._literals) if literal in text]
            self._all = self._automaton(overlapping=True)
        found = {number for number, _, _ in self._all(text if text.isascii() else encodable(text))}
        found.update([number for number in self._unfit if self._literals[number] in text])
        return found

    def any(self, text: str) -> bool:
        """Whether a literal stands in a text; without overlaps the search is three times as fast."""
        if self._first is None:
            self._looks += 1 + len(text) // _LINE
            if self._looks < _LOOKS:
                return any(map(text.__contains__, self._literals))
            self._first = self._automaton(overlapping=False)
        if self._first(text if text.isascii() else encodable(text)):
            return True
        return any(self._literals[number] in text for number in self._unfit)

    def _automaton(self, *, overlapping: bool) -> Find:
        import ahocorasick_rs

        # half a surrogate pair is no UTF-8, and an automaton has no empty pattern: these are asked one by one
        if "" in self._literals or not "".join(self._literals).isascii():
            self._unfit = [
                n for n, literal in enumerate(self._literals) if not literal or encodable(literal) != literal
            ]
        unfit = set(self._unfit)
        fit = [number for number in range(len(self._literals)) if number not in unfit]
        patterns = [self._literals[number] for number in fit]
        make = ahocorasick_rs.AhoCorasick
        if not overlapping:
            kind = ahocorasick_rs.MatchKind.LeftmostFirst
            return make(patterns, matchkind=kind, store_patterns=False).find_matches_as_indexes
        how = ahocorasick_rs.Implementation.ContiguousNFA if len(fit) > _LINE else None
        find = make(patterns, implementation=how, store_patterns=False).find_matches_as_indexes
        if not unfit:
            return lambda text: find(text, overlapping=True)
        return lambda text: [(fit[number], begin, end) for number, begin, end in find(text, overlapping=True)]


def encodable(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, which UTF-8 cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
