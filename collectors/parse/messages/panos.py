"""What a Palo Alto firewall (PAN-OS) logs in, who did what through it out.

    1,2026/11/22 10:00:00,013101001305,TRAFFIC,end,2561,2026/11/22 10:00:00,10.20.3.7,203.0.113.9,198.51.100.4,203.0.113.9,Ra-Internet,...

Source of truth: Palo Alto Networks "Syslog Field Descriptions" of PAN-OS 10.2 and 11.1: comma-separated values in the
order of their type, each version adding some at the end; dataset as in Elastic's panw integration. TRAFFIC, THREAT
(with its subtypes url, virus, vulnerability, ...), SYSTEM, CONFIG, GLOBALPROTECT and USERID are read; other types keep
their type and subtype. The moment is the last column's where it is one with a zone (10.0 and later), otherwise the
generated time, the site's local time.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from collectors.event import Value
from collectors.parse.ecs import ip, number
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import converter
from collectors.parse.network import drop_untranslated, put_protocol, verdict
from collectors.parse.timestamp import of_device

_P = "panw.panos."
_HEAD = ("", "", "observer.serial_number", "panw.panos.type", "panw.panos.sub_type", "", "generated")
_SESSION = (
    "source.ip", "destination.ip", "source.nat.ip", "destination.nat.ip", "rule.name", "user", "destination.user.name",
    "network.application", f"{_P}vsys", "observer.ingress.zone", "observer.egress.zone", "observer.ingress.interface.name",
    "observer.egress.interface.name", "", "", f"{_P}session_id", "", "source.port", "destination.port", "source.nat.port",
    "destination.nat.port", f"{_P}flags", "proto", "event.action",
)  # fmt: skip
_COLUMNS: dict[str, tuple[str, ...]] = {
    "TRAFFIC": (
        *_HEAD, *_SESSION, "network.bytes", "source.bytes", "destination.bytes", "network.packets", "", "seconds", f"{_P}url.category", "",
        "", "", f"{_P}source_location", f"{_P}destination_location", "", "source.packets", "destination.packets", "event.reason", *[""] * 5,
        "observer.name", f"{_P}action_source", *[""] * 11, "rule.uuid",
        *[""] * 36, "moment",
    ),
    "THREAT": (
        *_HEAD, *_SESSION, "misc", "threat", f"{_P}url.category", "log.level", "direction", "", "", f"{_P}source_location",
        f"{_P}destination_location", "", "", "", "digest", "", "", "user_agent.original", f"{_P}file.type", f"{_P}x_forwarded_for",
        "http.request.referrer", "email.from.address", "email.subject", "email.to.address", "", "", "", "", "", "", "observer.name", "", "",
        "", "http.request.method", *[""] * 5, f"{_P}threat_category", *[""] * 6, "rule.uuid", *[""] * 30, "moment",
    ),
    "SYSTEM": (
        *_HEAD, f"{_P}vsys", "event.action", f"{_P}object", "", "", f"{_P}module", "log.level", "description", *[""] * 7, "observer.name",
        "", "", "moment",
    ),
    "CONFIG": (
        *_HEAD, "host", f"{_P}vsys", "event.action", "user", f"{_P}client", "result", "path", *[""] * 7, "observer.name",
        "", "", "", "moment", f"{_P}before_change", f"{_P}after_change",
    ),
    "GLOBALPROTECT": (
        *_HEAD, f"{_P}vsys", "event.action", f"{_P}stage", f"{_P}auth_method", f"{_P}tunnel_type", "user", f"{_P}source_location",
        "source.domain", "source.ip", "public6", f"{_P}assigned_ip", f"{_P}assigned_ip6", f"{_P}host_id", f"{_P}client_serial",
        f"{_P}client_version", f"{_P}client_os", f"{_P}client_os_version", "", "event.reason", f"{_P}error", "description", "result",
        f"{_P}location", "seconds", f"{_P}connect_method", f"{_P}error_code", f"{_P}portal", "", "", "moment",
    ),
    "USERID": (
        *_HEAD, f"{_P}vsys", "source.ip", "user", f"{_P}data_source_name", "", "", f"{_P}timeout", "", "", f"{_P}data_source",
        f"{_P}data_source_type", *[""] * 7, "observer.name", *[""] * 7, "moment",
    ),
}  # fmt: skip
"""Type -> the field of each column; those without a point are read here, "" is passed over."""


class _Plan(NamedTuple):
    """The columns of one type by what becomes of them, each with its place: `texts` and `typed` are fields, `own` is read here."""

    texts: list[tuple[int, str]]
    typed: list[tuple[int, str, Callable[[str], Value]]]
    own: list[tuple[int, str]]
    width: int


def _plan(columns: tuple[str, ...]) -> _Plan:
    named = [(at, field) for at, field in enumerate(columns) if field]
    typed = [(at, field, convert) for at, field in named if (convert := converter(field)) is not None]
    texts = [(at, field) for at, field in named if "." in field and converter(field) is None]
    return _Plan(texts, typed, [(at, field) for at, field in named if "." not in field], len(columns))


_PLANS = {kind: _plan(columns) for kind, columns in _COLUMNS.items()}
_NOTHING = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  what stands where no address was put in place of another
_DENIED = frozenset({
    "deny", "drop", "drop-icmp", "reset-client", "reset-server", "reset-both", "reset client", "reset server", "reset both", "block-url",
    "block", "block-ip", "random-drop", "sinkhole", "block-continue", "block-override", "override-lockout",
})  # fmt: skip
_DIRECTIONS = {"client-to-server": "inbound", "server-to-client": "outbound", "0": "inbound", "1": "outbound"}
_THREATS = {
    "url": "web",
    "virus": "malware",
    "wildfire-virus": "malware",
    "wildfire": "malware",
    "spyware": "malware",
    "file": "file",
}
_HASHES = {32: "file.hash.md5", 40: "file.hash.sha1", 64: "file.hash.sha256"}
_EARLIEST = "2000"
_LONGEST_S = 10**9


def read(message: str, fields: dict[str, Value]) -> datetime | None:
    """Add the fields of one message; returns when it was."""
    row = _row(message)
    plan = _PLANS.get(row[3]) if len(row) > len(_HEAD) else None
    if plan is None:
        if len(row) > len(_HEAD) and row[3].isupper():
            fields[f"{_P}type"], fields[f"{_P}sub_type"] = row[3], row[4] or "-"
            return of_device(row[6])
        return None
    if len(row) < plan.width:
        row += [""] * (plan.width - len(row))
    for at, field in plan.texts:
        value = row[at]
        if value not in _NOTHING:
            fields[field] = value
    for at, field, convert in plan.typed:
        value = row[at]
        if value not in _NOTHING and (typed := convert(value)) is not None:
            fields[field] = typed
    said = {name: row[at] for at, name in plan.own if row[at] not in _NOTHING}
    _common(said, fields)
    _JUDGES[row[3]](said, fields)
    return _moment(said)


def _row(message: str) -> list[str]:
    if '"' not in message:
        return message.split(",")
    try:
        return next(csv.reader([message]))
    except (csv.Error, StopIteration):
        return []


def _common(said: dict[str, str], fields: dict[str, Value]) -> None:
    """What several types say: who, how long, over what."""
    domain, backslash, name = said.get("user", "").rpartition("\\")
    if name:
        fields["user.name"] = name
        if backslash:
            fields["user.domain"] = domain
    if (seconds := number(said.get("seconds", ""))) is not None and seconds < _LONGEST_S:
        fields["event.duration"] = seconds * 1_000_000_000
    put_protocol(fields, said.get("proto", ""))
    drop_untranslated(fields)
    if "description" in said:
        fields["message"] = said["description"]
    if "observer.name" in fields:
        fields["host.name"] = fields["observer.name"]


def _traffic(said: dict[str, str], fields: dict[str, Value]) -> None:
    del said
    fields["event.category"] = "network"
    verdict(fields, allowed=fields.get("event.action") not in _DENIED)


def _threat(said: dict[str, str], fields: dict[str, Value]) -> None:
    """A signature that fired, a file or a web page that passed: what it was about stands in `misc`."""
    kind, misc = str(fields.get(f"{_P}sub_type")), said.get("misc", "")
    fields["event.category"] = _THREATS.get(kind, "intrusion_detection")
    verdict(fields, allowed=fields.get("event.action") not in _DENIED)
    if direction := said.get("direction"):
        fields["network.direction"] = _DIRECTIONS.get(direction, direction)
    name, _, number_of = said.get("threat", "").rpartition("(")
    if name:
        fields["threat.software.name" if fields["event.category"] == "malware" else "rule.description"] = name
        fields[f"{_P}threat_id"] = number_of.removesuffix(")")
    if misc:
        if kind == "url" or "/" in misc:
            fields["url.original"] = misc
        elif kind == "spyware":
            fields["url.domain"] = misc
        else:
            fields["file.name"] = misc
    if digest := said.get("digest"):
        fields[_HASHES.get(len(digest), "file.hash.sha256")] = digest


def _system(said: dict[str, str], fields: dict[str, Value]) -> None:
    """The firewall itself: log-ons of administrators (`auth-success`, `auth-fail`), its links, its updates."""
    action, text = str(fields.get("event.action")), said.get("description", "")
    words = text.split(" ", 8)
    if action.startswith("auth-"):
        fields["event.category"] = "authentication"
        fields["event.outcome"] = "success" if action == "auth-success" else "failure"
        _, found, rest = text.partition("user '")
        if found:
            fields["user.name"] = rest.partition("'")[0]
        _, found, rest = text.partition("From: ")
        address = ip(rest.partition(" ")[0].rstrip(".,")) if found else None
    elif words[0] == "User" and words[2:5] == ["logged", "in", "via"] and len(words) > 7:
        fields.update({"event.category": "authentication", "event.outcome": "success", "user.name": words[1]})
        address = ip(words[7])
    else:
        fields["event.category"] = "host"
        return
    if address is not None:
        fields["source.ip"] = address


def _config(said: dict[str, str], fields: dict[str, Value]) -> None:
    fields["event.category"] = "configuration"
    fields["event.outcome"] = "success" if said.get("result") in ("Succeeded", "Submitted") else "failure"
    if (address := ip(said.get("host", ""))) is not None:
        fields["source.ip"] = address
    if path := said.get("path", "").strip(" "):
        fields[f"{_P}path"] = path


def _globalprotect(said: dict[str, str], fields: dict[str, Value]) -> None:
    """A step of a VPN client: `portal-auth`, `gateway-auth`, `gateway-connected`, ..."""
    action = str(fields.get("event.action"))
    login = action.endswith("-auth") or fields.get(f"{_P}stage") == "login"
    fields["event.category"] = "authentication" if login else "network"
    fields["event.outcome"] = "success" if said.get("result") == "success" else "failure"
    if "source.ip" not in fields and (address := ip(said.get("public6", ""))) is not None:
        fields["source.ip"] = address


def _userid(said: dict[str, str], fields: dict[str, Value]) -> None:
    """Which account is at which address, as the firewall learned it."""
    del said
    fields["event.action"] = kind = str(fields.get(f"{_P}sub_type"))
    fields["event.category"] = "authentication" if kind == "login" else "session"
    fields["event.outcome"] = "success"


_JUDGES = {
    "TRAFFIC": _traffic,
    "THREAT": _threat,
    "SYSTEM": _system,
    "CONFIG": _config,
    "GLOBALPROTECT": _globalprotect,
    "USERID": _userid,
}


def _moment(said: dict[str, str]) -> datetime | None:
    exact = said.get("moment", "")
    if exact > _EARLIEST and (moment := of_device(exact)) is not None:
        return moment
    return of_device(said.get("generated", ""))


MESSAGE = Message(
    Gives(
        "panw.panos",
        "authentication configuration file host intrusion_detection malware network session web",
        "destination.* email.from.address email.subject email.to.address event.action event.duration event.outcome event.reason event.type "
        "file.* http.request.method http.request.referrer log.level network.* observer.* panw.panos.* rule.* source.* "
        "threat.software.name url.* user.domain user.name user_agent.original",
    ),
    read,
    openings=("1,20", "0,20", ",20"),
)
