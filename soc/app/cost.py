"""The site's own events (or given files) and its rules in, what each rule costs out: measured by the engine that runs, rule by rule.

A rule is charged with the evaluation of its tree and with what the index has to ask on its behalf; what all rules share (reading columns,
the one pass for all literals) is shown apart. An event is of a rule's kind where the rule's logsource takes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from soc.app.history import Span, history
from soc.app.hunting import open_hunt
from soc.app.scan import Piece, Scan, files_under
from soc.app.site import Site
from soc.detect import Rule
from soc.detect.ruleset import RuleSet
from soc.detect.sigma.meter import Meter


@dataclass(frozen=True, slots=True)
class RuleCost:
    """`cpu_us`: of all events together; `share`: of what the engine took, shared work included. `events`: of the rule's kind."""

    rule: Rule
    cpu_us: float
    share: float
    events: int
    evaluations: int
    hits: int

    @property
    def us_per_event(self) -> float:
        """Microseconds an event of its kind: what `detect.rule_budget` bounds."""
        return self.cpu_us / self.events

    @property
    def us_per_evaluation(self) -> float:
        """Microseconds an event on which its tree was evaluated; 0 where none was."""
        return self.cpu_us / self.evaluations if self.evaluations else 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """`rules`: the most costly first. `engine_us`: CPU of detection altogether; `shared_us`: what is no single rule's."""

    rules: tuple[RuleCost, ...]
    events: int
    engine_us: float

    @property
    def shared_us(self) -> float:
        """Microseconds of what all rules share, and of the measuring itself."""
        return max(0.0, self.engine_us - sum(cost.cpu_us for cost in self.rules))


def of_history(site: Site, span: Span) -> Costs:
    """What the site's rules cost on its journal from a time on. Raises: FaultsError."""
    rules = site.rule_set(site.content(), site.recall)

    def batches() -> Iterator[Callable[[], int]]:
        for offset, events in history(site.journal_reader, span.since):
            wanted = [event for event in events if span.holds(event.ingested)]
            if wanted:
                site.recall.begin(events, offset)
                yield lambda: (rules.detect(wanted), len(wanted))[1]  # noqa: B023  called before the next batch

    return _measured(rules, batches())


def of_files(config_path: Path, rule_folders: Sequence[Path], paths: Sequence[Path]) -> Costs:
    """What the rules cost on event files and logs, read as a scan reads them. Raises: SocError, FaultsError."""
    scan: Scan[None]
    scan, now = open_hunt(config_path, rule_folders, "auto", lambda _: None)

    def batches() -> Iterator[Callable[[], int]]:
        for path in files_under(paths):
            before = scan.summary.events

            def read(path: Path = path, before: int = before) -> int:
                list(scan.run([Piece(path)], now, lambda _: None))
                return scan.summary.events - before

            yield read

    return _measured(scan.rules, batches())


def _measured(rules: RuleSet, batches: Iterator[Callable[[], int]]) -> Costs:
    meter = rules.meter = Meter()
    events, engine_us = 0, 0.0
    for batch in batches:
        began = time.process_time()
        events += batch()
        engine_us += (time.process_time() - began) * 1e6
    found = [
        RuleCost(
            rule, cost.nanoseconds / 1e3, cost.nanoseconds / 1e3 / engine_us, cost.events, cost.evaluations, cost.hits
        )
        for rule, cost in rules.costs(meter)
    ]
    found.sort(key=lambda cost: (-cost.cpu_us, cost.rule.id))
    return Costs(tuple(found), events, engine_us)
