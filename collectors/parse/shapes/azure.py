"""What Azure and Entra ID log in (platform, sign-ins, directory changes, risks), its own fields and ECS out.

    {"time":"2026-11-22T03:00:00Z","resourceId":"/tenants/","operationName":"Sign-in activity","category":"SignInLogs","properties":{...}}

Source of truth: Azure Monitor, "Azure resource log common schema" and "activity log event schema"; Microsoft Graph's signIn, directoryAudit
and riskDetection; the tables of Log Analytics (AzureActivity, SigninLogs, AuditLogs). Elastic's datasets: azure.activitylogs,
azure.signinlogs, azure.auditlogs, azure.identity_protection, azure.platformlogs. The same facts come by diagnostic settings
(`properties.userPrincipalName`), from Graph (`userPrincipalName`) and from Log Analytics (`UserPrincipalName`).
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

_CLAIM = "identity.claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims"


def _spelled(*paths: str) -> tuple[str, ...]:
    """Names as the three ways write them: below `properties`, at the top, and with capitals."""
    capitals = [".".join(part[:1].upper() + part[1:] for part in path.split(".")) for path in paths]
    return (*(f"properties.{path}" for path in paths), *paths, *capitals)


_NAMES = {
    "event.action": _spelled("activityDisplayName", "operationName", "operationName.value", "operationNameValue"),
    "user.name": (
        *_spelled("userPrincipalName", "initiatedBy.user.userPrincipalName", "initiatedBy.app.displayName", "caller"),
        f"{_CLAIM}/upn", f"{_CLAIM}/name", "identity.claims.appid",
    ),
    "user.id": _spelled("userId", "initiatedBy.user.id", "servicePrincipalId"),
    "user.full_name": _spelled("userDisplayName"),
    "user.target.name": _spelled("targetResources.userPrincipalName", "targetResources.displayName"),
    "user_agent.original": _spelled("userAgent"),
    "event.reason": _spelled("status.failureReason", "resultReason", "resultDescription"),
    "cloud.account.id": ("subscriptionId", "SubscriptionId", "tenantId", "TenantId", "properties.resourceTenantId", "AADTenantId"),
    "source.geo.country_iso_code": _spelled("location.countryOrRegion"),
    "rule.name": _spelled("riskEventType"),
}  # fmt: skip
_COPIES = Copies({name: field for field, names in _NAMES.items() for name in names})
_ADDRESSES = _spelled("callerIpAddress", "ipAddress", "initiatedBy.user.ipAddress", "httpRequest.clientIpAddress")
_TIMES = (
    "time", "TimeGenerated", "createdDateTime", "activityDateTime", "properties.activityDateTime", "detectedDateTime",
    "eventTimestamp",
)  # fmt: skip
_RESULTS = (
    "properties.result",
    "result",
    "Result",
    "resultType",
    "ResultType",
    "properties.status.errorCode",
    "status.errorCode",
)
_WELL = frozenset({"0", "success", "succeeded", "succeed", "accept", "accepted", "start", "started"})
_DATASETS = {
    "activitylogs": "administrative security policy alert recommendation servicehealth resourcehealth autoscale azureactivity",
    "signinlogs": (
        "signinlogs noninteractiveusersigninlogs serviceprincipalsigninlogs managedidentitysigninlogs adfssigninlogs "
        "aadnoninteractiveusersigninlogs aadserviceprincipalsigninlogs aadmanagedidentitysigninlogs"
    ),
    "auditlogs": "auditlogs",
    "identity_protection": (
        "riskyusers userriskevents riskyserviceprincipals serviceprincipalriskevents aadriskyusers aaduserriskevents"
    ),
}
_BY_CATEGORY = {category: f"azure.{name}" for name, all_of_it in _DATASETS.items() for category in all_of_it.split()}
_CATEGORIES = {"azure.signinlogs": "authentication", "azure.auditlogs": "iam", "azure.identity_protection": "iam"}


def _by_category(document: Document) -> Parsed:
    said = document.get("Type") or document["category"]
    said = said.get("value") if isinstance(said, dict) else said
    return _read(
        document,
        _BY_CATEGORY.get(said.lower(), "azure.platformlogs") if isinstance(said, str) else "azure.platformlogs",
    )


def _read(document: Document, dataset: str) -> Parsed:
    fields = originals(document)
    put_whole(
        fields, document, "targetResources", "properties.targetResources", "TargetResources", "properties.status", "NetworkLocationDetails",
        "properties.networkLocationDetails", "networkLocationDetails",
    )  # fmt: skip
    _COPIES.put(fields)
    if dataset == "azure.auditlogs":
        _put_modified(fields, document)
    put_account(fields, fields.get("user.name"))
    for name in _ADDRESSES:
        if name in fields:
            put_address(fields, "source", fields[name])
            break
    fields["event.dataset"] = dataset
    fields["event.category"] = _CATEGORIES.get(dataset, "configuration")
    fields["cloud.provider"] = "azure"
    if dataset == "azure.identity_protection":
        fields["event.kind"] = "alert"
    elif outcome := _outcome(fields):
        fields["event.outcome"] = outcome
    return Parsed(moment(fields, *_TIMES), fields)


def _put_modified(fields: dict[str, Value], document: Document) -> None:
    """What a change of the directory set, by name: `azure.auditlogs.modified.AccountEnabled: [true]`."""
    said = document.get("properties")
    held = said if isinstance(said, dict) else document
    for target in objects(held.get("targetResources") or held.get("TargetResources")):
        changed = [
            {**each, "newValue": value.strip('"')}
            for each in objects(target.get("modifiedProperties"))
            if isinstance(value := each.get("newValue"), str)
        ]
        put_named(fields, "azure.auditlogs.modified", changed, "displayName", "newValue")


def _outcome(fields: dict[str, Value]) -> str:
    for name in _RESULTS:
        said = fields.get(name)
        if isinstance(said, str) and said:
            return "success" if said.lower() in _WELL else "failure"
    return ""


_ALL = (
    Gives("azure.activitylogs", "configuration"),
    Gives("azure.platformlogs", "configuration"),
    Gives("azure.signinlogs", "authentication"),
    Gives("azure.auditlogs", "iam"),
    Gives("azure.identity_protection", "iam"),
)
_TABLES = frozenset(_BY_CATEGORY)

SHAPES = (
    Shape("time resourceId operationName category", _by_category, _ALL),
    Shape("eventTimestamp operationName category caller resourceId", lambda d: _read(d, "azure.activitylogs")),
    Shape("TimeGenerated Type", _by_category, fits=lambda d: str(d["Type"]).lower() in _TABLES),
    Shape("createdDateTime userPrincipalName appId conditionalAccessStatus", lambda d: _read(d, "azure.signinlogs")),
    Shape("activityDateTime activityDisplayName initiatedBy targetResources", lambda d: _read(d, "azure.auditlogs")),
    Shape("riskEventType riskState detectedDateTime", lambda d: _read(d, "azure.identity_protection")),
)
