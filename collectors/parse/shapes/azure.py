"""What Azure and Entra ID log in (platform, sign-ins, directory changes, risks), its own fields and ECS out.

    {"time":"2026-11-22T03:00:00Z","resourceId":"/tenants/","operationName":"Sign-in activity","category":"SignInLogs","properties":{...}}

Source of truth: Azure Monitor, "Azure resource log common schema" and "activity log event schema"; Microsoft Graph's signIn, directoryAudit
and riskDetection; the tables of Log Analytics (AzureActivity, SigninLogs, AuditLogs). Elastic's datasets: azure.activitylogs,
azure.signinlogs, azure.auditlogs, azure.identity_protection, azure.platformlogs. The same facts come by diagnostic settings
(`properties.userPrincipalName`), from Graph (`userPrincipalName`) and from Log Analytics (`UserPrincipalName`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


_NAMES = {
    "event.action": "activityDisplayName operationName operationName.value operationNameValue",
    "user.name": "userPrincipalName initiatedBy.user.userPrincipalName initiatedBy.app.displayName caller",
    "user.id": "userId initiatedBy.user.id servicePrincipalId",
    "user.full_name": "userDisplayName",
    "user.target.name": "targetResources.userPrincipalName targetResources.displayName",
    "user_agent.original": "userAgent",
    "event.reason": "status.failureReason resultReason resultDescription",
    "cloud.account.id": "subscriptionId resourceTenantId tenantId",
    "source.geo.country_iso_code": "location.countryOrRegion",
    "source.address": "ipAddress iPAddress initiatedBy.user.ipAddress callerIpAddress httpRequest.clientIpAddress",
    "rule.name": "riskEventType",
}
"""ECS fields -> what Graph calls them; of several the first that is there."""
_WHOLE = ("targetResources", "status", "networkLocationDetails")


@dataclass(frozen=True, slots=True)
class _Way:
    """A way of delivery: how it spells the names."""

    copies: Copies
    whole: tuple[str, ...]


def _way(*spell: Callable[[str], str], **others: str) -> _Way:
    """`others`: further names for an ECS field, whose dots are written `__`."""
    names = {each(name): field for field, said in _NAMES.items() for name in said.split() for each in spell}
    more = {name: field.replace("__", ".") for field, said in others.items() for name in said.split()}
    return _Way(Copies(names | more), tuple(each(name) for name in _WHOLE for each in spell))


def _plain(name: str) -> str:
    return name


def _below(name: str) -> str:
    return f"properties.{name}"


def _capital(name: str) -> str:
    return ".".join(part[:1].upper() + part[1:] for part in name.split("."))


_DIAGNOSTIC = _way(_below, _plain, user__name=f"{_CLAIM}/upn {_CLAIM}/name identity.claims.appid")
_GRAPH = _way(_plain)
_TABLE = _way(_capital)
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


def _by_category(document: Document, way: _Way) -> Parsed:
    said = document.get("Type") or document["category"]
    dataset = _BY_CATEGORY.get(said.lower()) if isinstance(said, str) else None
    return _read(document, dataset or "azure.platformlogs", way)


def _read(document: Document, dataset: str, way: _Way) -> Parsed:
    fields = originals(document)
    put_whole(fields, document, *way.whole)
    way.copies.put(fields)
    put_account(fields, fields.get("user.name"))
    put_address(fields, "source", fields.pop("source.address", None))
    if dataset == "azure.auditlogs":
        _put_modified(fields, document)
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
    Shape("time resourceId operationName category", lambda it: _by_category(it, _DIAGNOSTIC), _ALL),
    Shape(
        "TimeGenerated Type", lambda it: _by_category(it, _TABLE), fits=lambda it: str(it["Type"]).lower() in _TABLES
    ),
    Shape(
        "eventTimestamp operationName category caller resourceId", lambda it: _read(it, "azure.activitylogs", _GRAPH)
    ),
    Shape(
        "createdDateTime userPrincipalName appId conditionalAccessStatus",
        lambda it: _read(it, "azure.signinlogs", _GRAPH),
    ),
    Shape(
        "activityDateTime activityDisplayName initiatedBy targetResources",
        lambda it: _read(it, "azure.auditlogs", _GRAPH),
    ),
    Shape("riskEventType riskState detectedDateTime", lambda it: _read(it, "azure.identity_protection", _GRAPH)),
)
