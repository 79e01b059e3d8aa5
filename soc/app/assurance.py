"""A site's ledger and projections in, its controls, proofs and the report's data out: what `soc iso` and the running SOC call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from collectors.errors import JournalError
from collectors.event import Event
from iso27001.catalogue import load as load_catalogue
from iso27001.evidence import EventRef
from iso27001.language import Language
from iso27001.ledger import Entry
from iso27001.ledger.verify import verify
from iso27001.report.model import IncidentLine, Organisation, ReportInput
from iso27001.status import Status, status
from iso27001.verifier.verdict import Verdict
from soc.alert import Alert
from soc.alert.facts import DETECTION
from soc.app.anchoring import anchor_files, authority, stamps
from soc.app.notice_clocks import clocks_at
from soc.app.site import Site
from soc.evidence import incident_line
from soc.incident import Incident

DETECTIONS_OF_AN_ALERT = 20
"""Detections of one alert that evidence names; the alert's count tells of the rest, and the ledger holds them all."""


def check_ledger(site: Site) -> Verdict:
    """Verify the ledger against the site's key and anchor; nothing is made. Raises: LedgerError, SigningError."""
    anchors = [path for path in anchor_files(site) if path.exists()]
    return verify(site.ledger_path, site.public_key, anchors=anchors, tokens=stamps(site), authority=authority(site))


def current_status(site: Site, since: datetime, until: datetime) -> Status:
    """Controls and measures over a period, with the statement of applicability that stood and what auditors concluded."""
    return status(site.ledger, load_catalogue(), since=since, until=until)


def report_input(site: Site, since: datetime, until: datetime, generated: datetime, language: str = "") -> ReportInput:
    """All that the report of a period is made of; names and reasons in this language (default: the site's)."""
    told = Language(language or site.config.site.language)
    return ReportInput(
        organisation=_organisation(site, until, told),
        status=current_status(site, since, until),
        incidents=_incidents(site, since, until, generated, told),
        generated=generated,
        head=site.ledger.last_head(),
        verdict=check_ledger(site),
        zone=site.config.site.zone,
        commands=(f"soc iso verify --config {site.path.name}",),
    )


def retold(site: Site, report: ReportInput, language: Language) -> ReportInput:
    """The same with names and reasons in this language."""
    since, until = report.status.since, report.status.until
    return replace(
        report,
        organisation=_organisation(site, until, language),
        incidents=_incidents(site, since, until, report.generated, language),
    )


def _organisation(site: Site, until: datetime, language: Language) -> Organisation:
    in_office = site.inventory.organisation(until.astimezone(site.config.site.zone).date())
    name = in_office.name(language) if in_office else site.config.site.name
    return Organisation(name=name, unit=site.config.site.name)


def _incidents(
    site: Site, since: datetime, until: datetime, now: datetime, language: Language
) -> tuple[IncidentLine, ...]:
    """Those that had something in the period, with their legal clocks as of `now`."""
    site.catch_up()
    found = [(i, a) for i, a in incidents_with_alerts(site) if i.opened < until and i.last_seen >= since]
    return tuple(incident_line(i, a, clocks_at(site, i, now), language) for i, a in found)


def check_raw_events(site: Site) -> tuple[int, list[str]]:
    """Hash the raw bytes behind every detection anew; how many were checked, and what does not hold, in words.

    From the journal; what retention dropped of it, from the store, which keeps what detections name.
    """
    start = site.journal_reader.start()
    references = [
        (entry.seq, EventRef(event["id"], event["sha256"], event["source"], event["journal"]))
        for entry in site.ledger.entries(kinds=[DETECTION])
        for event in entry.fact.body["events"]
    ]
    stored = _stored(site, [each.event_id for _, each in references if each.offset < start])
    faults = ((seq, _fault(site, each, start, stored)) for seq, each in references)
    return len(references), [f"entry {seq}: {fault}" for seq, fault in faults if fault]


def _fault(site: Site, reference: EventRef, start: int, stored: Mapping[str, Event]) -> str:
    """What is wrong with the event of a detection, whose journal begins at `start`; "" where nothing is."""
    event = _referred(site, reference, start, stored)
    if isinstance(event, str):
        return event
    found = sha256(event.raw).hexdigest()
    return (
        ""
        if found == reference.sha256
        else f"the raw bytes of {reference.event_id} were changed: {found} is not {reference.sha256}"
    )


def referred_events(site: Site, references: Sequence[EventRef]) -> Iterator[tuple[EventRef, Event | str]]:
    """The event of each reference, or in words why it is not there."""
    start = site.journal_reader.start()
    stored = _stored(site, [each.event_id for each in references if each.offset < start])
    for each in references:
        yield each, _referred(site, each, start, stored)


def _stored(site: Site, ids: Sequence[str]) -> Mapping[str, Event]:
    return {event.id: event for event in site.events.events(ids)} if ids else {}


def _referred(site: Site, reference: EventRef, start: int, stored: Mapping[str, Event]) -> Event | str:
    if reference.offset < start:
        event = stored.get(reference.event_id)
        return event or f"event {reference.event_id} was dropped from the journal and is not in the store"
    try:
        event = site.journal_reader.fetch(reference.offset)
    except JournalError as error:
        return f"event {reference.event_id} is not in the journal at {reference.offset}: {error}"
    if event.id != reference.event_id:
        return f"the journal holds {event.id} at {reference.offset}, not {reference.event_id}"
    return event


def incidents_with_alerts(site: Site) -> list[tuple[Incident, list[Alert]]]:
    """All incidents, the oldest first, each with its alerts."""
    projections = site.projections
    incidents = projections.incidents(projections.incident_ids())
    return [(i, projections.alerts(i.alert_ids)) for i in sorted(incidents, key=lambda i: (i.opened, i.id))]


def detections_of(site: Site, alerts: Sequence[Alert]) -> list[Entry]:
    """Ledger entries of the alerts' first detections."""
    found = []
    for alert in alerts:
        for each in alert.detection_ids[:DETECTIONS_OF_AN_ALERT]:
            entry = site.ledger.by_id(f"{DETECTION}:{each}")
            if entry is not None:
                found.append(entry)
    return found
