"""A site and a period in, the SOC's figures and the report of a shift or a month out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from iso27001.language import Language
from iso27001.report.document import Document
from soc.alert import Alert, AlertStatus
from soc.alert.budget import Roster
from soc.app.notice_clocks import clocks_at
from soc.app.site import Site
from soc.incident.figures import Figures, figures
from soc.incident.figures_report import Handover, report
from soc.store import AlertQuery

LOOK_BACK = timedelta(days=90)
"""Alerts that opened longer before the period count only while they are open."""

ALERTS_SHOWN = 20

_OPEN = frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED})
_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Period:
    """What is reported on. `kind`: "shift" or "month"."""

    kind: str
    since: datetime
    until: datetime


def shift_at(site: Site, moment: datetime) -> Period:
    """The shift on watch at a moment, to its end or to now."""
    roster = _roster(site)
    since, until = roster.span(roster.at(moment))
    return Period("shift", since, min(until, site.clock()))


def month_at(site: Site, moment: datetime) -> Period:
    """The month of a moment in the site's time, to its end or to now."""
    local = moment.astimezone(site.config.site.zone)
    since = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (since + timedelta(days=32)).replace(day=1)
    return Period("month", since, min(following, site.clock()))


def figures_of(site: Site, period: Period) -> Figures:
    """The figures of a period."""
    site.catch_up()
    projections = site.projections
    recent = projections.alert_ids(AlertQuery(opened_since=period.since - LOOK_BACK))
    ids = dict.fromkeys([*recent, *projections.alert_ids(AlertQuery(statuses=_OPEN))])
    incidents = projections.incidents(projections.incident_ids())
    return figures(_paged(site, list(ids)), incidents, _roster(site), period.since, period.until)


def report_of(site: Site, period: Period, language: Language) -> Document:
    """The report of a period as a document."""
    projections, now = site.projections, site.clock()
    found = figures_of(site, period)
    ids = projections.alert_ids(AlertQuery(statuses=_OPEN, suppressed=False, awake_at=now))[:ALERTS_SHOWN]
    open_ones = [each for each in projections.incidents(projections.incident_ids()) if each.closed is None]
    left = Handover(projections.alerts(ids), [(each, clocks_at(site, each, now)) for each in open_ones])
    config = site.config.site
    return report(period.kind, config.name, found, left, now, language, config.zone)


def as_data(found: Figures) -> dict[str, Any]:
    """The figures as JSON values."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


def _roster(site: Site) -> Roster:
    return Roster(site.config.detect.alert_budget, site.config.site.zone)


def _paged(site: Site, ids: Sequence[str]) -> Iterator[Alert]:
    for start in range(0, len(ids), _PAGE):
        yield from site.projections.alerts(ids[start : start + _PAGE])
