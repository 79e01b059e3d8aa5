"""A packet that Linux's firewall logged in, where it came from and went to out: iptables' LOG target and nftables' `log`.

    [12345.678901] DROP-VAO: IN=eth0 OUT= MAC=00:16:3e:aa:bb:cc:00:16:3e:dd:ee:ff:08:00 SRC=192.0.2.66 DST=10.20.5.11 LEN=60 TOS=0x00
    PREC=0x00 TTL=52 ID=54321 DF PROTO=TCP SPT=40022 DPT=22 WINDOW=29200 RES=0x00 SYN URGP=0                       (one line)

Source of truth: Linux 6.1 net/netfilter/nf_log_syslog.c; dataset as in Elastic's iptables integration. What an
administrator wrote before `IN=` is `rule.name`: whether the packet passed stands there or nowhere, so a verdict is
given only where that prefix says DROP, DENY, REJECT, BLOCK, ACCEPT, ALLOW or PASS. A packet quoted inside an ICMP error
(`[SRC=... ]`) is not read.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import Names
from collectors.parse.network import put_protocol, verdict

_UPTIME = re.compile(r"\[ {0,12}\d{1,12}\.\d{6}\] ")
_NAMES = Names(
    "iptables.",
    {
        "DPT": "destination.port", "DST": "destination.ip", "IN": "observer.ingress.interface.name", "LEN": "", "MAC": "",
        "OUT": "observer.egress.interface.name", "PROTO": "", "SPT": "source.port", "SRC": "source.ip",
    },
)  # fmt: skip
_DENIED = ("DROP", "DENY", "DENIED", "REJECT", "BLOCK")
_ALLOWED = ("ACCEPT", "ALLOW", "PASS")
_FLAGS = frozenset({"SYN", "ACK", "FIN", "RST", "PSH", "URG"})
_WORDS = 64


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one packet."""
    prefix, found, rest = message.partition("IN=")
    if not found or len(prefix) > 256:
        return
    uptime = _UPTIME.match(prefix)
    prefix = prefix[uptime.end() if uptime else 0 :].strip(" :")
    packet, _, _ = rest.partition(" [")
    words = f"IN={packet}".split(" ", _WORDS)
    said = _NAMES.put(((name, value) for word in words for name, sign, value in [word.partition("=")] if sign), fields)
    fields["event.category"] = "network"
    fields["event.action"] = "packet"
    if prefix:
        fields["rule.name"] = prefix
        upper = prefix.upper()
        if any(word in upper for word in _DENIED):
            verdict(fields, allowed=False)
        elif any(word in upper for word in _ALLOWED):
            verdict(fields, allowed=True)
    if flags := [word for word in words if word in _FLAGS]:
        fields["iptables.flags"] = " ".join(flags)
    mac = said.get("MAC", "").upper().split(":")
    if len(mac) >= 12:
        fields["destination.mac"], fields["source.mac"] = "-".join(mac[:6]), "-".join(mac[6:12])
    put_protocol(fields, said.get("PROTO", ""))


MESSAGE = Message(
    Gives(
        "iptables.log",
        "network",
        "destination.ip destination.mac destination.port event.action event.outcome event.type iptables.* network.* observer.* "
        "rule.name source.ip source.mac source.port",
    ),
    read,
    frozenset({"kernel"}),
    mark=" SRC=",
)
