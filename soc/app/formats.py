"""Folders of described formats (collectors.parse.described) in, formats or every fault with its place out; and each sample's verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.described import Described, describe
from collectors.parse.format import Context, Message
from collectors.parse.registry import DESCRIPTIONS, is_shipped
from collectors.record import Position, RawRecord
from soc.errors import Fault, FaultsError
from soc.yaml_file import Document, read_one

if TYPE_CHECKING:
    from datetime import datetime

    from collectors.parse.described import Sample


@dataclass(frozen=True, slots=True)
class FormatFile:
    """One description with the document that it was read from, for places."""

    path: Path
    described: Described
    document: Document


@dataclass(frozen=True, slots=True)
class SampleResult:
    """The verdict on one sample; `fault` is None where it passed."""

    file: FormatFile
    sample: Sample
    fault: Fault | None


def site_formats(folders: Iterable[Path]) -> list[Described]:
    """The formats of a site. Raises: FaultsError with every fault of every file, a name that one of ours has among them."""
    return [each.described for each in read_formats(folders)]


def read_formats(folders: Iterable[Path]) -> list[FormatFile]:
    """Every description in these folders, in order of path. Raises: FaultsError."""
    found: list[FormatFile] = []
    faults: list[Fault] = []
    for path in [path for folder in folders for path in _files(folder)]:
        try:
            document = read_one(path)
        except FaultsError as error:
            faults += error.faults
            continue
        described, wrong = describe(path.stem, document.data)
        told = [*document.duplicates, *(document.fault(each.at, each.message, on_key=each.on_key) for each in wrong)]
        if path.parent != DESCRIPTIONS and is_shipped(path.stem):
            told.append(document.fault((), f'"{path.stem}" is a format of ours: name the file otherwise'))
        elif any(each.path.stem == path.stem for each in found):
            told.append(document.fault((), f'another folder has a format "{path.stem}" already'))
        faults += told
        if described is not None and not told:
            found.append(FormatFile(path, described, document))
    if faults:
        raise FaultsError(sorted(faults, key=lambda fault: (fault.path, fault.line, fault.column)))
    return found


def _files(folder: Path) -> Sequence[Path]:
    if not folder.is_dir():
        raise FaultsError([Fault(str(folder), 0, 0, "there is no folder of formats here")])
    return sorted(path for path in folder.iterdir() if path.suffix in (".yml", ".yaml"))


def run_samples(files: Iterable[FormatFile], now: datetime) -> Iterator[SampleResult]:
    """The verdict on every sample: exactly its fields and its time (UTC where the line names no zone), or refused as it should be."""
    for file in files:
        for sample in file.described.samples:
            message = _verdict(file.described, sample, now)
            yield SampleResult(file, sample, file.document.fault(sample.at, message) if message else None)


def _verdict(described: Described, sample: Sample, now: datetime) -> str:
    """What is wrong, "" where nothing is."""
    data = sample.line.encode("utf-8", "replace")
    fields: dict[str, Value] = {}
    if isinstance(described.made, Message):
        described.made.parse(sample.line, fields)
    else:
        try:
            parsed = described.made.parse(RawRecord(data, "test", Position("", "", 0, 1), now), Context())
        except ParseError as error:
            return f"it is refused: {error.reason}" if sample.fields is not None else ""
        if sample.fields is not None and sample.time is not None and parsed.time != sample.time:
            return f"its time is {parsed.time.isoformat() if parsed.time else 'not said'}"
        fields = {name: value for name, value in parsed.fields.items() if name != "event.dataset"}
        if sample.fields is None:
            return "it is read, and should be refused"
    return _difference(sample.fields or {}, fields)


def _difference(expected: Mapping[str, Value], found: Mapping[str, Value]) -> str:
    missing = [f"{name} is missing" for name in expected if name not in found]
    more = [f"{name}: {value!r} is not expected" for name, value in found.items() if name not in expected]
    other = [
        f"{name} is {found[name]!r}, not {value!r}"
        for name, value in expected.items()
        if name in found and (found[name] != value or type(found[name]) is not type(value))
    ]
    return "; ".join([*other, *missing, *more])
