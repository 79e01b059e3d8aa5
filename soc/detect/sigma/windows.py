"""Sigma's Windows logsources: services by channel, categories by event id, field names by `winlog.*`. Data, and one function over it.

Sources of truth: Sysmon's event ids; Microsoft's channel names; Sigma taxonomy appendix 2.1.
"""

from __future__ import annotations

from collections.abc import Mapping

from soc.detect.sigma.ir import Logsource
from soc.detect.sigma.route import Route, is_

CHANNELS: dict[str, tuple[str, ...]] = {
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

SYSMON: dict[str, tuple[str, ...]] = {
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

POWERSHELL: dict[str, tuple[str, str]] = {
    "ps_module": ("powershell", "4103"),
    "ps_script": ("powershell", "4104"),
    "ps_classic_start": ("powershell-classic", "400"),
    "ps_classic_provider_start": ("powershell-classic", "600"),
    "ps_classic_script": ("powershell-classic", "800"),
}

_KERNEL_FILE: dict[str, tuple[str, ...]] = {"file_access": ("12",), "file_rename": ("19", "27")}
"""Categories -> event ids of the ETW provider Microsoft-Windows-Kernel-File (Create; Rename, RenamePath)."""

KNOWN_SERVICES = frozenset(CHANNELS)
KNOWN_CATEGORIES = frozenset({*SYSMON, *POWERSHELL, *_KERNEL_FILE})
"""What a Windows rule's logsource can name and be read by."""

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
    "message": ("message", "winlog.event_data.Message", "winlog.event_data.Data"),
}
"""What stands in an event's System element, by Sigma's name for it.

A file of events has no rendered message, only the values that go into it: where they have no names they stand for it.
"""

_CLEARED = {**_SYSTEM, "channel": ("winlog.user_data.Channel", "winlog.event_data.Channel")}
"""Eventlog's 104 stands in System and names the log that was emptied; that is the channel that rules about it mean."""

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
    "integritylevel": ("winlog.event_data.MandatoryLabel",),
    "user": ("winlog.event_data.SubjectUserName",),
}
"""Security event 4688 by the names of Sysmon event 1. The label is a SID, which SigmaHQ's rules write beside Sysmon's word."""

_EVENT_DATA = ("winlog.event_data.{}",)
_ANY_DATA = (*_EVENT_DATA, "winlog.user_data.{}")
"""Sysmon, PowerShell and process audits write EventData only; what other channels write as UserData has either name."""

_IS_WINDOWS = is_("event.dataset", "windows")


def windows_routes(logsource: Logsource) -> tuple[Route, ...]:
    """Where the events of a logsource of product windows come from."""
    where = [_IS_WINDOWS]
    fields: Mapping[str, tuple[str, ...]] = _SYSTEM
    if logsource.service:
        where.append(is_("winlog.channel", *CHANNELS.get(logsource.service, (logsource.service,))))
        fields = _DEFENDER if logsource.service == "windefend" else _SYSTEM
    category = logsource.category
    if category in POWERSHELL:
        service, code = POWERSHELL[category]
        where += [is_("winlog.channel", *CHANNELS[service]), is_("event.code", code)]
        return (Route(tuple(where), fields, _EVENT_DATA),)
    if category in SYSMON:
        sysmon = Route(
            (*where, is_("winlog.channel", *CHANNELS["sysmon"]), is_("event.code", *SYSMON[category])),
            fields,
            _EVENT_DATA,
        )
        if category != "process_creation":
            return (sysmon,)
        audit = (*where, is_("winlog.channel", *CHANNELS["security"]), is_("event.code", "4688"))
        return (sysmon, Route(audit, _AUDIT_PROCESS, _EVENT_DATA))
    if category in _KERNEL_FILE:
        where += [
            is_("winlog.provider_name", "Microsoft-Windows-Kernel-File"),
            is_("event.code", *_KERNEL_FILE[category]),
        ]
    elif category:
        where.append(is_("event.category", category))
    elif logsource.service == "system":
        cleared = (*where, is_("event.code", "104"), is_("winlog.provider_name", "Microsoft-Windows-Eventlog"))
        return (Route(cleared, _CLEARED, _ANY_DATA), Route(tuple(where), fields, _ANY_DATA))
    return (Route(tuple(where), fields, _ANY_DATA),)
