"""An alert of Microsoft Defender in (Graph's alerts v2 of Defender XDR, and Defender for Endpoint's own), its own fields and ECS out.

    {"id":"da6375","incidentId":"28","title":"Suspicious PowerShell","severity":"medium","serviceSource":"microsoftDefenderForEndpoint",...}

Source of truth: Microsoft Graph, resource type alert (microsoft.graph.security); Defender for Endpoint, "Alert resource type"; Elastic's
datasets m365_defender.alert and microsoft_defender_endpoint.log. `event.severity`: 1 informational, 2 low, 3 medium, 4 high.
"""

from __future__ import annotations

from collectors.event import Value
from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import Copies, Document, Shape, moment, originals, put_address

_COPIES = Copies({
    "title": "rule.name",
    "description": "message",
    "category": "event.action",
    "evidence.deviceDnsName": "host.name",
    "computerDnsName": "host.name",
    "evidence.userAccount.accountName": "user.name",
    "relatedUser.userName": "user.name",
    "evidence.userAccount.domainName": "user.domain",
    "relatedUser.domainName": "user.domain",
    "evidence.processCommandLine": "process.command_line",
    "evidence.imageFile.filePath": "process.executable",
    "evidence.fileDetails.fileName": "file.name",
    "evidence.fileDetails.sha256": "file.hash.sha256",
    "mitreTechniques": "threat.technique.id",
})  # fmt: skip
_SEVERITIES = {"informational": 1, "low": 2, "medium": 3, "high": 4}
_LISTED = ("host.name", "user.name", "user.domain", "process.command_line", "process.executable")


def _read(document: Document, dataset: str) -> Parsed:
    fields = originals(document)
    _COPIES.put(fields)
    for name in _LISTED:  # of several pieces of evidence the first
        value = fields.get(name)
        if isinstance(value, list):
            fields[name] = value[0]
    put_address(fields, "source", fields.get("evidence.ipAddress"))
    severity = _SEVERITIES.get(_low(fields.get("severity")))
    if severity:
        fields["event.severity"] = severity
    fields["event.dataset"] = dataset
    fields["event.kind"] = "alert"
    fields["event.category"] = "malware" if _low(fields.get("category")) == "malware" else "intrusion_detection"
    return Parsed(moment(fields, "createdDateTime", "alertCreationTime"), fields)


def _low(value: Value) -> str:
    return value.lower() if isinstance(value, str) else ""


_CATEGORIES = "intrusion_detection malware"

SHAPES = (
    Shape(
        "id incidentId title severity serviceSource detectionSource createdDateTime",
        lambda document: _read(document, "m365_defender.alert"),
        (Gives("m365_defender.alert", _CATEGORIES),),
    ),
    Shape(
        "id incidentId title severity machineId alertCreationTime",
        lambda document: _read(document, "microsoft_defender_endpoint.log"),
        (Gives("microsoft_defender_endpoint.log", _CATEGORIES),),
    ),
)
