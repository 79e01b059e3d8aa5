"""A rule's logsource in, `Route`s out: which events it reads, and by what ECS names it finds Sigma's fields in them. Data, in one place.

Sources of truth: Sigma taxonomy appendix 2.1 (logsources, W3C names); Sysmon's event ids; Microsoft's channel names; ECS 8.17; the shared
`event.dataset` names of this project's parsers. A name with no mapping is taken as the event has it, so our own rules use ECS names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from soc.detect.sigma.ir import Logsource

ROUTING = (
    "event.dataset",
    "event.module",
    "winlog.channel",
    "winlog.provider_name",
    "event.code",
    "event.category",
    "host.os.type",
)
"""The fields that decide which rules see an event; low in distinct values, so rules are specialised for each combination.

`event.module` is the first word of `event.dataset` where an event has none ("zeek" of "zeek.dns").
"""


@dataclass(frozen=True, slots=True)
class Route:
    """Events whose routing fields have these values (lower case; all of them), and where in them Sigma's fields are.

    `fields`: Sigma name, lower case -> ECS names; any of them may hold it. `otherwise`: templates for names that are not listed.
    `require`: further conditions that are not routing fields (the program behind a syslog line).
    """

    where: tuple[tuple[str, frozenset[str]], ...]
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    otherwise: tuple[str, ...] = ("{}",)
    require: tuple[tuple[str, frozenset[str]], ...] = ()
    _columns: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    def columns(self, name: str) -> tuple[str, ...]:
        """The event fields that hold the Sigma field `name`."""
        found = self._columns.get(name)
        if found is None:
            found = self.fields.get(name.lower())
            if found is None:  # a dot: an ECS name, or a path into a JSON event
                found = (name,) if "." in name else tuple(template.replace("{}", name) for template in self.otherwise)
            self._columns[name] = found
        return found


def routes(logsource: Logsource) -> tuple[Route, ...]:
    """Where the events of a logsource come from; an event counts when any of the routes takes it."""
    if logsource.product == "windows":
        return _windows(logsource)
    if logsource.category in _WEB and logsource.product in ("", *_WEB_SERVERS):
        return _web(logsource)
    if logsource.product == "linux" or (not logsource.product and logsource.service in _LINUX_SERVICES):
        return _linux(logsource)
    if logsource.product == "macos":
        return _unix(logsource, "macos")
    if not logsource.product and logsource.category in {**_SYSMON, **_POWERSHELL}:
        linux = Logsource(logsource.category, "linux")
        return (*_windows(logsource), *_unix(linux, "linux"), *_unix(linux, "macos"))
    return _named(logsource)


def _is(name: str, *values: str) -> tuple[str, frozenset[str]]:
    return name, frozenset(value.lower() for value in values)


# --- Windows --------------------------------------------------------------------------------------------------------------------

_CHANNELS: dict[str, tuple[str, ...]] = {
    "application": ("Application",),
    "application-experience": (
        "Microsoft-Windows-Application-Experience/Program-Telemetry",
        "Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant",
    ),
    "applocker": (
        "Microsoft-Windows-AppLocker/MSI and Script",
        "Microsoft-Windows-AppLocker/EXE and DLL",
        "Microsoft-Windows-AppLocker/Packaged app-Deployment",
        "Microsoft-Windows-AppLocker/Packaged app-Execution",
    ),
    "appmodel-runtime": ("Microsoft-Windows-AppModel-Runtime/Admin",),
    "appxdeployment-server": ("Microsoft-Windows-AppXDeploymentServer/Operational",),
    "appxpackaging-om": ("Microsoft-Windows-AppxPackaging/Operational",),
    "bitlocker": ("Microsoft-Windows-BitLocker/BitLocker Management",),
    "bits-client": ("Microsoft-Windows-Bits-Client/Operational",),
    "capi2": ("Microsoft-Windows-CAPI2/Operational",),
    "certificateservicesclient-lifecycle-system": (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    ),
    "codeintegrity-operational": ("Microsoft-Windows-CodeIntegrity/Operational",),
    "dhcp": ("Microsoft-Windows-DHCP-Server/Operational",),
    "diagnosis-scripted": ("Microsoft-Windows-Diagnosis-Scripted/Operational",),
    "dns-client": ("Microsoft-Windows-DNS Client Events/Operational", "Microsoft-Windows-DNS-Client/Operational"),
    "dns-server": ("DNS Server",),
    "dns-server-analytic": ("Microsoft-Windows-DNS-Server/Analytical",),
    "dns-server-audit": ("Microsoft-Windows-DNS-Server/Audit",),
    "driver-framework": ("Microsoft-Windows-DriverFrameworks-UserMode/Operational",),
    "firewall-as": ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",),
    "hyper-v-worker": ("Microsoft-Windows-Hyper-V-Worker", "Microsoft-Windows-Hyper-V-Worker-Admin"),
    "iis-configuration": ("Microsoft-IIS-Configuration/Operational",),
    "kernel-event-tracing": ("Microsoft-Windows-Kernel-EventTracing", "Microsoft-Windows-Kernel-EventTracing/Admin"),
    "kernel-shimengine": (
        "Microsoft-Windows-Kernel-ShimEngine/Operational",
        "Microsoft-Windows-Kernel-ShimEngine/Diagnostic",
    ),
    "ldap": ("Microsoft-Windows-LDAP-Client/Debug",),
    "lsa-server": ("Microsoft-Windows-LSA/Operational",),
    "microsoft-servicebus-client": (
        "Microsoft-ServiceBus-Client",
        "Microsoft-ServiceBus-Client/Operational",
        "Microsoft-ServiceBus-Client/Admin",
    ),
    "msexchange-management": ("MSExchange Management",),
    "ntfs": ("Microsoft-Windows-Ntfs/Operational",),
    "ntlm": ("Microsoft-Windows-NTLM/Operational",),
    "openssh": ("OpenSSH/Operational",),
    "powershell": ("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"),
    "powershell-classic": ("Windows PowerShell",),
    "printservice-admin": ("Microsoft-Windows-PrintService/Admin",),
    "printservice-operational": ("Microsoft-Windows-PrintService/Operational",),
    "security": ("Security",),
    "security-mitigations": (
        "Microsoft-Windows-Security-Mitigations/Kernel Mode",
        "Microsoft-Windows-Security-Mitigations/KernelMode",
        "Microsoft-Windows-Security-Mitigations/User Mode",
        "Microsoft-Windows-Security-Mitigations/UserMode",
    ),
    "sense": ("Microsoft-Windows-SENSE/Operational",),
    "servicebus-client": ("Microsoft-ServiceBus-Client/Operational", "Microsoft-ServiceBus-Client/Admin"),
    "shell-core": ("Microsoft-Windows-Shell-Core/Operational",),
    "smbclient-connectivity": ("Microsoft-Windows-SmbClient/Connectivity",),
    "smbclient-security": ("Microsoft-Windows-SmbClient/Security",),
    "smbserver-connectivity": ("Microsoft-Windows-SMBServer/Connectivity",),
    "sysmon": ("Microsoft-Windows-Sysmon/Operational",),
    "system": ("System",),
    "taskscheduler": ("Microsoft-Windows-TaskScheduler/Operational",),
    "terminalservices-localsessionmanager": (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    ),
    "vhdmp": ("Microsoft-Windows-VHDMP/Operational",),
    "windefend": ("Microsoft-Windows-Windows Defender/Operational",),
    "wmi": ("Microsoft-Windows-WMI-Activity/Operational",),
}  # fmt: skip
"""Windows services -> channels. The spelling with and without a space are both met in the field."""

_SYSMON: dict[str, tuple[str, ...]] = {
    "process_creation": ("1",),
    "file_change": ("2",),
    "network_connection": ("3",),
    "sysmon_status": ("4", "16"),
    "process_termination": ("5",),
    "driver_load": ("6",),
    "image_load": ("7",),
    "create_remote_thread": ("8",),
    "raw_access_thread": ("9",),
    "process_access": ("10",),
    "file_event": ("11",),
    "registry_add": ("12",),
    "registry_delete": ("12",),
    "registry_set": ("13",),
    "registry_rename": ("14",),
    "registry_event": ("12", "13", "14"),
    "create_stream_hash": ("15",),
    "pipe_created": ("17", "18"),
    "wmi_event": ("19", "20", "21"),
    "dns_query": ("22",),
    "file_delete": ("23", "26"),
    "clipboard_capture": ("24",),
    "process_tampering": ("25",),
    "file_delete_detected": ("26",),
    "file_block_executable": ("27",),
    "file_block_shredding": ("28",),
    "file_executable_detected": ("29",),
    "sysmon_error": ("255",),
}
"""Categories -> Sysmon event ids. A deletion is 23 with the file archived and 26 without: the same act, so `file_delete` reads both."""

_POWERSHELL: dict[str, tuple[str, str]] = {
    "ps_module": ("powershell", "4103"),
    "ps_script": ("powershell", "4104"),
    "ps_classic_start": ("powershell-classic", "400"),
    "ps_classic_provider_start": ("powershell-classic", "600"),
    "ps_classic_script": ("powershell-classic", "800"),
}

_KERNEL_FILE: dict[str, tuple[str, ...]] = {"file_access": ("12",), "file_rename": ("19", "27")}
"""Categories -> event ids of the ETW provider Microsoft-Windows-Kernel-File (Create; Rename, RenamePath)."""

_SYSTEM: dict[str, tuple[str, ...]] = {
    "channel": ("winlog.channel",),
    "eventlog": ("winlog.channel",),
    "provider_name": ("winlog.provider_name",),
    "provider_guid": ("winlog.provider_guid",),
    "eventid": ("event.code",),
    "computer": ("winlog.computer_name",),
    "computername": ("winlog.computer_name", "winlog.event_data.ComputerName"),
    "eventrecordid": ("winlog.record_id",),
    "level": ("winlog.level", "winlog.event_data.Level"),
    "task": ("winlog.task", "winlog.event_data.Task"),
    "opcode": ("winlog.opcode", "winlog.event_data.Opcode"),
    "keywords": ("winlog.keywords", "winlog.event_data.Keywords"),
    "execution_processid": ("winlog.process.pid",),
    "execution_threadid": ("winlog.process.thread.id",),
    "security_userid": ("winlog.user.identifier",),
    "message": ("message", "winlog.event_data.Message"),
}
"""What stands in an event's System element, by Sigma's name for it."""

_DEFENDER_NAMES = (
    "Threat Name",
    "Process Name",
    "Source Name",
    "New Value",
    "Old Value",
    "Detection User",
    "Error Code",
    "Severity Name",
    "Category Name",
)
_DEFENDER = {
    **_SYSTEM,
    **{
        name.replace(" ", "").lower(): (f"winlog.event_data.{name}", f"winlog.event_data.{name.replace(' ', '')}")
        for name in _DEFENDER_NAMES
    },
    "feature_name": ("winlog.event_data.Feature Name", "winlog.event_data.Feature_Name"),
}
"""Defender writes field names with spaces; rules strip them (Sigma specification 2.1, "Field Usage")."""

_AUDIT_PROCESS = {
    **_SYSTEM,
    "image": ("winlog.event_data.NewProcessName",),
    "parentimage": ("winlog.event_data.ParentProcessName",),
    "commandline": ("winlog.event_data.CommandLine", "winlog.event_data.ProcessCommandLine"),
    "logonid": ("winlog.event_data.SubjectLogonId",),
    "processid": ("winlog.event_data.NewProcessId",),
    "parentprocessid": ("winlog.event_data.ProcessId",),
}
"""Security event 4688 by the names of Sysmon event 1."""

_EVENT_DATA = ("winlog.event_data.{}", "winlog.user_data.{}")
_IS_WINDOWS = _is("event.dataset", "windows")


def _windows(logsource: Logsource) -> tuple[Route, ...]:
    where = [_IS_WINDOWS]
    fields: Mapping[str, tuple[str, ...]] = _SYSTEM
    if logsource.service:
        where.append(_is("winlog.channel", *_CHANNELS.get(logsource.service, (logsource.service,))))
        fields = _DEFENDER if logsource.service == "windefend" else _SYSTEM
    category = logsource.category
    if category in _POWERSHELL:
        service, code = _POWERSHELL[category]
        where += [_is("winlog.channel", *_CHANNELS[service]), _is("event.code", code)]
    elif category in _SYSMON:
        sysmon = Route(
            (*where, _is("winlog.channel", *_CHANNELS["sysmon"]), _is("event.code", *_SYSMON[category])),
            fields,
            _EVENT_DATA,
        )
        if category != "process_creation":
            return (sysmon,)
        audit = (*where, _is("winlog.channel", *_CHANNELS["security"]), _is("event.code", "4688"))
        return (sysmon, Route(audit, _AUDIT_PROCESS, _EVENT_DATA))
    elif category in _KERNEL_FILE:
        where += [
            _is("winlog.provider_name", "Microsoft-Windows-Kernel-File"),
            _is("event.code", *_KERNEL_FILE[category]),
        ]
    elif category:
        where.append(_is("event.category", category))
    return (Route(tuple(where), fields, _EVENT_DATA),)


# --- Linux and macOS ------------------------------------------------------------------------------------------------------------

_LINUX_DATASETS = ("sshd", "sudo", "pam", "syslog", "auditd.log", "system.auth", "system.syslog")

_LINUX_SERVICES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sshd": (("sshd",), ()),
    "sudo": (("sudo",), ()),
    "pam": (("pam",), ()),
    "auth": (("sshd", "sudo", "pam", "syslog", "system.auth"), ()),
    "syslog": (("syslog", "sshd", "sudo", "pam", "system.syslog"), ()),
    "cron": (("syslog", "pam", "system.syslog"), ("cron", "crond", "anacron", "crontab")),
    "vsftpd": (("syslog", "vsftpd"), ("vsftpd",)),
    "clamav": (("syslog", "clamav"), ("clamd", "clamav", "freshclam", "clamav-milter", "clamscan")),
    "guacamole": (("syslog", "guacamole"), ("guacd", "guacamole")),
    "auditd": (("auditd", "auditd.log"), ()),
}
"""Linux services -> datasets, and the programs behind a syslog line where the dataset is not telling."""

_LINUX_FIELDS: dict[str, tuple[str, ...]] = {
    "user": ("user.name", "USER"),
    "command": ("process.command_line", "COMMAND"),
}

_HOST_EVENT_FIELDS: dict[str, tuple[str, ...]] = {
    "image": ("process.executable", "winlog.event_data.Image"),
    "commandline": ("process.command_line", "winlog.event_data.CommandLine"),
    "currentdirectory": ("process.working_directory", "winlog.event_data.CurrentDirectory"),
    "processid": ("process.pid", "winlog.event_data.ProcessId"),
    "parentimage": ("process.parent.executable", "winlog.event_data.ParentImage"),
    "parentcommandline": ("process.parent.command_line", "winlog.event_data.ParentCommandLine"),
    "parentprocessid": ("process.parent.pid", "winlog.event_data.ParentProcessId"),
    "user": ("user.name", "winlog.event_data.User"),
    "targetfilename": ("file.path", "winlog.event_data.TargetFilename"),
    "destinationip": ("destination.ip", "winlog.event_data.DestinationIp"),
    "destinationport": ("destination.port", "winlog.event_data.DestinationPort"),
    "destinationhostname": ("destination.domain", "winlog.event_data.DestinationHostname"),
    "sourceip": ("source.ip", "winlog.event_data.SourceIp"),
    "sourceport": ("source.port", "winlog.event_data.SourcePort"),
}
"""Sysmon's names in ECS events of Linux and macOS hosts (Sysmon for Linux keeps its own under winlog.event_data)."""

