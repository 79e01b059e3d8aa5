"""SOC facts in, evidence and counts for controls out: the one joint between the trunk and the ISO/IEC 27001 leaf. Pure.

An incident is evidence for the controls that its detections' techniques and log sources speak of. What the SOC counted of itself (modules
beside this one) becomes samples of the leaf's measures; numbers that were not counted are left out, so that the leaf says "no data",
never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from iso27001.catalogue import Catalogue
from iso27001.catalogue.techniques import controls_for, controls_of_answers
from iso27001.evidence import ControlLink, EventRef, Evidence, EvidenceKind, content_hash, link
from iso27001.language import Language
from iso27001.ledger import Entry, Fact
from iso27001.report.model import AlertLine, IncidentLine, NoticeLine, TimelineLine
from soc.alert import Alert
from soc.incident import Incident
from soc.incident.clocks import Clocks
from soc.incident.merging import title_in
from soc.reason import words


def controls_of(alerts: Iterable[Alert]) -> dict[str, str]:
    """Control ids that these alerts speak of, the most specific links first, each with the reason in words."""
    found: dict[str, str] = {}
    for alert in alerts:
        for control, why in controls_for(alert.tags, alert.logsource).items():
            found.setdefault(control, why)
    return found


def links_of(incident: Incident, alerts: Iterable[Alert]) -> tuple[ControlLink, ...]:
    """What an incident speaks of: by its alerts, and by what was done about it."""
    done = {
        "answered": bool(incident.plans),
        "notified": bool(incident.notices),
        "reviewed": incident.review is not None,
        "kept": bool(incident.evidence),
    }
    answers = controls_of_answers(name for name, was in done.items() if was)
    return tuple(ControlLink(control, why) for control, why in (answers | controls_of(alerts)).items())


def incident_evidence(
    incident: Incident, alerts: Sequence[Alert], detections: Sequence[Entry], catalogue: Catalogue, now: datetime
) -> Fact:
    """The fact that links an incident to its controls. `detections`: ledger entries of its alerts' detections, each with raw hashes."""
    events = tuple(
        EventRef(event["id"], event["sha256"], event["source"], event["journal"])
        for entry in detections
        for event in entry.fact.body["events"]
    )
    seqs = tuple(entry.seq for entry in detections)
    evidence = Evidence(
        id=incident.id,
        title=incident.title,
        kind=EvidenceKind.INCIDENT,
        controls=links_of(incident, alerts),
        effective_from=incident.opened,
        effective_to=incident.last_seen,
        collected_at=now,
        collector="soc",
        result_hash=content_hash(events, seqs),
        ledger_seqs=seqs,
        events=events,
    )
    return link(evidence, catalogue)


def incident_line(incident: Incident, alerts: Sequence[Alert], clocks: Clocks, language: Language) -> IncidentLine:
    """An incident as a report of this language tells it. `clocks`: of its legal notices."""
    return IncidentLine(
        id=incident.id,
        title=title_in(incident, language),
        level=incident.level.value,
        phase=incident.phase.value,
        opened=incident.opened,
        closed=incident.closed,
        systems=incident.systems,
        alerts=tuple(AlertLine(a.id, a.title, a.level.value, a.count, a.first_seen) for a in alerts),
        timeline=tuple(
            TimelineLine(e.time, e.kind, words(e.text, language))
            for e in sorted(incident.timeline, key=lambda e: e.time)
        ),
        controls=links_of(incident, alerts),
        why=tuple(words(why, language) for why in incident.why),
        severity=incident.severity,
        group=incident.group,
        notices=tuple(
            NoticeLine(
                clock.rule.id,
                f"{clock.rule.regime}, {clock.rule.ref}",
                clock.rule.to_vi if language is Language.VIETNAMESE else clock.rule.to,
                clock.due,
                clock.sent.time if clock.sent else None,
                clock.state.value,
            )
            for clock in clocks.notices
        ),
        gaps=clocks.gaps,
        reviewed=incident.review.time if incident.review else None,
    )
