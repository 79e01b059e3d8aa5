"""Alerts and incidents in, the incident that they make, or what is left of one, out: joining, merging, splitting. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import TypeVar

from soc.alert import Alert
from soc.detect.attack import IN_VIETNAMESE, OF_ANY_AGE
from soc.incident import Incident, Phase, TimelineEntry
from soc.reason import Because, Reason

T = TypeVar("T")


def together(into: Incident, merged: Incident) -> Incident:
    """`into` with all that `merged` is and holds, each thing once."""
    severities = [each.severity for each in (into, merged) if each.severity]
    joined = replace(
        into,
        level=max(into.level, merged.level, key=lambda level: level.rank),
        risk=max(into.risk, merged.risk),
        opened=min(into.opened, merged.opened),
        detected=min((each.detected for each in (into, merged) if each.detected), default=None),
        last_seen=max(into.last_seen, merged.last_seen),
        entities=_once(into.entities, merged.entities),
        systems=_once(into.systems, merged.systems),
        tags=_once(into.tags, merged.tags),
        alert_ids=_once(into.alert_ids, merged.alert_ids),
        why=_once(into.why, merged.why),
        timeline=_once(into.timeline, merged.timeline),
        severity=min(severities, default=""),  # M1 is the gravest
        group=into.group or merged.group,
        triggers=_once(into.triggers, merged.triggers),
        labels=_once(into.labels, merged.labels),
        tlp=max(into.tlp, merged.tlp, key=lambda tlp: tlp.rank),
        tasks=_once(into.tasks, merged.tasks),
        evidence=_once(into.evidence, merged.evidence),
        notices=_once(into.notices, merged.notices),
        plans=_once(into.plans, merged.plans),
    )
    return replace(joined, title=title(joined))


def without(incident: Incident, taken: Sequence[Alert], left: Sequence[Alert]) -> Incident:
    """The incident of the alerts that are `left` after others were `taken` out; what people did on it stays with it."""
    gone = {alert.id for alert in taken}
    rest = replace(
        incident,
        timeline=tuple(each for each in incident.timeline if not (each.kind == "alert" and each.ref in gone)),
        why=tuple(each for each in incident.why if not _names(each, gone)),
    )
    return _by(rest, left)


def incident_id(members: Sequence[Alert], salt: str = "") -> str:
    """The id of an incident that begins with these alerts, whoever opens it; `salt`: tells two of the same alerts apart."""
    named = "\0".join([*(alert.id for alert in members), *([salt] if salt else [])])
    return f"I-{blake2b(named.encode(), digest_size=4).hexdigest()}"


def made_of(alerts: Sequence[Alert], why: Reason | str, salt: str = "") -> Incident:
    """A new incident of alerts that a person put together. `salt`: as `incident_id`."""
    members = sorted(alerts, key=lambda alert: (alert.first_seen, alert.id))
    first = members[0]
    made = Incident(
        id=incident_id(members, salt),
        title="",
        level=first.level,
        risk=first.risk,
        phase=Phase.DETECT_REPORT,
        opened=first.first_seen,
        last_seen=first.last_seen,
        entities=(),
        systems=(),
        tags=(),
        alert_ids=(),
        why=(why,),
        timeline=tuple(map(entry_of, members)),
    )
    return _by(made, members)


def joined(incident: Incident, alert: Alert, why: Reason | str) -> Incident:
    """The incident with one more alert, and why."""
    grown = replace(
        incident,
        level=max(incident.level, alert.level, key=lambda level: level.rank),
        risk=max(incident.risk, alert.risk),
        last_seen=max(incident.last_seen, alert.last_seen),
        entities=tuple(dict.fromkeys((*incident.entities, *alert.entities))),
        systems=tuple(dict.fromkeys((*incident.systems, *([alert.system] if alert.system else [])))),
        tags=tuple(dict.fromkeys((*incident.tags, *alert.tags))),
        alert_ids=(*incident.alert_ids, alert.id),
        why=(*incident.why, why),
        timeline=(*incident.timeline, entry_of(alert)),
    )
    return replace(grown, title=title(grown))


def tactics_of(tags: Iterable[str]) -> list[str]:
    """ATT&CK tactics among Sigma tags, in the order of the matrix."""
    present = {tag.removeprefix("attack.") for tag in tags}
    return [tactic for tactic in OF_ANY_AGE if tactic in present]


def title(incident: Incident) -> str:
    """What a list shows: how far it went and who it is about: "Initial access to impact, source.ip=203.0.113.9 (7 alerts)"."""
    words = [tactic.replace("-", " ") for tactic in tactics_of(incident.tags)]
    span = "Suspicious activity" if not words else words[0] if len(words) == 1 else f"{words[0]} to {words[-1]}"
    count = len(incident.alert_ids)
    return _title(span, incident, "1 alert" if count == 1 else f"{count} alerts")


def title_in(incident: Incident, language: str) -> str:
    """The same in a language ("vi"; another reads what the ledger holds). What is called otherwise stands for itself."""
    if language != "vi" or incident.title != title(incident):
        return incident.title
    words = [IN_VIETNAMESE[tactic] for tactic in tactics_of(incident.tags)]
    span = "hoạt động đáng ngờ" if not words else words[0] if len(words) == 1 else f"từ {words[0]} đến {words[-1]}"
    return _title(span, incident, f"{len(incident.alert_ids)} cảnh báo")


def _title(span: str, incident: Incident, alerts: str) -> str:
    about = f", {incident.entities[0]}" if incident.entities else ""
    return f"{span[:1].upper()}{span[1:]}{about} ({alerts})"


def entry_of(alert: Alert) -> TimelineEntry:
    """The line of an incident's story that an alert is."""
    told = Reason(Because.ALERT, (alert.title, str(alert.entity)))
    if alert.count > 1:
        told = Reason(Because.ALERT_REPEATED, (*told.values, alert.count))
    return TimelineEntry(alert.first_seen, "alert", told, alert.id)


def _names(why: Reason | str, gone: Iterable[str]) -> bool:
    return any(alert_id in (why if isinstance(why, str) else why.values) for alert_id in gone)


def _by(incident: Incident, alerts: Sequence[Alert]) -> Incident:
    """The incident with what it is by these alerts."""
    made = replace(
        incident,
        level=max((alert.level for alert in alerts), key=lambda level: level.rank),
        risk=max(alert.risk for alert in alerts),
        opened=min(alert.first_seen for alert in alerts),
        last_seen=max(alert.last_seen for alert in alerts),
        entities=_once(*(alert.entities for alert in alerts)),
        systems=_once([alert.system for alert in alerts if alert.system]),
        tags=_once(*(alert.tags for alert in alerts)),
        alert_ids=tuple(alert.id for alert in alerts),
    )
    return replace(made, title=title(made))


def _once(*parts: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(each for part in parts for each in part))
