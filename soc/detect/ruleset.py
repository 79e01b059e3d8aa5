"""Rule files in, the detector of a site out: detection rules, correlations over them, and filters that hide what was found benign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collectors.event import Event
from soc.detect import Detection, Level, Rule
from soc.detect.sigma import Matcher, Part, ir
from soc.detect.sigma import load as load_content
from soc.detect.table import Table, table_of


def load(
    paths: Sequence[Path], *, cache: Path | None = None, placeholders: Mapping[str, list[str]] | None = None
) -> RuleSet:
    """All rules under the paths, ready to run; arguments and faults are those of `soc.detect.sigma.load`."""
    return RuleSet(load_content(paths, cache=cache, placeholders=placeholders))


class RuleSet:
    """Rules ready to run. Implements `soc.detect.Detector`; the same events give the same detections in any batches."""

    def __init__(self, content: Iterable[tuple[str, ir.Content]]) -> None:
        """`content`: path and rule, ids unique."""
        loaded = sorted(content, key=lambda pair: pair[1].id)
        rules = [(path, rule) for path, rule in loaded if isinstance(rule, ir.Rule)]
        self.rules: tuple[Rule, ...] = tuple(_public(path, rule) for path, rule in rules)
        self.warnings: tuple[str, ...] = tuple(
            f"{path}:{rule.line}: {rule.title}: {warning}" for path, rule in loaded for warning in rule.warnings
        )
        self._numbers = {rule.id: number for number, rule in enumerate(self.rules)}
        self._matcher = Matcher([rule for _, rule in rules])

    def __len__(self) -> int:
        return len(self.rules)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of an id, or None."""
        number = self._numbers.get(rule_id.lower())
        return None if number is None else self.rules[number]

    def detect(self, batch: Sequence[Event] | Table) -> list[Detection]:
        """All detections of the batch, ordered by the event's place in it and then by rule id."""
        table = table_of(batch)
        found = []
        for hit in self._matcher.match(table):
            event = table.event(hit.at)
            found += [
                Detection(self.rules[number], (event,), self._matcher.why(table, hit, number)) for number in hit.fired
            ]
        return found

    def explain(self, rule_id: str, event: Event) -> Explanation:
        """Every part of a rule with its verdict and the event's values. Raises: KeyError where no rule has the id."""
        number = self._numbers[rule_id.lower()]
        return Explanation(self.rules[number], *self._matcher.explain(number, event))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a rule fires on an event or not. `routed`: whether its logsource covers the event at all; the tree is evaluated either way."""

    rule: Rule
    routed: bool
    tree: Part

    @property
    def fires(self) -> bool:
        """Whether the rule fires on the event."""
        return self.routed and self.tree.holds

    def __str__(self) -> str:
        source = f"{'PASS' if self.routed else 'FAIL'}  logsource {self.rule.logsource}"
        return "\n".join(
            (
                f"{self.rule.title} ({self.rule.id}): {'fires' if self.fires else 'does not fire'}",
                source,
                *self.tree.lines(),
            )
        )


def _public(path: str, rule: ir.Rule) -> Rule:
    return Rule(
        id=rule.id,
        title=rule.title,
        level=Level(rule.level),
        version=rule.version,
        tags=rule.tags,
        logsource=str(rule.logsource),
        path=path,
        description=rule.description,
        falsepositives=rule.falsepositives,
    )
