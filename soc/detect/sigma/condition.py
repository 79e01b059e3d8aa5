"""A condition's text in, the tree of its selections out: `selection and not 1 of filter_*` (Sigma specification 2.1, "Condition").

Own parser instead of pySigma's pyparsing grammar: that one takes milliseconds a rule, recurses into a stack overflow on deep nesting and
knows no places. This one is iterative and bounded; tests compare the two on every SigmaHQ condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from soc.detect.sigma.ir import And, Node, Not, Or
from soc.errors import Fault
from soc.yaml_file import Document, Key, nearest

MAX_DEPTH = 64
"""Brackets and negations in one another; SigmaHQ's deepest condition has 4."""
MAX_TOKENS = 10_000
MAX_LEAVES = 20_000
"""Selections that a condition may name after `1 of` patterns are spelled out."""

MAX_MESSAGE = 400

_TOKEN = re.compile(r"[()]|[^\s()]+")
_QUANTIFIERS: dict[str, type[And | Or]] = {"1": Or, "any": Or, "all": And}
_BINDING = {"or": 1, "and": 2, "not": 3}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a condition: from which character, how many of them, and in words."""

    offset: int
    length: int
    message: str


class ConditionError(Exception):
    """A condition that cannot be read; `problem` says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def fault(document: Document, place: Iterable[Key], text: str, problem: Problem) -> Fault:
    """The fault at a word of a condition; where the scalar is folded over lines, at its beginning."""
    found = document.fault(place, problem.message, offset=problem.offset, length=problem.length)
    word = text[problem.offset : problem.offset + problem.length]
    if found.source[found.column - 1 : found.column - 1 + len(word)] == word:
        return found
    return document.fault(place, problem.message)


def selected(pattern: str, names: Sequence[str]) -> list[str]:
    """The selections that `them` or a pattern with `*` stands for, in order; those that begin with `_` only where the pattern does."""
    if pattern == "them":
        return [name for name in names if not name.startswith("_")]
    fits = re.compile(
        "".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", pattern)), re.DOTALL
    ).fullmatch
    return [name for name in names if fits(name) and (pattern.startswith("_") or not name.startswith("_"))]


def parse(text: str, selections: Mapping[str, Node], *, what: str = "selection") -> tuple[Node, set[str]]:
    """The tree of a condition and the names of the selections that it uses; `what`: the word for them. Raises: ConditionError."""
    return _Reader(text, selections, what).read()


def operands(text: str) -> list[str]:
    """The words of a condition that stand where a name may stand, in order; a text that is no condition gives what it gives."""
    words: list[str] = _TOKEN.findall(text)
    of = {at + side for at, word in enumerate(words) if word == "of" for side in (-1, 0, 1)}
    return [word for at, word in enumerate(words) if word not in "()" and word not in _BINDING and at not in of]


