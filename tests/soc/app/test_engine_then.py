"""Whether the engine ran a rule when an event came: what the ledger says was loaded, what the SOC's own audit says was suspended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iso27001.ledger import Fact
from soc.app.audit import audit_event
from soc.app.engine_then import Then, then
from soc.app.site import Site
from soc.app.watch import RESUMED, RULES_LOADED, SUSPENDED
from tests.soc.app.sites import new_site

RULE = "0b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c11"
OTHER = "1b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c12"
START = datetime(2026, 11, 22, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.load(new_site(tmp_path / "site")) as opened:
        yield opened


def load(site: Site, minutes: int, rules: dict[str, str]) -> None:
    site.ledger.append([Fact(f"{RULES_LOADED}:{minutes}", RULES_LOADED, at(minutes), "engine", {"rules": rules})])


def audit(site: Site, minutes: int, action: str, rule: str = RULE) -> None:
    fields = {"egov.record.type": "detection-rule", "egov.record.id": rule, "message": "812 us an event"}
    events = [audit_event(action, fields, at(minutes))]
    first = site.journal.end()
    site.journal.append(events, {}, [])
    site.events.index(events, first)


def test_rule_ran_where_it_was_among_those_loaded_last(site: Site) -> None:
    load(site, 0, {RULE: "v1"})
    load(site, 10, {RULE: "v2", OTHER: "v1"})
    load(site, 20, {OTHER: "v1"})
    assert then(site, RULE, "v2", at(15)) == Then(loaded=True, same=True, since=at(10))
    assert then(site, RULE, "v2", at(5)) == Then(loaded=True, same=False, since=at(0))
    assert not then(site, RULE, "v2", at(25)).loaded
    assert then(site, OTHER, "v1", at(5)) == Then(loaded=False, same=False, since=at(0))


def test_before_any_engine_ran_nothing_was_loaded(site: Site) -> None:
    assert then(site, RULE, "v1", at(0)) == Then(loaded=False, same=False, since=None)


def test_rule_is_suspended_until_it_is_resumed(site: Site) -> None:
    load(site, 0, {RULE: "v1", OTHER: "v1"})
    audit(site, 10, SUSPENDED)
    audit(site, 25, RESUMED)
    assert [then(site, RULE, "v1", at(minutes)).ran for minutes in (5, 10, 20, 25, 30)] == [
        True,
        False,
        False,
        True,
        True,
    ]
    assert "812 us an event" in then(site, RULE, "v1", at(20)).suspended
    assert then(site, OTHER, "v1", at(20)).ran
