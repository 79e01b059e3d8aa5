"""A rule's logsource in, `Route`s out: which events it reads, and by what ECS names it finds Sigma's fields in them. Data, in one place.

Sources of truth: Sigma taxonomy appendix 2.1 (logsources, W3C names); Sysmon's event ids; Microsoft's channel names; ECS 8.17; the shared
`event.dataset` names of this project's parsers. A name with no mapping is taken as the event has it, so our own rules use ECS names.
"""

from __future__ import annotations

from collections.abc import Mapping

from soc.detect.sigma.clouds import cloud_routes
from soc.detect.sigma.ir import Logsource
from soc.detect.sigma.route import Route, is_
from soc.detect.sigma.windows import POWERSHELL, SYSMON, windows_routes


def routes(logsource: Logsource) -> tuple[Route, ...]:
    """Where the events of a logsource come from; an event counts when any of the routes takes it."""
    if logsource.product == "windows":
        return windows_routes(logsource)
    if logsource.category in _WEB and logsource.product in ("", *_WEB_SERVERS):
        return _web(logsource)
    if logsource.product == "linux" or (not logsource.product and logsource.service in _LINUX_SERVICES):
        return _linux(logsource)
    if logsource.product == "macos":
        return _unix(logsource, "macos")
    if not logsource.product and logsource.category in {**SYSMON, **POWERSHELL}:
        linux = Logsource(logsource.category, "linux")
        return (*windows_routes(logsource), *_unix(linux, "linux"), *_unix(linux, "macos"))
    return cloud_routes(logsource) or _named(logsource)


# --- Linux and macOS ------------------------------------------------------------------------------------------------------------

_LINUX_DATASETS = ("sshd", "sudo", "pam", "syslog", "auditd.log", "system.auth", "system.syslog")

_LINUX_SERVICES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sshd": (("sshd",), ()),
    "sudo": (("sudo",), ()),
    "pam": (("pam",), ()),
    "auth": (("sshd", "sudo", "pam", "syslog", "system.auth"), ()),
    "syslog": (("syslog", "sshd", "sudo", "pam", "named", "system.syslog"), ()),
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

_AUDITD_FIELDS: dict[str, tuple[str, ...]] = {
    name.lower(): (*columns, name, f"auditd.log.{name}")
    for name, columns in {
        "type": ("auditd.log.record_type",),
        "SYSCALL": ("auditd.log.syscall",),
        "acct": ("user.name", "user.target.name"),
        "addr": ("source.ip",),
        "auid": ("user.audit.id",),
        "cmd": ("process.command_line",),
        "comm": ("process.name",),
        "cwd": ("process.working_directory",),
        "euid": ("user.effective.id",),
        "exe": ("process.executable",),
        "gid": ("user.group.id",),
        "pid": ("process.pid",),
        "ppid": ("process.parent.pid",),
        "proctitle": ("process.title",),
        "suid": ("user.saved.id",),
        "uid": ("user.id",),
    }.items()
}
"""The audit system's own names in ECS; all others stand as `auditd.log.<name>`."""

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
            Route((is_("event.dataset", *_LINUX_DATASETS),), _LINUX_FIELDS),
            Route((is_("host.os.type", "linux"),), _LINUX_FIELDS),
        )
    datasets, programs = _LINUX_SERVICES.get(logsource.service, ((logsource.service,), ()))
    fields = (
        {**_LINUX_FIELDS, "user": ("user.effective.name", "USER")} if logsource.service == "sudo" else _LINUX_FIELDS
    )
    otherwise = ("{}", "auditd.log.{}") if logsource.service == "auditd" else ("{}",)
    fields = _AUDITD_FIELDS if logsource.service == "auditd" else fields
    by_program = [name for name in datasets if name in ("syslog", "pam", "system.syslog")] if programs else []
    by_dataset = [name for name in datasets if name not in by_program]
    found = [Route((is_("event.dataset", *by_dataset),), fields, otherwise)] if by_dataset else []
    if by_program:
        found.append(Route((is_("event.dataset", *by_program),), fields, otherwise, (is_("process.name", *programs),)))
    return tuple(found)


def _unix(logsource: Logsource, system: str) -> tuple[Route, ...]:
    category = _HOST_CATEGORIES.get(logsource.category, logsource.category)
    ecs = Route(
        (is_("host.os.type", system), *([is_("event.category", category)] if category else [])), _HOST_EVENT_FIELDS
    )
    if system != "linux" or logsource.category not in SYSMON:
        return (ecs,)
    sysmon = (is_("winlog.provider_name", "Linux-Sysmon"), is_("event.code", *SYSMON[logsource.category]))
    return (ecs, Route(sysmon, _HOST_EVENT_FIELDS, ("{}", "winlog.event_data.{}")))


# --- Web servers, proxies, and everything that is found by its name -------------------------------------------------------------

