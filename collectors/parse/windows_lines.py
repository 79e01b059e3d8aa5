"""Windows events in the flat JSON of log shippers in, flat ECS out: Sysmon's names stand at the top.

    {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "Image": "C:\\\\notepad.exe"}

Source of truth: NXLog's im_msvistalog and the exports of Mordor / Security Datasets. They come out as `collectors.parse.windows` says;
every name that is not one of the event header's is EventData's. Winlogbeat's nested shape is `collectors.parse.winlogbeat`'s.
"""

from __future__ import annotations

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


def is_flat(document: dict[str, object]) -> bool:
    """A JSON object with an event's header at its top."""
    return "EventID" in document and not document.keys().isdisjoint({"Channel", *_PROVIDER, *_COMPUTER})


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
