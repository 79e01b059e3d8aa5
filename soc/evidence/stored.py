"""Events of the store in, counts of what their senders say of controls out: of protection, accounts, changes, filters, backups, doors.

Only what collectors parse is counted: whether a log-in had a second factor, whether a change or a grant was approved, which hosts were
scanned, no event tells, so people do (`soc iso measures record`). Of what no source spoke of, nothing is counted: none seen is not none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from iso27001.counting import Count
from iso27001.ledger import Fact
from soc.alert import Alert

IDLE_DAYS = 45
WEEK = 7

_DEFENDER = 'winlog.channel:"Microsoft-Windows-Windows Defender/Operational"'
PROTECTION = f"event.dataset:(clamav or m365_defender.alert or microsoft_defender_endpoint.log) or {_DEFENDER}"
UPDATED = f"event.action:signatures-updated or ({_DEFENDER} and event.code:2000)"
"""Programs against malware; and that one of them has new signatures (ClamAV, Microsoft Defender event 2000)."""

CLEAR = (
    "event.category:authentication and event.outcome:success and"
    " (network.protocol:telnet or dovecot.tls:false or (event.dataset:mikrotik.routeros and network.protocol:(ftp or http)))"
)
"""Log-ins whose password went over the wire as it is, where the event tells."""

USED = "event.category:authentication and event.outcome:success"
LEFT = "egov.user.status:(left or retired) and event.action:login and event.outcome:success"
"""Log-ins of people whom the application's register of people knows as gone."""

GRANTS = (
    "event.category:iam and not event.outcome:failure and event.action:(role-member-added or group-member-added or added-group-account"
    ' or privilege-changed or permission-created or grant or grant_admin_privilege or "add member to role" or "add member to role."'
    " or user.account.privilege.grant or putuserpolicy)"
)
CHANGES = (
    "event.category:(configuration or package) and not event.outcome:failure and"
    " not event.dataset:zeek.software and not event.action:(signatures-updated or crontab-listed or jail-started or jail-stopped"
    " or *read or git.clone)"
)
FIREWALLS = (
    *(
        "checkpoint.firewall",
        "cisco_asa.log",
        "cisco_ftd.log",
        "fortinet_fortigate.log",
        "huawei_usg.log",
        "iptables.log",
    ),
    *("mikrotik.routeros", "panw.panos", "pfsense.log", "sophos.xg"),
)
SENSORS = frozenset({*FIREWALLS, "aws.vpcflow", "netflow.log", "suricata.eve", "zeek.conn"})
"""Datasets of what watches the network."""

FILTERED = "event.category:web and event.type:(allowed or denied) and not event.dataset:(modsecurity* or nginx* or apache* or haproxy*)"
"""What web filters decided of requests to the outside (a firewall before our own servers is none)."""

BACKUPS = (
    "event.action:(backup-finished or backup-copy-finished or agent-backup-finished or configuration-backup-finished)"
    " or (event.dataset:egov.audit and event.action:(backup or backup-cancelled))"
)
DOORS = "event.dataset:door.trap or (event.dataset:egov.audit and event.action:(door* or cabinet-opened))"
ENTRIES = (
    "(event.dataset:door.trap and event.action:access-granted) or"
    " (event.dataset:egov.audit and event.action:(door-opened or cabinet-opened))"
)


class Stored(Protocol):
    """Searches (soc.store.language) over what came in within the `days` until `until`."""

    @property
    def until(self) -> datetime:
        """Until when (exclusive) what came in is looked at."""
        ...

    def count(self, query: str, days: int = 1) -> int:
        """How many events."""
        ...

    def values(self, query: str, field: str, days: int = 1) -> Mapping[str, int]:
        """The values of a field, and how many events have each."""
        ...

    def hours(self, query: str, field: str, days: int = 1) -> Mapping[str, datetime]:
        """The values of a field, and the beginning of the last hour in which an event has it."""
        ...

    def moments(self, query: str, days: int = 1) -> Sequence[datetime]:
        """When each happened."""
        ...


def protection_counts(
    stored: Stored, hosts: Collection[str], open_detections: int, stopped: Sequence[str]
) -> list[Count]:
    """MAL-01: hosts that speak of their protection, how old their signatures are, what it found that waits. `hosts`: those that should.

    `open_detections`: alerts `on_malware` that opened over a day ago and are not closed.
    """
    reporting = {_short(name) for name in stored.values(PROTECTION, "host.name", WEEK)}
    if not reporting:
        return []
    expected = {_short(name) for name in hosts}
    updated = {_short(name): at for name, at in stored.hours(UPDATED, "host.name", WEEK).items()}
    never = stored.until - timedelta(days=WEEK)
    ages = sorted((stored.until - updated.get(name, never)) / timedelta(hours=1) for name in reporting)
    numbers = {
        "hosts": len(expected) or None,
        "hosts_reporting_7d": len(expected & reporting) if expected else None,
        "signature_age_p95_h": round(ages[min(len(ages) - 1, int(0.95 * len(ages)))], 1) if updated else None,
        "open_detections_24h": open_detections,
    }
    query = f"machines of the inventory against host.name of: {PROTECTION}; the last hour by host of: {UPDATED}; 7 days; alerts on them"
    return [Count("MAL-01", numbers, len(expected | reporting), query, tuple(stopped))]


