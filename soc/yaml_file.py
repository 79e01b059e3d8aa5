"""YAML text in, plain data with the place of every key and value out: what rules, playbooks, soc.yaml and inventories are read by.

PyYAML's C parser, with what its loader lacks: duplicate keys are told, nesting and size are bounded before anything recurses (60 kB of
`[` crash it), aliases are refused (a 300-byte bomb expands to millions of values), dates stay text, and every fault names file:line:column.

Plain files, nearly all, take one pass over the parser's events. Nodes, which know places and cost most of the time, are composed for a
file with a fault, a tag, a key that is no text or stands twice, and no other.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from soc.errors import Fault, FaultsError

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_LINE = 1_000
"""Characters of a line that a fault shows; nobody reads on."""
_PLAIN_DIGITS = 19

Key = str | int


class _Loader(yaml.CSafeLoader):
    """The C loader with YAML's own scalars but for timestamps: a date is what its author wrote."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


class _Text:
    """A file's text, with what is made of it only where a place is asked for."""

    __slots__ = ("_lines", "_nodes", "name", "text")

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self._lines: list[str] = []
        self._nodes: list[yaml.Node] | None = None

    def nodes(self) -> list[yaml.Node]:
        """The nodes of the documents; the text is known to be bounded."""
        if self._nodes is None:
            self._nodes = [node for node in yaml.compose_all(self.text, _Loader) if node is not None]
        return self._nodes

    def fault(self, start: Any, message: str, end: Any = None, offset: int = 0, length: int = 0) -> Fault:
        """A fault from mark `start` to mark `end`, or of `length` characters from `offset` on."""
        self._lines = self._lines or self.text.split("\n")
        source = self._lines[start.line] if start.line < len(self._lines) else ""
        if source[start.column : start.column + 1] in ("'", '"') and offset:
            offset += 1
        span = end.column - start.column if end is not None and end.line == start.line else len(source) - start.column
        column = start.column + offset
        source = source[:MAX_LINE] if column < MAX_LINE else ""
        return Fault(
            self.name, start.line + 1, column + 1, message, source, max(1, min(length or span - offset, MAX_LINE))
        )


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: `data` as plain dicts, lists and scalars, and faults on request at the place of any key path in it."""

    path: str
    data: Any
    line: int
    """Where its content begins, from 1."""
    duplicates: tuple[Fault, ...]
    """A fault for every key that stands twice; `data` has its last value. Whoever judges the document tells these with its own faults."""
    _text: _Text
    _number: int

    def fault(
        self, at: Iterable[Key], message: str, *, on_key: bool = False, offset: int = 0, length: int = 0
    ) -> Fault:
        """A fault at the value (or, `on_key`, the key) that the key path `at` leads to; as far as the path goes.

        `offset`, `length`: a part of that scalar to underline, in characters from its start.
        """
        key: yaml.Node | None = None
        node = self._text.nodes()[self._number]
        for step in at:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
        place = key if on_key and key is not None else node
        return self._text.fault(place.start_mark, message, place.end_mark, offset, length)


def _child(node: yaml.Node, step: Key) -> tuple[yaml.Node | None, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if isinstance(k, yaml.ScalarNode) and k.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    return None


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean "contains"?`, or nothing where no known word is near."""
    match = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f'; did you mean "{match[0]}"?' if match else ""


def described(value: object) -> str:
    """What a value is, for people: "a map", "a number", "nothing"."""
    return _NAMES.get(type(value), type(value).__name__)


_NAMES = {
    dict: "a map",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}


def read(path: Path, name: str = "") -> list[Document]:
    """All documents of a file; `name` is how faults call it (default: the path as given).

    Raises: FaultsError with the syntax fault or the bound that is broken.
    """
    name = name or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FaultsError([Fault(name, 0, 0, f"cannot be read: {error.strerror}")]) from error
    return parse_bytes(raw, name)


