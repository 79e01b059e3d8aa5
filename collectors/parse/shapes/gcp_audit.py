"""An entry of Google Cloud's audit logs in (also of Workspace's, where they go to Cloud Logging), its own fields and ECS out.

    {"protoPayload":{"serviceName":"storage.googleapis.com","methodName":"storage.buckets.delete",...},"insertId":"1x","logName":"projects/..."}

Source of truth: Google Cloud's LogEntry and AuditLog; Elastic's datasets gcp.audit, google_workspace.admin and google_workspace.login. The
parameters of a Workspace event become `google_workspace.admin.<name>`, in lower case.
"""

from __future__ import annotations

from collectors.event import Value
from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import (
    Copies,
    Document,
    Shape,
    moment,
    objects,
    originals,
    put_account,
    put_address,
    put_named,
    put_whole,
)

_PAYLOAD = "protoPayload"
_COPIES = Copies({
    "protoPayload.methodName": "event.action",
    "protoPayload.serviceName": "event.provider",
    "protoPayload.authenticationInfo.principalEmail": "user.name",
    "protoPayload.authenticationInfo.principalSubject": "user.id",
    "protoPayload.requestMetadata.callerSuppliedUserAgent": "user_agent.original",
    "protoPayload.status.message": "event.reason",
    "resource.labels.project_id": "cloud.project.id",
    "resource.labels.location": "cloud.region",
    "resource.labels.cluster_name": "orchestrator.cluster.name",
})  # fmt: skip
_WORKSPACE = {"admin.googleapis.com": "google_workspace.admin", "login.googleapis.com": "google_workspace.login"}


def _read(document: Document) -> Parsed:
    fields = originals(document)
    _COPIES.put(fields)
    put_whole(fields, document, "protoPayload.request.metadata.annotations", "protoPayload.request.metadata.labels")
    put_account(fields, fields.get("user.name"))
    put_address(fields, "source", fields.get("protoPayload.requestMetadata.callerIp"))
    service = fields.get("protoPayload.serviceName")
    dataset = _WORKSPACE.get(service, "gcp.audit") if isinstance(service, str) else "gcp.audit"
    payload = document[_PAYLOAD]
    if dataset != "gcp.audit" and isinstance(payload, dict) and isinstance(payload.get("metadata"), dict):
        for event in objects(payload["metadata"].get("event")):
            values = [{**each, "name": str(each.get("name")).lower()} for each in objects(event.get("parameter"))]
            put_named(fields, "google_workspace.admin", values, "name", "value")
            if isinstance(name := event.get("eventName"), str):
                fields["event.action"] = name
    fields["event.dataset"] = dataset
    fields["gcp.audit.log"] = str(document["logName"]).rpartition("/logs/")[2]
    fields["event.category"] = (
        "authentication" if dataset.endswith("login") else "iam" if dataset.endswith("admin") else "api"
    )
    fields["event.outcome"] = "failure" if _refused(fields) else "success"
    fields["cloud.provider"] = "gcp"
    time = moment(fields, "timestamp", "receiveTimestamp")
    fields.pop("timestamp", None)  # a number in other objects, which a store would then refuse
    return Parsed(time, fields)


def _refused(fields: dict[str, Value]) -> bool:
    granted = fields.get("protoPayload.authorizationInfo.granted")
    return fields.get("protoPayload.status.code", "0") != "0" or (isinstance(granted, list) and "false" in granted)


SHAPES = (
    Shape(
        "protoPayload logName resource insertId",
        _read,
        (
            Gives("gcp.audit", "api"),
            Gives("google_workspace.admin", "iam"),
            Gives("google_workspace.login", "authentication"),
        ),
        fits=lambda document: isinstance(document[_PAYLOAD], dict),
    ),
)
