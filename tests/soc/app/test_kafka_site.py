"""A site whose journal is a real Kafka topic: the same detections, the same counts, over a SIGKILL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from soc.app.site import Site
from tests.servers.kafka import KafkaNode
from tests.soc.app.lived import alerts
from tests.soc.app.sites import auth_line, new_site

pytestmark = pytest.mark.server

LINES = 1_200


def test_a_site_on_kafka_says_what_one_on_files_says_also_when_it_is_killed(
    tmp_path: Path, kafka_node: KafkaNode
) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(n) for n in range(LINES)))
    sources = f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]"
    journal = f"journal: {{kind: kafka, servers: ['{kafka_node.server}'], topic: site-{uuid.uuid4().hex}}}\n"
    sites = {
        "kafka": new_site(tmp_path / "kafka", sources, journal, processes=3),
        "files": new_site(tmp_path / "files", sources),
    }
    said = {}
    for name, config in sites.items():
        argv = [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(config)]
        if name == "kafka":
            process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
            time.sleep(4)
            process.send_signal(signal.SIGKILL)
            process.wait()
        done = subprocess.run(argv, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        with Site.load(config) as site:
            events = [e for e in site.journal_reader.read(0, 2 * LINES)[0] if e.source == "auth"]
            said[name] = (
                [event.raw for event in events],
                site.events.count(),
                sorted((alert.title, str(alert.entity), alert.count) for alert in alerts(site)),
            )
    assert len(said["files"][0]) == LINES
    assert said["kafka"] == said["files"]
