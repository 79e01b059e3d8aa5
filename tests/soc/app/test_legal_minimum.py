"""How long events are kept: by system, by level, and never shorter than the law of the day demands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soc.__main__ import run
from soc.app.legal_minimum import keeping
from soc.app.site import Site
from soc.errors import EXIT_USAGE, FaultsError
from tests.soc.app.sites import new_site

BEFORE, AFTER = datetime(2026, 7, 23, tzinfo=UTC), datetime(2026, 7, 24, tzinfo=UTC)
"""The standard of log retention by level is in force from 2026-07-24."""


def site_that_keeps(folder: Path, store: str, now: datetime = AFTER) -> Site:
    return Site.load(new_site(folder, more=f"store: {store}\n"), clock=lambda: now)


def test_a_system_is_kept_as_it_says_else_as_its_level_says_else_as_all(tmp_path: Path) -> None:
    with site_that_keeps(tmp_path, "{retention: 400d, retention_of: {level_3: 500d, e-tax: 600d}}") as site:
        kept = keeping(site)
    assert [kept.of(system).days for system in ("e-tax", "notary", "budget-treasury", "", "gone")] == [
        600,
        500,
        400,
        400,
        400,
    ]
    assert kept.shortest == timedelta(days=400)


def test_less_than_the_law_demands_is_refused_where_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = new_site(
        tmp_path, more="store:\n  retention: 200d\n  retention_of:\n    level_4: 90d\n    e-tax: 60d\n    nobody: 9d\n"
    )
    lines = len(config.read_text().splitlines())
    assert run(["check", "--config", str(config), "--json"]) == EXIT_USAGE
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (text,) = [one["text"] for one in said if not one["ok"]]
    assert f"soc.yaml:{lines - 2}:14: 90d is less than the 180d" in text
    assert f"soc.yaml:{lines - 1}:12: 60d is less than the 90d" in text
    assert f'soc.yaml:{lines}:5: "nobody" is neither a system of the inventory nor a level' in text


def test_what_names_no_system_is_kept_as_the_strictest_level_demands(tmp_path: Path) -> None:
    with site_that_keeps(tmp_path, "{retention: 100d, retention_of: {level_4: 200d, level_5: 400d}}") as site:
        with pytest.raises(FaultsError, match="100d is less than the 180d") as refused:
            keeping(site)
        assert len(refused.value.faults) == 1


def test_the_law_counts_from_the_day_that_it_is_in_force(tmp_path: Path) -> None:
    with site_that_keeps(tmp_path, "{retention: 1d}", BEFORE - timedelta(days=1)) as site:
        assert keeping(site).of("e-tax") == timedelta(days=1)
