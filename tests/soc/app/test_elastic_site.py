"""The same commands over Elasticsearch: a whole site whose events and alerts live on a real node."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from soc.alert import AlertStatus, CloseReason
from soc.app.desk import SiteDesk
from soc.app.site import Site
from soc.store import AlertQuery, EventQuery
from tests.servers.elastic import ElasticNode
from tests.soc.app.sites import auth_line, new_site

pytestmark = pytest.mark.server


def test_the_same_site_on_elasticsearch(tmp_path: Path, elastic_node: ElasticNode) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(i) for i in range(300)))
    sources = f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]"
    store = f'store: {{kind: elasticsearch, hosts: ["{elastic_node.url}"], namespace: whole}}\n'
    config = new_site(tmp_path / "site", sources, store)
    soc = [sys.executable, "-m", "soc"]
    for _ in range(2):  # the second run finds nothing new
        done = subprocess.run(
            [*soc, "run", "--until-read", "--config", str(config)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        [*soc, "alerts", "list", "--json", "--config", str(config)], capture_output=True, text=True, check=True
    )
    assert "203.0.113.45" in listed.stdout
    with Site.load(config) as site:
        assert site.events.count() == 300
        assert len(site.events.search(EventQuery(equals={"source.ip": "203.0.113.45"}, limit=1000))) == 300
        desk = SiteDesk(site, "lan")
        alert_id = desk.alert_ids(AlertQuery())[0]
        desk.close([alert_id], CloseReason.BENIGN, "an exercise")
        assert desk.alert(alert_id).status is AlertStatus.CLOSED
        assert desk.raw_events(desk.alert(alert_id).event_ids)[0]["event.original"] == auth_line(0).rstrip("\n")
    shown = subprocess.run(
        [*soc, "alerts", "show", alert_id, "--config", str(config)], capture_output=True, text=True, check=True
    )
    assert "an exercise" in shown.stdout
