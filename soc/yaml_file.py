"""YAML text in, plain data with the place of every key and value out: what rules, playbooks, soc.yaml and inventories are read by.

PyYAML's C loader, with what it lacks: duplicate keys are told, nesting and size are bounded before the parser recurses (60 kB of
`[` crash it), aliases are refused (a 300-byte bomb expands to millions of values), dates stay text, and every fault names file:line:column.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from soc.errors import Fault, FaultsError

MAX_BYTES = 1_000_000
MAX_DEPTH = 50

Key = str | int


class _Loader(yaml.CSafeLoader):
    """The C loader with YAML's own scalars but for timestamps: a date is what its author wrote."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: `data` as plain dicts, lists and scalars, and faults on request at the place of any key path in it."""

    path: str
    data: Any
    node: yaml.Node
    lines: tuple[str, ...]
    duplicates: tuple[Fault, ...] = ()
    """A fault for every key that stands twice; `data` has its last value. Whoever judges the document tells these with its own faults."""

    def fault(
        self, at: Iterable[Key], message: str, *, on_key: bool = False, offset: int = 0, length: int = 0
    ) -> Fault:
        """A fault at the value (or, `on_key`, the key) that the key path `at` leads to; as far as the path goes.

        `offset`, `length`: a part of that scalar to underline, in characters from its start.
        """
        key: yaml.Node | None = None
        node: yaml.Node = self.node
        for step in at:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
        place = key if on_key and key is not None else node
        return _fault(self.path, self.lines, place.start_mark, message, place.end_mark, offset, length)


def _child(node: yaml.Node, step: Key) -> tuple[yaml.Node | None, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if isinstance(k, yaml.ScalarNode) and k.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    return None


def _fault(
    path: str, lines: tuple[str, ...], start: Any, message: str, end: Any = None, offset: int = 0, length: int = 0
) -> Fault:
    source = lines[start.line] if start.line < len(lines) else ""
    if source[start.column : start.column + 1] in ("'", '"') and offset:
        offset += 1
    span = end.column - start.column if end is not None and end.line == start.line else len(source) - start.column
    column = start.column + offset
    return Fault(path, start.line + 1, column + 1, message, source, max(1, length or span - offset))


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
    lines = tuple(text.split("\n"))
    try:
        _refuse_bombs(text, name, lines)
        nodes = list(yaml.compose_all(text, _Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        began = f" ({error.context}, which began on line {error.context_mark.line + 1})" if error.context_mark else ""
        message = f"YAML syntax: {error.problem}{began}"
        fault = _fault(name, lines, mark, message, length=1) if mark else Fault(name, 0, 0, message)
        raise FaultsError([fault]) from error
    except yaml.reader.ReaderError as error:
        place = Fault(
            name, text.count("\n", 0, error.position) + 1, 1, f"character {error.character!r} is not allowed in YAML"
        )
        raise FaultsError([place]) from error
    return [
        Document(name, _construct(node, name, lines), node, lines, tuple(_duplicates(node, name, lines)))
        for node in nodes
        if node is not None
    ]


def _refuse_bombs(text: str, name: str, lines: tuple[str, ...]) -> None:
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise FaultsError(
                    [_fault(name, lines, event.start_mark, f"nested deeper than {MAX_DEPTH} levels", length=1)]
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            raise FaultsError([_fault(name, lines, event.start_mark, "aliases are not supported: write the value out")])


def _duplicates(node: yaml.Node, name: str, lines: tuple[str, ...]) -> Iterator[Fault]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                first = seen.setdefault(key.value, key)
                if first is not key:
                    where = first.start_mark.line + 1
                    message = f'duplicate key "{key.value}": the value on line {where} would be lost'
                    yield _fault(name, lines, key.start_mark, message, key.end_mark)
            yield from _duplicates(value, name, lines)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item, name, lines)


def _construct(node: yaml.Node, name: str, lines: tuple[str, ...]) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except (yaml.MarkedYAMLError, ValueError) as error:  # an unknown tag, `!!int abc`, an unhashable key
        mark = getattr(error, "problem_mark", None) or node.start_mark
        problem = getattr(error, "problem", None) or str(error)
        raise FaultsError([_fault(name, lines, mark, f"YAML value: {problem}", length=1)]) from error
    finally:
        loader.dispose()
