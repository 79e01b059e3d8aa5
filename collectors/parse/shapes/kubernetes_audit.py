"""An event of the Kubernetes API server's audit log in, its own fields and ECS out.

    {"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"6b5c","stage":"ResponseComplete","verb":"list",...}

Source of truth: Kubernetes documentation, "kube-apiserver Audit Configuration (v1)"; Elastic's dataset kubernetes.audit_logs. The time is
that of the stage. In the lists that the server sends to a webhook (`collectors.parse.bundle`) events say no kind. Of a denied request the
outcome is failure, as of one that ended with an error.
"""

from __future__ import annotations

from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import Copies, Document, Shape, moment, originals, put_address

_COPIES = Copies({
    "verb": "event.action",
    "user.username": "user.name",
    "user.uid": "user.id",
    "impersonatedUser.username": "user.effective.name",
    "userAgent": "user_agent.original",
    "requestURI": "url.original",
    "responseStatus.code": "http.response.status_code",
    "responseStatus.reason": "event.reason",
    "objectRef.namespace": "orchestrator.namespace",
    "objectRef.resource": "orchestrator.resource.type",
    "objectRef.name": "orchestrator.resource.name",
    "objectRef.apiVersion": "orchestrator.api_version",
})  # fmt: skip
_TYPES = {
    "create": "creation",
    "update": "change",
    "patch": "change",
    "delete": "deletion",
    "deletecollection": "deletion",
}
_STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
_DECISION = "annotations.authorization.k8s.io/decision"


def _read(document: Document) -> Parsed:
    fields = originals(document)
    _COPIES.put(fields)
    put_address(fields, "source", fields.get("sourceIPs"))
    fields["event.dataset"] = "kubernetes.audit_logs"
    fields["event.category"] = "iam" if fields.get("objectRef.apiGroup") == "rbac.authorization.k8s.io" else "api"
    verb, code = fields.get("verb"), fields.get("http.response.status_code")
    fields["event.type"] = _TYPES.get(verb, "access") if isinstance(verb, str) else "access"
    if fields.get(_DECISION) == "forbid" or (isinstance(code, int) and code >= 400):
        fields["event.outcome"] = "failure"
    elif code is not None:
        fields["event.outcome"] = "success"
    fields["orchestrator.type"] = "kubernetes"
    return Parsed(moment(fields, "stageTimestamp", "requestReceivedTimestamp"), fields)


SHAPES = (
    Shape(
        "auditID level stage verb requestURI user",
        _read,
        (Gives("kubernetes.audit_logs", "api iam"),),
        fits=lambda document: document["stage"] in _STAGES,
    ),
)
