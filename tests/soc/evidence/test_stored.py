"""What stored events say of controls: counted of what collectors give for real lines, and nothing where no source speaks of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iso27001.ledger import Fact
from soc.detect import Match
from soc.evidence import stored as door
from soc.evidence.stored import (
    account_counts,
    backup_counts,
    change_counts,
    door_counts,
    filter_counts,
    grant_counts,
    login_counts,
    network_counts,
    on_malware,
    protection_counts,
)
from soc.store.language import parse
from soc.store.meaning import holds
from tests.soc.store.material import alert

GOLDEN = Path(__file__).parents[2] / "data" / "parse"
UNTIL = datetime(2026, 11, 2, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Documents:
    """The port over a few documents, each with how many hours before UNTIL it came in and happened."""

    until = UNTIL

    def __init__(self, *documents: tuple[float, Mapping[str, Any]]) -> None:
        self._documents = [(UNTIL - hours * HOUR, fields) for hours, fields in documents]

    def _found(self, query: str, days: int) -> list[tuple[datetime, Mapping[str, Any]]]:
        meets = holds(parse(query))
        since = UNTIL - timedelta(days=days)
        return [(at, fields) for at, fields in self._documents if since <= at < UNTIL and meets(fields)]

    def count(self, query: str, days: int = 1) -> int:
        return len(self._found(query, days))

    def values(self, query: str, field: str, days: int = 1) -> Mapping[str, int]:
        return Counter(str(fields[field]) for _, fields in self._found(query, days) if field in fields)

    def hours(self, query: str, field: str, days: int = 1) -> Mapping[str, datetime]:
        found = sorted(self._found(query, days), key=lambda each: each[0])
        return {str(fields[field]): at.replace(minute=0) for at, fields in found}

    def moments(self, query: str, days: int = 1) -> Sequence[datetime]:
        return [at for at, _ in self._found(query, days)]


def golden() -> list[dict[str, Any]]:
    found = []
    for path in sorted(GOLDEN.rglob("*.json")):
        text = path.read_text("utf-8")
        try:
            read = json.loads(text)
        except ValueError:
            read = [json.loads(line) for line in text.splitlines()]
        found += [each.get("fields", each) for each in read]
    return found


@pytest.mark.parametrize(
    ("query", "wanted", "unwanted"),
    [
        (door.PROTECTION, {"clamav", "m365_defender.alert", "windows"}, {"sshd", "panw.panos"}),
        (door.UPDATED, {"clamav"}, {"windows"}),
        (
            door.CHANGES,
            {"fortinet_fortigate.log", "panw.panos", "vsphere.log", "okta.system"},
            {"clamav", "zeek.software"},
        ),
        (door.GRANTS, {"windows", "auditd.log", "vsphere.log", "syslog"}, {"pam", "sshd"}),
        (door.FILTERED, {"squid.log", "fortinet_fortigate.log"}, {"nginx.access", "modsecurity.audit", "haproxy.log"}),
        (door.BACKUPS, {"veeam.log", "proxmox.log"}, {"sshd"}),
        (door.DOORS, {"door.trap"}, {"ups.trap"}),
        (door.USED, {"sshd", "openvpn.log", "windows"}, {"nginx.access"}),
    ],
)
def test_searches_find_what_parsers_give_for_real_lines(query: str, wanted: set[str], unwanted: set[str]) -> None:
    meets = holds(parse(query))
    found = {str(fields.get("event.dataset")) for fields in golden() if meets(fields)}
    assert wanted <= found
    assert not unwanted & found


def update(host: str) -> dict[str, Any]:
    return {"event.dataset": "clamav", "event.action": "signatures-updated", "host.name": host}


def test_hosts_that_say_nothing_of_their_protection_and_old_signatures_are_counted() -> None:
    found = {"event.dataset": "clamav", "event.action": "malware-found", "host.name": "Db-01"}
    events = Documents((2, update("portal-01.example")), (100, update("app-01")), (3, found), (170, update("old-01")))
    [count] = protection_counts(events, ["portal-01", "db-01", "app-01", "jump-01", "old-01"], 2, ["auth since x"])
    assert count.numbers == {
        "hosts": 5,
        "hosts_reporting_7d": 3,
        "signature_age_p95_h": 168.0,
        "open_detections_24h": 2,
    }
    assert count.stopped == ("auth since x",)
    assert protection_counts(Documents((1, {"event.dataset": "sshd"})), ["jump-01"], 0, []) == []


@pytest.mark.parametrize(
    ("matched", "logsource", "malware"),
    [("malware", "category:firewall", True), ("network", "category:firewall", False), ("", "category:antivirus", True)],
)
def test_an_alert_on_malware_is_known_by_what_matched_or_by_its_log_source(
    matched: str, logsource: str, malware: bool
) -> None:
    one = replace(
        alert(1), logsource=logsource, matched=(Match("selection/event.category", "event.category", matched, matched),)
    )
    assert on_malware(one) is malware


def login(**fields: Any) -> dict[str, Any]:
    told = {name.replace("__", "."): value for name, value in fields.items()}
    return {"event.category": "authentication", "event.outcome": "success", "event.action": "login", **told}


def test_log_ins_in_clear_text_are_those_that_say_so() -> None:
    events = [
        login(network__protocol="telnet"),
        login(dovecot__tls="false"),
        login(event__dataset="mikrotik.routeros", network__protocol="ftp"),
        login(dovecot__tls="true"),
        login(event__dataset="vsftpd.log", network__protocol="ftp"),
        login(network__protocol="telnet", event__outcome="failure"),
    ]
    [count] = login_counts(Documents(*((1, each) for each in events)), [])
    assert (count.numbers, count.population) == ({"clear_text_logins": 3}, 5)
    assert login_counts(Documents(), []) == []


def test_accounts_are_idle_where_no_log_in_of_45_days_names_them_and_only_a_whole_store_says_so() -> None:
    left = login(egov__user__status="left", user__name="an")
    events = Documents((2, login(user__name="TINH\\Lan.NT")), (44 * 24, login(user__name="binh")), (3, left))
    accounts = [("lan.nt", "lan.nt@tinh.example"), ("binh",), ("gone",)]
    [count] = account_counts(events, accounts, whole=True, stopped=[])
    assert count.numbers == {"leaver_logins": 1, "accounts_idle_45d": 1}
    [count] = account_counts(events, accounts, whole=False, stopped=[])
    assert count.numbers == {"leaver_logins": 1}
    assert account_counts(Documents((2, login(user__name="lan"))), accounts, whole=False, stopped=[]) == []


GRANT = {"event.category": "iam", "event.action": "role-member-added", "event.outcome": "success"}
CHANGE = {"event.category": "configuration", "event.action": "Edit", "event.dataset": "fortinet_fortigate.log"}


def test_grants_and_changes_are_counted_and_their_approval_is_left_to_people() -> None:
    [grants] = grant_counts(Documents((1, GRANT), (30, GRANT)), [])
    assert grants.numbers == {"grants": 1, "grants_approved": None}
    [none_today] = grant_counts(Documents((30, GRANT)), [])
    assert none_today.numbers == {"grants": 0, "grants_approved": 0}
    assert grant_counts(Documents((1, CHANGE)), []) == []
    [changes] = change_counts(Documents((1, CHANGE), (2, CHANGE), (3, update("a"))), [])
    assert changes.numbers == {"changes": 2}
    assert change_counts(Documents((1, GRANT)), []) == []


def conservation(**heard: float) -> Fact:
    """A fact in which each dataset was last heard so many hours ago."""
    told = {
        f"data-centre/{name.replace('_', '.')}": (UNTIL - hours * HOUR).isoformat() for name, hours in heard.items()
    }
    return Fact("c", "conservation", UNTIL, "engine", {"heard": told})


def test_sensors_are_up_in_the_hours_in_which_they_were_heard() -> None:
    since = UNTIL - 24 * HOUR
    facts = [conservation(panw_panos=hours, netflow_log=20.4, sshd=1) for hours in range(1, 24)]
    [count] = network_counts(Documents((1, CHANGE)), facts, since, [])
    assert count.numbers == {"sensor_hours": 46, "sensor_hours_up": 24, "changes": 1, "changes_with_ticket": None}
    assert network_counts(Documents((1, CHANGE)), [conservation(sshd=1)], since, []) == []


def test_what_a_filter_let_through_to_an_indicator_is_counted_where_there_is_intelligence() -> None:
    request: dict[str, Any] = {"event.category": "web", "event.type": "allowed", "event.dataset": "squid.log"}
    known = request | {"threat.indicator.type": ["url"]}
    events = Documents((1, request), (2, known), (3, known | {"event.type": "denied"}))
    [count] = filter_counts(events, 1, [])
    assert (count.numbers, count.population) == ({"malicious_allowed": 1}, 3)
    assert filter_counts(events, 0, []) == filter_counts(Documents(), 1, []) == []


def test_backups_that_did_not_say_that_they_succeeded_did_not() -> None:
    job = {"event.action": "backup-finished"}
    done, own = job | {"event.outcome": "success"}, {"event.dataset": "egov.audit", "event.action": "backup"}
    events = Documents((1, done), (100, done), (3, job), (4, own | {"event.outcome": "failure"}))
    [count] = backup_counts(events, [])
    assert count.numbers == {"jobs_7d": 4, "jobs_ok_7d": 2}
    assert backup_counts(Documents(), []) == []


def test_doors_that_fell_silent_are_not_alive_and_entries_out_of_hours_wait_for_a_reason() -> None:
    entry = {"event.dataset": "door.trap", "event.action": "access-granted"}
    [silent] = door_counts(Documents((30, entry)), None, [])
    assert silent.numbers == {"source_alive": 0}
    [count] = door_counts(Documents((1, entry)), [True, False], [])
    assert count.numbers == {"source_alive": 1, "after_hours_entries": 1, "after_hours_explained": None}
    assert door_counts(Documents((1, entry)), [False], [])[0].numbers["after_hours_explained"] == 0
    assert door_counts(Documents(), [], []) == []
