"""Windows events in the JSON of log shippers in, flat ECS out: Winlogbeat's `winlog.*`, and flat exports with Sysmon's
names at the top.

    {"@timestamp": "2026-11-22T03:00:00.123Z", "winlog": {"channel": "Security", "event_data": {"IpAddress": "192.0.2.7"}}}
    {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "Image": "C:\\\\notepad.exe"}

Source of truth: Winlogbeat 8's exported fields; NXLog's im_msvistalog and the exports of Mordor / Security Datasets
for the flat shape. Both come out as `collectors.parse.windows` says; what Winlogbeat adds in ECS stays as it says. In
the flat shape every name that is not one of the event header's is EventData's.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from collectors.event import Value
from collectors.parse import timestamp, windows
from collectors.parse.ecs import INT64_MAX, INT64_MIN, plain
from collectors.parse.format import Context, Parsed

_PROVIDER = ("Provider_Name", "ProviderName", "SourceName")
_COMPUTER = ("Computer", "ComputerName", "Hostname")
_RECORD = ("EventRecordID", "RecordNumber", "RecordID", "EventRecordId")
_TIME = ("SystemTime", "TimeCreated", "@timestamp", "UtcTime", "EventTime")
_HEADER = frozenset({
    *_PROVIDER, *_COMPUTER, *_RECORD, *_TIME, "EventID", "Channel", "Level", "Task", "Opcode", "Keywords", "Version", "Message",
    "Provider_Guid", "ProviderGuid", "@version", "EventReceivedTime", "SourceModuleName", "SourceModuleType", "Severity",
    "SeverityValue", "ExecutionProcessID", "ExecutionThreadID", "ThreadID", "Security_UserID", "UserID", "OpcodeValue",
}) - {"UtcTime"}  # fmt: skip
_SYSMON_CHANNEL = "Microsoft-Windows-Sysmon/Operational"
_UTC = ZoneInfo("UTC")
_OURS = frozenset({
    "event.dataset", "event.code", "event.provider", "winlog.provider_name", "winlog.channel", "winlog.computer_name",
    "winlog.record_id", "winlog.event_id", "host.name",
})  # fmt: skip
"""What the header says and no shipper may say otherwise, for rules are chosen by it; `host.name` is the computer, not the collector."""


_LEVELS = {"critical": "1", "error": "2", "warning": "3", "information": "4", "verbose": "5"}
"""Winlogbeat's words for System/Level -> the number that the event had."""


def is_winlogbeat(fields: dict[str, Value]) -> bool:
    """Flat fields that Winlogbeat (or an agent like it) wrote."""
    return "winlog.channel" in fields or "winlog.provider_name" in fields


def is_flat(document: dict[str, object]) -> bool:
    """A JSON object with an event's header at its top."""
    return "EventID" in document and not document.keys().isdisjoint({"Channel", *_PROVIDER, *_COMPUTER})


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
    if "Data" not in data and "param1" in data:
        data["Data"] = _numbered(data)
    user.pop("xml_name", None)
    fields = windows.fields_of(
        _text(flat, "winlog.provider_name", "event.provider"),
        _text(flat, "winlog.event_id", "event.code"),
        _text(flat, "winlog.channel"),
        _text(flat, "winlog.computer_name", "host.name"),
        _text(flat, "winlog.record_id"),
        "",
        data,
        {"": user} if user else None,
    )
    level = _LEVELS.get(_text(flat, "log.level").lower())
    if level:
        fields["winlog.level"] = level
    fields.update(others)
    return fields


def _numbered(data: dict[str, Any]) -> list[str]:
    """The values that Winlogbeat calls param1, param2, ... because they have no name."""
    values = []
    for n in range(1, len(data) + 1):
        value = data.get(f"param{n}")
        if value is None:
            break
        values.append(plain(value))
    return values


def read_flat(document: dict[str, object], context: Context) -> Parsed:
    """A flat export. Raises: ParseError; ValueError as `ecs.plain`."""
    channel, provider = _text(document, "Channel"), _text(document, *_PROVIDER)
    code = _text(document, "EventID")
    if not provider and channel == _SYSMON_CHANNEL:
        provider = windows.SYSMON
    elif not provider and channel == "Security" and code in windows.SECURITY_CODES:
        provider = windows.SECURITY
    if not channel and provider == windows.SYSMON:
        channel = _SYSMON_CHANNEL
    data = {name: value for name, value in document.items() if name not in _HEADER}
    fields = windows.fields_of(
        provider,
        code,
        channel,
        _text(document, *_COMPUTER),
        _text(document, *_RECORD),
        _keywords(document),
        data,
    )
    for name, field in (
        ("Level", "winlog.level"),
        ("Task", "winlog.task"),
        ("Opcode", "winlog.opcode"),
        ("Message", "message"),
    ):
        value = _text(document, name)
        if value:
            fields[field] = value
    windows.put_process(_text(document, "ExecutionProcessID"), _text(document, "ExecutionThreadID", "ThreadID"), fields)
    stamp = next(((name, value) for name in _TIME if (value := _text(document, name))), None)
    if stamp is None:
        return Parsed(None, fields)
    return Parsed(timestamp.iso(stamp[1], _UTC if stamp[0] == "UtcTime" else context.timezone), fields)


def _keywords(document: dict[str, object]) -> str:
    """The mask as the event's XML writes it: NXLog gives it as a signed number of 64 bit."""
    value = document.get("Keywords")
    if type(value) is int and INT64_MIN <= value <= INT64_MAX:
        return f"0x{value & (1 << 64) - 1:x}"
    return _text(document, "Keywords")


def _text(document: dict[str, object] | dict[str, Value], *names: str) -> str:
    """The first of the names that holds a scalar, as text; "" where none does."""
    for name in names:
        value = document.get(name)
        if value is not None and not isinstance(value, dict | list):
            return plain(value)
    return ""
