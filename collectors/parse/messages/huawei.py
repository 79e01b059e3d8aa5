"""What a Huawei USG firewall, router or switch (VRP) logs in, who did what through it out.

    %%01POLICY/6/POLICYPERMIT(l):vsys=public, protocol=6, source-ip=10.20.3.7, source-port=50122, destination-ip=203.0.113.9, ...
    %%01SSH/4/SSH_FAIL(s)[12]:Failed to log in through SSH. (IP=192.0.2.66, VpnInstanceName= , UserName=admin, Times=3, FailedReason=...)

Source of truth: Huawei "HiSecEngine USG6000E Log Reference" V600R007 and "Information Center" of VRP 8: `%%`, version,
module, severity, brief, kind `(l)` or `(s)`, sequence number, colon, text whose parameters are `name=value` between
commas, the older ones `name:value` between semicolons. The brief is `event.code`. Every parameter is kept under
`huawei.usg.`, ECS where it has a field; category and outcome come from module and brief.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import Names
from collectors.parse.network import put_end, put_protocol, verdict

_HEAD = re.compile(
    r"%%\d{2}([A-Za-z0-9_-]{1,64})/([0-7])/([A-Za-z0-9_-]{1,128})(?:\([A-Za-z]{1,4}\))?(?:\[(\d{1,18})\])?:"
)
_PAIR = re.compile(r'\b([A-Za-z][\w-]{0,63}+) ?[=:] ?(?:"([^"]*+)"|([^,;()"]*+))', re.ASCII)
_NAMES = Names(
    "huawei.usg.",
    {
        "Command": "process.command_line", "DestinationIP": "destination.ip", "DstIP": "destination.ip", "DstPort": "destination.port",
        "FailedReason": "event.reason", "IP": "source.ip", "Ip": "source.ip", "IPAddress": "source.ip", "PolicyName": "rule.name",
        "Profile": "huawei.usg.Profile", "Protocol": "", "Reason": "event.reason", "SourceIP": "source.ip", "SrcIP": "source.ip",
        "SrcPort": "source.port", "SignName": "rule.name", "User": "user.name", "UserName": "user.name", "Virus": "threat.software.name",
        "VirusName": "threat.software.name", "FileName": "file.name", "action": "event.action", "Action": "event.action",
        "destination-ip": "destination.ip", "destination-port": "destination.port", "destination-zone": "observer.egress.zone",
        "policy-name": "rule.name", "protocol": "", "rule-name": "rule.name", "source-ip": "source.ip", "source-port": "source.port",
        "source-zone": "observer.ingress.zone", "user": "user.name", "user-name": "user.name", "ip": "source.ip", "reason": "event.reason",
        "application-name": "network.application", "Application": "network.application", "SrcZone": "observer.ingress.zone",
        "DstIp": "destination.ip", "DstZone": "observer.egress.zone", "dst": "", "proto": "", "src": "", "SrcIp": "source.ip",
        "UserAddress": "source.ip", "URL": "url.original", "Url": "url.original",
    },
    ("", "-", "--", "N/A", "unknown"),
)  # fmt: skip
_CONSOLE = re.compile(r" user:(?P<user>\S{1,256}) (?P<act>login|logout) from ")
_COMMAND = re.compile(r"-IPAddr=(?P<ip>[^\s-]{1,64})-User=(?P<user>[^\s;]{1,256}); Command is (?P<command>.{1,4096})")
_OF_TEXT = {"user": "user.name", "command": "process.command_line"}
_LONGEST = 4_096
_PAIRS = 200
_LOGINS = ("LOGIN", "SSH_FAIL", "AUTHEN", "PASSWORD", "SSH_USER_LOGIN", "TELNETFAILED", "LOGINFAILED")
_LOGOUTS = ("LOGOUT", "OFFLINE")
_ATTACKS = frozenset({"IPS", "ATK", "DDOS", "SECIF", "APT"})
_MALWARE = frozenset({"AV", "ANTIVIRUS"})
_CHANGES = frozenset({"CMDRECORD", "CMDRECORDFAILED", "CONFIGCHANGE", "CFG_CHANGE", "CFGCHANGE", "SAVE", "SHELL_CMD"})
_BLOCKED = frozenset({"block", "deny", "drop", "discard", "blocked"})


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; what is not in VRP's form adds none."""
    head = _HEAD.match(message)
    if head is None:
        return
    module, severity, brief, sequence = head.groups()
    fields["huawei.usg.module"] = module
    fields["event.severity"] = int(severity)
    fields["event.code"] = brief
    if sequence and (count := number(sequence)) is not None:
        fields["event.sequence"] = count
    found = _PAIR.findall(message, head.end())
    del found[_PAIRS:]
    said = _NAMES.put([(name, (quoted or bare).strip(" .")) for name, quoted, bare in found], fields)
    put_protocol(fields, said.get("protocol") or said.get("Protocol") or said.get("proto", ""))
    for name, end in (("src", "source"), ("dst", "destination")):
        host, _, at = said.get(name, "").rpartition(":")
        put_end(fields, end, host, at)
    for pattern in (_CONSOLE, _COMMAND):
        if match := pattern.search(message, head.end(), head.end() + _LONGEST):
            fields.update({_OF_TEXT[name]: value for name, value in match.groupdict().items() if name in _OF_TEXT})
            put_end(fields, "source", match.groupdict().get("ip") or "")
    _judge(module.upper(), brief.upper(), message, fields)


def _judge(module: str, brief: str, message: str, fields: dict[str, Value]) -> None:
    """Set category and outcome from module and brief."""
    failed = "FAIL" in brief or "DENY" in brief or "fail" in message[:200].lower()
    if brief.startswith(("POLICYPERMIT", "POLICYDENY")) or brief in (
        "PACKET_FILTER",
        "SESSION_TEARDOWN",
        "SESSION_CREATE",
    ):
        fields["event.category"] = "network"
        verdict(
            fields, allowed="DENY" not in brief and str(fields.get("event.action", "permit")).lower() not in _BLOCKED
        )
    elif module in _ATTACKS or module in _MALWARE:
        fields["event.category"] = "malware" if module in _MALWARE else "intrusion_detection"
        if action := str(fields.get("event.action", "")).lower():
            verdict(fields, allowed=action not in _BLOCKED)
    elif any(word in brief for word in _LOGOUTS):
        fields["event.category"] = "session"
    elif any(word in brief for word in _LOGINS):
        fields["event.category"] = "authentication"
        fields["event.outcome"] = "failure" if failed else "success"
    elif brief in _CHANGES:
        fields["event.category"] = "configuration"
        fields["event.outcome"] = "failure" if failed else "success"
    elif brief == "BGP_AUTH_FAILED":
        fields["event.category"] = "network"
        fields["event.outcome"] = "failure"


MESSAGE = Message(
    Gives(
        "huawei_usg.log",
        "authentication configuration intrusion_detection malware network session",
        "destination.ip destination.port event.action event.code event.outcome event.reason event.sequence event.severity event.type "
        "file.name huawei.usg.* network.* observer.* process.command_line rule.name source.ip source.port threat.software.name user.name",
    ),
    read,
    openings=("%%01", "%%10"),
)
