"""A rule's tree in, what can be said of it without any event out: that nothing can match it, or that everything does.

Source of truth: Sigma specification 2.1, as soc.detect.sigma.leaf matches it. Sound as far as each field holds one value, not complete:
what cannot be decided in bounded time is not said.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from soc.detect.sigma.implied import compatible, implies
from soc.detect.sigma.ir import ANY_RUN, And, Leaf, Node, Not, Or, Pattern, leaves

MAX_STEPS = 400
"""Branches that are tried before a question is left open."""
MAX_PAIRS = 20_000
"""Pairs of patterns that are compared for two leaves of one field."""
_EVERYTHING = frozenset({"", ".*", ".*?", "^.*", ".*$", "^.*$", "^", "$"})
"""Expressions that match every text."""


def without_a_match(node: Node) -> bool:
    """What a tree gives on an event on which no leaf is true."""
    if isinstance(node, Leaf):
        return False
    if isinstance(node, Not):
        return not without_a_match(node.item)
    return (all if isinstance(node, And) else any)(without_a_match(item) for item in node.items)


@dataclass(frozen=True, slots=True)
class Remark:
    """What is odd about a rule's logic, in words; `selection` is where, "" for the condition."""

    selection: str
    message: str
    never: bool


def remarks(tree: Node) -> Iterator[Remark]:
    """What a rule's tree can never or does always match."""
    if not satisfiable(tree):
        parts = list(_dead(tree))
        yield parts[0] if len(parts) == 1 else Remark("", "nothing can match this condition", never=True)
    elif _on_nothing(tree) and not satisfiable(Not(tree)):
        yield Remark(
            "", "this condition matches every event: the rule would fire on every event of its source", never=False
        )
    elif _on_nothing(tree):
        message = "this condition holds where nothing of the rule matches: it would fire on every event of its source without these fields"
        yield Remark("", message, never=False)
    elif without_a_match(tree):
        message = "nothing has to match: the rule would fire on every event of its source that no selection excludes"
        yield Remark("", message, never=False)
    elif _on_presence(tree):
        names = ", ".join(sorted({f'"{leaf.field}"' for leaf in leaves(tree) if _is_presence(leaf)}))
        message = (
            f"it is enough that an event has {names}: the rule would fire on all of them that no selection excludes"
        )
        yield Remark("", message, never=False)
    elif not isinstance(tree, Leaf | Not):
        for item in tree.items:
            yield from _dead(item)


# --- What holds on an event that says little -------------------------------------------------------------------------------------


def _on_nothing(node: Node) -> bool:
    """What a tree gives on an event without any field: only what asks for absence is true."""
    if isinstance(node, Leaf):
        return bool(node.field) and any(_is_absence(pattern) for pattern in node.patterns)
    if isinstance(node, Not):
        return not _on_nothing(node.item)
    return (all if isinstance(node, And) else any)(_on_nothing(item) for item in node.items)


def _on_presence(node: Node) -> bool:
    """Whether fields with any value are enough, all else being false."""
    if isinstance(node, Leaf):
        return _is_presence(node)
    if isinstance(node, Not):
        return not _on_presence(node.item)
    return (all if isinstance(node, And) else any)(_on_presence(item) for item in node.items)


def _is_absence(pattern: Pattern) -> bool:
    return pattern.kind == "null" or (pattern.kind == "exists" and pattern.value is False)


def _is_presence(leaf: Leaf) -> bool:
    return any(
        (pattern.kind == "wildcards" and pattern.parts == (ANY_RUN,))
        or (pattern.kind == "re" and pattern.value in _EVERYTHING)
        or (pattern.kind == "exists" and pattern.value is True)
        for pattern in leaf.patterns
    )


# --- Whether anything can match ---------------------------------------------------------------------------------------------------


def _dead(node: Node) -> Iterator[Remark]:
    """The smallest conjunctions that nothing can match."""
    if isinstance(node, Leaf | Not):
        return
    inner = [remark for item in node.items for remark in _dead(item)]
    yield from inner
    if isinstance(node, And) and not inner and not satisfiable(node):
        names = list(dict.fromkeys(leaf.where.partition("/")[0].partition("[")[0] for leaf in leaves(node)))
        words = _clash(node)
        places = [(leaf.where, leaf.key) for leaf in leaves(node)]
        if len(set(places)) < len(places):  # a part stands twice: it is the condition that is wrong
            yield Remark("", f"nothing can match this condition{words}", never=True)
        elif len(names) == 1:
            yield Remark(names[0], f"nothing can match this selection{words}", never=True)
        else:
            yield Remark("", f"{', '.join(names[:-1])} and {names[-1]} can never match together{words}", never=True)