class _Reader:
    """Shunting-yard over the tokens: an operand stack, an operator stack, no recursion."""

    def __init__(self, text: str, selections: Mapping[str, Node], what: str) -> None:
        self.text = text
        self.what = what
        self.selections = selections
        self.names = list(selections)
        self.used: set[str] = set()
        self.operands: list[tuple[Node, int]] = []
        self.operators: list[tuple[str, int]] = []
        self.leaves = 0

    def read(self) -> tuple[Node, set[str]]:
        tokens = [(match.group(), match.start()) for match in _TOKEN.finditer(self.text)]
        if not tokens:
            raise self._error(0, max(1, len(self.text)), "the condition is empty")
        if len(tokens) > MAX_TOKENS:
            raise self._error(
                tokens[MAX_TOKENS][1], 1, f"the condition has {len(tokens):,} words; at most {MAX_TOKENS:,} are read"
            )
        at, wants_operand = 0, True
        while at < len(tokens):
            word, offset = tokens[at]
            if wants_operand:
                at, wants_operand = self._operand(tokens, at)
            else:
                wants_operand = self._operator(word, offset)
                at += 1
        if wants_operand:
            word, offset = tokens[-1]
            raise self._error(offset, len(word), f'the condition ends after "{word}" where a {self.what} is expected')
        while self.operators:
            operator, offset = self.operators[-1]
            if operator == "(":
                raise self._error(offset, 1, "this bracket is never closed")
            self._reduce()
        return self.operands[0][0], self.used

    def _operand(self, tokens: list[tuple[str, int]], at: int) -> tuple[int, bool]:
        """Read what may begin an operand; gives the next position and whether an operand is still wanted."""
        word, offset = tokens[at]
        if word in ("(", "not"):
            self.operators.append((word, offset))
            if sum(operator in ("(", "not") for operator, _ in self.operators) > MAX_DEPTH:
                raise self._error(offset, len(word), f"the condition is nested deeper than {MAX_DEPTH} levels")
            return at + 1, True
        if word == ")" or word in _BINDING:
            raise self._error(offset, len(word), f'a {self.what} is expected here, not "{word}"')
        following = tokens[at + 1][0] if at + 1 < len(tokens) else ""
        if following == "of":
            self._push(self._quantified(tokens, at), 0, offset)
            return at + 3, False
        if word not in self.selections:
            raise self._unknown(word, offset, following)
        self.used.add(word)
        self._push(self.selections[word], 0, offset)
        return at + 1, False

    def _quantified(self, tokens: list[tuple[str, int]], at: int) -> Node:
        word, offset = tokens[at]
        join = _QUANTIFIERS.get(word)
        if join is None:
            raise self._error(offset, len(word), f'"{word} of" is not known: write "1 of", "any of" or "all of"')
        if at + 2 >= len(tokens) or tokens[at + 2][0] in "()":
            raise self._error(tokens[at + 1][1], 2, f'"{word} of" needs a pattern of {self.what} names, or "them"')
        pattern, where = tokens[at + 2]
        names = selected(pattern, self.names)
        if not names:
            near = nearest(pattern.replace("*", ""), self.names) if pattern != "them" else ""
            raise self._error(where, len(pattern), f'no {self.what} fits "{pattern}"{near}')
        self.used.update(names)
        items = tuple(self.selections[name] for name in names)
        self.leaves += len(items)
        return items[0] if len(items) == 1 else join(items)

    def _operator(self, word: str, offset: int) -> bool:
        if word == ")":
            while self.operators and self.operators[-1][0] != "(":
                self._reduce()
            if not self.operators:
                raise self._error(offset, 1, "this bracket was never opened")
            self.operators.pop()
            return False
        if word not in ("and", "or"):
            near = (
                f'; operators are lower case: "{word.lower()}"'
                if word.lower() in _BINDING
                else nearest(word, ("and", "or"))
            )
            pipe = "; aggregations after | are Sigma 1: correlation rules took their place" if "|" in word else near
            raise self._error(offset, len(word), f'"and" or "or" is expected here, not "{word}"{pipe}')
        while self.operators and _BINDING.get(self.operators[-1][0], 0) >= _BINDING[word]:
            self._reduce()
        self.operators.append((word, offset))
        return True

    def _reduce(self) -> None:
        operator, offset = self.operators.pop()
        right, right_depth = self.operands.pop()
        if operator == "not":
            self._push(Not(right), right_depth + 1, offset)
            return
        left, left_depth = self.operands.pop()
        join = And if operator == "and" else Or
        # a chain of the same operator is one flat node: `a and b and c and ...` must not nest
        items = (*left.items, right) if isinstance(left, join) and left_depth > 0 else (left, right)
        self._push(join(items), max(left_depth, right_depth + 1), offset)

    def _push(self, node: Node, depth: int, offset: int) -> None:
        self.leaves += 1
        if self.leaves > MAX_LEAVES:
            raise self._error(offset, 1, f"the condition spells out to more than {MAX_LEAVES:,} {self.what}s")
        self.operands.append((node, depth))

    def _unknown(self, word: str, offset: int, following: str) -> ConditionError:
        if word.lower() in _BINDING and word not in self.names:
            return self._error(offset, len(word), f'operators are lower case: "{word.lower()}"')
        if "|" in word or following.startswith("|"):
            return self._error(
                offset, len(word), "aggregations after | are Sigma 1: correlation rules took their place"
            )
        return self._error(
            offset,
            len(word),
            f'the condition names "{word}", which is not a {self.what} here{nearest(word, self.names)}',
        )

    @staticmethod
    def _error(offset: int, length: int, message: str) -> ConditionError:
        shown = message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]} ..."
        return ConditionError(Problem(offset, length, shown))
