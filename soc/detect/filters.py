"""Hits of detection rules in, those that no filter hides out; what is hidden is counted, never invisible.

Source of truth: Sigma specification 2.1, filters. A filter is evaluated on the hits of its rules only, its fields read by the rule's own
route. It acts on the rules that it names and that are within its logsource; without names, on all within it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from collectors.event import Event
from soc.detect.sigma import Matcher, ir
from soc.detect.sigma.matcher import Hit
from soc.detect.sigma.references import Names, within
from soc.detect.table import Table


class _Acting(NamedTuple):
    id: str
    tree: ir.Node
    expires: datetime | None


class Filters:
    """The filters of a rule set. `hidden`: (filter id, rule id) -> hits that it hid; a hit that two hide counts for both."""

    def __init__(self, filters: Sequence[ir.Filter], rules: Sequence[ir.Rule], names: Names, matcher: Matcher) -> None:
        """`rules`: in the order in which the matcher numbers them. `names`: content without faults."""
        self.hidden: Counter[tuple[str, str]] = Counter()
        self._rules, self._matcher = rules, matcher
        self._of: dict[int, list[_Acting]] = {}
        numbers = {rule.id: number for number, rule in enumerate(rules)}
        for each in sorted(filters, key=lambda one: one.id):
            acting = _Acting(each.id, each.tree, _expiry(each.expires))
            named = {names.one(name).id for name in each.rules} if each.rules else numbers.keys()
            for rule_id in sorted(named & numbers.keys()):
                if within(rules[numbers[rule_id]].logsource, each.logsource):
                    self._of.setdefault(numbers[rule_id], []).append(acting)

    def of(self, number: int) -> tuple[str, ...]:
        """The ids of the filters that act on a rule."""
        return tuple(acting.id for acting in self._of.get(number, ()))

    def left(self, table: Table, hit: Hit) -> Sequence[int]:
        """The rules of a hit that no filter hides."""
        if not self._of or self._of.keys().isdisjoint(hit.fired):
            return hit.fired
        event = table.event(hit.at)
        return [number for number in hit.fired if not self._hides(table, hit, number, event)]

    def hiding(self, table: Table, hit: Hit, number: int) -> list[str]:
        """The ids of the filters that hide a hit of a rule; counts nothing."""
        event = table.event(hit.at)
        return [
            acting.id
            for acting in self._of.get(number, ())
            if (acting.expires is None or event.time < acting.expires)
            and not self._matcher.holds(acting.tree, table, hit, number)
        ]

    def _hides(self, table: Table, hit: Hit, number: int, event: Event) -> bool:
        hides = False
        for acting in self._of.get(number, ()):
            if acting.expires is not None and event.time >= acting.expires:
                continue
            if not self._matcher.holds(acting.tree, table, hit, number):
                self.hidden[acting.id, self._rules[number].id] += 1
                hides = True
        return hides


def _expiry(text: str) -> datetime | None:
    """An ISO date is its first moment in UTC."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
