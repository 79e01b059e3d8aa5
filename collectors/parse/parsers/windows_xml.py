"""A Windows event as XML in, flat ECS out; what it becomes is in `collectors.parse.windows`, the same as from EVTX.

    <Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>1</EventID>...</System>
    <EventData><Data Name='Image'>C:\\Windows\\notepad.exe</Data></EventData></Event>

Source of truth: the Windows event schema, as `wevtutil qe /f:xml`, Windows Event Forwarding and NXLog's to_xml write
it. An event may span lines: `FORMAT.continues` says until where. RenderingInfo/Message is `message`. Nesting is bounded; no document type
(`collectors.parse.element`).
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

from collectors.errors import ParseError
from collectors.parse import timestamp, windows
from collectors.parse.element import element_of, name_of
from collectors.parse.format import ANY, Context, Format, Gives, Parsed, excerpt, text_of
from collectors.record import RawRecord

_SNIFFED = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?<(?:\w{1,32}:)?Event[\s>]")


_NOTHING = Element("")


def parse(record: RawRecord, context: Context) -> Parsed:
    """One event. Raises: ParseError."""
    event = element_of(text_of(record.data, context))
    parts = {name_of(part): part for part in event}
    if name_of(event) != "Event" or "System" not in parts:
        raise ParseError(f"not a Windows event in XML: its element is {excerpt(event.tag)}")
    system = {name_of(part): part for part in parts["System"]}
    fields = windows.fields_of(
        system.get("Provider", _NOTHING).get("Name", ""),
        _text(system, "EventID"),
        _text(system, "Channel"),
        _text(system, "Computer"),
        _text(system, "EventRecordID"),
        _text(system, "Keywords"),
        _event_data(parts["EventData"]) if "EventData" in parts else {},
        _nested(parts["UserData"], 0) if "UserData" in parts else None,
    )
    for name, field in (("Level", "winlog.level"), ("Task", "winlog.task"), ("Opcode", "winlog.opcode")):
        value = _text(system, name)
        if value:
            fields[field] = value
    sid = system.get("Security", _NOTHING).get("UserID")
    if sid:
        fields["winlog.user.identifier"] = sid
    execution = system.get("Execution", _NOTHING)
    windows.put_process(execution.get("ProcessID"), execution.get("ThreadID"), fields)
    message = _text({name_of(part): part for part in parts.get("RenderingInfo", ())}, "Message")
    if message:
        fields["message"] = message
    stamp = system.get("TimeCreated", _NOTHING).get("SystemTime")
    return Parsed(timestamp.iso(stamp, context.timezone) if stamp else None, fields)


def _text(parts: dict[str, Element], name: str) -> str:
    found = parts.get(name)
    return (found.text or "").strip() if found is not None else ""


def _event_data(about: Element) -> dict[str, Any]:
    """Names and values; values without name are the list Data. A named value without text is empty text, as in EVTX's JSON."""
    data: dict[str, Any] = {}
    unnamed: list[str] = []
    seen: dict[str, int] = {}
    for element in about:
        name = element.get("Name") or name_of(element)
        if name == "Data":
            unnamed.append(element.text or "")
        elif element.text or "Name" in element.attrib:
            data[_numbered(name, seen)] = element.text or ""
    if unnamed:
        data["Data"] = unnamed
    return data


def _nested(element: Element, depth: int) -> dict[str, Any]:
    if depth > windows.MAX_DEPTH:
        raise ParseError(f"nested deeper than {windows.MAX_DEPTH} levels")
    nested: dict[str, Any] = {}
    seen: dict[str, int] = {}
    if element.attrib:
        nested["#attributes"] = dict(element.attrib)
    for child in element:
        value = _nested(child, depth + 1) if len(child) or child.attrib else child.text
        nested[_numbered(name_of(child), seen)] = value
    if not len(element) and element.text and element.text.strip():
        nested["#text"] = element.text
    return nested


def _numbered(name: str, seen: dict[str, int]) -> str:
    """`name` the first time, then `name_1`, `name_2`, as in EVTX's JSON."""
    number = seen.get(name, 0)
    seen[name] = number + 1
    return f"{name}_{number}" if number else name


def _continues(line: bytes, open: bool) -> bool:  # noqa: A002, ARG001  the word of the field; a line's end decides alone
    return not line.rstrip().endswith((b"</Event>", b":Event>"))


def _sniff(sample: bytes) -> float:
    return 1.0 if _SNIFFED.match(sample) else 0.0


FORMAT = Format(
    "windows-xml",
    "Windows event as XML (wevtutil, event forwarding)",
    parse,
    _sniff,
    _continues,
    gives=(Gives("windows", ANY, ANY),),
)
