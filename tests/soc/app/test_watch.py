"""The SOC watches itself: what is wrong with it is an alert like any other."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from soc.app import run as running
from soc.app.clock import now
from soc.app.run import Running
from soc.app.site import Site
from soc.store import AlertQuery
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_run import wait_for


def titles(site: Site) -> set[str]:
    """Of what is in an analyst's view: the canary's alerts are not."""
    ids = site.projections.alert_ids(AlertQuery(suppressed=False))
    return {alert.title for alert in site.projections.alerts(ids)}


def test_a_rule_that_is_gone_since_the_last_start_is_an_alert(tmp_path: Path) -> None:
    config = new_site(tmp_path / "site")
    with Site.load(config) as site, Running(site):
        pass
    (tmp_path / "site" / "rules" / "linux" / "sshd_root_password_login.yml").unlink()
    with Site.load(config) as site, Running(site):
        wait_for(lambda: site.projections.alert_ids(AlertQuery()), 5)
        assert titles(site) == {"Detection Rule Disabled or Silenced"}


def test_an_alert_that_nobody_looked_at_in_time_is_an_alert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "TICK_S", 0.2)
    log = tmp_path / "auth.log"
    log.write_text(auth_line(1))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}}}]")
    later = [timedelta()]
    with Site.load(config, clock=lambda: now() + later[0]) as site, Running(site):
        wait_for(lambda: titles(site), 5)
        before = titles(site)
        later[0] = timedelta(hours=2)
        wait_for(lambda: titles(site) - before, 5)
        time.sleep(0.5)
        assert titles(site) - before == {"Alert of the SOC Not Looked At in Time"}