_WEB = ("webserver", "proxy")
_WEB_SERVERS = ("nginx", "apache", "iis", "tomcat")
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
    "host": ("url.domain", "host"),
    "service": ("zeek.kerberos.service", "network.protocol", "service"),
    "cipher": ("zeek.kerberos.cipher", "tls.cipher", "cipher"),
    "certificate.serial": ("zeek.x509.certificate.serial", "certificate.serial"),
    "certificate.issuer": ("zeek.x509.certificate.issuer", "certificate.issuer"),
    "certificate.subject": ("zeek.x509.certificate.subject", "certificate.subject"),
}

_FORTIGATE = {
    "action": ("event.action", "{}"),
    "user": ("user.name", "{}"),
    "logid": ("event.code", "{}"),
    "msg": ("message", "{}"),
    "level": ("log.level", "{}"),
}

_DEVICES: dict[tuple[str, ...], tuple[tuple[str, ...], Mapping[str, tuple[str, ...]], tuple[str, ...]]] = {
    ("fortigate", "fortios", "fortinet"): (("fortinet_fortigate.log",), _FORTIGATE, ("{}", "fortinet.firewall.{}")),
    ("cisco",): (("cisco_ios.log", "cisco_asa.log", "cisco_ftd.log"), {}, ("{}",)),
    ("huawei",): (("huawei_usg.log",), {}, ("{}", "huawei.usg.{}")),
    ("paloalto", "panw"): (("panw.panos",), {}, ("{}", "panw.panos.{}")),
}
"""Sigma's products that are network devices -> the datasets of their logs (whatever the service), field names, and how other names are
looked for."""

_ANTIVIRUS = {
    "filename": ("file.path", "file.name", "Filename"),
    "signature": ("threat.software.name", "rule.name", "Signature"),
    "action": ("event.action", "Action"),
}

_CATEGORIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], Mapping[str, tuple[str, ...]]]] = {
    "antivirus": (("antivirus", "clamav"), ("malware",), _ANTIVIRUS),
    "database": (
        (
            "postgresql.log", "mysql.log", "mysql.error", "mysql.general", "mysql.slowlog", "mysqlenterprise.audit", "mariadb.audit",
            "mssql.log", "microsoft_sqlserver.audit", "oracle.database_audit",
        ), ("database",), {},
    ),
    "threat_intel": (("threat_intel",), ("threat",), {}),
    "dns": (("dns", "zeek.dns", "suricata.eve", "named", "unbound", "dnsmasq"), (), _DNS),
    "firewall": (
        (
            "firewall", "iptables.log", "nftables", "pfsense.log", "fortinet_fortigate.log", "panw.panos", "cisco_asa.log", "cisco_ftd.log",
            "cisco_ios.log", "aws.vpcflow",
            "checkpoint.firewall", "huawei_usg.log", "sophos.xg", "mikrotik.routeros", "cef.log", "leef.log",
        ), (), _FIREWALL,
    ),
}  # fmt: skip
"""Categories without a product -> datasets, ECS `event.category`, field names."""

_PRODUCTS: dict[str, tuple[str, ...]] = {
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
        return (Route((is_("event.dataset", *_PROXIES),), _W3C),)
    servers = (logsource.product,) if logsource.product else _WEB_SERVERS
    return (Route((is_("event.dataset", *(f"{server}.access" for server in servers)),), _W3C),)


def _named(logsource: Logsource) -> tuple[Route, ...]:
    """A source without its own entry: its events carry its names in `event.dataset` or `event.module`."""
    product, service, category = logsource.product, logsource.service, logsource.category
    if not product and not service:
        datasets, categories, fields = _CATEGORIES.get(category, ((category,), (category,), {}))
        by_dataset = Route((is_("event.dataset", *datasets),), fields)
        return (by_dataset, Route((is_("event.category", *categories),), fields)) if categories else (by_dataset,)
    fields = _ZEEK if product == "zeek" else _W3C if service in _WEB_SERVERS else {}
    if not product:
        datasets = tuple(f"{service}.{kind}" for kind in ("access", "error", "log"))
        return (Route((is_("event.dataset", service, *datasets),), fields),)
    for names, (logs, read, others) in _DEVICES.items():
        if product in names and service != "duo":  # Cisco's log-on service is no device
            datasets = (*logs, f"{product}.{service or 'log'}")  # as other collectors may call it
            return (Route((is_("event.dataset", *datasets),), {**_FIREWALL, **read}, others),)
    modules = _PRODUCTS.get(product, (product,))
    if not service:
        return (Route((is_("event.module", *modules),), fields),)
    exact = [f"{module}.{service}" for module in modules]
    if "." in service:
        exact.append(service)
    if service == product:
        exact += [product, f"{product}.system", f"{product}.log"]
    exact += [f"{module}.{service}_logs" for module in modules]
    otherwise = ("{}", f"zeek.{service}.{{}}") if product == "zeek" else ("{}",)
    return (Route((is_("event.dataset", *exact),), fields, otherwise),)