_HOST_CATEGORIES = {"process_creation": "process", "file_event": "file", "network_connection": "network"}


def _linux(logsource: Logsource) -> tuple[Route, ...]:
    if logsource.category:
        return _unix(logsource, "linux")
    if not logsource.service:
        return (
            Route((_is("event.dataset", *_LINUX_DATASETS),), _LINUX_FIELDS),
            Route((_is("host.os.type", "linux"),), _LINUX_FIELDS),
        )
    datasets, programs = _LINUX_SERVICES.get(logsource.service, ((logsource.service,), ()))
    fields = (
        {**_LINUX_FIELDS, "user": ("user.effective.name", "USER")} if logsource.service == "sudo" else _LINUX_FIELDS
    )
    otherwise = ("{}", "auditd.log.{}") if logsource.service == "auditd" else ("{}",)
    by_program = [name for name in datasets if name in ("syslog", "pam", "system.syslog")] if programs else []
    by_dataset = [name for name in datasets if name not in by_program]
    found = [Route((_is("event.dataset", *by_dataset),), fields, otherwise)] if by_dataset else []
    if by_program:
        found.append(Route((_is("event.dataset", *by_program),), fields, otherwise, (_is("process.name", *programs),)))
    return tuple(found)


def _unix(logsource: Logsource, system: str) -> tuple[Route, ...]:
    category = _HOST_CATEGORIES.get(logsource.category, logsource.category)
    ecs = Route(
        (_is("host.os.type", system), *([_is("event.category", category)] if category else [])), _HOST_EVENT_FIELDS
    )
    if system != "linux" or logsource.category not in _SYSMON:
        return (ecs,)
    sysmon = (_is("winlog.provider_name", "Linux-Sysmon"), _is("event.code", *_SYSMON[logsource.category]))
    return (ecs, Route(sysmon, _HOST_EVENT_FIELDS, ("{}", "winlog.event_data.{}")))


