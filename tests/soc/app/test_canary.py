"""A running SOC proves once a day that it detects, in nobody's way; and a canary that is not found is told."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from iso27001.counting import newest
from soc.app import run as running_module
from soc.app.canary import DUE_AFTER, EVERY, RULE, SENT, Canaries, canaries
from soc.app.measuring import measure_all
from soc.app.run import Running
from soc.app.site import Site
from soc.app.watch import rules_loaded
from soc.store import AlertQuery
from tests.soc.app.sites import new_site
from tests.soc.app.test_run import wait_for

DAY = timedelta(days=1)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A site of this one rule."""
    found = new_site(tmp_path / "site")
    shipped = found.parent / "rules"
    kept = (shipped / "soc" / "soc_canary.yml").read_text()
    shutil.rmtree(shipped)
    shipped.mkdir()
    (shipped / "soc_canary.yml").write_text(kept)
    return found


def test_a_canary_is_found_by_the_running_soc_and_nobody_has_to_look_at_it(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_module, "TICK_S", 0.5)
    with Site.load(config) as site, Running(site):
        start = site.clock() - DAY
        wait_for(lambda: any(each.found for each in canaries(site, start)), 60)
        site.catch_up()
        assert len(site.projections.alert_ids(AlertQuery(suppressed=True))) == 1
        assert len(site.projections.alert_ids(AlertQuery(suppressed=False))) == 0
        measure_all(site)
        sample = newest(site.ledger, site.clock()).of_all["MON-02"]
        assert (sample.met, sample.numbers["canaries_sent"], sample.numbers["canaries_alerted"]) == (True, 1, 1)
        assert len(list(site.ledger.entries(kinds=[SENT]))) == 1, "one a day"


def test_one_that_is_not_found_is_told_once_and_the_next_goes_a_day_later(config: Path) -> None:
    with Site.load(config) as site:
        now = site.clock()
        rules_loaded(site, {RULE: "1"}, 0, now)
        sender = Canaries(site)
        told = []
        for after in (0 * DAY, DUE_AFTER, DUE_AFTER * 1.1, DUE_AFTER * 2, EVERY):
            told.append([event.fields["event.action"] for event in sender.look(now + after)])
        assert told == [["canary-sent"], [], ["canary-missed"], [], ["canary-sent"]]
        restarted = Canaries(site)
        again = [event.fields["event.action"] for event in restarted.look(now + EVERY + DUE_AFTER * 1.1)]
        assert again == ["canary-missed"]


def test_a_site_without_the_rule_sends_none(config: Path) -> None:
    with Site.load(config) as site:
        rules_loaded(site, {"another": "1"}, 0, site.clock())
        assert list(Canaries(site).look(site.clock())) == []
