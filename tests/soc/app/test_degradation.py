"""A rule that is truly expensive is suspended in the open: an alert, a metric, a gap to the offset; and it comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner

from soc.alert.facts import DETECTION
from soc.app import budget as budgets
from soc.app.conservation import Conservation, told_before
from soc.app.evaluation import Evaluation
from soc.app.gaps import KIND, gaps
from soc.app.indexing import Indexing, LocalIndexer
from soc.app.site import Site
from soc.app.told import Told
from soc.cli import soc as program
from soc.metrics import Metrics
from tests.soc.app.sites import new_site
from tests.soc.app.test_watch import titles
from tests.soc.desk_fixtures import event

COSTLY = str(UUID(int=21, version=4))
CHEAP = str(UUID(int=22, version=4))


def rule(rule_id: str, title: str, item: str, condition: str = "s") -> str:
    return (
        f"title: {title}\nid: {rule_id}\nlogsource: {{product: linux}}\n"
        f"detection:\n    s:\n        {item}\n    condition: {condition}\nlevel: low\n"
    )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Rules of which one asks of every event, all of it, what no index can say."""
    monkeypatch.setattr(budgets, "EVERY", 4)
    monkeypatch.setattr(budgets, "HURRY", 4)
    config = new_site(tmp_path / "site", "[]", "detect: {rule_budget: 100us}\n")
    rules = config.parent / "rules"
    (rules / "costly.yml").write_text(rule(COSTLY, "Costly", "message|re: '(?=a)a.*Q[0-9]{3}$'", "not s"))
    (rules / "cheap.yml").write_text(rule(CHEAP, "Cheap", "message|contains: needle"))
    with Site.load(config) as opened:
        yield opened


def feed(site: Site, evaluation: Evaluation, batches: int, start: int) -> int:
    """So many batches of twenty events, each with a message of its own; where the next ones begin."""
    for _ in range(batches):
        made = [
            event(n, n / 60, host_os_type="linux", message=f"needle {n} " + "abcdefghijQ1" * 200)
            for n in range(start, start + 20)
        ]
        site.journal.append(made, {}, [])
        evaluation.step()
        start += 20
    return start


def seen_by(site: Site, rule_id: str) -> list[int]:
    bodies = (entry.fact.body for entry in site.ledger.entries(kinds=[DETECTION]))
    return [body["events"][0]["journal"] for body in bodies if body["rule"]["id"] == rule_id]


def test_a_costly_rule_is_suspended_in_the_open_and_tried_again(site: Site) -> None:
    later = [timedelta()]
    clock = site.clock
    site.clock = lambda: clock() + later[0]
    metrics = Metrics()
    told = Told(site.journal, *told_before(site, site.journal))
    conservation = Conservation(site, site.journal, told, 0)
    evaluation = Evaluation(site, site.journal, site.detectors(), metrics, conservation.tell)
    fed = feed(site, evaluation, 5 * budgets.MIN_SAMPLES + 8, 0)
    evaluation.drain()
    assert metrics.registry.get_sample_value("soc_rules_suspensions_total") == 1
    assert metrics.registry.get_sample_value("soc_rules_suspended") == 1
    [gap] = gaps(site.ledger.entries(kinds=[KIND]))
    assert (gap.rule, gap.end) == (COSTLY, None)
    assert "the budget is 100 us" in gap.why
    assert "Detection Rule Suspended Because It Costs Too Much" in titles(site)
    fact = conservation.record(
        site.clock(), evaluation, Indexing(site.journal, LocalIndexer(site.journal, site.events), metrics)
    )
    assert fact is not None
    assert fact.body["unseen"] == [{"rule": COSTLY, "from": gap.start, "to": evaluation.offset}]
    assert fact.body["balanced"]
    assert len(seen_by(site, CHEAP)) == fed

    later[0] = budgets.FIRST_PAUSE + timedelta(seconds=1)
    feed(site, evaluation, 4, fed)
    [gap] = gaps(site.ledger.entries(kinds=[KIND]))
    assert gap.end is not None
    assert gap.end >= fed
    assert metrics.registry.get_sample_value("soc_rules_suspended") == 0
    seen = seen_by(site, COSTLY)
    assert [offset for offset in seen if gap.start <= offset < gap.end] == []
    feed(site, evaluation, 5 * budgets.MIN_SAMPLES + 8, fed + 80)
    again = gaps(site.ledger.entries(kinds=[KIND]))[-1]
    assert again.start > gap.end
    assert again.until - site.clock() > budgets.FIRST_PAUSE * 1.5


def test_a_suspension_lasts_over_a_restart_and_ends_when_the_rule_is_changed(site: Site) -> None:
    evaluation = Evaluation(site, site.journal, site.detectors(), Metrics())
    fed = feed(site, evaluation, 5 * budgets.MIN_SAMPLES + 8, 0)
    evaluation.drain()
    metrics = Metrics()
    evaluation = Evaluation(site, site.journal, site.detectors(), metrics)
    assert metrics.registry.get_sample_value("soc_rules_suspended") == 1
    fed = feed(site, evaluation, 1, fed)
    path = site.config.rules[0] / "costly.yml"
    path.write_text(rule(COSTLY, "Costly", "message|contains: needle"))
    evaluation.replace(site.content())
    start = evaluation.offset
    feed(site, evaluation, 1, fed)
    evaluation.drain()
    [gap] = gaps(site.ledger.entries(kinds=[KIND]))
    assert gap.end == start
    assert [offset for offset in seen_by(site, COSTLY) if offset >= gap.start]
    assert metrics.registry.get_sample_value("soc_rules_suspended") == 0


def test_cost_names_the_costly_rule_first(site: Site) -> None:
    evaluation = Evaluation(site, site.journal, site.detectors(), Metrics())
    feed(site, evaluation, 3, 0)
    done = CliRunner().invoke(program, ["rules", "cost", "--json", "--last", "3000d", "--config", str(site.path)])
    assert done.exit_code == 0, done.output
    rows = [json.loads(text) for text in done.stdout.splitlines()]
    assert rows[0]["rule.title"] == "Costly"
    assert rows[0]["events"] == rows[0]["evaluations"] == 60
    assert rows[0]["us_per_event"] > 100
    [cheap] = [row for row in rows if row["rule.title"] == "Cheap"]
    assert cheap["hits"] == 60
    assert cheap["us_per_event"] < 100