# --- Web servers, proxies, and everything that is found by its name -------------------------------------------------------------

_WEB = ("webserver", "proxy")
_WEB_SERVERS = ("nginx", "apache", "iis")
_PROXIES = ("proxy", "squid", "squid.access", "squid.log", "zscaler_zia.web", "bluecoat.director")

_W3C: dict[str, tuple[str, ...]] = {
    "c-ip": ("source.ip", "c-ip"),
    "c-uri": ("url.original", "c-uri"),
    "c-uri-extension": ("url.extension", "c-uri-extension"),
    "c-uri-query": ("url.query", "url.original", "c-uri-query"),
    "c-uri-stem": ("url.path", "c-uri-stem"),
    "c-useragent": ("user_agent.original", "c-useragent"),
    "cs-bytes": ("http.request.bytes", "cs-bytes"),
    "cs-content-type": ("http.request.mime_type", "cs-content-type"),
    "cs-cookie": ("http.request.cookie", "cs-cookie"),
    "cs-host": ("url.domain", "destination.domain", "cs-host"),
    "cs-method": ("http.request.method", "cs-method"),
    "cs-referer": ("http.request.referrer", "cs-referer"),
    "cs-referrer": ("http.request.referrer", "cs-referrer"),
    "cs-uri": ("url.original", "cs-uri"),
    "cs-uri-query": ("url.query", "url.original", "cs-uri-query"),
    "cs-uri-stem": ("url.path", "cs-uri-stem"),
    "cs-user-agent": ("user_agent.original", "cs-user-agent"),
    "cs-username": ("user.name", "cs-username"),
    "cs-version": ("http.version", "cs-version"),
    "dst_ip": ("destination.ip", "dst_ip"),
    "dst_port": ("destination.port", "dst_port"),
    "r-dns": ("url.domain", "destination.domain", "r-dns"),
    "s-computername": ("host.name", "s-computername"),
    "s-ip": ("destination.ip", "s-ip"),
    "s-port": ("destination.port", "s-port"),
    "sc-bytes": ("http.response.bytes", "sc-bytes"),
    "sc-status": ("http.response.status_code", "sc-status"),
    "src_ip": ("source.ip", "src_ip"),
    "src_port": ("source.port", "src_port"),
}
"""W3C extended log names -> ECS. SigmaHQ writes paths into `cs-uri-query` too, so it reads the query and the whole request target."""

