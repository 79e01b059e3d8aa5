"""SIGKILL at any point: no line that was journalled is lost, none is there twice, and the alerts are those of an undisturbed run."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from soc.app.site import Site
from soc.store import AlertQuery, EventQuery
from tests.soc.app.sites import auth_line, new_site

KILLS = 6
LINES_A_ROUND = 400


def counted(site: Site) -> tuple[int, list[tuple[str, int]], int]:
    """Distinct raw lines, (title, detections) of the alerts, and events in the store."""
    originals = [d["event.original"] for d in site.events.search(EventQuery(limit=100_000))]
    assert len(originals) == len(set(map(str, originals)))
    alerts = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
    return len(originals), sorted((a.title, a.count) for a in alerts), site.events.count()


def test_killing_the_program_at_random_points_changes_nothing(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    sources = f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]"
    config = new_site(tmp_path / "site", sources, processes=3)
    chance = random.Random(7)
    total = 0
    for _ in range(KILLS):
        with log.open("a") as stream:
            stream.write("".join(auth_line(total + i) for i in range(LINES_A_ROUND)))
        total += LINES_A_ROUND
        process = subprocess.Popen(
            [sys.executable, "-m", "soc", "run", "--config", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(1.0 + chance.random() * 1.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(
        [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(config)], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    with Site.load(config) as killed:
        lines, alerts, stored = counted(killed)
        detections = sum(1 for _ in killed.ledger.entries(kinds=["detection"]))
    calm_config = new_site(
        tmp_path / "calm", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]"
    )
    subprocess.run(
        [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(calm_config)],
        check=True,
        capture_output=True,
    )
    with Site.load(calm_config) as calm:
        assert (lines, alerts, stored) == counted(calm)
        assert detections == sum(1 for _ in calm.ledger.entries(kinds=["detection"]))
    assert lines == stored == total


def test_a_projection_that_was_thrown_away_is_rebuilt_the_same(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(i) for i in range(50)))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, follow: false}}]")
    subprocess.run(
        [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(config)], check=True, capture_output=True
    )
    with Site.load(config) as site:
        before = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
        incidents = site.projections.incidents(site.projections.incident_ids())
        site.projections.reset()
        assert site.projections.alert_ids(AlertQuery()) == []
        site.catch_up()
        assert site.projections.alerts(site.projections.alert_ids(AlertQuery())) == before
        assert site.projections.incidents(site.projections.incident_ids()) == incidents
    assert before
