"""The conditions of a correlation in, whether a figure meets them out. Source of truth: Sigma specification 2.1, "Condition"."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence

from soc.detect.sigma.ir import Condition

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}
KEPT = 1_000
"""Hits or values that a group keeps at least before it forgets the oldest: figures are exact to here."""


def holds(conditions: Sequence[Condition]) -> Callable[[float], bool]:
    """Whether a figure meets all of the conditions; none are met by every figure."""
    pairs = [(_OPERATORS[each.operator], each.value) for each in conditions]
    if len(pairs) == 1 and conditions[0].operator == "gte":
        least = pairs[0][1]
        return lambda figure: figure >= least
    return lambda figure: all(compare(figure, value) for compare, value in pairs)


def most(conditions: Sequence[Condition]) -> int:
    """How many a group must count at the most: every larger figure meets the same conditions as this one."""
    highest = max((each.value for each in conditions), default=0.0)
    return max(KEPT, math.ceil(highest) + 1 if math.isfinite(highest) else KEPT)


def least(conditions: Sequence[Condition]) -> int:
    """How many a group must count at least: fewer do not meet the conditions; 0 where few can."""
    floors = [each.value for each in conditions if each.operator in ("gte", "eq", "gt")]
    highest = max(floors, default=0.0)
    return math.ceil(highest) if math.isfinite(highest) else KEPT


def written(conditions: Sequence[Condition]) -> str:
    """`gte 10`, `gt 100 and lte 200`."""
    return " and ".join(f"{each.operator} {shown(each.value)}" for each in conditions)


def shown(figure: float) -> str:
    """A figure without digits that say nothing."""
    return str(int(figure)) if figure == figure // 1 and abs(figure) < 1e15 else f"{figure:.6g}"