def on_malware(alert: Alert) -> bool:
    """Whether an alert tells of what a program against malware found."""
    found = any(match.field == "event.category" and match.value == "malware" for match in alert.matched)
    return found or "category:antivirus" in alert.logsource


def login_counts(stored: Stored, stopped: Sequence[str]) -> list[Count]:
    """IAM-02, its log-ins in clear text."""
    population = stored.count(USED)
    if not population:
        return []
    return [Count("IAM-02", {"clear_text_logins": stored.count(CLEAR)}, population, CLEAR, tuple(stopped))]


def account_counts(
    stored: Stored, accounts: Collection[Collection[str]], *, whole: bool, stopped: Sequence[str]
) -> list[Count]:
    """IAM-03. `accounts`: of each person or service the names; `whole`: whether the store reaches back IDLE_DAYS."""
    numbers: dict[str, float | int | None] = {}
    told = stored.count("egov.user.status:*", WEEK)
    if told:
        numbers["leaver_logins"] = stored.count(LEFT)
    if accounts and whole:
        used = {_account(name) for name in stored.values(USED, "user.name", IDLE_DAYS)}
        numbers["accounts_idle_45d"] = sum(used.isdisjoint(map(_account, names)) for names in accounts)
    if not numbers:
        return []
    query = f"{LEFT}; accounts of enrich.identities that are no user.name of: {USED}; {IDLE_DAYS} days"
    return [Count("IAM-03", numbers, len(accounts) or told, query, tuple(stopped))]


def grant_counts(stored: Stored, stopped: Sequence[str]) -> list[Count]:
    """IAM-01, its grants; that they were approved people say."""
    if not stored.count("event.category:iam", WEEK):
        return []
    grants = stored.count(GRANTS)
    numbers = {"grants": grants, "grants_approved": None if grants else 0}
    return [Count("IAM-01", numbers, grants, GRANTS, tuple(stopped))]


def change_counts(stored: Stored, stopped: Sequence[str]) -> list[Count]:
    """CHG-01, its changes; which of them match an approval people say."""
    if not stored.count("event.category:(configuration or package)", WEEK):
        return []
    changes = stored.count(CHANGES)
    return [Count("CHG-01", {"changes": changes}, changes, CHANGES, tuple(stopped))]


def network_counts(stored: Stored, facts: Sequence[Fact], since: datetime, stopped: Sequence[str]) -> list[Count]:
    """NET-01: hours in which what watches the network was heard, and changes of firewalls. `facts`: of conservation, from `since` on."""
    begin, end = _hour(since + timedelta(hours=1)), _hour(stored.until)
    heard: dict[str, set[datetime]] = {}
    for fact in facts:
        for log, at in fact.body["heard"].items():
            if log.rpartition("/")[2] in SENSORS:
                hour = _hour(datetime.fromisoformat(at))
                heard.setdefault(log, set()).update([hour] if begin <= hour < end else ())
    if not heard or begin >= end:
        return []
    query = f"({CHANGES}) and event.dataset:({' or '.join(FIREWALLS)})"
    changes = stored.count(query)
    numbers = {
        "sensor_hours": (end - begin) // timedelta(hours=1) * len(heard),
        "sensor_hours_up": sum(len(hours) for hours in heard.values()),
        "changes": changes,
        "changes_with_ticket": None if changes else 0,
    }
    told = f"whole hours in which conservation facts say that a sensor was heard: {', '.join(sorted(heard))}; {query}"
    return [Count("NET-01", numbers, len(heard), told, tuple(stopped))]


def filter_counts(stored: Stored, feeds: int, stopped: Sequence[str]) -> list[Count]:
    """WEB-01, requests that a filter let through to what an indicator names. `feeds`: of intelligence; without any nothing is known."""
    decided = stored.count(FILTERED)
    if not decided or not feeds:
        return []
    query = f"{FILTERED} and event.type:allowed and threat.indicator.type:*"
    return [Count("WEB-01", {"malicious_allowed": stored.count(query)}, decided, query, tuple(stopped))]


def backup_counts(stored: Stored, stopped: Sequence[str]) -> list[Count]:
    """BAK-01, its jobs; one that says nothing of its end did not succeed."""
    jobs = stored.count(BACKUPS, WEEK)
    if not jobs:
        return []
    done = stored.count(f"({BACKUPS}) and event.outcome:success", WEEK)
    query = f"{BACKUPS}; of these event.outcome:success; 7 days"
    return [Count("BAK-01", {"jobs_7d": jobs, "jobs_ok_7d": done}, jobs, query, tuple(stopped))]


def door_counts(stored: Stored, after_hours: Sequence[bool] | None, stopped: Sequence[str]) -> list[Count]:
    """PHY-01. `after_hours`: of each entry of the day, whether it was out of hours; None where the site has no hours."""
    if not stored.count(DOORS, WEEK):
        return []
    numbers: dict[str, float | int | None] = {"source_alive": int(stored.count(DOORS) > 0)}
    if after_hours is not None:
        out = sum(after_hours)
        numbers |= {"after_hours_entries": out, "after_hours_explained": None if out else 0}
    query = f"{DOORS}; out of the hours of alert.sla.calendar: {ENTRIES}"
    return [Count("PHY-01", numbers, len(after_hours or ()), query, tuple(stopped))]


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _short(host: str) -> str:
    return host.casefold().partition(".")[0]


def _account(name: str) -> str:
    return name.casefold().rpartition("\\")[2].partition("@")[0]