def parse_bytes(raw: bytes, name: str) -> list[Document]:
    """All documents of a file's bytes. Raises: FaultsError as `read`."""
    if len(raw) > MAX_BYTES:
        raise FaultsError([Fault(name, 0, 0, f"{len(raw):,} bytes; at most {MAX_BYTES:,} are read")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise FaultsError([Fault(name, line, column, f"byte 0x{raw[error.start]:02x} is not UTF-8")]) from error
    return parse(text, name)


def read_one(path: Path, name: str = "") -> Document:
    """The only document of a file. Raises: FaultsError as `read`, and where the file holds none or several."""
    documents = read(path, name)
    if len(documents) != 1:
        raise FaultsError(
            [Fault(name or str(path), 0, 0, f"holds {len(documents)} YAML documents; exactly one is expected")]
        )
    return documents[0]


def parse(text: str, name: str) -> list[Document]:
    """All documents of a text. Raises: FaultsError."""
    whole = _Text(text, name)
    try:
        plain = _plain(text)
        if plain is not None:
            return [Document(name, data, line, (), whole, number) for number, (data, line) in enumerate(plain)]
        _refuse_bombs(whole)
        nodes = whole.nodes()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        began = f" ({error.context}, which began on line {error.context_mark.line + 1})" if error.context_mark else ""
        message = f"YAML syntax: {error.problem}{began}"
        fault = whole.fault(mark, message, length=1) if mark else Fault(name, 0, 0, message)
        raise FaultsError([fault]) from error
    except yaml.reader.ReaderError as error:
        place = Fault(
            name, text.count("\n", 0, error.position) + 1, 1, f"character {error.character!r} is not allowed in YAML"
        )
        raise FaultsError([place]) from error
    return [
        Document(
            name, _construct(node, whole), node.start_mark.line + 1, tuple(_duplicates(node, whole)), whole, number
        )
        for number, node in enumerate(nodes)
    ]


# --- Plain files ----------------------------------------------------------------------------------------------------------------------


class _UnusualError(Exception):
    """A text that nodes must be composed for."""


def _plain(text: str) -> list[tuple[Any, int]] | None:
    """Data and first line of each document in one pass over the events; None where anything is unusual."""
    loader = _Loader(text)
    found: list[tuple[Any, int]] = []
    try:
        while True:
            event = loader.get_event()
            kind = type(event)
            if kind is yaml.StreamEndEvent:
                return found
            if kind is not yaml.StreamStartEvent and kind is not yaml.DocumentEndEvent:
                found.append(_content(loader))
    except _UnusualError:
        return None
    finally:
        loader.dispose()


def _content(loader: Any) -> tuple[Any, int]:
    """The data and the first line of the document that begins. Raises: _UnusualError."""
    line = 0
    data: Any = None
    outer: list[tuple[Any, str | None]] = []
    inner: Any = None  # the map or list that is being filled
    key: str | None = None  # of a map: the key whose value comes next
    while True:
        event = loader.get_event()
        kind = type(event)
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            inner, key = outer.pop()
            if not outer:
                return data, line
            continue
        made = _made(event, kind)
        if type(inner) is dict and key is None:
            key = _key(made, inner)
            continue
        if not outer:
            line, data = event.start_mark.line + 1, made
            if kind is yaml.ScalarEvent:
                return data, line
        elif key is None:
            inner.append(made)
        else:
            inner[key] = made
            key = None
        if kind is not yaml.ScalarEvent:
            if len(outer) >= MAX_DEPTH:
                raise _UnusualError
            outer.append((inner, key))
            inner = made


def _made(event: Any, kind: type) -> Any:
    """A scalar's value; a new map or list where one begins."""
    if kind is yaml.AliasEvent or event.tag is not None:
        raise _UnusualError
    if kind is yaml.ScalarEvent:
        return _resolved(event.value) if event.implicit[0] else event.value
    return {} if kind is yaml.MappingStartEvent else []


def _key(made: Any, inner: Mapping[str, Any]) -> str:
    if type(made) is not str or made in inner:
        raise _UnusualError
    return made


_TRUE_OR_FALSE = {
    word: truth
    for truth, words in ((True, ("yes", "true", "on")), (False, ("no", "false", "off")))
    for lower in words
    for word in (lower, lower.capitalize(), lower.upper())
}


def _resolved(value: str) -> Any:
    """What an unquoted scalar is in YAML 1.1. Raises: _UnusualError."""
    resolvers = _Loader.yaml_implicit_resolvers.get(value[:1])
    if resolvers is None:
        return value
    tag = next((tag for tag, pattern in resolvers if pattern.match(value)), None)
    if tag is None:
        return value
    kind = tag.rpartition(":")[2]
    if kind == "bool":
        return _TRUE_OR_FALSE[value]
    if kind == "null":
        return None
    if kind == "int" and value.isdecimal() and value.isascii() and len(value) < _PLAIN_DIGITS and value[0] != "0":
        return int(value)
    if kind == "int" and value == "0":
        return 0
    raise _UnusualError


# --- Files with a fault or anything unusual ---------------------------------------------------------------------------------------------


def _refuse_bombs(whole: _Text) -> None:
    depth = 0
    for event in yaml.parse(whole.text, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise FaultsError([whole.fault(event.start_mark, f"nested deeper than {MAX_DEPTH} levels", length=1)])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            raise FaultsError([whole.fault(event.start_mark, "aliases are not supported: write the value out")])


def _duplicates(node: yaml.Node, whole: _Text) -> Iterator[Fault]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                first = seen.setdefault(key.value, key)
                if first is not key:
                    where = first.start_mark.line + 1
                    message = f'duplicate key "{key.value}": the value on line {where} would be lost'
                    yield whole.fault(key.start_mark, message, key.end_mark)
            yield from _duplicates(value, whole)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item, whole)


def _construct(node: yaml.Node, whole: _Text) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except (yaml.MarkedYAMLError, ValueError) as error:  # an unknown tag, `!!int abc`, an unhashable key
        mark = getattr(error, "problem_mark", None) or node.start_mark
        problem = getattr(error, "problem", None) or str(error)
        raise FaultsError([whole.fault(mark, f"YAML value: {problem}", length=1)]) from error
    finally:
        loader.dispose()
