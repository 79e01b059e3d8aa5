"""What a MikroTik router (RouterOS) logs in, who logged on, what was configured and what the firewall logged out.

    firewall,info DROP-VAO input: in:ether1 out:(unknown 0), proto TCP (SYN), 192.0.2.66:40022->198.51.100.4:22, len 60
    system,error,critical login failure for user admin from 192.0.2.66 via ssh

Source of truth: MikroTik "Log" (RouterOS 6.49 and 7) and what routers write. A line begins with its topics, with or
without a syslog header (`bsd-syslog`) before them. What an administrator wrote before the chain is `rule.name`: whether
the packet passed stands there or nowhere, as with iptables. Configuration changes name who made them from 7.11 on.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import ip, number
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_end, put_protocol, verdict

_TOPICS = (
    "bgp", "bridge", "caps", "certificate", "container", "dhcp", "dns", "dot1x", "e-mail", "firewall", "hotspot", "igmp-proxy",
    "interface", "ipsec", "l2tp", "lte", "netwatch", "ntp", "ospf", "ovpn", "ppp", "pppoe", "pptp", "radius", "route", "script", "sstp",
    "ssh", "system", "vrrp", "watchdog", "web-proxy", "wireguard", "wireless",
)  # fmt: skip
_SECOND = ("info", "error", "warning", "critical", "debug", "ppp", "account", "async", "event")
_LEVELS = ("debug", "info", "warning", "error", "critical")
_PACKET = re.compile(
    r"(?:(?P<prefix>[^:]{1,128}?) )?(?P<chain>[\w.-]{1,64}): in:(?P<in>\S{1,64}|\([^)]{1,32}\)) out:(?P<out>[^,\s]{1,64}|\([^)]{1,32}\)),"
    r"(?: connection-state:(?P<state>[\w,-]{1,64}?)(?= |,))?,?(?: src-mac (?P<mac>[0-9a-fA-F:]{17}),)? proto (?P<proto>[\w-]{1,20})"
    r"(?: \((?P<flags>[^)]{1,64})\))?, (?P<ends>\S{1,160})(?:, NAT (?P<nat>.{1,200}?))?, len (?P<length>\d{1,9})"
)
_LOGIN = re.compile(
    r"user (?P<user>.{1,256}) logged (?P<way>in|out)(?: from (?P<ip>\S{1,64}))?(?: via (?P<via>[\w-]{1,32}))?"
)
_FAILED = re.compile(r"login failure for user (?P<user>.{0,256}) from (?P<ip>\S{1,64}) via (?P<via>[\w-]{1,32})")
_CHANGED = re.compile(
    r"(?P<what>[\w ./-]{1,128}) (?P<verb>added|changed|removed|moved|enabled|disabled) by "
    r"(?:(?P<via>[\w-]{1,32}):)?(?P<user>[^@\s(]{1,256})"
    r"(?:@(?P<ip>\S{1,64}))?"
)
_PPP = re.compile(
    r"<?(?:(?P<name>[^>:]{1,128})>?: )?(?:user )?(?P<user>[^\s,]{1,256}) logged (?P<way>in|out)(?:, (?P<address>[0-9A-Fa-f.:]{2,45}))?"
)
_DENIED = ("DROP", "DENY", "REJECT", "BLOCK")
_ALLOWED = ("ACCEPT", "ALLOW", "PASS")


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one line; a line whose first word is no list of topics adds none."""
    head, _, text = message.partition(" ")
    topics = head.split(",")
    if len(topics) < 2:
        return
    fields["mikrotik.topics"] = head
    levels = [topic for topic in topics if topic in _LEVELS]
    if levels:
        fields["log.level"] = levels[-1]
    if topics[0] == "firewall":
        _packet(text, fields)
    elif topics[0] in ("ppp", "pppoe", "pptp", "l2tp", "sstp", "ovpn"):
        match = _PPP.match(text)
        if match is not None:
            _session(match, fields, "vpn")
            if (address := ip(match["address"] or "")) is not None:
                fields["mikrotik.assigned_ip"] = address
    elif match := _FAILED.match(text):
        fields["event.outcome"] = "failure"
        _login(match, fields, "login")
    elif match := _LOGIN.match(text):
        _session(match, fields, "log")
        _who(match, fields)
    elif match := _CHANGED.match(text):
        fields["event.action"] = match["verb"]
        fields["event.category"] = "configuration"
        fields["event.outcome"] = "success"
        fields["mikrotik.object"] = match["what"]
        _who(match, fields)


def _session(match: re.Match[str], fields: dict[str, Value], kind: str) -> None:
    fields["event.category"] = "authentication" if match["way"] == "in" else "session"
    fields["event.action"] = f"{'vpn-log' if kind == 'vpn' else 'log'}{match['way']}"
    if match["way"] == "in":
        fields["event.outcome"] = "success"
    fields["user.name"] = match["user"]


def _login(match: re.Match[str], fields: dict[str, Value], action: str) -> None:
    fields["event.category"] = "authentication"
    fields["event.action"] = action
    _who(match, fields)


def _who(match: re.Match[str], fields: dict[str, Value]) -> None:
    if match["user"]:
        fields["user.name"] = match["user"]
    if match["via"]:
        fields["network.protocol"] = match["via"]
    if (address := ip(match["ip"] or "")) is not None:
        fields["source.ip"] = address


def _packet(text: str, fields: dict[str, Value]) -> None:
    """`PREFIX chain: in:IF out:IF, src-mac MAC, proto P (FLAGS), A:p->B:q, len N`."""
    match = _PACKET.match(text)
    if match is None:
        return
    fields["event.category"] = "network"
    fields["event.action"] = "packet"
    fields["mikrotik.chain"] = match["chain"]
    for name, field in (("in", "observer.ingress.interface.name"), ("out", "observer.egress.interface.name")):
        if not match[name].startswith("("):
            fields[field] = match[name]
    if prefix := match["prefix"]:
        fields["rule.name"] = prefix
        upper = prefix.upper()
        if any(word in upper for word in _DENIED):
            verdict(fields, allowed=False)
        elif any(word in upper for word in _ALLOWED):
            verdict(fields, allowed=True)
    if match["mac"]:
        fields["source.mac"] = match["mac"].replace(":", "-").upper()
    if match["flags"] and match["proto"].upper() == "TCP":
        fields["mikrotik.flags"] = match["flags"]
    put_protocol(fields, match["proto"])
    source, found, destination = match["ends"].partition("->")
    if found:
        _end("source", source, fields)
        _end("destination", destination, fields)
    if (length := number(match["length"])) is not None:
        fields["network.bytes"] = length


def _end(end: str, text: str, fields: dict[str, Value]) -> None:
    """`192.0.2.66:40022`, `[2001:db8::1]:443`, `192.0.2.66`, or an IPv6 address alone."""
    if text.startswith("["):
        host, _, at = text[1:].partition("]:")
        put_end(fields, end, host.rstrip("]"), at)
    elif text.count(":") == 1:
        host, _, at = text.partition(":")
        put_end(fields, end, host, at)
    else:
        put_end(fields, end, text)


MESSAGE = Message(
    Gives(
        "mikrotik.routeros",
        "authentication configuration network session",
        "destination.ip destination.port event.action event.outcome event.type log.level mikrotik.* network.* observer.* rule.name "
        "source.ip source.mac source.port user.name",
    ),
    read,
    openings=tuple(f"{topic},{second}" for topic in _TOPICS for second in _SECOND),
)
