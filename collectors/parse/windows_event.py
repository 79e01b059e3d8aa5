"""A Windows event as the `evtx` package writes it in JSON in, flat ECS out; the meaning of its fields is in
`collectors.parse.windows`.

Source of truth: `evtx.PyEvtxParser.records_json` 0.14 (attributes in "#attributes", text beside attributes in
"#text"; `evtx_dump -o jsonl` writes the same). The time is System/TimeCreated, also where EventData has one of its
own (Sysmon's UtcTime).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from collectors.errors import ParseError
from collectors.parse import timestamp, windows
from collectors.parse.format import Context, Parsed


class _Name(msgspec.Struct, gc=False):
    Name: str = ""
    Guid: str | None = None
    EventSourceName: str | None = None


class _Provider(msgspec.Struct, gc=False):
    attributes: _Name = msgspec.field(name="#attributes", default_factory=_Name)


class _Qualified(msgspec.Struct, gc=False):
    text: str | int | None = msgspec.field(name="#text", default=None)


class _Moment(msgspec.Struct, gc=False):
    SystemTime: str = ""


class _TimeCreated(msgspec.Struct, gc=False):
    attributes: _Moment = msgspec.field(name="#attributes", default_factory=_Moment)


class _Process(msgspec.Struct, gc=False):
    ProcessID: int | str | None = None
    ThreadID: int | str | None = None


class _Execution(msgspec.Struct, gc=False):
    attributes: _Process = msgspec.field(name="#attributes", default_factory=_Process)


class _Sid(msgspec.Struct, gc=False):
    UserID: str | None = None


class _Security(msgspec.Struct, gc=False):
    attributes: _Sid = msgspec.field(name="#attributes", default_factory=_Sid)


class Header(msgspec.Struct, gc=False):
    Provider: _Provider | None
    EventID: int | str | _Qualified | None
    TimeCreated: _TimeCreated | None = None
    EventRecordID: int | str | None = None
    Channel: str | None = None
    Computer: str | None = None
    Level: int | str | None = None
    Task: int | str | None = None
    Opcode: int | str | None = None
    Keywords: str | None = None
    Execution: _Execution | None = None
    Security: _Security | None = None


class Event(msgspec.Struct, gc=False):
    """An event as it stands in the JSON."""

    System: Header
    EventData: dict[str, Any] | str | None = None
    UserData: dict[str, Any] | str | None = None


class _Line(msgspec.Struct, gc=False):
    Event: Event


class _Dated(msgspec.Struct, gc=False):
    TimeCreated: _TimeCreated | None = None


class _DatedEvent(msgspec.Struct, gc=False):
    System: _Dated


class _DatedLine(msgspec.Struct, gc=False):
    Event: _DatedEvent


_decode = msgspec.json.Decoder(_Line).decode
_decode_date = msgspec.json.Decoder(_DatedLine).decode


def decode(data: bytes) -> Event:
    """The event of a JSON document `{"Event": {...}}`. Raises: ParseError."""
    try:
        return _decode(data).Event
    except RecursionError as error:
        raise ParseError("nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ParseError(f"not a Windows event in JSON: {str(error)[:120]}") from error


def convert(document: dict[str, Any]) -> Event:
    """The event of a decoded JSON document. Raises: ParseError."""
    try:
        return msgspec.convert(document, _Line).Event
    except RecursionError as error:
        raise ParseError("nested too deeply") from error
    except msgspec.ValidationError as error:
        raise ParseError(f"not a Windows event in JSON: {str(error)[:120]}") from error


def stamp_of(data: bytes) -> str:
    """The time as it is written in the JSON of an event that decodes; "" where there is none."""
    created = _decode_date(data).Event.System.TimeCreated
    return created.attributes.SystemTime if created is not None else ""


def code_of(header: Header) -> str:
    """The event's id as text; "" where there is none."""
    code = header.EventID
    if type(code) is not int and isinstance(code, _Qualified):
        code = code.text
    return str(code) if code is not None else ""


def _text(value: int | str | None) -> str | None:
    return None if value is None else str(value)


HEADER: Mapping[str, Callable[[Header], str | None]] = {
    "host.name": lambda header: header.Computer or None,
    "winlog.computer_name": lambda header: header.Computer or None,
    "winlog.keywords": lambda header: header.Keywords or None,
    "winlog.level": lambda header: _text(header.Level),
    "winlog.opcode": lambda header: _text(header.Opcode),
    "winlog.record_id": lambda header: _text(header.EventRecordID) or None,
    "winlog.task": lambda header: _text(header.Task),
}
"""Fields that a header gives by itself -> how."""


def read(event: Event, context: Context) -> Parsed:
    """A decoded event. Raises: ParseError."""
    created, about = event.System.TimeCreated, event.EventData
    stamp = created.attributes.SystemTime if created is not None else ""
    data = about if type(about) is dict else {"Data": [about]} if about else {}
    return parsed(event.System, stamp, data, event.UserData, context)


def parsed(system: Header, stamp: str, data: dict[str, Any], user_data: object, context: Context) -> Parsed:
    """The parts of an event. `stamp`: its time as written, "" where it has none; `data`: EventData by name. Raises: ParseError."""
    try:
        fields = _fields(system, data, user_data)
    except ValueError as error:
        raise ParseError("a number of more than 4,300 digits") from error
    # RFC 3339 section 5.6 takes t and z for T and Z
    return Parsed(timestamp.iso(stamp.upper(), context.timezone) if stamp else None, fields)


def _fields(system: Header, data: dict[str, Any], user_data: object) -> windows.Fields:
    fields = windows.fields_of(
        system.Provider.attributes.Name if system.Provider is not None else "",
        code_of(system),
        system.Channel or "",
        system.Computer or "",
        _text(system.EventRecordID) or "",
        system.Keywords or "",
        data,
        user_data,
    )
    header = (("winlog.level", system.Level), ("winlog.task", system.Task), ("winlog.opcode", system.Opcode))
    for name, value in header:
        if value is not None:
            fields[name] = str(value)
    security, execution = system.Security, system.Execution
    if security is not None and security.attributes.UserID is not None:
        fields["winlog.user.identifier"] = security.attributes.UserID
    if execution is not None:
        windows.put_process(execution.attributes.ProcessID, execution.attributes.ThreadID, fields)
    return fields
