"""What is shared in, a STIX 2.1 bundle out (OASIS STIX 2.1; TLP 2.0 by its extension definition, as FIRST and OASIS publish it). Pure.

Ids are made of what they name: the same incident shared again is the same objects, with a later `modified`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from soc.alert import Tlp
from soc.incident.classification import CLASSES, GROUPS
from soc.share import Indicator, Shared

_NAMESPACE = UUID("5c4b3c52-16a1-4f3e-9b1f-8d3b5d0f4b61")
"""Ours, for ids of version 5."""

_TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_TLP_IDS = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def bundle(shared: Shared, organisation: str) -> dict[str, Any]:
    """The bundle as JSON values. `organisation`: who says so."""
    objects = list(_objects(shared, organisation))
    return {"type": "bundle", "id": _id("bundle", shared.incident_id, _time(shared.modified)), "objects": objects}


def _objects(shared: Shared, organisation: str) -> Iterator[dict[str, Any]]:
    author = _id("identity", organisation)
    detected, modified = _time(shared.detected), _time(max(shared.detected, shared.modified))
    yield {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": _TLP_IDS[shared.tlp],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{shared.tlp.value.upper()}",
        "extensions": {_TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": shared.tlp.value}},
    }
    yield {
        "type": "identity",
        "spec_version": "2.1",
        "id": author,
        "created": "2020-01-01T00:00:00.000Z",
        "modified": "2020-01-01T00:00:00.000Z",
        "name": organisation,
        "identity_class": "organization",
    }
    head = {
        "spec_version": "2.1",
        "created": detected,
        "modified": modified,
        "created_by_ref": author,
        "object_marking_refs": [_TLP_IDS[shared.tlp]],
    }
    incident = _id("incident", shared.incident_id)
    labels = [f"{shared.severity} {CLASSES[shared.severity][0]}"] if shared.severity else []
    labels += [f"{shared.group} {GROUPS[shared.group][0]}"] if shared.group else []
    yield {
        "type": "incident",
        "id": incident,
        **head,
        "name": shared.title,
        "description": "\n".join(f"{_time(when)} {what}" for when, what in shared.story) or shared.title,
        **({"labels": labels} if labels else {}),
        "external_references": [{"source_name": organisation, "external_id": shared.incident_id}],
    }
    for technique in shared.techniques:
        yield {
            "type": "attack-pattern",
            "id": _id("attack-pattern", technique),
            **head,
            "name": technique,
            "external_references": [{"source_name": "mitre-attack", "external_id": technique}],
        }
    for each in shared.indicators:
        yield _indicator(each, head)
        yield _relation(_id("indicator", each.value), "related-to", incident, head)
        for technique in each.techniques:
            yield _relation(_id("indicator", each.value), "indicates", _id("attack-pattern", technique), head)


def _indicator(each: Indicator, head: dict[str, Any]) -> dict[str, Any]:
    kind = "ipv6-addr" if ":" in each.value else "ipv4-addr"
    return {
        "type": "indicator",
        "id": _id("indicator", each.value),
        **head,
        "name": each.value,
        "indicator_types": ["malicious-activity"],
        "pattern": f"[{kind}:value = '{each.value}']",
        "pattern_type": "stix",
        "valid_from": _time(each.first_seen),
    }


def _relation(source: str, what: str, target: str, head: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "relationship",
        "id": _id("relationship", source, what, target),
        **head,
        "relationship_type": what,
        "source_ref": source,
        "target_ref": target,
    }


def _id(kind: str, *named: str) -> str:
    return f"{kind}--{uuid5(_NAMESPACE, '|'.join((kind, *named)))}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
