"""Paths of Sigma rules in, their content in our own form out; or every fault in them at once, each with its place."""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from soc import yaml_file
from soc.detect.sigma import cache as rule_cache
from soc.detect.sigma import references
from soc.detect.sigma.check import check
from soc.detect.sigma.ir import Content, id_of
from soc.errors import Fault, FaultsError
from soc.yaml_file import Document

SUFFIXES = (".yml", ".yaml")
MAX_DOCUMENTS = 2_000
TEST_SUFFIX = ".test"
"""`NAME.test.yml` beside a rule holds its test events, not a rule."""


def load(
    paths: Sequence[Path], *, cache: Path | None = None, placeholders: Mapping[str, list[str]] | None = None
) -> list[tuple[str, Content]]:
    """All detection rules, correlations and filters under the paths (files, or folders with their sub-folders), each with its path.

    `cache`: folder for what was parsed (created where missing), None for none. `placeholders`: values of %names% for `expand`.
    Raises: FaultsError with every fault of every file; a rule that cannot be loaded is never left out in silence.
    """
    rules, faults = _read(paths, cache, placeholders or {})
    return _linked(rules, faults)


def read(
    paths: Sequence[Path], *, cache: Path | None = None, placeholders: Mapping[str, list[str]] | None = None
) -> list[tuple[str, Content]]:
    """What the files under the paths hold, each by itself: names of rules that stand elsewhere are not looked up. Raises: FaultsError."""
    rules, faults = _read(paths, cache, placeholders or {})
    faults += duplicate_ids(rules)
    if faults:
        raise FaultsError(faults)
    return rules


def linked(content: Sequence[tuple[str, Content]]) -> list[tuple[str, Content]]:
    """Content that was read from here and there as one set, as `load` gives it. Raises: FaultsError (ids that stand twice, wrong names)."""
    return _linked(list(content), [])


def _read(
    paths: Sequence[Path], cache: Path | None, placeholders: Mapping[str, list[str]]
) -> tuple[list[tuple[str, Content]], list[Fault]]:
    made_by = rule_cache.maker(placeholders)
    place = cache / f"sigma-{_name(paths)}.msgpack" if cache else None
    known = rule_cache.read(place, made_by) if place else {}
    loaded: dict[str, list[Content]] = {}
    faults: list[Fault] = []
    rules: list[tuple[str, Content]] = []
    for path in files(paths):
        try:
            content = raw_content(path)
            key = rule_cache.digest(content)
            found = loaded.get(key) or known.get(key)
            if found is None:
                found = _parsed(path, content, placeholders)
        except FaultsError as error:
            faults += error.faults
            continue
        loaded[key] = found
        rules += [(str(path), rule) for rule in found]
    if place and loaded.keys() != known.keys():
        rule_cache.write(place, made_by, loaded)
    return rules, faults


def _linked(rules: list[tuple[str, Content]], faults: list[Fault]) -> list[tuple[str, Content]]:
    faults = [*faults, *duplicate_ids(rules)]
    names = references.Names(rules)
    faults += references.with_sources(references.faults(rules, names, complete=not faults))
    if faults:
        raise FaultsError(faults)
    return _warned(rules, names)


def files(paths: Sequence[Path]) -> Iterator[Path]:
    """The rule files under the paths, sorted within each. Raises: FaultsError for a path that is not there."""
    seen: set[str] = set()
    for path in paths:
        if not path.exists():
            raise FaultsError([Fault(str(path), 0, 0, "no such file or folder")])
        for name in sorted(_walk(str(path))) if path.is_dir() else [str(path)]:
            if name not in seen:
                seen.add(name)
                yield Path(name)


