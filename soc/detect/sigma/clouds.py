"""A rule's logsource of a cloud service in, `Route`s out: the datasets of its records, and where in them Sigma's fields are. Data.

Sources of truth: SigmaHQ's rules/cloud, rules/identity and rules/application, which name fields as consoles, Graph, Log Analytics and
Elastic's integrations show them, often in another spelling than the record's; the shapes of `collectors.parse.shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping

from soc.detect.sigma.ir import Logsource
from soc.detect.sigma.route import Route, is_

_Fields = Mapping[str, tuple[str, ...]]


def _spelled(*paths: str) -> tuple[str, ...]:
    """Azure's names as its three ways of delivery write them: at the top, below `properties`, and with capitals."""
    found: list[str] = []
    for path in paths:
        capitals = ".".join(part[:1].upper() + part[1:] for part in path.split("."))
        found += (path, f"properties.{path}", capitals)
    return tuple(found)


_AZURE_NAMES = """
    activityDisplayName activityType additionalDetails appId authenticationRequirement callerIpAddress category
    conditionalAccessStatus correlationId deviceDetail.deviceId deviceDetail.isCompliant
    deviceDetail.trustType homeTenantId identity location loggedByService networkLocationDetails operationName resourceDisplayName
    resourceId resourceTenantId resultDescription resultSignature resultType riskEventType riskState riskLevel targetResources
    targetResources.modifiedProperties targetResources.modifiedProperties.displayName targetResources.modifiedProperties.newValue
    targetResources.type userAgent userPrincipalName result
"""
"""Names that rules use in any spelling."""

_AZURE: _Fields = {
    **{f"{prefix}{name}".lower(): _spelled(name) for name in _AZURE_NAMES.split() for prefix in ("", "properties.")},
    "additionaldetails.additionalinfo": _spelled("additionalDetails.additionalInfo", "additionalDetails.value"),
    "categoryvalue": ("CategoryValue", "category", "category.value"),
    "clientapp": _spelled("clientAppUsed", "clientApp"),
    "consentcontext.isadminconsent": ("ConsentContext.IsAdminConsent", "azure.auditlogs.modified.ConsentContext_IsAdminConsent"),
    "failure_status_reason": ("failure_status_reason", *_spelled("resultReason", "resultDescription", "status.failureReason")),
    "initiatedby": ("Initiatedby", *_spelled("initiatedBy.user.userPrincipalName")),
    "initiatied.by": ("Initiatied.By", *_spelled("initiatedBy.user.userPrincipalName")),
    "location": _spelled("location", "location.countryOrRegion"),
    "operationnamevalue": ("OperationNameValue", "operationName", "operationName.value"),
    "properties.initiatedby": _spelled("initiatedBy", "initiatedBy.user.userPrincipalName"),
    "properties.message": ("properties.message", *_spelled("activityDisplayName", "operationName")),
    "resourceprovidervalue": ("ResourceProviderValue", "resourceProviderName.value", "properties.resourceProviderValue"),
    "resulttype": _spelled("resultType", "status.errorCode"),
    "status": ("Status", "event.outcome", *_spelled("status.additionalDetails", "status")),
    "target": _spelled("targetResources.userPrincipalName"),
    "targetresources.modifiedproperties": _spelled(
        "targetResources.modifiedProperties", "targetResources.modifiedProperties.displayName", "targetResources"
    ),
    "username": ("Username", *_spelled("userPrincipalName")),
}  # fmt: skip

_AWS: _Fields = {
    "src_ip": ("source.ip",),
    "src_country": ("source.geo.country_iso_code", "source.geo.country_name"),
    "status": ("event.outcome",),
    "errorcode": ("errorCode", "error.code"),
}

_GCP: _Fields = {
    "gcp.audit.method_name": ("protoPayload.methodName", "gcp.audit.method_name"),
    "data.protopayload.authorizationinfo.permission": ("protoPayload.authorizationInfo.permission",),
    "data.protopayload.authorizationinfo.granted": ("protoPayload.authorizationInfo.granted",),
    "data.protopayload.servicename": ("protoPayload.serviceName",),
    "data.protopayload.methodname": ("protoPayload.methodName",),
    "data.protopayload.resource.type": ("resource.type",),
    "data.protopayload.logname": ("logName", "gcp.audit.log"),
    "protopayload.servicename": ("protoPayload.serviceName",),
    "eventservice": ("protoPayload.serviceName",),
    "eventname": ("protoPayload.metadata.event.eventName",),
    "setting_name": ("google_workspace.admin.setting_name",),
    "new_value": ("google_workspace.admin.new_value",),
}

_M365: _Fields = {
    "eventsource": ("Workload",),
    "eventname": ("Name", "Operation"),
    "status": ("event.outcome", "ResultStatus"),
    "requesttype": ("ExtendedProperties.RequestType", "RequestType"),
    "payload": ("Payload", "Data", "Parameters", "Operation"),
}

_KUBERNETES: _Fields = {
    "hostpath": ("requestObject.spec.volumes.hostPath.path", "hostPath"),
    "capabilities": ("requestObject.spec.containers.securityContext.capabilities.add", "capabilities"),
    "apigroup": ("objectRef.apiGroup", "apiGroup"),
    "responsestatus.code": ("responseStatus.code", "annotations.authorization.k8s.io/decision"),
}

_PRODUCTS: dict[str, _Fields] = {
    "aws": _AWS,
    "azure": _AZURE,
    "gcp": _GCP,
    "m365": _M365,
    "kubernetes": _KUBERNETES,
    "okta": {},
    "github": {},
}

_ROUTED = {
    product: {name: (*columns, "{}") for name, columns in fields.items()} for product, fields in _PRODUCTS.items()
}
"""Other collectors leave a producer's name as it is."""

_RISKS = ("azure.identity_protection",)
_DATASETS: dict[tuple[str, str], tuple[str, ...]] = {
    ("azure", "signinlogs"): ("azure.signinlogs",),
    ("azure", "auditlogs"): ("azure.auditlogs",),
    ("azure", "activitylogs"): ("azure.activitylogs", "azure.platformlogs"),
    ("azure", "riskdetection"): _RISKS,
    ("azure", "pim"): _RISKS,
    ("gcp", "gcp.audit"): ("gcp.audit",),
    ("gcp", "google_workspace.admin"): ("google_workspace.admin",),
    ("gcp", "google_workspace.login"): ("google_workspace.login",),
    ("kubernetes", "audit"): ("kubernetes.audit_logs",),
    ("okta", "okta"): ("okta.system",),
    ("m365", "audit"): ("o365.audit",),
    ("m365", "exchange"): ("o365.audit",),
    ("m365", "threat_detection"): ("o365.audit",),
    ("m365", "threat_management"): ("o365.audit",),
}
_MODULES = {"m365": ("o365", "m365_defender", "microsoft_defender_endpoint")}


def cloud_routes(logsource: Logsource) -> tuple[Route, ...]:
    """Where the events of a cloud service's logsource come from; nothing where the product is none."""
    product, service = logsource.product, logsource.service
    fields = _ROUTED.get(product)
    if fields is None:
        return ()
    if not service:
        return (Route((is_("event.module", *_MODULES.get(product, (product,))),), fields),)
    named = (f"{product}.{service}", *([service] if "." in service else []))  # as other collectors may call it
    return (Route((is_("event.dataset", *_DATASETS.get((product, service), ()), *named),), fields),)
