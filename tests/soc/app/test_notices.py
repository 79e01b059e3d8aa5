"""A site tells of legal notices before they are due and when they were not sent, once each; commands write and record them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest

from soc.__main__ import run
from soc.alert import facts as alert_facts
from soc.app.notice_clocks import DUE, NoticeClocks
from soc.app.site import Site
from soc.incident import facts
from tests.soc.app.sites import new_site
from tests.soc.store.material import alert, incident

DETECTED = datetime.fromisoformat("2026-11-20T08:00:00+07:00")
INCIDENT = replace(incident(1, [alert(1)]), systems=(), detected=DETECTED)


def opened(folder: Path) -> Path:
    config = new_site(folder / "site")
    with Site.load(config) as site:
        site.ledger.append([alert_facts.opened(alert(1), DETECTED), facts.opened(INCIDENT, DETECTED)])
        site.catch_up()
    return config


def look(site: Site, clocks: NoticeClocks, hours: float) -> list[tuple[str, str]]:
    site.catch_up()
    events = list(clocks.look(DETECTED + timedelta(hours=hours)))
    assert {event.fields["event.action"] for event in events} <= {DUE}
    return [(str(e.fields["egov.record.id"]), str(e.fields["event.reason"])) for e in events]


def test_each_clock_is_told_when_it_warns_and_when_it_is_over_once(tmp_path: Path) -> None:
    with Site.load(opened(tmp_path)) as site:
        clocks = NoticeClocks(site)
        assert look(site, clocks, 65) == []
        assert look(site, clocks, 67) == [("incident-0001/report", "warned")]
        assert look(site, clocks, 68) == []
        assert look(site, NoticeClocks(site), 69) == [], "after a restart the ledger knows"
        assert look(site, clocks, 73) == [("incident-0001/report", "overdue")]
        site.catch_up()
        told = [e.text for e in site.projections.incidents(["incident-0001"])[0].timeline if e.kind == "clock"]
        assert len(told) == 2


def test_a_notice_is_written_sent_and_its_proof_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = opened(tmp_path)

    def soc(*arguments: str | Path) -> list[dict[str, object]]:
        assert run(["incidents", *map(str, arguments), "--json", "--config", str(config)]) == 0
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    [clock] = soc("clocks")
    assert (clock["incident"], clock["id"]) == ("incident-0001", "report")
    file = tmp_path / "notice.json"
    [told] = soc("notice", "incident-0001", "report", "--format", "json", "--output", file)
    assert told["sha256"] == sha256(file.read_bytes()).hexdigest()
    data = json.loads(file.read_bytes())
    assert data["incident"]["id"] == "incident-0001"
    for language, name in (("en", "of Tay Ninh province"), ("vi", "Ủy ban nhân dân tỉnh Tây Ninh")):
        page = tmp_path / f"{language}.html"
        soc("notice", "incident-0001", "report", "--language", language, "--output", page)
        assert name in unescape(page.read_text()), "the site's own language is en"
    with Site.load(config) as site:
        assert site.ledger.root_at(data["ledger"]["size"]).hex() == data["ledger"]["root"]
    proof = tmp_path / "receipt.txt"
    proof.write_text("received, A05")
    soc("sent", "incident-0001", "--rule", "report", "--to", "A05", "--notice", file, "--proof", proof)
    [clock] = soc("clocks")
    assert str(clock["state"]).startswith("sent")
    with Site.load(config) as site:
        [sent] = site.projections.incidents(["incident-0001"])[0].notices
        assert site.vault.fault(sent.proof_sha256) == site.vault.fault(sent.notice_sha256) == ""
    assert run(["incidents", "notice", "incident-0001", "initial", "--output", str(file), "--config", str(config)]) == 2
    assert "no notice initial is due for incident-0001" in capfd.readouterr().err
