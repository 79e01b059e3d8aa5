"""What firewalls say about a connection in, ECS fields out: protocol, ends, verdict.

Names: ECS 8.17 `network.*`, `source.*`, `destination.*`; numbers: IANA's Assigned Internet Protocol Numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from collectors.event import Value
from collectors.parse.ecs import ip, port

_NUMBERS = {
    "icmp": "1", "igmp": "2", "ipip": "4", "tcp": "6", "udp": "17", "ipv6": "41", "rsvp": "46", "gre": "47", "esp": "50", "ah": "51",
    "ipv6-icmp": "58", "eigrp": "88", "ospf": "89", "pim": "103", "vrrp": "112", "l2tp": "115", "sctp": "132", "udplite": "136",
}  # fmt: skip
_OTHER_NAMES = {"icmp6": "ipv6-icmp", "icmpv6": "ipv6-icmp", "ospfigp": "ospf", "carp": "vrrp"}
_NAMES = {number: name for name, number in _NUMBERS.items()}
_LONGEST_KEPT = 40
"""Characters of a protocol's name that is remembered."""

VERDICT = "event.outcome event.type"
"""The fields that `verdict` sets."""


def put_protocol(fields: dict[str, Value], text: str) -> None:
    """Set `network.transport` and `network.iana_number` of "6", "tcp", "TCP"; a word that is no protocol is the transport alone."""
    if text:
        fields.update(_protocol(text) if len(text) < _LONGEST_KEPT else _protocol.__wrapped__(text))


@lru_cache(1000)
def _protocol(text: str) -> Mapping[str, Value]:
    name = text.lower()
    if name.isascii() and name.isdigit():
        number = str(int(name)) if len(name) <= 3 else ""
        named = {"network.iana_number": number, "network.transport": _NAMES.get(number, "")}
    else:
        name = _OTHER_NAMES.get(name, name)
        named = {"network.iana_number": _NUMBERS.get(name, ""), "network.transport": name}
    return {field: value for field, value in named.items() if value}


def put_end(fields: dict[str, Value], end: str, host: str, port_text: str = "") -> None:
    """Set `<end>.ip` where the host is an address, else `<end>.domain`; and `<end>.port`. `end`: "source", "destination", ..."""
    if host:
        address = ip(host)
        fields[f"{end}.ip" if address else f"{end}.domain"] = address or host
    if port_text and (at := port(port_text)) is not None:
        fields[f"{end}.port"] = at


def drop_untranslated(fields: dict[str, Value]) -> None:
    """Take away ports 0 of translations: firewalls write them where nothing was translated."""
    for name in ("source.nat.port", "destination.nat.port"):
        if fields.get(name) == 0:
            del fields[name]


def verdict(fields: dict[str, Value], *, allowed: bool) -> None:
    """Whether a connection was let through: `event.type` allowed or denied, `event.outcome` success or failure."""
    fields["event.type"] = "allowed" if allowed else "denied"
    fields["event.outcome"] = "success" if allowed else "failure"
