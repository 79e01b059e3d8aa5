"""Sigma's names and values of one event in, the record out that a log of that source would hold: EVTX's JSON, ECS JSON lines.

The names of channels and event ids are written down here a second time, from Microsoft's and Sysmon's documentation and SigmaHQ's own
logsource guides, so that a slip in soc.detect.sigma.windows shows.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

Logsource = tuple[str, str, str]
"""Category, product, service."""

_SYSMON = "Microsoft-Windows-Sysmon"
SYSMON_CODES: dict[str, tuple[int, ...]] = {
    "process_creation": (1,), "file_change": (2,), "network_connection": (3,), "sysmon_status": (4, 16), "process_termination": (5,),
    "driver_load": (6,), "image_load": (7,), "create_remote_thread": (8,), "raw_access_thread": (9,), "process_access": (10,),
    "file_event": (11,), "registry_add": (12,), "registry_delete": (12,), "registry_set": (13,), "registry_rename": (14,),
    "registry_event": (12, 13, 14), "create_stream_hash": (15,), "pipe_created": (17, 18), "wmi_event": (19, 20, 21), "dns_query": (22,),
    "file_delete": (23, 26), "clipboard_capture": (24,), "process_tampering": (25,), "file_delete_detected": (26,),
    "file_block_executable": (27,), "file_block_shredding": (28,), "file_executable_detected": (29,), "sysmon_error": (255,),
}  # fmt: skip
_OTHER_CATEGORIES = {
    "ps_module": ("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", (4103,)),
    "ps_script": ("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", (4104,)),
    "ps_classic_start": ("Windows PowerShell", "PowerShell", (400,)),
    "ps_classic_provider_start": ("Windows PowerShell", "PowerShell", (600,)),
    "ps_classic_script": ("Windows PowerShell", "PowerShell", (800,)),
    "file_access": ("Microsoft-Windows-Kernel-File/Analytic", "Microsoft-Windows-Kernel-File", (12,)),
    "file_rename": ("Microsoft-Windows-Kernel-File/Analytic", "Microsoft-Windows-Kernel-File", (19, 27)),
}
_PROVIDERS = {
    "security": "Microsoft-Windows-Security-Auditing",
    "system": "Service Control Manager",
    "application": "Application Error",
    "powershell-classic": "PowerShell",
}
"""Where the provider is not the first part of the channel."""
_SERVICES = {
    "application": "Application",
    "applocker": "Microsoft-Windows-AppLocker/EXE and DLL",
    "appmodel-runtime": "Microsoft-Windows-AppModel-Runtime/Admin",
    "appxdeployment-server": "Microsoft-Windows-AppXDeploymentServer/Operational",
    "appxpackaging-om": "Microsoft-Windows-AppxPackaging/Operational",
    "bits-client": "Microsoft-Windows-Bits-Client/Operational",
    "capi2": "Microsoft-Windows-CAPI2/Operational",
    "certificateservicesclient-lifecycle-system": "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    "codeintegrity-operational": "Microsoft-Windows-CodeIntegrity/Operational",
    "diagnosis-scripted": "Microsoft-Windows-Diagnosis-Scripted/Operational",
    "dns-client": "Microsoft-Windows-DNS-Client/Operational",
    "dns-server": "DNS Server",
    "dns-server-analytic": "Microsoft-Windows-DNS-Server/Analytical",
    "driver-framework": "Microsoft-Windows-DriverFrameworks-UserMode/Operational",
    "firewall-as": "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
    "iis-configuration": "Microsoft-IIS-Configuration/Operational",
    "ldap": "Microsoft-Windows-LDAP-Client/Debug",
    "lsa-server": "Microsoft-Windows-LSA/Operational",
    "microsoft-servicebus-client": "Microsoft-ServiceBus-Client",
    "msexchange-management": "MSExchange Management",
    "ntlm": "Microsoft-Windows-NTLM/Operational",
    "openssh": "OpenSSH/Operational",
    "powershell": "Microsoft-Windows-PowerShell/Operational",
    "powershell-classic": "Windows PowerShell",
    "printservice-admin": "Microsoft-Windows-PrintService/Admin",
    "printservice-operational": "Microsoft-Windows-PrintService/Operational",
    "security": "Security",
    "security-mitigations": "Microsoft-Windows-Security-Mitigations/KernelMode",
    "shell-core": "Microsoft-Windows-Shell-Core/Operational",
    "smbclient-connectivity": "Microsoft-Windows-SmbClient/Connectivity",
    "smbclient-security": "Microsoft-Windows-SmbClient/Security",
    "smbserver-connectivity": "Microsoft-Windows-SMBServer/Connectivity",
    "sysmon": "Microsoft-Windows-Sysmon/Operational",
    "system": "System",
    "taskscheduler": "Microsoft-Windows-TaskScheduler/Operational",
    "terminalservices-localsessionmanager": "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    "windefend": "Microsoft-Windows-Windows Defender/Operational",
    "wmi": "Microsoft-Windows-WMI-Activity/Operational",
}
_USER_DATA = {
    "wmi",
    "applocker",
    "terminalservices-localsessionmanager",
    "printservice-admin",
    "printservice-operational",
    "capi2",
}
"""Channels whose events have UserData instead of EventData."""
_CLASSIC = {"system", "application", "powershell-classic", "msexchange-management", "dns-server"}
"""Channels whose event ids have qualifiers, and whose values have no names."""
_SYSTEM = {"EventID", "Provider_Name", "Channel", "Computer", "ComputerName", "Level", "Task", "Keywords", "Opcode"}
_DEFENDER_BLANKS = {
    name.replace(" ", ""): name
    for name in ("Threat Name", "Process Name", "Source Name", "New Value", "Old Value", "Detection User")
} | {"Feature_Name": "Feature Name"}
_AUDIT_4688 = {
    "Image": "NewProcessName", "ParentImage": "ParentProcessName", "CommandLine": "CommandLine", "LogonId": "SubjectLogonId",
    "EventID": "EventID", "Channel": "Channel", "Provider_Name": "Provider_Name", "Computer": "Computer", "Level": "Level",
    "IntegrityLevel": "MandatoryLabel",
    "User": "SubjectUserName",
}  # fmt: skip


def header(source: Logsource, random: Random, drawn: dict[str, Any]) -> dict[str, Any]:
    """What an event of the source says of itself besides what was drawn for it, by Sigma's names."""
    category, product, service = source
    if product != "windows":
        return {}
    channel, provider, codes = "Application", "Any-Provider", (1,)
    if category in SYSMON_CODES:
        channel, provider, codes = f"{_SYSMON}/Operational", _SYSMON, SYSMON_CODES[category]
    elif category:
        channel, provider, codes = _OTHER_CATEGORIES[category]
    elif service:
        channel = _SERVICES[service]
        provider = _PROVIDERS.get(service, channel.partition("/")[0])
    if _cleared(drawn):
        channel = "Application"
    computer = "PC7.tinh.example"
    return {
        "EventID": random.choice(codes),
        "Channel": channel,
        "Provider_Name": provider,
        "Computer": computer,
        "Level": 2,
    }


