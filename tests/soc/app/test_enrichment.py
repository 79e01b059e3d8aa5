"""What a site knows of events, while its files change: the next line has it, and a broken file takes nothing away."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from collectors.enrich.intel.indicator import Indicator, Kind
from collectors.event import Event, Value
from soc.app import run
from soc.app.intel import indicator_store
from soc.app.run import Running
from soc.app.site import Site
from tests.soc.app.lived import alerts, login
from tests.soc.app.sites import new_site
from tests.soc.app.test_intel import ATTACKER, wait_for
from tests.soc.app.test_run import scraped

PEOPLE, MACHINES = "name,full_name\n", "name,addresses,system\n"


def refusals(site: Site) -> int:
    """How many times changed files of enrichment were told as refused, in alerts."""
    return sum(alert.count for alert in alerts(site) if alert.title == "Changed Enrichment Refused by the SOC")


def test_people_machines_and_warning_lists_are_read_anew_while_the_soc_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "TICK_S", 0.2)
    people, machines, lists, log = (tmp_path / name for name in ("people.csv", "machines.csv", "ours.txt", "auth.log"))
    people.write_text(f"{PEOPLE}root,Nguyen Van An\n")
    machines.write_text(f"{MACHINES}gate-01,{ATTACKER},\n")
    lists.write_text("192.0.2.1\n")
    log.write_text(login(1))
    enrich = f"{{identities: [{people}], machines: [{machines}], warning_lists: [{lists}]}}"
    source = f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]"
    with Site.load(new_site(tmp_path / "site", source, f"enrich: {enrich}\n")) as site:
        indicator_store(site).merge([Indicator(Kind.IPV4, ATTACKER)], "cert", site.clock())
        with Running(site) as running:

            def line(minute: int) -> Mapping[str, Value]:
                """The event of one more line."""
                before = site.journal.end()
                with log.open("a") as file:
                    file.write(login(minute))

                def found() -> list[Event]:
                    return [event for event in site.journal.read(before, 10)[0] if event.source == "auth"]

                wait_for(found)
                return found()[0].fields

            wait_for(lambda: site.journal.end() >= 1)
            first = line(2)
            people.write_text(f"{PEOPLE}root,Tran Thi Binh\n")
            machines.write_text(f"{MACHINES}jump-09,{ATTACKER},\n")
            lists.write_text(f"{ATTACKER}\n")
            second = line(3)
            for path in (people, machines, lists):
                path.write_text("what nobody can read\n")
            third = line(4)
            wait_for(lambda: refusals(site) == 3)
            assert scraped(running)["soc_enrichment_refused"] == "3.0"
            people.write_text(f"{PEOPLE}root,Pham Thi Cuc\n")
            line(5)
            wait_for(lambda: scraped(running)["soc_enrichment_refused"] == "2.0")
            assert not running.failures()
    names = ("user.full_name", "source.domain", "threat.indicator.name")
    assert [first.get(name) for name in names] == ["Nguyen Van An", "gate-01", ATTACKER]
    assert [second.get(name) for name in names] == ["Tran Thi Binh", "jump-09", None]
    assert [third.get(name) for name in names] == ["Tran Thi Binh", "jump-09", None]
    told = {record.__dict__["what"] for record in caplog.records if record.levelno == logging.ERROR}
    assert told == {"people", "machines", "warning lists"}
