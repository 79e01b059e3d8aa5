"""A record of Microsoft 365's unified audit log in, its own fields and ECS out.

    {"CreationTime":"2026-11-22T03:00:00","Id":"7c5d","Operation":"New-InboxRule","RecordType":1,"UserId":"an@tinh.example","Workload":"Exchange"}

Source of truth: Office 365 Management Activity API schema; Elastic's dataset o365.audit. Times are UTC without a zone. Lists of names and
values (`Parameters`, `ExtendedProperties`, ...) stand whole as text, and value by value under their names.
"""

from __future__ import annotations

from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import (
    Copies,
    Document,
    Shape,
    moment,
    originals,
    put_account,
    put_address,
    put_named,
    put_whole,
)

_COPIES = Copies({
    "Operation": "event.action",
    "Workload": "event.provider",
    "UserId": "user.id",
    "OrganizationId": "organization.id",
    "OrganizationName": "organization.name",
    "SourceFileName": "file.name",
    "SourceRelativeUrl": "file.directory",
    "SiteUrl": "url.original",
    "UserAgent": "user_agent.original",
    "ExtendedProperties.UserAgent": "user_agent.original",
    "ClientInfoString": "user_agent.original",
    "LogonError": "event.reason",
    "TargetUserOrGroupName": "user.target.name",
})  # fmt: skip
_NAMED = ("Parameters", "ExtendedProperties", "OperationProperties", "DeviceProperties")
_CATEGORIES = {
    "azureactivedirectory": "iam",
    "exchange": "email",
    "sharepoint": "file",
    "onedrive": "file",
    "securitycompliancecenter": "intrusion_detection",
    "threatintelligence": "intrusion_detection",
}
_LOGINS = frozenset({"UserLoggedIn", "UserLoginFailed", "MailboxLogin"})
_ILL = frozenset({"failed", "failure", "false"})


def _read(document: Document) -> Parsed:
    fields = originals(document)
    put_whole(fields, document, *_NAMED, "ModifiedProperties")
    for name in _NAMED:
        put_named(fields, name, document.get(name), "Name", "Value")
    _COPIES.put(fields)
    put_address(
        fields, "source", fields.get("ClientIP") or fields.get("ClientIPAddress") or fields.get("ActorIpAddress")
    )
    put_account(fields, fields.get("UserId"))
    workload, operation = fields.get("Workload"), fields.get("Operation")
    fields["event.dataset"] = "o365.audit"
    login = operation in _LOGINS
    category = (
        "authentication" if login else _CATEGORIES.get(workload.lower(), "web") if isinstance(workload, str) else "web"
    )
    fields["event.category"] = category
    result = fields.get("ResultStatus")
    ill = operation == "UserLoginFailed" or (isinstance(result, str) and result.lower() in _ILL)
    fields["event.outcome"] = "failure" if ill else "success"
    if category == "intrusion_detection":
        fields["event.kind"] = "alert"
    return Parsed(moment(fields, "CreationTime"), fields)


SHAPES = (
    Shape(
        "CreationTime Id Operation RecordType UserId Workload",
        _read,
        (Gives("o365.audit", "authentication email file iam intrusion_detection web"),),
    ),
)
