"""The rules of a site as a board: on, suspended or without a source; how much noise each makes, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from soc.alert.scoring import RuleRecord
from soc.app.gaps import KIND as GAP
from soc.app.gaps import Gap, gaps
from soc.app.hidden import hidden_by_rule
from soc.app.rule_check import outputs
from soc.app.site import Site
from soc.detect import Rule
from soc.detect.sigma import ir
from soc.detect.sigma.producible import Reach
from soc.tui import Cell, Item, Section, Tone

WINDOW = timedelta(days=30)
"""What noise is counted over."""


class RulesBoard:
    """The noisiest first; those that cannot fire last."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: tuple[list[Rule], Mapping[str, str]] | None = None

    def items(self) -> Sequence[Item]:
        """One row a rule."""
        rules, missing = self._rules()
        records, hidden = self._records(), hidden_by_rule(self._site)
        suspended = {gap.rule for gap in self._gaps() if gap.end is None}
        found = []
        for rule in rules:
            heard = records.get(rule.id, RuleRecord())
            state = "suspended" if rule.id in suspended else "blind" if rule.id in missing else "on"
            tone = {"suspended": Tone.WARN, "blind": Tone.DIM}.get(state, Tone.PLAIN)
            cells: dict[str, Cell] = {
                "state": state,
                "severity": rule.level.value,
                "title": rule.title,
                "fired": heard.opened or None,
                "false": false_share(heard),
                "hidden": hidden[rule.id] or None,
                "logsource": rule.logsource,
            }
            found.append(Item(rule.id, cells, tone))
        return sorted(found, key=_order)

    def sections(self, item_id: str) -> Sequence[Section]:
        """All that is known of one rule."""
        rules, missing = self._rules()
        rule = next((one for one in rules if one.id == item_id), None)
        if rule is None:
            return ()
        heard = self._records().get(rule.id, RuleRecord())
        path = Path(rule.path)
        text = path.read_text("utf-8").split("\n") if path.is_file() else []
        return (
            Section(
                "named",
                (
                    ("title", rule.title),
                    ("level", rule.level.value),
                    ("logsource", rule.logsource),
                    ("attack", ", ".join(tag for tag in rule.tags if tag.startswith("attack."))),
                    ("path", rule.path),
                    ("missing", missing.get(rule.id, "")),
                ),
            ),
            Section(
                "noise",
                (
                    ("fired", heard.opened),
                    ("confirmed", heard.confirmed),
                    ("rejected", heard.rejected),
                    ("false", false_share(heard)),
                    ("hidden", hidden_by_rule(self._site)[rule.id] or None),
                ),
            ),
            *self._blind(rule),
            *([Section("text", lines=text)] if text else []),
        )

    def _rules(self) -> tuple[list[Rule], Mapping[str, str]]:
        """The rules, and why those of them that cannot fire cannot; read once a session."""
        if self._known is None:
            content = self._site.content()
            reach = Reach(outputs(self._site.config.sources), content)
            verdicts = {each.id: reach.verdict(each) for _, each in content if isinstance(each, ir.Rule)}
            missing = {key: verdict.why for key, verdict in verdicts.items() if not verdict.fires}
            self._known = list(self._site.rule_set(content).rules), missing
        return self._known

    def _records(self) -> Mapping[str, RuleRecord]:
        return self._site.projections.rule_records(self._site.clock() - WINDOW)

    def _gaps(self) -> list[Gap]:
        return gaps(self._site.ledger.entries(kinds=[GAP]))

    def _blind(self, rule: Rule) -> list[Section]:
        told = [
            f"{g.start:,} – {f'{g.end:,}' if g.end is not None else '…'}: {g.why}"
            for g in self._gaps()
            if g.rule == rule.id
        ]
        return [Section("gaps", lines=told)] if told else []


def false_share(record: RuleRecord) -> float | None:
    """Per cent of the decided alerts that turned out to be nothing; None where none was decided."""
    decided = record.confirmed + record.rejected
    return 100 * record.rejected / decided if decided else None


def _order(item: Item) -> tuple[bool, int, str]:
    fired = item.cells["fired"]
    return item.tone is Tone.DIM, -fired if isinstance(fired, int) else 0, str(item.cells["title"])
