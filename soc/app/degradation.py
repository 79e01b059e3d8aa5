"""Rules that cost too much in, their suspension out, in the open: counted, told as an audit event, and a gap in the ledger to the offset.

Everything happens between two batches, before the next one is detected on: so a fact that cannot be written is tried again, and no event is
seen twice. Samples are metered batches; see soc.app.budget for when a rule is over its budget.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from collectors.event import Event
from soc.app.budget import Budget, Spent, Suspension
from soc.app.gaps import KIND, Gap, begun, ended, gaps
from soc.app.site import Site
from soc.app.watch import rule_resumed, rule_suspended
from soc.detect.ruleset import RuleSet
from soc.detect.sigma.meter import Meter
from soc.metrics import Metrics

_log = logging.getLogger(__name__)


class GapBook:
    """The gaps of a site: what the ledger says of them, and how that goes on. From one thread; `gaps` from any."""

    def __init__(self, site: Site, metrics: Metrics, tell: Callable[[Sequence[Event]], object]) -> None:
        """`tell`: puts events of the SOC's own into the journal."""
        self._site = site
        self._metrics = metrics
        self._tell = tell
        self.gaps: tuple[Gap, ...] = tuple(gaps(site.ledger.entries(kinds=[KIND])))

    def open(self) -> list[Gap]:
        """Those that last."""
        return [gap for gap in self.gaps if gap.end is None]

    def begin(self, gap: Gap, title: str, now: datetime) -> None:
        """Write down and tell that a gap begins. Raises: IsoError; then it has not."""
        self._site.ledger.append([begun(gap, now)])
        self.gaps = (*self.gaps, gap)
        self._metrics.suspensions.inc()
        facts = {"rule": gap.rule, "why": gap.why, "from": gap.start}
        _log.error("a rule costs too much and is suspended", extra=facts)
        self._tell([rule_suspended(gap.rule, f"{title}: {gap.why}; tried again {gap.until.isoformat()}", now)])

    def end(self, gap: Gap, offset: int, now: datetime, why: str) -> None:
        """Write down and tell that a gap ends. Raises: IsoError; then it has not."""
        done = gap._replace(end=offset)
        self._site.ledger.append([ended(done, now)])
        self.gaps = tuple(done if each == gap else each for each in self.gaps)
        _log.warning("a suspended rule runs again", extra={"rule": gap.rule, "from": gap.start, "to": offset})
        self._tell([rule_resumed(gap.rule, f"{why}; it did not see offsets {gap.start:,} to {offset:,}", now)])


class Degradation:
    """Keeps the rules of an evaluation within their budget. From the thread that detects; `gaps` from any."""

    def __init__(self, site: Site, metrics: Metrics, tell: Callable[[Sequence[Event]], object]) -> None:
        self._metrics = metrics
        self._book = GapBook(site, metrics, tell)
        self._budget = Budget(site.config.detect.rule_budget)
        self._waiting: list[Suspension] = []

    @property
    def gaps(self) -> Sequence[Gap]:
        """What rules did not see, also before this start."""
        return self._book.gaps

    def begin(self, rules: RuleSet, offset: int, now: datetime) -> None:
        """Go on with what was suspended before a restart; what was changed since, or has waited long enough, runs from this offset on."""
        for gap in self._book.open():
            rule = rules.rule(gap.rule)
            if rule is None or rule.version != gap.version or gap.until <= now:
                self._book.end(gap, offset, now, "the SOC was started anew")
            else:
                self._budget.go_on(gap.rule, gap.until)
        self._apply(rules)

    def swapped(self, rules: RuleSet, versions: Mapping[str, str], offset: int, now: datetime) -> None:
        """Other rules run from this offset on: those that were changed are not what was suspended."""
        for gap in self._book.open():
            if versions.get(gap.rule) != gap.version:
                self._book.end(gap, offset, now, "the rule was changed")
                self._budget.resume(gap.rule, now, changed=True)
        self._apply(rules)

    def before(self, rules: RuleSet, offset: int, now: datetime) -> None:
        """Before the batch at this offset: begin and end suspensions, and meter the batch where a sample is due."""
        over = self._budget.ended(now)
        for rule in over:
            for gap in self._book.open():
                if gap.rule == rule:
                    self._book.end(gap, offset, now, "it is tried again")
            self._budget.resume(rule, now)
        suspended = bool(self._waiting)
        while self._waiting:
            self._begin(self._waiting[-1], rules, offset, now)
            self._waiting.pop()
        if over or suspended:
            self._apply(rules)
        rules.meter = Meter() if self._budget.due() else None

    def after(self, rules: RuleSet, cpu_ns: int, events: int, now: datetime) -> None:
        """What the batch took, all rules together, and, where it was metered, each of them."""
        self._budget.took(cpu_ns, events)
        if rules.meter is not None:
            self._waiting += self._budget.sample(spent(rules, rules.meter), now)
            rules.meter = None

    def _apply(self, rules: RuleSet) -> None:
        rules.suspend(self._budget.suspended)
        self._metrics.suspended.set(len(self._budget.suspended))

    def _begin(self, over: Suspension, rules: RuleSet, offset: int, now: datetime) -> None:
        rule = rules.rule(over.rule)
        if rule is not None:  # else it is gone since the sample
            gap = Gap(over.rule, rule.version, offset, None, why(over, self._budget), over.until)
            self._book.begin(gap, rule.title, now)


def spent(rules: RuleSet, meter: Meter) -> dict[str, Spent]:
    """What each rule took of a metered batch, by id."""
    return {rule.id: Spent(cost.nanoseconds, cost.events) for rule, cost in rules.costs(meter)}


def why(over: Suspension, budget: Budget) -> str:
    """Why a rule is suspended, in words."""
    return f"{over.mean_us:,.0f} us an event of its kind, the budget is {budget.budget_us:,.0f} us"
