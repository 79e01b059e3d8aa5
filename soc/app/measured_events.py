"""A round of measures in, counts of what the stored events say of controls out (soc.evidence.stored)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from collectors.enrich.identity_files import read_identities
from iso27001.counting import Count
from soc.alert import AlertStatus
from soc.alert.calendar import Calendar
from soc.app.conservation import KIND as CONSERVATION
from soc.app.intel import feeds_read
from soc.app.rounds import WINDOW, Round
from soc.evidence.stored import (
    ENTRIES,
    IDLE_DAYS,
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
from soc.store import AlertQuery, Facet, Having

MOST_RULES = 1_000
"""Rules whose alerts wait that are looked at for malware."""


def protection(round_: Round) -> list[Count]:
    """MAL-01, of the machines of the inventory."""
    hosts = [machine.name for machine in round_.site.inventory_now().machines]
    return protection_counts(round_.stored, hosts, _open_detections(round_), round_.stopped)


def _open_detections(round_: Round) -> int:
    """Alerts on malware that opened over a day ago and are not closed."""
    projections = round_.site.projections
    round_.site.catch_up()
    undecided = AlertQuery(frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED}))
    left = 0
    for rule, _ in projections.facets(undecided, Facet.RULE, MOST_RULES):
        of_rule = replace(undecided, having=(Having(Facet.RULE, rule),))
        if any(map(on_malware, projections.alerts(projections.alert_ids(replace(of_rule, limit=1))))):
            young = projections.alert_count(replace(of_rule, opened_since=round_.now - WINDOW))
            left += projections.alert_count(of_rule) - young
    return left


def logins(round_: Round) -> list[Count]:
    """IAM-02, its log-ins in clear text."""
    return login_counts(round_.stored, round_.stopped)


def accounts(round_: Round) -> list[Count]:
    """IAM-03, of the people of enrich.identities; the store reaches back as far as conservation facts, unless it keeps less."""
    config = round_.site.config
    accounts = read_identities(config.enrich.identities).accounts if config.enrich.identities else ()
    first = next(iter(round_.site.ledger.entries(kinds=[CONSERVATION])), None)
    kept = [each for each in (config.store.retention, *config.store.retention_of.values()) if each is not None]
    back = timedelta(days=IDLE_DAYS)
    whole = first is not None and first.fact.time <= round_.now - back and all(each >= back for each in kept)
    return account_counts(round_.stored, accounts, whole=whole, stopped=round_.stopped)


def grants(round_: Round) -> list[Count]:
    """IAM-01, its grants."""
    return grant_counts(round_.stored, round_.stopped)


def changes(round_: Round) -> list[Count]:
    """CHG-01, its changes."""
    return change_counts(round_.stored, round_.stopped)


def network(round_: Round) -> list[Count]:
    """NET-01, its sensors and changes."""
    return network_counts(round_.stored, round_.conservation, round_.since, round_.stopped)


def filters(round_: Round) -> list[Count]:
    """WEB-01, what filters let through."""
    return filter_counts(round_.stored, len(feeds_read(round_.site)), round_.stopped)


def backups(round_: Round) -> list[Count]:
    """BAK-01, its jobs."""
    return backup_counts(round_.stored, round_.stopped)


def doors(round_: Round) -> list[Count]:
    """PHY-01. Out of the site's hours are entries when nobody is at work; a site that is always at work has none to tell."""
    config = round_.site.config
    calendar = Calendar(config.alert.sla.calendar, config.site.zone)
    hours = config.alert.sla.calendar.hours
    out = [not calendar.serves(at) for at in round_.stored.moments(ENTRIES)] if hours else None
    return door_counts(round_.stored, out, round_.stopped)
