"""A rule's condition as pySigma parses it in, the same over the columns of our events out: what the engine's taxonomy does to its leaves.

A field that several columns may hold matches where any of them does and is absent where all are. Keywords look into the original text and
the message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.correlations import SigmaCorrelationRule  # noqa: F401  opens the circle in which pySigma's modules import each other
from sigma.types import (
    SigmaCIDRExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaNull,
    SigmaNumber,
    SigmaString,
    SigmaType,
    SpecialChars,
)

from soc.detect.sigma.route import WRITTEN, Route

TEXT = {"message": "message.keyword"}
"""Fields that our templates break into words -> the subfield with the whole text."""

KEYWORD_COLUMNS = ("event.original", TEXT["message"])
"""Where keywords are looked for. The engine also looks into every other text value of an event, which stands in the original as well."""

MODULE, DATASET = "event.module", "event.dataset"

Node = ConditionItem | ConditionFieldEqualsValueExpression | ConditionValueExpression


def is_address(column: str) -> bool:
    """Whether our templates hold a column as addresses (soc.store.elastic_mappings); others hold their text."""
    last = column.rpartition(".")[2]
    return (last == "ip" or last.endswith("_ip")) and not column.startswith("winlog.")


def routed(condition: Node | None, route: Route, earlier: Sequence[Route] = ()) -> Node:
    """The condition over the route's columns, and that an event is one of the route's and of no earlier one."""
    where: list[Any] = []
    for name, written in conditions(route):
        values = [SigmaString(value, escape=False) for value in written]
        if name == MODULE:
            where.append(_any([_of_module(value) for value in values]))
        else:
            where.append(_any([ConditionFieldEqualsValueExpression(name, value) for value in values]))
    where += [ConditionNOT([routed(None, other)]) for other in earlier]
    if condition is not None:
        where.append(_mapped(condition, route))
    only: Node = ConditionAND(where) if len(where) > 1 else where[0]
    return only


def size(node: Any) -> int:
    """How many conditions a tree has."""
    if isinstance(node, ConditionFieldEqualsValueExpression | ConditionValueExpression):
        return 1
    return sum(map(size, node.args))


def conditions(route: Route) -> Iterator[tuple[str, list[str]]]:
    """What a route asks of its events: field and values, as their producers write them."""
    for name, values in (*route.where, *route.require):
        yield name, sorted(WRITTEN.get(value, value) for value in values)


def _of_module(value: SigmaString) -> Node:
    """An event's module, which is the first word of its dataset where it has none."""
    return ConditionOR(
        [
            ConditionFieldEqualsValueExpression(MODULE, value),
            ConditionFieldEqualsValueExpression(DATASET, value),
            ConditionFieldEqualsValueExpression(DATASET, value + "." + SpecialChars.WILDCARD_MULTI),
        ]
    )


def _mapped(node: Any, route: Route) -> Node:
    if isinstance(node, ConditionValueExpression):
        return _keyword(node.value)
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return _field(node, route)
    if isinstance(node, ConditionOR) and len(columns := _one_field(node, route)) > 1:
        each = [[ConditionFieldEqualsValueExpression(column, arg.value) for arg in node.args] for column in columns]  # type: ignore[union-attr]
        return ConditionOR([ConditionOR(list(args)) for args in each])
    made: Node = node.__class__([_mapped(arg, route) for arg in node.args])
    return made


def _one_field(node: ConditionOR, route: Route) -> tuple[str, ...]:
    """The columns of a list of plain values of one field; none where it is something else."""
    fields = {arg.field if isinstance(arg, ConditionFieldEqualsValueExpression) else None for arg in node.args}
    if len(fields) != 1 or None in fields:
        return ()
    plain: tuple[type, ...] = (SigmaString, SigmaNumber)
    if not all(type(arg.value) in plain for arg in node.args):  # type: ignore[union-attr]
        return ()
    return _columns(str(fields.pop()), route)


def _columns(field: str, route: Route) -> tuple[str, ...]:
    return tuple(TEXT.get(column, column) for column in route.columns(field))


def _field(leaf: ConditionFieldEqualsValueExpression, route: Route) -> Node:
    value = leaf.value
    if isinstance(value, SigmaExpansion):
        return _any([_field(ConditionFieldEqualsValueExpression(leaf.field, one), route) for one in value.values])
    columns = _columns(leaf.field, route)
    if isinstance(value, SigmaNull) or (isinstance(value, SigmaExists) and not value.exists):
        present = [ConditionFieldEqualsValueExpression(column, SigmaExists(True)) for column in columns]
        return ConditionNOT([_any(present)])
    return _any([_equal(column, value) for column in columns])


def _equal(column: str, value: SigmaType) -> Node:
    if isinstance(value, SigmaCIDRExpression) and not is_address(column):
        return _any([ConditionFieldEqualsValueExpression(column, SigmaString(text)) for text in value.expand()])
    return ConditionFieldEqualsValueExpression(column, value)


def _keyword(value: SigmaType) -> Node:
    if not isinstance(value, SigmaString):
        value = SigmaString(str(value))
    plain = "".join(part for part in value.s if isinstance(part, str))
    spelled = json.dumps(plain, ensure_ascii=False)[1:-1]
    looked_for = [(column, value) for column in KEYWORD_COLUMNS]
    if spelled != plain:  # an original that is JSON writes it so
        looked_for.append((KEYWORD_COLUMNS[0], value.map_str_parts(_as_json)))
    any_run = SpecialChars.WILDCARD_MULTI
    return _any([ConditionFieldEqualsValueExpression(column, any_run + text + any_run) for column, text in looked_for])


def _as_json(part: str) -> str:
    return json.dumps(part, ensure_ascii=False)[1:-1]


def _any(nodes: list[Any]) -> Node:
    only: Node = ConditionOR(nodes) if len(nodes) > 1 else nodes[0]
    return only