_DNS = {
    "query": ("dns.question.name", "query"),
    "record_type": ("dns.question.type", "record_type"),
    "answer": ("dns.answers.data", "answer"),
}
_FIREWALL = {**_W3C, "action": ("event.action", "action"), "username": ("user.name", "username")}
_ZEEK = {
    **_DNS,
    "id.orig_h": ("source.ip", "id.orig_h"),
    "id.orig_p": ("source.port", "id.orig_p"),
    "id.resp_h": ("destination.ip", "id.resp_h"),
    "id.resp_p": ("destination.port", "id.resp_p"),
    "user_agent": ("user_agent.original", "user_agent"),
    "uri": ("url.original", "uri"),
    "c-uri": ("url.original", "uri", "c-uri"),
    "c-useragent": ("user_agent.original", "user_agent", "c-useragent"),
    "method": ("http.request.method", "method"),
    "status_code": ("http.response.status_code", "status_code"),
    "qtype_name": ("dns.question.type", "qtype_name"),
    "answers": ("dns.answers.data", "answers"),
}

_ANTIVIRUS = {
    "filename": ("file.path", "file.name", "Filename"),
    "signature": ("threat.software.name", "rule.name", "Signature"),
    "action": ("event.action", "Action"),
}

_CATEGORIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], Mapping[str, tuple[str, ...]]]] = {
    "antivirus": (("antivirus", "clamav"), ("malware",), _ANTIVIRUS),
    "database": (("postgresql.log", "mysql.log", "mysql.error", "mssql.log", "oracle.database_audit"), ("database",), {}),
    "dns": (("dns", "zeek.dns", "suricata.dns", "named", "unbound", "dnsmasq"), (), _DNS),
    "firewall": (
        ("firewall", "iptables.log", "nftables", "pfsense.log", "fortinet_fortigate.log", "panw.panos", "cisco_asa.log"), (), _FIREWALL,
    ),
}  # fmt: skip
"""Categories without a product -> datasets, ECS `event.category`, field names."""

