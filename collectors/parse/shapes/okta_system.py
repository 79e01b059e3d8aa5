"""An event of Okta's System Log in, its own fields and ECS out.

    {"uuid":"fc3b","published":"2026-11-22T03:00:00.000Z","eventType":"user.session.start","version":"0","severity":"INFO","actor":{...},...}

Source of truth: Okta API reference, "System Log" (LogEvent); Elastic's dataset okta.system. ALLOW and CHALLENGE count as success, as the
policy did what it says.
"""

from __future__ import annotations

from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import Copies, Document, Shape, moment, objects, originals, put_account, put_address

_COPIES = Copies({
    "eventType": "event.action",
    "displayMessage": "message",
    "actor.displayName": "user.full_name",
    "actor.id": "user.id",
    "client.userAgent.rawUserAgent": "user_agent.original",
    "outcome.reason": "event.reason",
    "securityContext.asOrg": "source.as.organization.name",
    "client.geographicalContext.country": "source.geo.country_name",
    "client.geographicalContext.city": "source.geo.city_name",
})  # fmt: skip
_OUTCOMES = {"SUCCESS": "success", "ALLOW": "success", "CHALLENGE": "success", "FAILURE": "failure", "DENY": "failure"}
_CATEGORIES = (
    ("user.session.", "authentication"),
    ("user.authentication.", "authentication"),
    ("policy.evaluate", "authentication"),
    ("user.", "iam"),
    ("group.", "iam"),
    ("iam.", "iam"),
    ("security.", "intrusion_detection"),
)


def _read(document: Document) -> Parsed:
    fields = originals(document)
    _COPIES.put(fields)
    put_account(fields, fields.get("actor.alternateId"))
    put_address(fields, "source", fields.get("client.ipAddress"))
    for target in objects(document.get("target")):
        if target.get("type") == "User" and isinstance(name := target.get("alternateId"), str):
            fields["user.target.name"] = name
            break
    kind = str(fields.get("eventType"))
    fields["event.dataset"] = "okta.system"
    fields["event.category"] = next((each for start, each in _CATEGORIES if kind.startswith(start)), "configuration")
    outcome = _OUTCOMES.get(str(fields.get("outcome.result")))
    if outcome:
        fields["event.outcome"] = outcome
    return Parsed(moment(fields, "published"), fields)


SHAPES = (
    Shape(
        "uuid published eventType version severity actor",
        _read,
        (Gives("okta.system", "authentication configuration iam intrusion_detection"),),
    ),
)
