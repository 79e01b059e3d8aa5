"""A finding of Amazon GuardDuty in, its own fields and ECS out.

    {"schemaVersion":"2.0","accountId":"111122223333","region":"ap-southeast-1","type":"Recon:EC2/PortProbeUnprotectedPort","severity":2,...}

Source of truth: Amazon GuardDuty User Guide, "GuardDuty finding format" and "Severity levels" (1.0 to 10.0); Elastic's aws.guardduty.
`event.severity` is the whole part of the severity.
"""

from __future__ import annotations

from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import Copies, Document, Shape, moment, originals, put_address

_COPIES = Copies({
    "type": "rule.name",
    "title": "message",
    "accountId": "cloud.account.id",
    "region": "cloud.region",
    "resource.instanceDetails.instanceId": "cloud.instance.id",
    "resource.accessKeyDetails.userName": "user.name",
    "resource.kubernetesDetails.kubernetesUserDetails.username": "user.name",
    "service.action.awsApiCallAction.api": "event.action",
    "service.action.actionType": "event.action",
    "service.action.dnsRequestAction.domain": "dns.question.name",
    "service.action.networkConnectionAction.localPortDetails.port": "destination.port",
    "service.action.networkConnectionAction.remotePortDetails.port": "source.port",
})  # fmt: skip
_REMOTE = tuple(
    f"service.action.{action}.remoteIpDetails.ipAddressV4"
    for action in (
        "networkConnectionAction",
        "awsApiCallAction",
        "portProbeAction.portProbeDetails",
        "kubernetesApiCallAction",
        "rdsLoginAttemptAction",
    )
)


def _read(document: Document) -> Parsed:
    fields = originals(document)
    _COPIES.put(fields)
    for name in _REMOTE:
        if name in fields:
            put_address(fields, "source", fields[name])
            break
    severity = document["severity"]
    if isinstance(severity, int | float) and 0 <= severity <= 100:
        fields["event.severity"] = int(severity)
    fields["event.dataset"] = "aws.guardduty"
    fields["event.kind"] = "alert"
    fields["event.category"] = "intrusion_detection"
    fields["cloud.provider"] = "aws"
    return Parsed(moment(fields, "updatedAt", "createdAt"), fields)


SHAPES = (
    Shape(
        "schemaVersion accountId region type resource service severity",
        _read,
        (Gives("aws.guardduty", "intrusion_detection"),),
    ),
)