def _cleared(fields: dict[str, Any]) -> bool:
    """Whether an event says that a log was emptied: `Channel` is that log's name then, in UserData; the event stands in System."""
    return str(fields.get("EventID")) == "104" and fields.get("Provider_Name") == "Microsoft-Windows-Eventlog"


def as_4688(fields: dict[str, Any]) -> dict[str, Any] | None:
    """A process creation by the names of Security 4688, where all that it says has one."""
    if not fields.keys() <= _AUDIT_4688.keys():
        return None
    audit = {"EventID": 4688, "Channel": "Security", "Provider_Name": _PROVIDERS["security"]}
    return {_AUDIT_4688[name]: value for name, value in fields.items()} | audit


def windows_json(source: Logsource, fields: dict[str, Any], texts: list[str], number: int) -> bytes:
    """An event as the `evtx` package gives it: numbers and flags typed, unnamed values under Data, attributes apart."""
    service = source[2]
    code = fields["EventID"]
    code = int(code) if str(code).isdigit() else code
    system: dict[str, Any] = {
        "Provider": {"#attributes": {"Name": fields["Provider_Name"], "Guid": "5770385F-C22A-43E0-BF4C-06F5698FFBD9"}},
        "EventID": {"#attributes": {"Qualifiers": 0}, "#text": code} if service in _CLASSIC else code,
        "Version": 1, "Level": _typed(fields.get("Level", 4)), "Task": _typed(fields.get("Task", 0)), "Opcode": 0,
        "Keywords": fields.get("Keywords", "0x8000000000000000"),
        "TimeCreated": {"#attributes": {"SystemTime": "2026-11-22T03:00:00.123456Z"}},
        "EventRecordID": number, "Correlation": None, "Execution": {"#attributes": {"ProcessID": 3208, "ThreadID": 1724}},
        "Channel": fields["Channel"], "Computer": fields.get("ComputerName", fields["Computer"]),
        "Security": {"#attributes": {"UserID": "S-1-5-18"}},
    }  # fmt: skip
    names = _DEFENDER_BLANKS if service == "windefend" else {}
    data = {names.get(name, name): _typed(value) for name, value in fields.items() if name not in _SYSTEM}
    unnamed = data.pop("Data", None)
    if texts or unnamed is not None:
        values = [*texts, *([unnamed] if unnamed is not None else [])]
        data["Data"] = {"#text": values if len(values) > 1 else values[0]}
    attributes = {"#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"}}
    event: dict[str, Any] = {**attributes, "System": system}
    if _cleared(fields):
        system["Channel"] = "System"
        event["UserData"] = {"LogFileCleared": {"Channel": fields["Channel"], **data}}
    elif service in _USER_DATA:
        event["UserData"] = {"EventXML": {"#attributes": {"xmlns": "Event_NS"}, **data}}
    else:
        event["EventData"] = data or None
    return json.dumps({"Event": event}, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _typed(value: Any) -> Any:
    """A value in the type that EVTX has it in: decimal text is a number there, true a flag."""
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isdigit() and str(int(value)) == value and len(value) < 19:
        return int(value)
    return {"true": True, "false": False}.get(value, value)


# --- ECS JSON lines ------------------------------------------------------------------------------------------------------------

_HOST = {
    "Image": "process.executable", "CommandLine": "process.command_line", "CurrentDirectory": "process.working_directory",
    "ParentImage": "process.parent.executable", "ParentCommandLine": "process.parent.command_line", "User": "user.name",
    "TargetFilename": "file.path", "DestinationIp": "destination.ip", "DestinationPort": "destination.port",
    "DestinationHostname": "destination.domain",
}  # fmt: skip
_WEB = {
    "c-uri": "url.original", "cs-uri": "url.original", "cs-uri-query": "url.query", "c-uri-query": "url.query", "cs-uri-stem": "url.path",
    "cs-method": "http.request.method", "sc-status": "http.response.status_code", "cs-user-agent": "user_agent.original",
    "c-useragent": "user_agent.original", "cs-referer": "http.request.referrer", "cs-host": "url.domain", "dst_ip": "destination.ip",
    "c-uri-extension": "url.extension", "cs-username": "user.name", "cs-cookie": "http.request.cookie", "src_ip": "source.ip",
    "cs-content-type": "http.request.mime_type", "dst_port": "destination.port",
}  # fmt: skip
_DNS = {"query": "dns.question.name", "record_type": "dns.question.type", "answer": "dns.answers.data"}
_ECS = {"webserver": _WEB, "proxy": _WEB, "firewall": {**_WEB, "action": "event.action"}, "dns": _DNS}
_DATASETS = {
    "webserver": "nginx.access", "proxy": "squid.access", "firewall": "iptables.log", "dns": "named", "database": "postgresql.log",
    "antivirus": "antivirus",
}  # fmt: skip
_LINUX = {"": "syslog", "auditd": "auditd.log", "sshd": "sshd", "sudo": "sudo", "auth": "pam", "syslog": "syslog"}
_PROGRAMS = {"cron": "crond", "vsftpd": "vsftpd", "clamav": "clamd", "guacamole": "guacd"}
_HOST_KINDS = {"process_creation": "process", "file_event": "file", "network_connection": "network"}


def ecs_json(source: Logsource, fields: dict[str, Any], texts: list[str]) -> bytes:
    """The event as a JSON line by ECS names, where ECS has them."""
    category, product, service = source
    names: dict[str, str] = _ECS.get(category, {})
    line: dict[str, Any] = {"@timestamp": "2026-11-22T10:00:00+07:00"}
    if product in ("linux", "macos") and category:
        line |= {"event.dataset": "edr.process", "host.os.type": product, "event.category": [_HOST_KINDS[category]]}
        names = _HOST
    elif product == "linux":
        line |= {"event.dataset": _LINUX.get(service, "syslog"), "process.name": _PROGRAMS.get(service, "app")}
        names = {"USER": "user.effective.name"} if service == "sudo" else {}
    elif product:
        line["event.dataset"] = service if "." in service else f"{product}.{service or 'log'}"
    elif service:
        line["event.dataset"] = {"apache": "apache.error", "nginx": "nginx.error"}.get(service, service)
    else:
        line["event.dataset"] = _DATASETS[category]
    if texts:
        line["message"] = " ".join(texts)
    for name, value in fields.items():
        line[names.get(name, name)] = value
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass")