_PRODUCTS: dict[str, tuple[str, ...]] = {
    "m365": ("m365", "o365"),
    "sql": ("sql", "postgresql", "mysql", "mssql"),
    "fortigate": ("fortigate", "fortinet", "fortinet_fortigate"),
    "fortios": ("fortios", "fortinet", "fortinet_fortigate"),
    "paloalto": ("paloalto", "panw"),
    "cisco": ("cisco", "cisco_ios", "cisco_duo", "cisco_asa"),
    "rpc_firewall": ("rpc_firewall", "rpcfw"),
}
"""Sigma's products -> the modules that ship them, where the names differ."""


def _web(logsource: Logsource) -> tuple[Route, ...]:
    if logsource.category == "proxy":
        return (Route((_is("event.dataset", *_PROXIES),), _W3C),)
    servers = (logsource.product,) if logsource.product else _WEB_SERVERS
    return (Route((_is("event.dataset", *(f"{server}.access" for server in servers)),), _W3C),)


def _named(logsource: Logsource) -> tuple[Route, ...]:
    """A source without its own entry: its events carry its names in `event.dataset` or `event.module`."""
    product, service, category = logsource.product, logsource.service, logsource.category
    if not product and not service:
        datasets, categories, fields = _CATEGORIES.get(category, ((category,), (category,), {}))
        by_dataset = Route((_is("event.dataset", *datasets),), fields)
        return (by_dataset, Route((_is("event.category", *categories),), fields)) if categories else (by_dataset,)
    fields = _ZEEK if product == "zeek" else _W3C if service in _WEB_SERVERS else {}
    if not product:
        datasets = tuple(f"{service}.{kind}" for kind in ("access", "error", "log"))
        return (Route((_is("event.dataset", service, *datasets),), fields),)
    modules = _PRODUCTS.get(product, (product,))
    if not service:
        return (Route((_is("event.module", *modules),), fields),)
    exact = [f"{module}.{service}" for module in modules]
    if "." in service:
        exact.append(service)
    if service == product:
        exact += [product, f"{product}.system", f"{product}.log"]
    exact += [f"{module}.{service}_logs" for module in modules]
    return (Route((_is("event.dataset", *exact),), fields),)
