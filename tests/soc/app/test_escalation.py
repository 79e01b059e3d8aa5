"""Before the time of an alert is over somebody is told, once; what nobody looked at in time becomes an event of the SOC's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from soc.alert import AlertStatus, decisions, facts
from soc.app.desk import SiteDesk
from soc.app.escalation import Escalation
from soc.app.site import Site
from soc.detect import Level
from soc.store import AlertQuery
from tests.soc.app.sites import new_site
from tests.soc.store.material import DAY, alert

HIGH = replace(alert(1, level=Level.HIGH), opened=DAY, due=DAY + timedelta(hours=1), decide_by=DAY + timedelta(hours=8))
OWN = replace(HIGH, id="alert-000002", system="soc")
SUPPRESSED = replace(HIGH, id="alert-000003", suppressed_by="S-1")


def look(site: Site, escalation: Escalation, minutes: float) -> list[str]:
    site.catch_up()
    now = DAY + timedelta(minutes=minutes)
    return [str(event.fields["egov.record.id"]) for event in escalation.look(now)]


def told(site: Site) -> list[tuple[str, str, str]]:
    entries = site.ledger.entries(kinds=[decisions.ESCALATED])
    return [(e.fact.body["alert"], e.fact.body["clock"], e.fact.body["to"]) for e in entries]


def test_each_clock_is_told_once_before_it_ends_and_when_it_did(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site")) as site:
        site.ledger.append([facts.opened(each, DAY) for each in (HIGH, OWN, SUPPRESSED)])
        escalation = Escalation(site)
        assert look(site, escalation, 44) == []
        assert told(site) == []
        assert look(site, escalation, 46) == []
        assert told(site) == [(HIGH.id, "look", "lead")]
        assert look(site, escalation, 59) == []
        assert look(site, escalation, 61) == [HIGH.id]
        assert look(site, escalation, 62) == []
        site.catch_up()
        assert site.projections.alert_ids(AlertQuery(text="escalated")) == [HIGH.id]
        assert look(site, escalation, 6 * 60 + 1) == []
        assert told(site) == [(HIGH.id, "look", "lead"), (HIGH.id, "decide", "lead")]
        assert look(site, Escalation(site), 7 * 60) == [
            HIGH.id
        ]  # after a restart: the same event, which the journal has
        assert len(told(site)) == 2


def test_what_was_looked_at_is_only_to_be_decided(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site"), clock=lambda: DAY) as site:
        site.ledger.append([facts.opened(HIGH, DAY)])
        site.catch_up()
        escalation = Escalation(site)
        SiteDesk(site, "lan").acknowledge([HIGH.id])
        assert look(site, escalation, 90) == []
        assert told(site) == []
        assert look(site, escalation, 6 * 60 + 1) == []
        assert told(site) == [(HIGH.id, "decide", "lead")]
        assert site.projections.alerts([HIGH.id])[0].status is AlertStatus.ACKNOWLEDGED
