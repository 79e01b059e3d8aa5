r"""What a Check Point gateway or management server logs in, who did what through it out: Log Exporter's syslog and generic forms.

    [action:"Accept"; ifdir:"inbound"; origin:"10.20.1.1"; time:"1795316400"; product:"VPN-1 & FireWall-1"; src:"10.20.3.7"; ...]
    time=1795316400|hostname=cp-tinh|product=VPN-1 & FireWall-1|action=Drop|src=192.0.2.66|dst=198.51.100.4|service=22

Source of truth: Check Point sk122323 (Log Exporter) and sk144192 (log fields); dataset as in Elastic's checkpoint
integration. In the syslog form a backslash takes the meaning of `"`, `]` and itself away, in the generic form that of
`|`. ECS where it has a field, `checkpoint.<name>` otherwise; of a name that comes twice the last counts. Where Log
Exporter is asked for CEF or LEEF, those readers read it.
"""

from __future__ import annotations

import re
from datetime import datetime

from collectors.event import Value
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import Names
from collectors.parse.network import drop_untranslated, put_protocol, verdict
from collectors.parse.timestamp import of_device

_PAIR = re.compile(r'\b(\w{1,64}+):"((?:[^"\\]++|\\.)*+)"', re.ASCII | re.DOTALL)
_GENERIC = re.compile(r"\b(\w{1,64}+)=((?:[^|\\]++|\\.)*+)(?:\||$)", re.ASCII | re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NAMES = Names(
    "checkpoint.",
    {
        "action": "", "administrator": "user.name", "client_ip": "source.ip", "client_outbound_bytes": "destination.bytes",
        "client_inbound_bytes": "source.bytes", "dst": "destination.ip", "dst_machine_name": "destination.domain", "file_name": "file.name",
        "file_size": "file.size", "file_md5": "file.hash.md5", "file_sha1": "file.hash.sha1", "file_sha256": "file.hash.sha256",
        "hostname": "host.name", "ifdir": "", "ifname": "", "inzone": "observer.ingress.zone", "method": "http.request.method",
        "malware_family": "threat.software.name", "operation": "event.action", "origin": "observer.ip", "origin_sic_name": "",
        "outzone": "observer.egress.zone", "policy_name": "rule.ruleset", "product": "observer.product", "protection_name": "rule.name",
        "proto": "", "proxy_src_ip": "", "reason": "event.reason", "resource": "url.original", "rule_name": "", "rule_uid": "rule.uuid",
        "s_port": "source.port", "sequencenum": "event.sequence", "service": "destination.port", "service_id": "network.protocol",
        "src": "source.ip", "src_machine_name": "source.domain", "src_user_name": "user.name", "subject": "", "time": "",
        "user": "user.name", "web_client_type": "", "user_agent": "user_agent.original", "xlatedport": "destination.nat.port",
        "xlatedst": "destination.nat.ip", "xlatesport": "source.nat.port", "xlatesrc": "source.nat.ip", "app_name":
        "network.application", "appi_name": "network.application", "bytes": "network.bytes", "packets": "network.packets",
    },
    ("", " ", "0.0.0.0"),  # noqa: S104  what stands where no address was put in place of another
)  # fmt: skip
_PAIRS = 500
_ALLOWED = frozenset({"accept", "allow", "decrypt", "encrypt", "bypass", "authorize", "key install", "inspect"})
_DENIED = frozenset({"drop", "reject", "block", "prevent", "quarantine", "deny", "redirect", "failed log in"})
_BLADES = {
    "anti malware": "malware", "anti-virus": "malware", "anti-bot": "malware", "threat emulation": "malware", "new anti virus": "malware",
    "smartdefense": "intrusion_detection", "ips": "intrusion_detection", "url filtering": "web", "application control": "network",
}  # fmt: skip
_SUBJECTS = {
    "administrator login": "authentication",
    "administrator logout": "session",
    "object manipulation": "configuration",
    "policy installation": "configuration",
    "revision control": "configuration",
    "session": "configuration",
}


def read(message: str, fields: dict[str, Value]) -> datetime | None:
    """Add the fields of one record; returns when it was."""
    found = (_PAIR if message[:1] == "[" else _GENERIC).findall(message)
    del found[_PAIRS:]
    if "\\" in message:
        found = [(name, _ESCAPE.sub(r"\1", value)) for name, value in found]
    said = _NAMES.put(found, fields)
    action = said.get("action", "")
    if action:
        fields.setdefault("event.action", action)
    if name := said.get("rule_name"):
        fields.setdefault("rule.name", name)
    if interface := said.get("ifname"):
        inbound = said.get("ifdir") != "outbound"
        fields["observer.ingress.interface.name" if inbound else "observer.egress.interface.name"] = interface
    if direction := said.get("ifdir"):
        fields["network.direction"] = direction
    if isinstance(user := fields.get("user.name"), str) and user.endswith(")"):
        fields["user.name"] = user.partition(" (")[0]  # "Nguyen Thi Lan (lan.nt)"
        fields["user.id"] = user.rpartition("(")[2].removesuffix(")")
    put_protocol(fields, said.get("proto", ""))
    drop_untranslated(fields)
    _judge(action.lower(), said.get("subject", "").lower(), fields)
    return of_device(said.get("time", ""))


def _judge(action: str, subject: str, fields: dict[str, Value]) -> None:
    """Set category and outcome from the blade, the administrator's act, the action."""
    blade = str(fields.get("observer.product", "")).lower()
    if subject:
        fields["event.category"] = _SUBJECTS.get(subject, "configuration")
        status = str(fields.get("checkpoint.audit_status", "Success")).lower()
        failed = "fail" in status or "fail" in action or "fail" in str(fields.get("event.action", "")).lower()
        fields["event.outcome"] = "failure" if failed else "success"
    elif action in ("log in", "failed log in", "log out"):
        fields["event.category"] = "session" if action == "log out" else "authentication"
        fields["event.outcome"] = "failure" if action.startswith("failed") else "success"
    else:
        fields["event.category"] = _BLADES.get(blade, "network")
        if action in _ALLOWED or action in _DENIED or action == "detect":
            verdict(fields, allowed=action not in _DENIED)


MESSAGE = Message(
    Gives(
        "checkpoint.firewall",
        "authentication configuration intrusion_detection malware network session web",
        "checkpoint.* destination.* event.action event.outcome event.reason event.sequence event.type file.* http.request.method network.* "
        "observer.* rule.* source.* threat.software.name url.original user.id user.name user_agent.original",
    ),
    read,
    frozenset({"CheckPoint", "CP-GW"}),
    openings=('[action:"', '[flags:"', "time=1", "time=2"),
)
