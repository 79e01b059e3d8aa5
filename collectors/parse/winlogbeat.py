"""A Windows event as Winlogbeat ships it in, flat ECS out: the same fields as the event has when it comes from an EVTX file.

    {"@timestamp": "2026-11-22T03:00:00.123Z", "event": {"action": "Logon"}, "winlog": {"channel": "Security", "task": "Logon",
     "keywords": ["Audit Failure"], "opcode": "Info", "event_data": {"IpAddress": "192.0.2.7"}}}

Source of truth: Winlogbeat 8's exported fields and what it writes: level, keywords, opcode and task in English (the task once more in
`event.action`), values without a name as param1, param2, …, none that is empty. Rules ask for what the event itself holds, so words become
numbers again where that is certain (never for tasks), and what an event means is said by `collectors.parse.windows` alone; what
Winlogbeat adds besides stays.
"""

from __future__ import annotations

from typing import Any

from collectors.event import Value
from collectors.parse import windows
from collectors.parse.ecs import plain

_OURS = frozenset({
    "event.dataset", "event.code", "event.provider", "winlog.provider_name", "winlog.channel", "winlog.computer_name",
    "winlog.record_id", "winlog.event_id", "host.name",
})  # fmt: skip
"""What the header says and no shipper may say otherwise, for rules are chosen by it; `host.name` is the computer, not the collector."""
_MEANING = ("event.action", "event.category", "event.outcome")
"""What we say of events that we know, in the words that our rules ask for."""
_LEVELS = {"critical": "1", "error": "2", "warning": "3", "information": "4", "verbose": "5"}
"""Words for System/Level -> the number that the event had."""
_OPCODES = {
    "info": "0", "start": "1", "stop": "2", "dcstart": "3", "dcstop": "4", "extension": "5", "reply": "6", "resume": "7",
    "suspend": "8", "send": "9", "receive": "240",
}  # fmt: skip
"""Words for System/Opcode (winmeta.xml)."""
_KEYWORDS = {"Audit Success": "0x8020000000000000", "Audit Failure": "0x8010000000000000"}
"""Words for System/Keywords whose mask is certain where the provider is Security-Auditing: the bit of its log has no word."""

_FIRST_NUMBERED = frozenset(f"param{n}" for n in range(1, 9))
"""What tells that values have no names: of so many in a row, not all are empty."""


def is_winlogbeat(fields: dict[str, Value]) -> bool:
    """Flat fields that Winlogbeat (or an agent like it) wrote."""
    return "winlog.channel" in fields or "winlog.provider_name" in fields


def take_event_data(document: dict[str, object]) -> dict[str, Any]:
    """EventData of a nested document, taken out of it: it needs no flattening, and half of the document is in it."""
    winlog = document.get("winlog")
    data = winlog.pop("event_data", None) if isinstance(winlog, dict) else None
    return data if isinstance(data, dict) else {}


def read_winlogbeat(flat: dict[str, Value], data: dict[str, Any]) -> dict[str, Value]:
    """The fields of Winlogbeat's flat fields and nested EventData. Raises: ParseError; ValueError as `ecs.plain`."""
    user: dict[str, Value] = {}
    others: dict[str, Value] = {}
    for name, value in flat.items():
        if name in _OURS:
            if name == "event.dataset" and value != "windows":
                others["producer.event.dataset"] = value
        elif not name.startswith("winlog."):
            others[name] = value
        elif name.startswith(windows.EVENT_DATA):
            data[name[len(windows.EVENT_DATA) :]] = value
        elif name.startswith(windows.USER_DATA):
            user[name[len(windows.USER_DATA) :]] = value
        else:
            others[name] = value
    if not data.keys().isdisjoint(_FIRST_NUMBERED) and "Data" not in data:
        data["Data"] = _numbered(data)
    user.pop("xml_name", None)
    provider = _text(flat, "winlog.provider_name", "event.provider")
    keywords = _mask(provider, others)
    fields = windows.fields_of(
        provider,
        _text(flat, "winlog.event_id", "event.code"),
        _text(flat, "winlog.channel"),
        _text(flat, "winlog.computer_name", "host.name"),
        _text(flat, "winlog.record_id"),
        keywords,
        data,
        {"": user} if user else None,
    )
    _put_others(others, fields)
    return fields


def _put_others(others: dict[str, Value], fields: dict[str, Value]) -> None:
    """What Winlogbeat says besides, where it is not what we say better."""
    level, opcode = others.get("log.level"), others.get("winlog.opcode")
    if type(level) is str and (number := _LEVELS.get(level) or _LEVELS.get(level.lower())):
        fields["winlog.level"] = number
    if type(opcode) is str and (number := _OPCODES.get(opcode.lower())):
        others["winlog.opcode"] = number
    action = others.get("event.action")
    if action is not None and action == others.get("winlog.task"):
        del others["event.action"]
    for name in _MEANING:
        if name in fields and name in others:
            del others[name]
    fields.update(others)


def _mask(provider: str, others: dict[str, Value]) -> str:
    """The keywords as the event's XML writes them, taken out of `others`; "" where that is not certain."""
    said = others.get("winlog.keywords")
    word = said[0] if isinstance(said, list) and len(said) == 1 else said
    if not isinstance(word, str):
        return ""
    mask = word if word.startswith("0x") else _KEYWORDS.get(word, "") if provider == windows.SECURITY else ""
    if mask:
        del others["winlog.keywords"]
    return mask


def _numbered(data: dict[str, Any]) -> list[str]:
    """The values that Winlogbeat calls param1, param2, ... because they have no name; it leaves out numbers of empty ones."""
    numbers = [name[5:] for name in data if name.startswith("param")]
    known = sorted({int(n) for n in numbers if n.isascii() and n.isdigit() and len(n) < 6})
    return [plain(data[name]) for n in known if (name := f"param{n}") in data and data[name] is not None]


def _text(fields: dict[str, Value], *names: str) -> str:
    """The first of the names that holds a scalar, as text; "" where none does."""
    for name in names:
        value = fields.get(name)
        if value is not None and not isinstance(value, list):
            return plain(value)
    return ""
