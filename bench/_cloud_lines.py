"""Records of cloud services for `python -m bench.parse`: name -> the format that reads them, and who makes them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

from bench._moments import moments


def cloudtrail_lines(dice: random.Random) -> Iterator[str]:
    """Calls of a role and of users, one in four refused."""
    for n, at in moments():
        user = f"user{n % 500}"
        yield json.dumps({
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "IAMUser", "principalId": f"AIDA{n % 500:08}", "arn": f"arn:aws:iam::111122223333:user/{user}",
                "accountId": "111122223333", "accessKeyId": f"AKIA{n % 700:08}", "userName": user,
            },
            "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}", "eventSource": "s3.amazonaws.com", "eventName": ("GetObject", "PutObject")[n % 2],
            "awsRegion": "ap-southeast-1", "sourceIPAddress": f"203.0.{dice.randrange(256)}.{dice.randrange(256)}",
            "userAgent": "aws-cli/2.17.9 Python/3.11.8", "requestParameters": {"bucketName": "tinh-ho-so", "key": f"{n}.pdf"},
            "responseElements": None, "requestID": f"{dice.getrandbits(64):x}", "eventID": f"{dice.getrandbits(128):x}",
            "readOnly": n % 2 == 0, "eventType": "AwsApiCall", "managementEvent": False, "recipientAccountId": "111122223333",
            "eventCategory": "Data", **({"errorCode": "AccessDenied", "errorMessage": "Access Denied"} if n % 4 == 0 else {}),
        })  # fmt: skip


def kubernetes_lines(dice: random.Random) -> Iterator[str]:
    """The API server's audit at level Metadata."""
    for n, moment in moments():
        at = f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
        namespace, name = f"ns{n % 40}", f"web-{n % 900}"
        yield json.dumps({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": f"{dice.getrandbits(128):x}",
            "stage": "ResponseComplete", "requestURI": f"/api/v1/namespaces/{namespace}/pods/{name}",
            "verb": ("get", "list", "patch")[n % 3],
            "user": {"username": f"system:serviceaccount:{namespace}:default", "uid": "u-1", "groups": ["system:authenticated"]},
            "sourceIPs": [f"10.20.{n % 200}.{dice.randrange(256)}"], "userAgent": "kubelet/v1.31.2 (linux/amd64) kubernetes/5864a46",
            "objectRef": {"resource": "pods", "namespace": namespace, "name": name, "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 200}, "requestReceivedTimestamp": at, "stageTimestamp": at,
            "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
        })  # fmt: skip


def signin_lines(dice: random.Random) -> Iterator[str]:
    """Sign-ins to Entra ID, as diagnostic settings deliver them."""
    for n, moment in moments():
        at = f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
        code, ip = (0, 50126)[n % 5 == 0], f"203.0.{dice.randrange(256)}.{dice.randrange(256)}"
        yield json.dumps({
            "time": at, "resourceId": "/tenants/0f1e/providers/Microsoft.aadiam", "operationName": "Sign-in activity",
            "operationVersion": "1.0", "category": "SignInLogs", "tenantId": "0f1e", "resultType": str(code), "resultSignature": "None",
            "durationMs": 0, "callerIpAddress": ip, "correlationId": f"{dice.getrandbits(128):x}", "level": 4, "location": "VN",
            "properties": {
                "id": f"s{n}", "createdDateTime": at, "userDisplayName": f"User {n % 500}",
                "userPrincipalName": f"user{n % 500}@tinh.example",
                "userId": f"u{n % 500}", "appId": "a1", "appDisplayName": "Office", "ipAddress": ip,
                "status": {"errorCode": code, "failureReason": "Other."}, "clientAppUsed": "Browser", "userAgent": "Mozilla/5.0",
                "deviceDetail": {"deviceId": "", "operatingSystem": "Linux", "browser": "Firefox 128.0", "isCompliant": False},
                "location": {"city": "Hà Tĩnh", "countryOrRegion": "VN"}, "conditionalAccessStatus": "success",
                "authenticationRequirement": "singleFactorAuthentication", "riskState": "none",
            },
        })  # fmt: skip


def m365_lines(dice: random.Random) -> Iterator[str]:
    """Files that are opened, and log-ins."""
    for n, at in moments():
        yield json.dumps({
            "CreationTime": f"{at:%Y-%m-%dT%H:%M:%S}", "Id": f"{dice.getrandbits(128):x}", "Operation": "FileAccessed",
            "OrganizationId": "0f1e",
            "RecordType": 6, "UserKey": "k", "UserType": 0, "Version": 1, "Workload": "SharePoint", "ClientIP": f"203.0.113.{n % 256}",
            "ObjectId": f"https://tinh.example/sites/dvc/{n}.docx", "UserId": f"user{n % 500}@tinh.example", "EventSource": "SharePoint",
            "ItemType": "File", "SiteUrl": "https://tinh.example/sites/dvc/", "SourceFileName": f"{n}.docx", "UserAgent": "Mozilla/5.0",
        })  # fmt: skip


def vpcflow_lines(dice: random.Random) -> Iterator[str]:
    """Sessions, one in nine refused."""
    for n, moment in moments():
        at = int(moment.timestamp())
        yield (
            f"2 111122223333 eni-{n % 300:08x} 203.0.{dice.randrange(256)}.{dice.randrange(256)} 10.20.{n % 200}.{dice.randrange(256)} "
            f"{dice.randrange(1024, 65536)} 443 6 {n % 90} {n % 99999} {at} {at + 60} {'REJECT' if n % 9 == 0 else 'ACCEPT'} OK"
        )


CLOUD_LINES: dict[str, tuple[str, Callable[[random.Random], Iterator[str]]]] = {
    "shapes/aws_cloudtrail": ("json", cloudtrail_lines),
    "shapes/kubernetes_audit": ("json", kubernetes_lines),
    "shapes/azure": ("json", signin_lines),
    "shapes/m365_audit": ("json", m365_lines),
    "aws-vpcflow": ("aws-vpcflow", vpcflow_lines),
}