def _clash(node: And) -> str:
    """The field that is to blame, in words, where it is one."""
    fields: dict[str, list[Node]] = {}
    for item in node.items:
        named = {leaf.field for leaf in leaves(item)}
        if len(named) == 1:
            fields.setdefault(named.pop(), []).append(item)
    for name, items in fields.items():
        if (
            len(items) > 1
            and name
            and not any(isinstance(item, Not) for item in items)
            and not satisfiable(And(tuple(items)))
        ):
            return f': "{name}" cannot have all of these values at once'
    return ""


def satisfiable(tree: Node) -> bool:
    """Whether an event can match a tree; True also where that could not be found out."""
    fields = [leaf.field for leaf in leaves(tree)]
    if len(set(fields)) == len(fields):  # no two parts of it look at the same thing
        return True
    return _Search().holds([(tree, True)], _Facts())


@dataclass(slots=True)
class _Facts:
    """Leaves that are assumed true and false, by field; a trail, so that a branch can be taken back."""

    true: dict[str, list[Leaf]] = field(default_factory=dict)
    false: dict[str, list[Leaf]] = field(default_factory=dict)


class _Search:
    """Assumes what a tree needs and looks for a contradiction; branches where there is a choice, a bounded number of times."""

    def __init__(self) -> None:
        self.steps = 0

    def holds(self, waiting: list[tuple[Node, bool]], facts: _Facts) -> bool:
        choices: list[list[tuple[Node, bool]]] = []
        added: list[tuple[list[Leaf], Leaf]] = []
        possible = True
        while waiting and possible:
            node, truth = waiting.pop()
            if isinstance(node, Leaf):
                possible = self._assume(node, truth, facts, added)
            elif isinstance(node, Not):
                waiting.append((node.item, not truth))
            elif isinstance(node, And) is truth:
                waiting += [(item, truth) for item in node.items]
            else:
                choices.append([(item, truth) for item in node.items])
        if possible and choices:
            possible = self._any(choices, facts)
        for held, _ in reversed(added):
            held.pop()
        return possible

    def _any(self, choices: list[list[tuple[Node, bool]]], facts: _Facts) -> bool:
        first, *rest = choices
        for option in first:
            self.steps += 1
            if self.steps > MAX_STEPS:
                return True
            others: list[tuple[Node, bool]] = [
                (Or(tuple(node for node, _ in each)), True)
                if each[0][1]
                else (And(tuple(node for node, _ in each)), False)
                for each in rest
                if each
            ]
            if any(not each for each in rest):
                return False
            if self.holds([*others, option], facts):
                return True
        return False

    def _assume(self, leaf: Leaf, truth: bool, facts: _Facts, added: list[tuple[list[Leaf], Leaf]]) -> bool:
        name = leaf.field
        same, other = (facts.true, facts.false) if truth else (facts.false, facts.true)
        if any(each.key == leaf.key and each.patterns == leaf.patterns for each in other.get(name, ())):
            return False
        if name and not any(
            pattern.kind == "never" for pattern in leaf.patterns
        ):  # placeholders that the site has yet to fill in
            if truth and not all(_meet(leaf, each) for each in facts.true.get(name, ())):
                return False
            pairs = (
                [(leaf, no) for no in facts.false.get(name, ())]
                if truth
                else [(yes, leaf) for yes in facts.true.get(name, ())]
            )
            if any(_covered(yes, no) for yes, no in pairs):
                return False
        held = same.setdefault(name, [])
        held.append(leaf)
        added.append((held, leaf))
        return True


def _meet(one: Leaf, other: Leaf) -> bool:
    """Whether one value can match both leaves."""
    if len(one.patterns) * len(other.patterns) > MAX_PAIRS:
        return True
    return any(compatible(left, right) for left in one.patterns for right in other.patterns)


def _covered(yes: Leaf, no: Leaf) -> bool:
    """Whether all that matches the one matches the other."""
    if len(yes.patterns) * len(no.patterns) > MAX_PAIRS:
        return False
    return all(any(implies(left, right) for right in no.patterns) for left in yes.patterns)


# --- What two rules have in common ------------------------------------------------------------------------------------------------


def fingerprint(node: Node) -> Hashable:
    """Equal for trees that say the same of the same fields: neither names nor the order of selections and values count."""
    if isinstance(node, Leaf):
        return node.field, frozenset(_said(pattern) for pattern in node.patterns)
    if isinstance(node, Not):
        return "not", fingerprint(node.item)
    inner = frozenset(fingerprint(item) for item in node.items)
    if len(inner) == 1:
        return next(iter(inner))
    return ("and" if isinstance(node, And) else "or"), inner


def _said(pattern: Pattern) -> Hashable:
    return pattern.kind, pattern.literal, pattern.parts, type(pattern.value).__name__, pattern.value, pattern.flags
