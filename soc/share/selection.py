"""An incident and its alerts in, what may be shared with an audience out. Pure.

The audience is named by the label that it may see: a thing that is marked stricter does not go there. An incident that is, goes nowhere; of
its alerts those that are, are left out and counted, with all that only they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address, ip_network

from soc.alert import Alert, Tlp
from soc.errors import SocError
from soc.incident import Incident
from soc.share import Config, Indicator, Shared
from soc.share.redaction import Redactor

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)")

_TOLD = frozenset({"alert", "phase", "review"})
"""Kinds of lines of an incident's story that others may read; notes, tasks and custody are the site's own affair."""


def shared(
    incident: Incident, alerts: Sequence[Alert], severity: str, audience: Tlp, config: Config, own: Iterable[str]
) -> Shared:
    """What this audience may know. `own`: addresses and networks of the site beside those of `config.internal`.

    Raises: SocError where the incident itself is marked stricter than the audience may see.
    """
    if incident.tlp.rank > audience.rank:
        raise SocError(
            f"{incident.id} is TLP:{incident.tlp.value.upper()}: it may not go to those who see TLP:{audience.value.upper()} "
            "at most; `soc incidents tlp` changes it, with the reason"
        )
    allowed = [alert for alert in alerts if alert.tlp.rank <= audience.rank]
    hidden = {alert.id for alert in alerts} - {alert.id for alert in allowed}
    entities = dict.fromkeys(entity for alert in alerts for entity in alert.entities)
    people = dict.fromkeys(entry.actor for entry in incident.timeline if entry.actor not in ("", "engine"))
    redactor = Redactor(config, [*incident.entities, *entities], people)
    title = (
        incident.title if not hidden else "; ".join(dict.fromkeys(alert.title for alert in allowed)) or "An incident"
    )
    story = [
        (entry.time, redactor.text(str(entry.text)))
        for entry in sorted(incident.timeline, key=lambda entry: entry.time)
        if entry.kind in _TOLD and entry.ref not in hidden
    ]
    return Shared(
        incident_id=incident.id,
        title=redactor.text(title),
        severity=severity,
        group=incident.group,
        tlp=max((incident.tlp, *(alert.tlp for alert in allowed)), key=lambda tlp: tlp.rank),
        detected=incident.detected or incident.opened,
        first_seen=min((alert.first_seen for alert in allowed), default=incident.opened),
        last_seen=max((alert.last_seen for alert in allowed), default=incident.last_seen),
        modified=max((entry.time for entry in incident.timeline), default=incident.last_seen),
        closed=incident.closed,
        techniques=_techniques(allowed),
        indicators=tuple(_indicators(allowed, [*config.internal, *own])),
        story=tuple(story),
        left_out=len(hidden),
        redacted={name: count for name, count in redactor.counts.items() if count},
    )


def _techniques(alerts: Iterable[Alert]) -> tuple[str, ...]:
    found = (match[1].upper() for alert in alerts for tag in alert.tags if (match := _TECHNIQUE.fullmatch(tag)))
    return tuple(sorted(set(found)))


def _indicators(alerts: Iterable[Alert], own: Iterable[str]) -> list[Indicator]:
    """Addresses from which somebody came and that are not the site's own."""
    networks = [ip_network(text, strict=False) for text in own]
    found: dict[str, Indicator] = {}
    for alert in alerts:
        for entity in alert.entities:
            if entity.kind != "source.ip" or not _outside(entity.value, networks):
                continue
            seen, last, techniques = alert.first_seen, alert.last_seen, _techniques([alert])
            held = found.get(entity.value)
            if held is not None:
                seen, last = min(seen, held.first_seen), max(last, held.last_seen)
                techniques = tuple(sorted({*techniques, *held.techniques}))
            found[entity.value] = Indicator("ip", entity.value, seen, last, techniques)
    return sorted(found.values(), key=lambda each: each.value)


def _outside(value: str, own: Sequence[object]) -> bool:
    try:
        address = ip_address(value)
    except ValueError:
        return False
    return not any(address in network for network in own)  # type: ignore[operator]


def only_indicators(whole: Shared, now: datetime) -> Shared:
    """The same with nothing told but the indicators and their techniques."""
    return replace(whole, title="Indicators", story=(), closed=None, severity="", group="", modified=now)
