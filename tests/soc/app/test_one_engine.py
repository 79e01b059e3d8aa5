"""One engine: what `soc run` reports live, `soc scan` finds on the same lines, and replaying the journal gives it again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from soc.alert.facts import DETECTION
from soc.app.enrichment import Enricher
from soc.app.reading import BATCH
from soc.app.site import Site
from tests.soc.app.sites import LOGIN_AS_ROOT, auth_line, new_site

MESSAGES = (
    LOGIN_AS_ROOT,
    "Invalid user admin from 203.0.113.9 port 40001",
    "Accepted publickey for lan.nt from 192.0.2.101 port 40002 ssh2: ED25519 SHA256:abc",
    "Connection closed by authenticating user root 203.0.113.9 port 40003 [preauth]",
)


def test_scan_run_and_replay_agree(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(i, MESSAGES[i % len(MESSAGES)]) for i in range(400)))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]")
    run = [sys.executable, "-m", "soc"]
    subprocess.run([*run, "run", "--until-read", "--config", str(config)], check=True, capture_output=True)
    scanned = subprocess.run(
        [*run, "scan", str(log), "--json", "--config", str(config)], check=False, capture_output=True, text=True
    )
    assert scanned.returncode == 1, scanned.stderr
    found = sorted((row["rule.id"], row["event.index"]) for row in map(json.loads, scanned.stdout.splitlines()))
    with Site.load(config) as site:
        live = sorted(
            (e.fact.body["rule"]["id"], e.fact.body["events"][0]["index"])
            for e in site.ledger.entries(kinds=[DETECTION])
        )
        events, _ = site.journal_reader.read(0, BATCH)
        replayed = [d.id for d in site.rules().detect(events)]
        again = [d.id for d in site.rules().detect(Enricher(site)(events))]
        ledger_ids = {e.fact.id for e in site.ledger.entries(kinds=[DETECTION])}
    assert found == live
    assert replayed == again
    assert {f"{DETECTION}:{i}" for i in replayed} == ledger_ids