def documents(path: Path, raw: bytes | None = None) -> list[Document]:
    """The rule documents of a file; `action: global`, `reset` and `repeat` of older collections are carried out.

    `raw`: the file's bytes, where they are at hand. Raises: FaultsError.
    """
    shared: dict[str, Any] = {}
    previous: dict[str, Any] = {}
    found = []
    whole = yaml_file.read(path) if raw is None else yaml_file.parse_bytes(raw, str(path))
    if len(whole) > MAX_DOCUMENTS:
        message = f"{len(whole):,} documents; at most {MAX_DOCUMENTS:,} are read from one file"
        raise FaultsError([whole[MAX_DOCUMENTS].fault([], message, length=1)])
    for document in whole:
        data = document.data
        action = data.get("action") if isinstance(data, dict) else None
        if action == "global":
            shared = _merged(shared, _without_action(data))
        elif action == "reset":
            shared = {}
        elif action == "repeat":
            previous = _merged(previous, _without_action(data))
            found.append(dataclasses.replace(document, data=previous))
        elif action is not None:
            raise FaultsError([document.fault(["action"], f'unknown action "{action}" (one of global, reset, repeat)')])
        elif shared and isinstance(data, dict):
            previous = _merged(shared, data)
            found.append(dataclasses.replace(document, data=previous))
        else:
            previous = data if isinstance(data, dict) else {}
            found.append(document)
    return found


def raw_content(path: Path) -> bytes:
    """A file's bytes. Raises: FaultsError."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  Path.read_bytes costs twice as much, 3,780 times
            return file.read()
    except OSError as error:
        raise FaultsError([Fault(str(path), 0, 0, f"cannot be read: {error.strerror}")]) from error


def _parsed(path: Path, raw: bytes, placeholders: Mapping[str, list[str]]) -> list[Content]:
    """The rules of one file. Raises: FaultsError."""
    found, faults = parsed(path, raw, placeholders)
    if faults:
        raise FaultsError(faults)
    return [each for _, each in found]


def parsed(
    path: Path, raw: bytes, placeholders: Mapping[str, list[str]]
) -> tuple[list[tuple[Document, Content]], list[Fault]]:
    """What the documents of one file's bytes become, and the faults of those that become nothing."""
    from soc.detect.sigma import parse  # what it imports is for files that are not in the cache

    found: list[tuple[Document, Content]] = []
    faults: list[Fault] = []
    try:
        whole = documents(path, raw)
    except FaultsError as error:
        return found, error.faults
    for document in whole:
        wrong = check(document)
        if wrong:
            faults += wrong
            continue
        try:
            found.append((document, parse.content(document, raw, placeholders)))
        except FaultsError as error:
            faults += error.faults
    return found, faults


def _walk(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _walk(entry.path)
            elif entry.name.endswith(SUFFIXES) and not Path(entry.name).stem.endswith(TEST_SUFFIX):
                yield entry.path


def duplicate_ids(rules: Sequence[tuple[str, Content]]) -> Iterator[Fault]:
    """A fault for each rule whose id another has."""
    first: dict[str, tuple[str, Content]] = {}
    for path, rule in rules:
        earlier_path, earlier = first.setdefault(rule.id, (path, rule))
        if earlier is not rule or earlier_path != path:
            what = f'the name "{rule.name}"' if rule.name and rule.id == id_of(rule.name) else f"the id {rule.id}"
            yield Fault(path, rule.line, 1, f'{what} is taken by "{earlier.title}" ({earlier_path}:{earlier.line})')


def _warned(rules: list[tuple[str, Content]], names: references.Names) -> list[tuple[str, Content]]:
    """The content with the warnings that only the whole set gives."""
    for number, words in references.warnings(rules, names):
        path, each = rules[number]
        rules[number] = path, msgspec.structs.replace(each, warnings=(*each.warnings, words))
    return rules


def _name(paths: Sequence[Path]) -> str:
    return blake2b("\0".join(sorted(str(path.resolve()) for path in paths)).encode(), digest_size=6).hexdigest()


def _without_action(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "action"}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on `base`, maps merged key by key."""
    result = copy.deepcopy(dict(base))
    for key, value in over.items():
        mine = result.get(key)
        result[key] = _merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return result
