r"""An event in ArcSight's Common Event Format in, ECS out: what many appliances write where they are asked for CEF.

    CEF:0|Trend Micro|Deep Security Agent|20.0.1|4000000|Eicar_test_file|6|src=10.20.3.7 act=Delete msg=a \= b cs1=x cs1Label=Reason

Source of truth: OpenText "ArcSight Common Event Format (CEF) Implementation Standard" revision 26: in the seven header
columns `\|` and `\\` are escapes, in the extension `\=`, `\\`, `\n`, `\r`; a value goes to the next ` key=`. Dataset as
in Elastic's cef integration. A custom field (`cs1`, `cn2`, ...) gets the name that its label says; what has no ECS field
stays under `cef.extensions.`. The moment is `rt`, otherwise `end` or `start`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from collectors.event import Value
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import Names
from collectors.parse.network import put_protocol, verdict
from collectors.parse.timestamp import of_device

_OPENING = "CEF:"
_COLUMNS = re.compile(r"((?:[^|\\]++|\\.)*+)\|" * 7, re.DOTALL)
_KEY = re.compile(r" ([A-Za-z0-9_.\[\]-]{1,64}+)=")
_ESCAPE = re.compile(r"\\([\\|=nr])")
_ESCAPED = {"n": "\n", "r": "\r"}
_HEADER = (
    "cef.version",
    "observer.vendor",
    "observer.product",
    "observer.version",
    "event.code",
    "cef.name",
    "cef.severity",
)
_NAMES = Names(
    "cef.extensions.",
    {
        "act": "event.action", "app": "network.protocol", "cat": "cef.extensions.cat", "cnt": "", "destinationTranslatedAddress":
        "destination.nat.ip", "destinationTranslatedPort": "destination.nat.port", "deviceDirection": "",
        "deviceInboundInterface": "observer.ingress.interface.name", "deviceOutboundInterface": "observer.egress.interface.name",
        "dhost": "destination.domain", "dmac": "destination.mac", "dpt": "destination.port", "dst": "destination.ip",
        "duser": "destination.user.name", "dvchost": "host.name", "end": "", "filePath": "file.path", "fname": "file.name",
        "fsize": "file.size", "in": "source.bytes", "msg": "message", "out": "destination.bytes", "outcome": "", "proto": "",
        "reason": "event.reason", "request": "url.original", "requestClientApplication": "user_agent.original",
        "requestMethod": "http.request.method", "rt": "", "shost": "source.domain", "smac": "source.mac", "sntdom": "user.domain",
        "sourceTranslatedAddress": "source.nat.ip", "sourceTranslatedPort": "source.nat.port", "spt": "source.port", "src": "source.ip",
        "start": "", "suser": "user.name", "dproc": "process.name", "sproc": "process.name",
    },
    ("", "N/A", "-"),
)  # fmt: skip
_LEVELS = frozenset(map(str, range(11)))
_SEVERITIES = {"unknown": 0, "low": 3, "medium": 6, "high": 8, "very-high": 10}
_DENIED = frozenset(
    {
        "deny",
        "denied",
        "block",
        "blocked",
        "drop",
        "dropped",
        "reject",
        "rejected",
        "reset",
        "prevent",
        "prevented",
        "quarantine",
    }
)
_ALLOWED = frozenset({"allow", "allowed", "accept", "accepted", "permit", "permitted", "pass", "passed"})
_OUTCOMES = {
    "success": "success",
    "succeeded": "success",
    "failure": "failure",
    "failed": "failure",
    "attempt": "unknown",
}
_DIRECTIONS = {"0": "inbound", "1": "outbound"}
_EXTENSIONS = 500
_KEPT = 4_000
_LONGEST_KEPT = 300
"""Headers that are remembered, and characters of the longest: 2 MB where somebody invents them."""


def read(message: str, fields: dict[str, Value]) -> datetime | None:
    """Add the fields of one event; returns when it was. A header with fewer columns adds none."""
    columns = message.removeprefix(_OPENING).split("|", len(_HEADER))
    if len(columns) <= len(_HEADER):
        return None
    extension = columns.pop()
    if any("\\" in column for column in columns):
        found = _COLUMNS.match(message.removeprefix(_OPENING))
        if found is None:
            return None
        columns, extension = (
            [_plain(column) for column in found.groups()],
            message.removeprefix(_OPENING)[found.end() :],
        )
    header = _header if len(message) - len(extension) < _LONGEST_KEPT else _header.__wrapped__
    fields["message"] = message
    fields.update(header(*columns))
    parts = _KEY.split(f" {extension.strip(' ')}", _EXTENSIONS)
    values = parts[2::2]
    if "\\" in extension:
        values = [_plain(value.rstrip(" ")) if "\\" in value else value.rstrip(" ") for value in values]
    pairs = dict(zip(parts[1::2], values, strict=True))
    said = _NAMES.put(_labelled(pairs) if "Label=" in extension else pairs.items(), fields)
    _judge(said, fields)
    return next(
        (moment for name in ("rt", "end", "start") if (moment := of_device(said.get(name, ""))) is not None), None
    )


@lru_cache(_KEPT)
def _header(*columns: str) -> Mapping[str, Value]:
    """What the seven columns say: a device has a few hundred."""
    texts = [column.strip(" ") for column in columns]
    fields: dict[str, Value] = {field: value for field, value in zip(_HEADER, texts, strict=True) if value}
    severity = texts[-1].lower()
    level = int(severity) if severity in _LEVELS else _SEVERITIES.get(severity)
    if level is not None:
        fields["event.severity"] = level
    if texts[-2]:
        fields["message"] = texts[-2]
    return fields


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


def _labelled(pairs: dict[str, str]) -> Iterable[tuple[str, str]]:
    """The pairs with custom fields under the name that their label says."""
    for label in [name for name in pairs if name.endswith("Label") and name[:-5] in pairs]:
        value, named = pairs.pop(label[:-5]), pairs.pop(label)
        pairs[named or label[:-5]] = value
    return pairs.items()


def _judge(said: dict[str, str], fields: dict[str, Value]) -> None:
    """Set protocol, direction, category and outcome."""
    put_protocol(fields, said.get("proto", ""))
    if direction := _DIRECTIONS.get(said.get("deviceDirection", "")):
        fields["network.direction"] = direction
    action = str(fields.get("event.action", "")).lower()
    if "source.ip" in fields and "destination.ip" in fields:
        fields["event.category"] = "network"
    if action in _DENIED or action in _ALLOWED:
        verdict(fields, allowed=action in _ALLOWED)
    elif outcome := _OUTCOMES.get(said.get("outcome", "").lower()):
        fields["event.outcome"] = outcome


MESSAGE = Message(
    Gives(
        "cef.log",
        "network",
        "cef.* destination.* event.action event.code event.outcome event.reason event.severity event.type file.* http.request.method "
        "network.* observer.* process.name source.* url.original user.domain user.name user_agent.original",
    ),
    read,
    frozenset({"CEF"}),  # of "CEF: 0|...", as some relays write it
    openings=(_OPENING,),
)
