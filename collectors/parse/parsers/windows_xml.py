"""A Windows event as XML in, flat ECS out; what it becomes is in `collectors.parse.windows`, the same as from EVTX.

    <Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>1</EventID>...</System>
    <EventData><Data Name='Image'>C:\\Windows\\notepad.exe</Data></EventData></Event>

Source of truth: the Windows event schema, as `wevtutil qe /f:xml`, Windows Event Forwarding and NXLog's to_xml write
it. An event may span lines: `FORMAT.continues` says until where. RenderingInfo/Message is `message`.

XML from the network is hostile: a document type is refused, so no entity can be declared, expanded or fetched;
nesting is bounded.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn
from xml.parsers import expat

from collectors.errors import ParseError
from collectors.parse import timestamp, windows
from collectors.parse.format import Context, Format, Parsed, excerpt, text_of
from collectors.record import RawRecord

_SNIFFED = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?<(?:\w{1,32}:)?Event[\s>]")


class _Node:
    """An element: its name without prefix, attributes, text and children."""

    __slots__ = ("attributes", "children", "name", "parts")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.parts: list[str] = []
        self.children: list[_Node] = []

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def child(self, name: str) -> _Node | None:
        return next((each for each in self.children if each.name == name), None)

    def text_of(self, name: str) -> str:
        found = self.child(name)
        return found.text.strip() if found is not None else ""

    def attribute_of(self, name: str, attribute: str) -> str:
        found = self.child(name)
        return found.attributes.get(attribute, "") if found is not None else ""


def parse(record: RawRecord, context: Context) -> Parsed:
    """One event. Raises: ParseError."""
    event = _tree(text_of(record.data, context))
    system = event.child("System")
    if event.name != "Event" or system is None:
        raise ParseError(f"not a Windows event in XML: its element is {excerpt(event.name)}")
    about, user_data = event.child("EventData"), event.child("UserData")
    fields = windows.fields_of(
        system.attribute_of("Provider", "Name"),
        system.text_of("EventID"),
        system.text_of("Channel"),
        system.text_of("Computer"),
        system.text_of("EventRecordID"),
        system.text_of("Keywords"),
        _event_data(about) if about is not None else {},
        _nested(user_data) if user_data is not None else None,
    )
    for name, field in (("Level", "winlog.level"), ("Task", "winlog.task"), ("Opcode", "winlog.opcode")):
        value = system.text_of(name)
        if value:
            fields[field] = value
    sid = system.attribute_of("Security", "UserID")
    if sid:
        fields["winlog.user.identifier"] = sid
    windows.put_process(
        system.attribute_of("Execution", "ProcessID"), system.attribute_of("Execution", "ThreadID"), fields
    )
    rendering = event.child("RenderingInfo")
    message = rendering.text_of("Message") if rendering is not None else ""
    if message:
        fields["message"] = message
    stamp = system.attribute_of("TimeCreated", "SystemTime")
    return Parsed(timestamp.iso(stamp, context.timezone) if stamp else None, fields)


def _tree(text: str) -> _Node:
    root = _Node("", {})
    path = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) > windows.MAX_DEPTH:
            raise ParseError(f"nested deeper than {windows.MAX_DEPTH} levels")
        node = _Node(name.rpartition(":")[2], attributes)
        path[-1].children.append(node)
        path.append(node)

    def end(_: str) -> None:
        path.pop()

    def characters(data: str) -> None:
        path[-1].parts.append(data)

    def refuse(*_: object) -> NoReturn:
        raise ParseError("a document type or entity in XML is refused")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(text.encode(), True)
    except (expat.ExpatError, ValueError) as error:
        raise ParseError(f"not XML ({str(error)[:80]}): {excerpt(text)}") from error
    return root.children[0]


def _event_data(about: _Node) -> dict[str, Any]:
    """Names and values; values without name are the list Data."""
    data: dict[str, Any] = {}
    unnamed: list[str] = []
    seen: dict[str, int] = {}
    for node in about.children:
        name = node.attributes.get("Name", "") if node.name == "Data" else node.name
        if not name:
            unnamed.append(node.text)
        elif node.parts:
            data[_numbered(name, seen)] = node.text
    if unnamed:
        data["Data"] = unnamed
    return data


def _nested(node: _Node) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    seen: dict[str, int] = {}
    attributes = {name: value for name, value in node.attributes.items() if not name.startswith("xmlns")}
    if attributes:
        nested["#attributes"] = attributes
    for child in node.children:
        nested[_numbered(child.name, seen)] = (
            _nested(child) if child.children or child.attributes else child.text or None
        )
    if not node.children and node.text.strip():
        nested["#text"] = node.text
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


FORMAT = Format("windows-xml", "Windows event as XML (wevtutil, event forwarding)", parse, _sniff, _continues)
