"""What DHCP servers log in, which machine has which address out: ISC dhcpd, dnsmasq, Kea.

    DHCPACK on 10.20.3.7 to 52:54:00:12:34:56 (pc-vanthu) via eth0                                                      (dhcpd)
    4012 DHCPACK(br0) 10.20.3.7 52:54:00:12:34:56 pc-vanthu                                                             (dnsmasq)
    INFO  [kea-dhcp4.leases.140] DHCP4_LEASE_ALLOC [hwtype=1 52:54:00:12:34:56], cid=[no info], tid=0x1: lease 10.20.3.7 has been
    allocated for 3600 seconds                                                                                         (Kea, one line)

Source of truth: ISC DHCP 4.4 `server/dhcp.c`; dnsmasq 2.89 `src/rfc2131.c` (log_packet); Kea 2.4 "Kea Messages Manual", DHCP4_* and
DHCP6_*. `client.ip`, `client.mac` and `host.hostname` are the machine's; `event.action` is the message ("dhcpack") or Kea's name of it.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import ip, number
from collectors.parse.format import Gives, Message

_MAC = r"(?:[0-9A-Fa-f]{2}[:-]){5,19}[0-9A-Fa-f]{2}"
_ISC = re.compile(
    r"(DHCP[A-Z]{3,16}+)(?: (?:on|for|of) ([0-9A-Fa-f.:]{2,45}+))?(?: \(([0-9.]{7,15}+)\))?(?: (?:from|to) (\S{1,64}+))?"
    r"(?: \(([^)]{1,255}+)\))?(?: via ([^\s:]{1,64}+))?(?:: (.{1,300})| \((\w[\w ]{1,32}+)\)| TransID \S{1,16}| uid \S{1,64})?",
    re.DOTALL,
)
_DNSMASQ = re.compile(
    r"(?:\d{1,10}+ )?(DHCP[A-Z]{3,16}+)\((\S{1,64}?)\) (?:(?!"
    + _MAC
    + r"(?: |$))([0-9.]{7,15}+|[0-9A-Fa-f:]{2,39}+) )?("
    + _MAC
    + r")?(?: ?(.{1,300}))?",
    re.DOTALL,
)
_KEA = re.compile(
    r"([A-Z]{4,5}+) {1,2}\[([\w.-]{1,64}+)(?:/[^\s\]]{1,64}+)?\] ([A-Z][A-Z0-9_]{4,80}+) (.{1,2000})", re.DOTALL
)
_KEA_MAC = re.compile(r"hwtype=\d{1,3} (" + _MAC + r")")
_KEA_LEASE = re.compile(
    r"(?:lease|address)(?: for address)? ([0-9A-Fa-f.:]{2,45}+)(?: and iaid=\d{1,10}+)? (?:has been allocated|was released)"
    r"(?: for (\d{1,10}+) seconds)?"
)
_REFUSED = frozenset({"DHCPNAK", "DHCPDECLINE"})


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if said := _DNSMASQ.fullmatch(message):
        name, interface, address, mac, rest = said.groups()
        _put(fields, name, address, mac, "", interface)
        words = (rest or "").strip()
        if words and (name in _REFUSED or " " in words):
            fields["event.reason"] = words
        elif words:
            fields["host.hostname"] = words
    elif said := _ISC.fullmatch(message):
        name, address, server, who, host, interface, reason, note = said.groups()
        is_mac = bool(who) and re.fullmatch(_MAC, who) is not None
        _put(fields, name, address or (None if is_mac else who), who if is_mac else None, host or "", interface or "")
        if server:
            fields["server.ip"] = server
        if reason or note:
            fields["event.reason"] = reason or note
        if reason and "no free leases" in reason:
            fields["event.outcome"] = "failure"
    elif said := _KEA.fullmatch(message):
        _kea(said, fields)


def _put(fields: dict[str, Value], name: str, address: str | None, mac: str | None, host: str, interface: str) -> None:
    fields["event.action"] = name.lower()
    fields["event.category"] = "network"
    if name in _REFUSED:
        fields["event.outcome"] = "failure"
    elif name == "DHCPACK":
        fields["event.outcome"] = "success"
    if address and (known := ip(address)) is not None:
        fields["client.ip"] = known
    if mac:
        fields["client.mac"] = mac.replace(":", "-").upper()
    if host:
        fields["host.hostname"] = host
    if interface:
        fields["observer.ingress.interface.name"] = interface


def _kea(said: re.Match[str], fields: dict[str, Value]) -> None:
    level, logger, name, text = said.groups()
    if not name.startswith(("DHCP4_", "DHCP6_", "ALLOC_ENGINE_", "LEASE_", "HOSTS_")):
        return
    mac, lease = _KEA_MAC.search(text[:500]), _KEA_LEASE.search(text[:1000])
    _put(fields, name, lease[1] if lease else None, mac[1] if mac else None, "", "")
    fields["log.level"], fields["log.logger"] = level.lower(), logger
    if "_FAIL" in name or "DECLINE" in name or "_NAK" in name:
        fields["event.outcome"] = "failure"
        fields["event.reason"] = text
    elif lease:
        fields["event.outcome"] = "success"
        if lease[2] and (seconds := number(lease[2])) is not None:
            fields["dhcp.lease_s"] = seconds


MESSAGE = Message(
    Gives(
        "dhcp",
        "network",
        "client.ip client.mac dhcp.lease_s event.action event.outcome event.reason host.hostname log.level log.logger "
        "observer.ingress.interface.name server.ip",
    ),
    read,
    frozenset({"dhcpd", "dnsmasq-dhcp", "kea-dhcp4", "kea-dhcp6"}),
)
