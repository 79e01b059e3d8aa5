"""Somebody is reminded of what expires, once before and once when it is over, also after a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from iso27001.catalogue import load
from iso27001.evidence import link
from soc.__main__ import run
from soc.app.reminding import TOLD, Reminding
from soc.app.site import Site
from tests.iso27001.register.test_holdings import POLICY
from tests.soc.app.sites import new_site

DAY = timedelta(days=1)


def test_each_reminder_is_told_once_before_and_once_when_it_is_over(tmp_path: Path) -> None:
    now = [POLICY.expires - 40 * DAY] if POLICY.expires else []
    told = []
    with Site.load(new_site(tmp_path / "site"), clock=lambda: now[0]) as site:
        site.ledger.append([link(POLICY, load(), actor="lan")])
        reminding = Reminding(site)
        for days in (0, 10, 20, 40, 41):
            looked = now[0] + days * DAY
            told += [(days, event.fields["event.reason"]) for event in reminding.look(looked)]
            told += [(days, "again") for _ in reminding.look(looked + timedelta(minutes=1))]
        told += [(99, "restarted") for _ in Reminding(site).look(now[0] + 41 * DAY)]
        facts = [entry.fact.body for entry in site.ledger.entries(kinds=[TOLD])]
        later = replace(POLICY, expires=POLICY.effective_to + 400 * DAY, result_hash="1" * 64)
        site.ledger.append([link(later, load(), actor="lan")])
        told += [(100, "renewed") for _ in Reminding(site).look(now[0] + 42 * DAY)]
    assert told == [(10, "soon"), (40, "overdue")]
    assert [(fact["record"], fact["owner"], fact["reason"]) for fact in facts] == [
        ("E-1", "Head of operations", "soon"),
        ("E-1", "Head of operations", "overdue"),
    ]


def test_the_rule_on_what_is_overdue_keeps_the_conventions_and_passes_its_tests() -> None:
    rule = Path(__file__).parents[3] / "rules" / "soc" / "soc_record_due.yml"
    assert run(["rules", "check", str(rule), "--conventions"]) == 0
    assert run(["rules", "test", str(rule)]) == 0
