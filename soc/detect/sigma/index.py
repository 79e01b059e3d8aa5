"""One column's values in, the rules that each may fire out: every distinct value is looked at once and remembered.

One Aho-Corasick pass over the lower-cased value finds all literals of all rules; anchors are checked on the hit; what a literal cannot
decide is asked of the leaf's own `Test`. The answer may name a rule too many (its tree is evaluated next), never one too few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from collectors.event import Value
from soc.detect.sigma.ir import Pattern
from soc.detect.sigma.leaf import matches_absence
from soc.detect.sigma.program import Check
from soc.detect.table import Table

Candidates = tuple[int, ...]
"""Numbers of the rules of a group, ascending."""

Find = Callable[[str], list[tuple[int, int, int]]]

_INSIDE, _START, _END, _ASK = range(4)
_SHORT = 2
"""Literals up to this length stand in almost every value: asking the leaf is cheaper than listing every hit."""

_FEW = 6
"""Literals up to which looking for each is faster than making an automaton for all."""

_LONG_S = "\u017f"
"""Expressions with "i" take it for an s, `str.lower` does not: haystacks show it as an s."""

MEMORY_BYTES = 32_000_000
"""What the values that all columns of a rule set remember may take, in each of two generations."""
_ENTRY_BYTES = 150
"""What remembering a value takes besides its characters."""
_LONG = 4_096
"""Values longer than this are not remembered: they hardly come twice."""


class Memory:
    """What the columns of a rule set remember, together: when it is full, all forget what they have not seen since the last time."""

    def __init__(self, size_bytes: int = MEMORY_BYTES) -> None:
        self._size = self._room = size_bytes
        self._columns: list[ColumnIndex] = []

    def add(self, column: ColumnIndex) -> None:
        """Count this column too."""
        self._columns.append(column)

    def spend(self, value: str) -> None:
        """Count one more value."""
        self._room -= len(value) + _ENTRY_BYTES
        if self._room < 0:
            self._room = self._size
            for column in self._columns:
                column.age()


class ColumnIndex:
    """The literals of all leaves on one column."""

    def __init__(
        self, wanted: Iterable[tuple[Check, Sequence[int]]], memory: Memory, *, keywords: bool = False
    ) -> None:
        """`wanted`: leaves with the numbers of the rules that need one of them to be true. `keywords`: `of_texts` will be asked."""
        self._wanted = tuple(wanted)
        self._memory = memory
        self._for_keywords = keywords
        self._built = False
        absent = (rules for check, rules in self._wanted if matches_absence(check.leaf.patterns))
        self._absent: Candidates = tuple(sorted({rule for rules in absent for rule in rules}))
        self._young: dict[Value, Candidates] = {None: self._absent}
        self._old: dict[Value, Candidates] = {}
        memory.add(self)

    def _build(self) -> None:
        """On the first value: many a column that a kind of event might have, it never has."""
        self._built = True
        self._rules: dict[int, Sequence[int]] = {}
        self._checks: dict[int, Check] = {}
        self._equal: dict[str, list[int]] = defaultdict(list)
        self._ask: list[int] = []
        literals: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for check, rules in self._wanted:
            self._rules[check.id] = rules
            self._checks[check.id] = check
            for pattern in check.leaf.patterns:
                self._add(check.id, pattern, literals)
        self._ask = list(dict.fromkeys(self._ask))
        self._actions = list(literals.values())
        self._literals = list(literals)
        self._find = _automaton(self._literals)
        self._find_first = _first_automaton(self._literals) if self._for_keywords else None

    def _add(self, identity: int, pattern: Pattern, literals: dict[str, list[tuple[int, int]]]) -> None:
        if pattern.kind in ("equals", "number", "bool"):
            self._equal[pattern.literal].append(identity)
        elif pattern.kind in _ACTIONS:
            if len(pattern.literal) <= _SHORT or _unfit(pattern.literal):
                self._ask.append(identity)
            else:
                literals[pattern.literal].append((_ACTIONS[pattern.kind], identity))
        elif pattern.kind not in ("null", "never"):
            self._ask.append(identity)

    def look_up(self, values: list[Value]) -> list[Candidates]:
        """The candidates of each value, in order."""
        try:
            found: list[Candidates | None] = list(map(self._young.get, values))
        except TypeError:  # a list among them
            found = [self._young.get(value) if isinstance(value, str) or value is None else None for value in values]
        if None in found:
            for at, known in enumerate(found):
                if known is None:
                    found[at] = self._new(values[at])
        return found  # type: ignore[return-value]  # every None was replaced

    def _new(self, value: Value) -> Candidates:
        if not self._built:
            self._build()
        if not isinstance(value, str):
            return self._of_other(value)
        known = self._young.get(value)
        if known is not None:  # the same value, earlier in this batch
            return known
        known = self._old.get(value)
        candidates = known if known is not None else self.of_text(value, value.lower())
        if len(value) <= _LONG:
            self._memory.spend(value)
            self._young[value] = candidates
        return candidates

    def age(self) -> None:
        """Forget what was not seen since the last time."""
        self._old, self._young = self._young, {None: self._absent}

    def _of_other(self, value: Value) -> Candidates:
        if isinstance(value, list):
            if not value:
                return self._absent
            return tuple(sorted({rule for candidates in self.look_up(list(value)) for rule in candidates}))
        return self._candidates([identity for identity, check in self._checks.items() if check.test.holds(value)])

    def of_text(self, text: str, low: str) -> Candidates:
        """The candidates of a text, with its lower case."""
        true: set[int] = set(self._equal.get(low, ()))
        ask: set[int] = set(self._ask)
        for number in self._hits(low):
            literal = self._literals[number]
            for action, identity in self._actions[number]:
                if action == _ASK:
                    ask.add(identity)
                elif (
                    action == _INSIDE
                    or (action == _START and low.startswith(literal))
                    or (action == _END and low.endswith(literal))
                ):
                    true.add(identity)
        for identity in ask - true:
            if self._checks[identity].test.holds_text(text, low):
                true.add(identity)
        return self._candidates(true) if true else ()

    def of_texts(self, table: Table, place: int) -> Candidates:
        """The candidates of all texts of an event: one pass over all of them tells that nearly always there is none."""
        if not self._built:
            self._build()
        if self._ask or self._equal or self._any(_haystack(table.haystack(place).lower())):
            return tuple(sorted({rule for text in table.texts(place) for rule in self.of_text(text, text.lower())}))
        return ()

    def _hits(self, low: str) -> Iterable[int]:
        """Numbers of the literals that stand in a lower-cased text."""
        haystack = _haystack(low)
        if self._find is None:
            return [number for number, literal in enumerate(self._literals) if literal in haystack]
        try:
            return {number for number, _, _ in self._find(haystack)}
        except UnicodeEncodeError:
            return {number for number, _, _ in self._find(_encodable(haystack))}

    def _any(self, haystack: str) -> bool:
        if self._find_first is None:
            return any(literal in haystack for literal in self._literals)
        try:
            return bool(self._find_first(haystack))
        except UnicodeEncodeError:
            return bool(self._find_first(_encodable(haystack)))

    def _candidates(self, checks: Iterable[int]) -> Candidates:
        return tuple(sorted({rule for check in checks for rule in self._rules[check]}))


_ACTIONS = {"startswith": _START, "endswith": _END, "contains": _INSIDE, "wildcards": _ASK, "cased": _ASK, "re": _ASK}


def _unfit(literal: str) -> bool:
    """Whether the automaton cannot look for it: half a surrogate pair, or the long s that haystacks lose."""
    return not literal.isascii() and any(
        character == _LONG_S or "\ud800" <= character <= "\udfff" for character in literal
    )


def _haystack(low: str) -> str:
    return low if low.isascii() else low.replace(_LONG_S, "s")


def _encodable(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, which UTF-8 cannot hold and no literal has."""
    return text.encode("utf-8", "replace").decode()


def _automaton(literals: list[str]) -> Find | None:
    """What finds all literals, each place of each; None where they are few and looked for one by one."""
    if len(literals) <= _FEW:
        return None
    import ahocorasick_rs

    find = ahocorasick_rs.AhoCorasick(literals, store_patterns=False).find_matches_as_indexes
    return lambda haystack: find(haystack, overlapping=True)


def _first_automaton(literals: list[str]) -> Find | None:
    """What tells whether any literal is there at all: without overlaps the search is three times as fast."""
    if len(literals) <= _FEW:
        return None
    import ahocorasick_rs

    kind = ahocorasick_rs.MatchKind.LeftmostFirst
    return ahocorasick_rs.AhoCorasick(literals, matchkind=kind, store_patterns=False).find_matches_as_indexes
