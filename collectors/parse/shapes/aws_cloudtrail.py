"""A call of an AWS service as CloudTrail records it in, its own fields and ECS out.

    {"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"an"},"eventTime":"2026-11-22T03:00:00Z","eventSource":"s3.amazonaws.com",...}

Source of truth: AWS CloudTrail User Guide, "CloudTrail record contents" (event versions 1.05 to 1.11); Elastic's dataset aws.cloudtrail.
A delivered file, `{"Records": [...]}`, is cut into its records by `collectors.parse.bundle`; from EventBridge they come in an envelope.
"""

from __future__ import annotations

from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import Copies, Document, Shape, moment, originals, put_address, put_whole

_COPIES = Copies({
    "eventName": "event.action",
    "eventSource": "event.provider",
    "awsRegion": "cloud.region",
    "recipientAccountId": "cloud.account.id",
    "userIdentity.accountId": "cloud.account.id",
    "userIdentity.userName": "user.name",
    "userIdentity.sessionContext.sessionIssuer.userName": "user.name",
    "userIdentity.principalId": "user.id",
    "userAgent": "user_agent.original",
    "errorCode": "error.code",
    "errorMessage": "error.message",
    "requestParameters.userName": "user.target.name",
    "requestParameters.bucketName": "aws.s3.bucket.name",
})  # fmt: skip
_CATEGORIES = {
    "signin.amazonaws.com": "authentication",
    "sts.amazonaws.com": "authentication",
    "iam.amazonaws.com": "iam",
    "sso.amazonaws.com": "iam",
    "sso-directory.amazonaws.com": "iam",
    "organizations.amazonaws.com": "iam",
}


def _read(document: Document) -> Parsed:
    fields = originals(document)
    _COPIES.put(fields)
    put_whole(fields, document, "requestParameters", "responseElements")
    put_address(fields, "source", fields.get("sourceIPAddress"))
    if fields.get("userIdentity.type") == "Root":
        fields.setdefault("user.name", "root")
    source = fields.get("eventSource")
    fields["event.dataset"] = "aws.cloudtrail"
    fields["event.category"] = _CATEGORIES.get(source, "api") if isinstance(source, str) else "api"
    fields["event.type"] = "access" if fields.get("readOnly") == "true" else "change"
    failed = "error.code" in fields or "error.message" in fields
    if failed or fields.get("responseElements.ConsoleLogin") == "Failure":
        fields["event.outcome"] = "failure"
    else:
        fields["event.outcome"] = "success"
    fields["cloud.provider"] = "aws"
    return Parsed(moment(fields, "eventTime"), fields)


SHAPES = (
    Shape(
        "eventVersion eventTime eventSource eventName awsRegion",
        _read,
        (Gives("aws.cloudtrail", "api authentication iam"),),
    ),
)
