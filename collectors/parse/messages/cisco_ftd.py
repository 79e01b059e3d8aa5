"""What a Cisco Secure Firewall (FTD) logs of connections, intrusions, files and malware in, who did what through it out.

    %FTD-1-430003: EventPriority: Low, DeviceUUID: 1b2c, InstanceID: 1, ConnectionID: 7, AccessControlRuleAction: Allow, SrcIP: 10.20.3.7,
    DstIP: 203.0.113.9, SrcPort: 50122, DstPort: 443, Protocol: tcp, ...                                            (one line)

Source of truth: "Cisco Secure Firewall Threat Defense Syslog Messages" 7.4, security events 430001 (intrusion) to 430005
(malware): `name: value` between commas, where a value may itself hold commas. Dataset as in Elastic's cisco_ftd
integration; what has no ECS field stays under `cisco.ftd.`. All other messages of an FTD are those of an ASA.
"""

from __future__ import annotations

import re
from datetime import datetime

from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import Names
from collectors.parse.network import put_protocol, verdict
from collectors.parse.timestamp import of_device

_NAME = re.compile(r", ([A-Z]\w{1,40}+(?: [A-Z]\w{0,40}+)?): ", re.ASCII)
_NAMES = Names(
    "cisco.ftd.",
    {
        "AccessControlRuleAction": "event.action", "AccessControlRuleName": "rule.name", "ApplicationProtocol": "network.protocol",
        "Classification": "rule.category", "ConnectionDuration": "", "DstIP": "destination.ip", "DstPort": "destination.port",
        "EgressInterface": "observer.egress.interface.name", "EgressZone": "observer.egress.zone", "FileName": "file.name",
        "FileSHA256": "file.hash.sha256", "FileSize": "file.size", "FirstPacketSecond": "", "GID": "cisco.ftd.GID",
        "HTTPReferer": "http.request.referrer", "IngressInterface": "observer.ingress.interface.name",
        "IngressZone": "observer.ingress.zone",
        "InitiatorBytes": "source.bytes", "InitiatorPackets": "source.packets", "InlineResult": "", "Message": "rule.name", "Protocol": "",
        "ReferencedHost": "url.domain", "ResponderBytes": "destination.bytes", "ResponderPackets": "destination.packets", "SID": "rule.id",
        "SrcIP": "source.ip", "SrcPort": "source.port", "ThreatName": "threat.software.name", "URL": "url.original", "User": "user.name",
        "UserAgent": "user_agent.original", "WebApplication": "network.application",
    },
    ("", "N/A", "Unknown", "No Authentication Required"),
)  # fmt: skip
_CATEGORIES = {
    "430001": "intrusion_detection",
    "430002": "network",
    "430003": "network",
    "430004": "file",
    "430005": "malware",
}
_DENIED = ("block", "drop", "reset")
_PAIRS = 200
_LONGEST_S = 10**9


def read(message: str, fields: dict[str, Value]) -> datetime | None:
    """Add the fields of one event; returns when its first packet came."""
    head, _, text = message.partition(": ")
    code = head.rpartition("-")[2]
    if code not in _CATEGORIES:
        return None
    fields["event.code"] = code
    fields["event.category"] = _CATEGORIES[code]
    parts = _NAME.split(f", {text}", _PAIRS)
    said = _NAMES.put(zip(parts[1::2], [value.strip(' "') for value in parts[2::2]], strict=True), fields)
    put_protocol(fields, said.get("Protocol", ""))
    if (seconds := number(said.get("ConnectionDuration", ""))) is not None and seconds < _LONGEST_S:
        fields["event.duration"] = seconds * 1_000_000_000
    result = said.get("InlineResult") or str(fields.get("cisco.ftd.FileAction", fields.get("event.action", "")))
    if code in ("430001", "430004", "430005"):
        fields["event.action"] = result or "alert"
    verdict(fields, allowed=not any(word in result.lower() for word in _DENIED))
    return (
        of_device(said.get("FirstPacketSecond", "").removesuffix("Z") + "+00:00")
        if "FirstPacketSecond" in said
        else None
    )


MESSAGE = Message(
    Gives(
        "cisco_ftd.log",
        "file intrusion_detection malware network",
        "cisco.ftd.* destination.* event.action event.code event.duration event.outcome event.type file.* http.request.referrer network.* "
        "observer.* rule.* source.* threat.software.name url.* user.name user_agent.original",
    ),
    read,
    openings=tuple(f"%FTD-{severity}-43000" for severity in range(8)),
)
