"""What is shared in, a MISP event out (MISP core format, draft-dulaunoy-misp-core-format). Pure. The same incident is the same UUIDs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from soc.alert import Tlp
from soc.share import Indicator, Shared

_NAMESPACE = UUID("5c4b3c52-16a1-4f3e-9b1f-8d3b5d0f4b62")

_THREAT = {"M1": "1", "M2": "1", "M3": "2", "M4": "3"}
"""Class -> MISP's threat level: 1 high, 2 medium, 3 low; 4 not defined."""

_DISTRIBUTION = {Tlp.CLEAR: "3", Tlp.GREEN: "2", Tlp.AMBER: "1", Tlp.AMBER_STRICT: "0", Tlp.RED: "0"}
"""0 the own organisation, 1 this community, 2 connected ones, 3 all: never wider than the label says."""


def event(shared: Shared, organisation: str) -> dict[str, Any]:
    """The event as JSON values. `organisation`: who says so."""
    techniques = [_tag(f'misp-galaxy:mitre-attack-pattern="{each}"') for each in shared.techniques]
    attributes = [_attribute(shared, each) for each in shared.indicators]
    attributes += [_comment(shared, number, when, what) for number, (when, what) in enumerate(shared.story)]
    return {
        "Event": {
            "uuid": _uuid(shared.incident_id),
            "info": shared.title,
            "date": shared.detected.astimezone(UTC).date().isoformat(),
            "timestamp": _stamp(shared.modified),
            "threat_level_id": _THREAT.get(shared.severity, "4"),
            "analysis": "2" if shared.closed else "1",
            "distribution": _DISTRIBUTION[shared.tlp],
            "published": False,
            "Orgc": {"name": organisation, "uuid": _uuid("organisation", organisation)},
            "Tag": [_tag(f"tlp:{shared.tlp.value}"), *techniques],
            "Attribute": attributes,
        }
    }


def _attribute(shared: Shared, each: Indicator) -> dict[str, Any]:
    return {
        "uuid": _uuid(shared.incident_id, each.value),
        "type": "ip-src",
        "category": "Network activity",
        "value": each.value,
        "to_ids": True,
        "timestamp": _stamp(each.last_seen),
        "first_seen": each.first_seen.astimezone(UTC).isoformat(),
        "last_seen": each.last_seen.astimezone(UTC).isoformat(),
        "comment": " ".join(each.techniques),
    }


def _comment(shared: Shared, number: int, when: datetime, what: str) -> dict[str, Any]:
    return {
        "uuid": _uuid(shared.incident_id, "story", str(number)),
        "type": "text",
        "category": "Internal reference",
        "value": f"{when.astimezone(UTC).isoformat()} {what}",
        "to_ids": False,
        "timestamp": _stamp(when),
    }


def _tag(name: str) -> dict[str, str]:
    return {"name": name}


def _uuid(*named: str) -> str:
    return str(uuid5(_NAMESPACE, "|".join(named)))


def _stamp(moment: datetime) -> str:
    return str(int(moment.timestamp()))
