"""A hunt with the site's threat intelligence: what holds an indicator is found in text and in Windows events, and told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.collectors.parse.test_windows_table import event
from tests.soc.app.lived import login
from tests.soc.app.sites import new_site
from tests.soc.app.test_intel import ATTACKER, OTHER, Soc, feed, soc

__all__ = ["soc"]

SHA256 = "5" * 64
RULES = {"Indicator of an Attacker Came In", "Indicator of an Attacker Contacted", "File Known to Threat Intelligence"}


@pytest.fixture
def config(tmp_path: Path, soc: Soc) -> Path:
    """A site with three indicators, valid from long after the evidence."""
    config = new_site(tmp_path / "site")
    rows = f"{ATTACKER},90,2026-11-01", "evil.example,90,2026-11-01", f"{SHA256},90,"
    assert soc("intel", "import", feed(tmp_path, *rows), "--feed", "cert", "--config", config).code == 0
    return config


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "auth.log").write_text(login(1, address=ATTACKER).replace("Accepted", "Failed") + login(2, address=OTHER))
    sysmon = [
        event({"QueryName": "evil.example", "Image": "C:\\x.exe"}, EventID=22),
        event({"QueryName": "good.example", "Image": "C:\\x.exe"}, EventID=22),
        event({"Image": "C:\\y.exe", "Hashes": f"MD5={'1' * 32},SHA256={SHA256.upper()}"}),
    ]
    (folder / "sysmon.jsonl").write_bytes(b"\n".join(sysmon) + b"\n")
    return folder


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_indicators_are_found_in_text_and_in_windows_events_and_told_apart(
    evidence: Path, config: Path, soc: Soc, jobs: str
) -> None:
    ran = soc("scan", evidence, "--json", "--jobs", jobs, "--config", config)
    assert ran.code == 1
    found = [row for row in ran.rows if "threat.feed.name" in row]
    assert {row["rule.title"] for row in found} == RULES
    assert {row["threat.indicator.name"] for row in found} == {ATTACKER, "evil.example", SHA256}
    assert "3 events hold indicators, 3 of them:" in ran.err
    for value in (ATTACKER, "evil.example", SHA256):
        assert f"    1 events: {value} (cert)\n" in ran.err


def test_what_no_rule_shows_is_told_all_the_same(evidence: Path, config: Path, soc: Soc, tmp_path: Path) -> None:
    folder = tmp_path / "none"
    folder.mkdir()
    (folder / "a.yml").write_text(
        json.dumps(
            {
                "title": "Nothing of this",
                "id": "6b3f8c52-3e0c-4a4e-9d51-000000000009",
                "logsource": {"product": "windows"},
                "detection": {"selection": {"Image": "never"}, "condition": "selection"},
            }
        )
    )
    ran = soc("scan", evidence, "--rules", folder, "--json", "--config", config)
    assert (ran.code, ran.out) == (1, "")
    assert "3 events hold indicators" in ran.err


def test_a_site_without_indicators_tells_of_none(evidence: Path, soc: Soc, tmp_path: Path) -> None:
    ran = soc("scan", evidence, "--json", "--config", new_site(tmp_path / "other"))
    assert (ran.code, "indicator" in ran.err) == (1, False)
    assert not [row for row in ran.rows if "threat.feed.name" in row]
