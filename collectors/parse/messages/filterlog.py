"""A packet that pf logged on pfSense or OPNsense in, where it came from and went to out.

    4,,,1000000103,igb0,match,block,in,4,0x0,,52,54321,0,DF,6,tcp,60,192.0.2.66,198.51.100.4,40022,22,0,S,123456,,29200,,mss

Source of truth: pfSense "Raw Filter Log Format" (2.4 to 2.7), the same in OPNsense's filterlog; dataset as in Elastic's
pfsense integration. Columns: the rule and its tracker, interface, reason, action, direction, IP version, those of that
version, addresses, those of the protocol.
"""

from __future__ import annotations

from collectors.event import Value
from collectors.parse.ecs import ip, port
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_protocol, verdict

_DIRECTIONS = {"in": "inbound", "out": "outbound"}
_FIRST_OF = {"4": 18, "6": 15}
"""IP version -> the column of the source address."""


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one packet; a line with fewer columns adds none."""
    row = message.split(",")
    at = _FIRST_OF.get(row[8], 0) if len(row) > 8 else 0
    if not at or len(row) < at + 2:
        return
    fields["event.category"] = "network"
    fields["event.action"] = row[6]
    verdict(fields, allowed=row[6] in ("pass", "rdr", "nat", "binat"))
    fields["network.direction"] = _DIRECTIONS.get(row[7], row[7] or "unknown")
    said = {
        "rule.id": row[3] or row[0],
        "event.reason": row[5],
        "pfsense.rule_label": row[2],
        "observer.ingress.interface.name" if row[7] == "in" else "observer.egress.interface.name": row[4],
    }
    fields.update({field: value for field, value in said.items() if value})
    put_protocol(fields, row[16] if row[8] == "4" else row[12])
    for field, value in (("source.ip", row[at]), ("destination.ip", row[at + 1])):
        if (address := ip(value)) is not None:
            fields[field] = address
    if fields.get("network.transport") in ("tcp", "udp") and len(row) > at + 3:
        for field, value in (("source.port", row[at + 2]), ("destination.port", row[at + 3])):
            if (number := port(value)) is not None:
                fields[field] = number
        if fields["network.transport"] == "tcp" and len(row) > at + 5 and row[at + 5]:
            fields["pfsense.tcp.flags"] = row[at + 5]


MESSAGE = Message(
    Gives(
        "pfsense.log",
        "network",
        "destination.ip destination.port event.action event.outcome event.reason event.type network.* observer.* pfsense.* rule.id "
        "source.ip source.port",
    ),
    read,
    frozenset({"filterlog"}),
)
