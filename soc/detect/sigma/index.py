"""One column's values in, the rules that each may fire out: every distinct value is looked at once and remembered.

Whole values, beginnings and ends are looked up in dictionaries; one pass over the lower-cased value finds all other literals of all rules;
what a literal cannot decide is asked of the leaf's own `Test`. The answer may name a rule too many (its tree is evaluated next), never
one too few.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property
from time import perf_counter_ns
from typing import Protocol

from collectors.event import Value
from soc.detect.sigma.frame import Candidates, Charge, Frame
from soc.detect.sigma.ir import Leaf
from soc.detect.sigma.keywords import Pieces
from soc.detect.sigma.leaf import Test, haystack, matches_absence
from soc.detect.sigma.literals import Literals

Wanted = tuple[tuple[Leaf, Candidates], ...]
"""Leaves with the rules that need one of theirs to be true."""

_SHORT = 2
"""Literals up to this length stand in almost every value: asking the leaf is cheaper than listing every hit."""

MEMORY_BYTES = 32_000_000
"""What the values that all columns of a rule set remember may take, in each of two generations."""
_ENTRY_BYTES = 150
"""What remembering a value takes besides its characters."""
_LONG = 65_536
"""Values longer than this are not remembered. A script of 20,000 characters that runs each hour takes 0.2 ms to search."""


class Forgetful(Protocol):
    """What remembers values."""

    def age(self) -> None:
        """Forget what was not seen since the last time."""
        ...


class Memory:
    """What the columns and tests of a rule set remember, together: when it is full, all forget what is old."""

    def __init__(self, size_bytes: int = MEMORY_BYTES) -> None:
        self._size = self._room = size_bytes
        self._forgetful: weakref.WeakSet[Forgetful] = weakref.WeakSet()

    def add(self, one: Forgetful) -> None:
        """Let this one forget too, as long as someone holds it."""
        self._forgetful.add(one)

    def spend(self, characters: int) -> None:
        """Count one more entry, of values of so many characters."""
        self._room -= characters + _ENTRY_BYTES
        if self._room < 0:
            self._room = self._size
            for one in list(self._forgetful):
                one.age()


class ColumnIndex:
    """The literals of all leaves on one column; pure but for what it remembers, so columns that want the same share one."""

    def __init__(self, wanted: Wanted, tests: Callable[[Leaf], Test], memory: Memory) -> None:
        self._wanted = wanted
        self._make = tests
        self._tests: dict[int, Test] = {}
        self._memory = memory
        self._built = False
        self.absent = _union(rules for leaf, rules in wanted if matches_absence(leaf.patterns))
        """The candidates of rows without such a field."""
        self._young: dict[Value, Candidates] = {None: self.absent}
        self._old: dict[Value, Candidates] = {}
        self._integers: dict[int, Candidates] = {}  # apart: as keys, 1 and true are the same
        memory.add(self)

    def _build(self) -> None:
        """On the first value: many a column that a kind of event might have, it never has."""
        self._built = True
        equals: dict[str, list[int]] = defaultdict(list)
        starts: dict[str, list[int]] = defaultdict(list)
        ends: dict[str, list[int]] = defaultdict(list)
        inside: dict[str, list[int]] = defaultdict(list)
        hints: dict[str, list[int]] = defaultdict(list)
        whole = {"equals": equals, "number": equals, "bool": equals, "startswith": starts, "endswith": ends}
        asked: set[int] = set()
        for number, (leaf, _) in enumerate(self._wanted):
            for pattern in leaf.patterns:
                kind, literal = pattern.kind, pattern.literal
                if kind in whole:
                    whole[kind][literal].append(number)
                elif kind == "contains" and len(literal) > _SHORT:
                    inside[literal].append(number)
                elif kind in _HINTED and len(literal) > _SHORT:
                    hints[literal].append(number)
                elif kind not in ("null", "never"):
                    asked.add(number)
        self._equals = equals
        self._ends, self._starts = ends, starts
        self._end_lengths = sorted({len(literal) for literal in ends})
        self._start_lengths = sorted({len(literal) for literal in starts})
        literals = list(dict.fromkeys([*inside, *hints]))
        self._texts = literals
        self._literals = Literals(literals) if literals else None
        self._inside = [(inside.get(literal, ()), hints.get(literal, ())) for literal in literals]
        self._always = [number for number in asked if not _beyond_ascii(self._wanted[number][0])]
        self._beyond_ascii = [number for number in asked if _beyond_ascii(self._wanted[number][0])]

    @cached_property
    def pieces(self) -> Pieces | None:
        """As keywords: what is to be looked for in all rows before any is read; None where each is."""
        return Pieces(self._texts) if not self._reads_each else None

    @cached_property
    def _reads_each(self) -> bool:
        """As keywords: whether some are no texts that stand in others."""
        if not self._built:
            self._build()
        return bool(self._always or self._beyond_ascii or self._equals or self._ends or self._starts)

    def look_up(self, values: list[Value], charge: Charge | None = None) -> list[Candidates]:
        """The candidates of each value, in order."""
        try:
            found: list[Candidates | None] = list(map(self._young.get, values))
        except TypeError:  # a list among them
            found = [self._young.get(value) if isinstance(value, str) or value is None else None for value in values]
        if None in found:
            for at, known in enumerate(found):
                if known is None:
                    found[at] = self._new(values[at], charge)
        return found  # type: ignore[return-value]  # every None was replaced

    def _new(self, value: Value, charge: Charge | None) -> Candidates:
        if not self._built:
            self._build()
        if not isinstance(value, str):
            return self._of_other(value, charge)
        known = self._young.get(value)
        if known is not None:  # the same value, earlier in this batch
            return known
        known = self._old.get(value)
        candidates = known if known is not None else self.of_text(value, charge)
        if len(value) <= _LONG:
            self._memory.spend(len(value))
            self._young[value] = candidates
        return candidates

    def age(self) -> None:
        """Forget what was not seen since the last time."""
        self._old, self._young = self._young, {None: self.absent}
        self._integers = {}

    def _of_other(self, value: Value, charge: Charge | None) -> Candidates:
        if isinstance(value, list):
            return _union(self.look_up(list(value), charge)) if value else self.absent
        if value.__class__ is int and value in self._integers:
            return self._integers[value]
        found = _union([rules for number, (_, rules) in enumerate(self._wanted) if self._test(number).holds(value)])
        if value.__class__ is int:
            self._memory.spend(0)
            self._integers[value] = found
        return found

    def _test(self, number: int) -> Test:
        test = self._tests.get(number)
        if test is None:
            test = self._tests[number] = self._make(self._wanted[number][0])
        return test

    def of_text(self, text: str, charge: Charge | None = None) -> Candidates:
        """The candidates of a text."""
        low = text.lower()
        true: set[int] = set(self._equals.get(low, ()))
        ask: set[int] = set(self._always)
        if not low.isascii():
            ask.update(self._beyond_ascii)
        for length in self._end_lengths:
            found = self._ends.get(low[-length:] if length else "")
            if found is not None:
                true.update(found)
        for length in self._start_lengths:
            found = self._starts.get(low[:length])
            if found is not None:
                true.update(found)
        if self._literals is not None:
            for number in self._within(low):
                inside, hints = self._inside[number]
                true.update(inside)
                ask.update(hints)
        for number in ask - true:
            if charge is None:
                holds = self._test(number).holds_text(text, low)
            else:
                rules, began = self._wanted[number][1], perf_counter_ns()
                holds = self._test(number).holds_text(text, low)
                share = (perf_counter_ns() - began) // len(rules)
                for rule in rules:
                    charge(rule, share)
            if holds:
                true.add(number)
        return _union(self._wanted[number][1] for number in true) if true else ()

    def of_rows(self, frame: Frame, charge: Charge | None = None) -> list[tuple[int, Candidates]]:
        """As keywords: rows with the candidates of all their texts. One pass over all rows tells that nearly always there is none."""
        rows: Iterable[int] = range(len(frame))
        if self.pieces is not None:
            if self._literals is None:
                return []
            stands = self._literals.any
            suspects = frame.suspects(self.pieces)
            texts = ((row, frame.haystack(row)) for row in suspects)
            rows = [row for row, text in texts if stands(text) or (not text.isascii() and stands(haystack(text)))]
        return [(row, _union(self.of_text(text, charge) for text in frame.texts(row))) for row in rows]

    def _within(self, low: str) -> Iterable[int]:
        assert self._literals is not None
        found = self._literals.within(low)
        if low.isascii():
            return found
        shown = haystack(low)
        return found if shown == low else {*found, *self._literals.within(shown)}


_HINTED = frozenset({"wildcards", "cased", "re"})
"""Patterns that a literal does not decide."""


def _beyond_ascii(leaf: Leaf) -> bool:
    """Whether a leaf matches no text of ASCII alone: each pattern waits for a character beyond it."""
    return all(
        pattern.kind in ("null", "never") or (pattern.kind in _LITERAL and not pattern.literal.isascii())
        for pattern in leaf.patterns
    )


_LITERAL = _HINTED | {"contains", "startswith", "endswith", "equals"}


def _union(many: Iterable[Candidates]) -> Candidates:
    return tuple(sorted({rule for rules in many for rule in rules}))
