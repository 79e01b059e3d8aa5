"""temporal and temporal_ordered: which rules of a correlation occurred in a group within the window, and in which order.

Source of truth: Sigma specification 2.1, "Temporal Proximity", "Ordered Temporal Proximity" and extended conditions. An event that fires
two of the rules stands for both of them in `temporal`; in `temporal_ordered` a rule comes after another only in a later event (of two
events of the same moment, the one that was received later). `not a` holds while `a` did not occur in the window up to this hit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from soc.detect.correlation.groups import Key, Room
from soc.detect.correlation.hits import NEVER, NO_HIT, SHIFT
from soc.detect.correlation.kind import Fired, Kind, Look, Schedule, Value
from soc.detect.sigma import ir

Term = tuple[frozenset[int], frozenset[int]]
"""One way in which an expression is true: places of rules that occur, and of rules that do not."""

MAX_TERMS = 256
"""Ways in which an expression may be true; beyond it the order of its rules cannot be followed."""


class TooManyTermsError(ValueError):
    """An ordered expression with too many alternatives."""


class Temporal(Kind[int | list[int]]):
    """A group is its one hit (times the number of rules, plus the rule's place), or a list: when it last fired, each rule's latest hit."""

    def __init__(self, spec: ir.Correlation, room: Room, schedule: Schedule) -> None:
        super().__init__(spec, room, schedule)
        self.size = len(spec.rules)
        self._first = [spec.rules.index(name) for name in spec.rules]
        self._all = spec.expression is None and not spec.conditions and len(set(spec.rules)) == self.size
        self._known: dict[int, bool] = {}
        self._alone = [self.true_of(1 << place) for place in self._first]

    @property
    def needed(self) -> str:
        """The figure is how many of the rules occurred."""
        return super().needed or (
            expression(self.spec.expression) if self.spec.expression else f"all {self.size} rules"
        )

    def true_of(self, present: int) -> bool:
        """Whether the condition is true where these rules occurred (a bit for each place)."""
        found = self._known.get(present)
        if found is None:
            count = present.bit_count()
            found = self.holds(count) if self.spec.conditions else True
            if self.spec.expression is not None:
                found = found and _true(self.spec.expression, self.spec.rules, present)
            elif not self.spec.conditions:
                found = count == len(set(self.spec.rules))
            if len(self._known) < 4_096:
                self._known[present] = found
        return found

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:  # noqa: ARG002
        """A hit of a group."""
        groups, place = self.groups, self._first[at[0]]
        if hit >= groups.turn_at:
            groups.turn(hit)
        state = groups.young.get(key)
        if state is None:
            state = groups.find(key)
            if state is None:
                if len(at) == 1 and not self._alone[place]:
                    groups.add(key, hit * self.size + place, hit)
                    return None
                state = [NEVER, *[NO_HIT] * self.size]
                groups.add(key, state, hit)
        if isinstance(state, int):
            state = groups.young[key] = self._list(state)
        for each in at:
            state[1 + self._first[each]] = hit
        floor, time = self.floor(hit), hit >> SHIFT
        if self._all:  # what follows would find the same
            if min(state[1:]) < floor:
                state[0] = NEVER
                return None
            if time - state[0] < self.span:
                return None
        present = self._present(state, floor)
        if not self.true_of(present):
            state[0] = NEVER
        elif time - state[0] >= self.span:
            state[0] = time
            return Fired(self._hits(state, present), present.bit_count())
        return None

    def _list(self, state: int) -> list[int]:
        made = [NEVER, *[NO_HIT] * self.size]
        made[1 + state % self.size] = state // self.size
        return made

    def _present(self, state: list[int], floor: int) -> int:
        present = 0
        for place in range(self.size):
            if state[1 + place] >= floor:
                present |= 1 << place
        return present

    def _hits(self, state: list[int], present: int) -> tuple[int, ...]:
        return tuple(sorted({state[1 + place] for place in range(self.size) if present >> place & 1}))

    def look(self, state: int | list[int], now: int) -> Look:
        """Complete while the earliest of its rules is in the window."""
        latest = state if isinstance(state, list) else self._list(state)
        present = self._present(latest, self.floor(now << SHIFT))
        hits = self._hits(latest, present)
        words = ", ".join(name for place, name in enumerate(self.spec.rules) if present >> place & 1)
        return Look(present.bit_count(), hits, (hits[0] >> SHIFT) + self.span if hits else None, words)


class Chains:
    """One group in order. `latest`: each rule's latest hit. `chains`: of each prefix that is followed, the hits that make it with the
    latest start; `before`: the same as of the event before the last that changed it."""

    __slots__ = ("before", "chains", "fired", "latest")

    def __init__(self, size: int, prefixes: int) -> None:
        self.fired = NEVER
        self.latest = [NO_HIT] * size
        self.chains: list[tuple[int, ...]] = [()] * prefixes
        self.before: list[tuple[int, ...]] = [()] * prefixes


class TemporalOrdered(Kind[int | Chains]):
    """The rules of one alternative occurred in the order in which the correlation lists them. With a condition on the count of rules
    instead, that many of them did. A group is its one hit as in Temporal, or Chains."""

    def __init__(self, spec: ir.Correlation, room: Room, schedule: Schedule) -> None:
        super().__init__(spec, room, schedule)
        self.size = len(spec.rules)
        everything = frozenset(range(self.size))
        if spec.expression is not None:
            terms = alternatives(spec.expression, spec.rules)
        elif spec.conditions:
            terms = {
                (frozenset(some), frozenset()) for n in range(1, self.size + 1) for some in combinations(everything, n)
            }
            if len(terms) > MAX_TERMS:
                raise TooManyTermsError(f"a count of more than {MAX_TERMS.bit_length() - 1} rules in order")
        else:
            terms = {(everything, frozenset())}
        ordered = [(tuple(sorted(some)), none) for some, none in terms]
        followed = sorted({order[: n + 1] for order, _ in ordered for n in range(len(order))})
        numbers = {prefix: number for number, prefix in enumerate(followed)}
        self._ending: list[list[tuple[int, int]]] = [[] for _ in range(self.size)]
        for prefix, number in numbers.items():
            self._ending[prefix[-1]].append((number, numbers.get(prefix[:-1], -1)))
        self._lengths = [len(prefix) for prefix in followed]
        self._terms = sorted((numbers.get(order, -1), tuple(sorted(none))) for order, none in ordered)
        self._one = self._terms[0][0] if spec.expression is None and not spec.conditions else None
        """The one chain that makes it true, where there is one."""
        self._alone = [self._true_alone(place) for place in range(self.size)]

    @property
    def needed(self) -> str:
        """The figure is how many of the rules occurred in order; of an expression, those of the longest alternative that is true."""
        return super().needed or (
            f"{expression(self.spec.expression)}, in order"
            if self.spec.expression
            else f"all {self.size} rules in order"
        )

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:  # noqa: ARG002
        """A hit of a group."""
        groups = self.groups
        if hit >= groups.turn_at:
            groups.turn(hit)
        state = groups.young.get(key)
        if state is None:
            state = groups.find(key)
            if state is None:
                if len(at) == 1 and not self._alone[at[0]]:
                    groups.add(key, hit * self.size + at[0], hit)
                    return None
                state = Chains(self.size, len(self._lengths))
                groups.add(key, state, hit)
        if isinstance(state, int):
            made = groups.young[key] = Chains(self.size, len(self._lengths))
            self._enter(made, state // self.size, state % self.size)
            state = made
        for place in at:
            self._enter(state, hit, place)
        floor, time = self.floor(hit), hit >> SHIFT
        best = self._best(state, floor)
        if best is None:
            state.fired = NEVER
        elif time - state.fired >= self.span:
            state.fired = time
            return Fired(best if best and best[-1] == hit else (*best, hit), len(best))
        return None

    def _true_alone(self, place: int) -> bool:
        made = Chains(self.size, len(self._lengths))
        self._enter(made, 0, place)
        return self._best(made, 0) is not None

    def _enter(self, state: Chains, hit: int, place: int) -> None:
        state.latest[place] = hit
        for number, shorter in self._ending[place]:
            chain: tuple[int, ...] = ()
            if shorter >= 0:
                chain = state.chains[shorter]
                if chain and chain[-1] == hit:  # one event is not after itself: what stood there before it
                    chain = state.before[shorter]
                if not chain:
                    continue
            known = state.chains[number]
            if not known or known[-1] != hit:
                state.before[number] = known
            state.chains[number] = (*chain, hit)

    def _best(self, state: Chains, floor: int) -> tuple[int, ...] | None:
        """The hits of the longest alternative that is true; None where none is."""
        if self._one is not None:  # what follows would find the same
            chain = state.chains[self._one]
            return chain if chain and chain[0] >= floor else None
        if self.spec.conditions and not self.holds(self._length(state, floor)):
            return None
        longest: tuple[int, ...] | None = None
        for number, absent in self._terms:
            chain = state.chains[number] if number >= 0 else ()
            if number >= 0 and (not chain or chain[0] < floor):
                continue
            if absent and any(state.latest[place] >= floor for place in absent):
                continue
            if longest is None or len(chain) > len(longest):
                longest = chain
        return longest

    def _length(self, state: Chains, floor: int) -> int:
        alive = (
            length for chain, length in zip(state.chains, self._lengths, strict=True) if chain and chain[0] >= floor
        )
        return max(alive, default=0)

    def look(self, state: int | Chains, now: int) -> Look:
        """Complete while its longest chain is in the window."""
        if isinstance(state, int):
            made = Chains(self.size, len(self._lengths))
            self._enter(made, state // self.size, state % self.size)
            state = made
        floor = self.floor(now << SHIFT)
        chains = [chain for chain in state.chains if chain and chain[0] >= floor]
        longest = max(chains, key=lambda chain: (len(chain), chain), default=())
        return Look(len(longest), longest, (longest[0] >> SHIFT) + self.span if longest else None)

    def freeze(self, state: int | Chains) -> object:
        """An int as it is; else [fired, latest, chains, before]."""
        return state if isinstance(state, int) else [state.fired, state.latest, state.chains, state.before]

    def thaw(self, frozen: Any) -> int | Chains:
        """As frozen."""
        if isinstance(frozen, int):
            return frozen
        state = Chains(0, 0)
        state.fired, state.latest, chains, before = frozen
        state.chains, state.before = [tuple(chain) for chain in chains], [tuple(chain) for chain in before]
        return state


def expression(node: ir.Node) -> str:
    """An expression as it could have been written."""
    if isinstance(node, ir.Leaf):
        return node.where
    if isinstance(node, ir.Not):
        return f"not {expression(node.item)}"
    word = " and " if isinstance(node, ir.And) else " or "
    return f"({word.join(map(expression, node.items))})" if len(node.items) > 1 else expression(node.items[0])


def alternatives(node: ir.Node, rules: Sequence[str], *, negated: bool = False) -> set[Term]:
    """Every way in which an expression is true. Raises: TooManyTermsError."""
    if isinstance(node, ir.Leaf):
        one, nothing = frozenset({rules.index(node.where)}), frozenset[int]()
        return {(nothing, one) if negated else (one, nothing)}
    if isinstance(node, ir.Not):
        return alternatives(node.item, rules, negated=not negated)
    parts = [alternatives(item, rules, negated=negated) for item in node.items]
    if isinstance(node, ir.And) is negated:
        found = {term for part in parts for term in part}
    else:
        found = {(frozenset[int](), frozenset[int]())}
        for part in parts:
            found = set(_joined(found, part))
    if len(found) > MAX_TERMS:
        raise TooManyTermsError(f"more than {MAX_TERMS} alternatives in order")
    return found


def _joined(left: set[Term], right: set[Term]) -> Iterator[Term]:
    if len(left) * len(right) > MAX_TERMS * 16:
        raise TooManyTermsError(f"more than {MAX_TERMS} alternatives in order")
    for some, none in left:
        for more, fewer in right:
            yield some | more, none | fewer


def _true(node: ir.Node, rules: Sequence[str], present: int) -> bool:
    if isinstance(node, ir.Leaf):
        return bool(present >> rules.index(node.where) & 1)
    if isinstance(node, ir.Not):
        return not _true(node.item, rules, present)
    verdicts = (_true(item, rules, present) for item in node.items)
    return all(verdicts) if isinstance(node, ir.And) else any(verdicts)
