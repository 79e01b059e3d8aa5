r"""An event in QRadar's Log Event Extended Format in, ECS out: what many appliances write where they are asked for LEEF.

    LEEF:2.0|Lancope|StealthWatch|1.0|41|^|src=192.0.2.7^dst=198.51.100.4^sev=5^srcPort=81^dstPort=21^usrName=an

Source of truth: IBM "LEEF event components" and "Predefined LEEF event attributes" (QRadar 7.5). Attributes stand
between tabs in 1.0, between the character that the sixth column names (itself, or `x5E`) in 2.0, tabs where it names
none. What has no ECS field stays under `leef.`. The moment is `devTime`; forms of `devTimeFormat` other than the usual
ones are not read, and the syslog header's counts.
"""

from __future__ import annotations

from datetime import datetime

from collectors.event import Value
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import Names
from collectors.parse.network import put_protocol, verdict
from collectors.parse.timestamp import of_device

_HEADER = ("leef.version", "observer.vendor", "observer.product", "observer.version", "event.code")
_NAMES = Names(
    "leef.",
    {
        "accountName": "user.name", "action": "event.action", "devTime": "", "devTimeFormat": "", "domain": "user.domain",
        "dst": "destination.ip", "dstBytes": "destination.bytes", "dstMAC": "destination.mac", "dstPackets": "destination.packets",
        "dstPort": "destination.port", "dstPostNAT": "destination.nat.ip", "dstPostNATPort": "destination.nat.port",
        "identHostName": "source.domain", "policy": "rule.name", "proto": "", "resource": "file.path", "sev": "event.severity",
        "src": "source.ip", "srcBytes": "source.bytes", "srcMAC": "source.mac", "srcPackets": "source.packets", "srcPort": "source.port",
        "srcPostNAT": "source.nat.ip", "srcPostNATPort": "source.nat.port", "url": "url.original", "usrName": "user.name",
    },
    ("", "N/A", "-"),
)  # fmt: skip
_DENIED = frozenset(
    {"deny", "denied", "block", "blocked", "drop", "dropped", "reject", "rejected", "reset", "prevent", "prevented"}
)
_ALLOWED = frozenset({"allow", "allowed", "accept", "accepted", "permit", "permitted", "pass", "passed"})
_ATTRIBUTES = 500


def read(message: str, fields: dict[str, Value]) -> datetime | None:
    """Add the fields of one event; returns when it was. A header with fewer columns adds none."""
    columns = message[len("LEEF:") :].split("|", len(_HEADER))
    if len(columns) <= len(_HEADER):
        return None
    rest, separator = columns.pop(), "\t"
    if columns[0].startswith("2"):
        named, bar, attributes = rest.partition("|")
        if bar and "=" not in named[1:] and (separator := _separator(named)):
            rest = attributes
        else:
            separator = "\t"
    fields.update({field: value for field, value in zip(_HEADER, columns, strict=True) if value})
    pairs = [
        (name.strip(" "), value.strip(" "))
        for part in rest.split(separator, _ATTRIBUTES)
        for name, sign, value in [part.partition("=")]
        if sign
    ]
    said = _NAMES.put(pairs, fields)
    put_protocol(fields, said.get("proto", ""))
    action = str(fields.get("event.action", "")).lower()
    if "source.ip" in fields and "destination.ip" in fields:
        fields["event.category"] = "network"
    if action in _DENIED or action in _ALLOWED:
        verdict(fields, allowed=action in _ALLOWED)
    return of_device(said.get("devTime", ""))


def _separator(named: str) -> str:
    """The character that the sixth column of 2.0 names; "" where it names none that can be."""
    if len(named) <= 1:
        return named or "\t"
    code = named.lower().removeprefix("0").removeprefix("x")
    try:
        return chr(int(code, 16)) if len(code) <= 4 else ""
    except ValueError:
        return ""


MESSAGE = Message(
    Gives(
        "leef.log",
        "network",
        "destination.* event.action event.code event.outcome event.severity event.type file.path leef.* network.* observer.* rule.name "
        "source.* url.original user.domain user.name",
    ),
    read,
    openings=("LEEF:",),
)
