"""`soc report` by commands: figures as JSON, the report as a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from soc.__main__ import run
from soc.alert import CloseReason, facts
from soc.app.desk import SiteDesk
from soc.app.site import Site
from tests.soc.app.sites import new_site
from tests.soc.store.material import DAY, alert


@pytest.mark.parametrize("named", [("shift", "--at", "2026-10-14T08:00+07:00"), ("month", "--month", "2026-10")])
def test_figures_of_a_shift_and_a_month(
    named: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = new_site(tmp_path / "site")
    with Site.load(config, clock=lambda: DAY) as site:  # 07:00 of the site
        site.ledger.append([facts.opened(replace(alert(n), opened=DAY), DAY) for n in range(3)])
        site.catch_up()
        SiteDesk(site, "lan").close([alert(0).id], CloseReason.FALSE_POSITIVE, "")
    assert run(["report", *named, "--json", "--config", str(config)]) == 0
    data = json.loads(capfd.readouterr().out)
    assert (sum(data["opened"].values()), sum(data["backlog"].values()), data["closed"]["false-positive"]) == (3, 2, 1)
    assert data["analysts"] == [
        {"shift": "2026-10-14 07:00", "analyst": "lan", "acknowledged": 0, "closed": 1, "reopened": 0}
    ]
    assert run(["report", *named, "--language", "vi", "--config", str(config)]) == 0
    shown = capfd.readouterr().out
    assert "Cảnh báo còn tồn" in shown
    assert alert(1).id in shown
    for form in ("html", "json", "csv"):
        output = tmp_path / f"report.{form}"
        assert run(["report", *named, "--format", form, "--output", str(output), "--config", str(config)]) == 0
        assert output.stat().st_size > 100
    assert run(["report", "month", "--month", "soon", "--config", str(config)]) == 2
