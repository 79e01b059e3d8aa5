"""Rule folders in, the test of every rule out: its samples as records that a source would hand over, or every fault with its place.

A sequence, for correlations:

    match:
      - name: ten failures in half a minute      # optional: what the report calls it
        events:                                  # its steps
          - {at: 0s, line: 'Nov 20 ... Accepted password for root ...'}
          - {at: 3s, repeat: 10, every: 3s, fields: {user.name: 'user{n}'}}
        until: 1m                                # optional: when observation ends (default: with the last event)
        fires: 2                                 # optional: how often (default: at least once)
        group: {source.ip: 203.0.113.45}         # optional: of which group

A step is a `line`, read by the file's `format` or its own, or `fields`, laid over `given` and read as JSON; a plain line is a step too.
`at` is when it happens, counted from `received`; a step without it happens when the last one did. `repeat` gives it so many times, each
`every` after the one before (default: at once), with `{n}` standing for 1, 2, 3 and so on. Where no step of a sequence says `at` or
`every`, each event has the time that its own record tells. `until`, counted like `at`, is for what fires because something does not happen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeGuard

import msgspec

from collectors.parse import formats
from soc.errors import Fault, FaultsError
from soc.yaml_file import Document, Key, nearest, read, read_one

SUFFIX = ".test.yml"
RECEIVED = datetime(2026, 11, 22, tzinfo=UTC)
"""When lines came in where a test does not say: fixed, so that the same test reads the same on any day."""

MAX_EVENTS = 10_000
"""Events of one sequence: what shows a threshold needs tens."""

_FIELDS_FORMAT = "json"
_SETTINGS = ("format", "received", "given")
_SEQUENCE = ("name", "events", "until", "fires", "group")
_STEP = ("at", "line", "fields", "repeat", "every", "format")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"\+?((?:\d+(?:\.\d+)?(?:ms|[smhd]))+)")
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_NUMBER = "{n}"


class Kind(StrEnum):
    """What a sample shows: of a rule or correlation the first two, of a filter the others."""

    MATCH = "match"
    NEAR_MISS = "near_miss"
    HIDDEN = "hidden"
    KEPT = "kept"


class Subject(StrEnum):
    """What is tested."""

    RULE = "rule"
    CORRELATION = "correlation"
    FILTER = "filter"

    @property
    def kinds(self) -> tuple[Kind, Kind]:
        """The kinds of samples that show what it does and what it must not do."""
        return (Kind.HIDDEN, Kind.KEPT) if self is Subject.FILTER else (Kind.MATCH, Kind.NEAR_MISS)


@dataclass(frozen=True, slots=True)
class Record:
    """One record as a source would hand it over. `at`: when it happens, after `received`; None for the time that it tells itself."""

    data: bytes
    format: str
    at: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """`number` is its place in the list of its kind, from 0. `sequence`: whether it is one, else it has one record.

    `until`: when observation ends, after `received` (None: with the last event). `fires`, `group`: what a sequence must give (None, {}:
    any).
    """

    kind: Kind
    number: int
    records: tuple[Record, ...]
    sequence: bool = False
    name: str = ""
    until: timedelta | None = None
    fires: int | None = None
    group: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """`match 2: over the minute's edge`."""
        return f"{self.kind.value} {self.number + 1}{': ' if self.name else ''}{self.name}"


@dataclass(frozen=True, slots=True)
class RuleTest:
    """The samples of one rule. `document` is None where no test stands beside the rule; `rule_id` is "" for a test without a rule."""

    rule_path: Path
    rule_id: str
    subject: Subject = Subject.RULE
    received: datetime = RECEIVED
    samples: tuple[Sample, ...] = ()
    document: Document | None = None

    def fault(self, at: Iterable[Key], message: str) -> Fault:
        """A fault at a place in the test, or at the rule where there is none."""
        return self.document.fault(at, message) if self.document else Fault(str(self.rule_path), 0, 0, message)


def discover(rule_dirs: Iterable[Path]) -> list[RuleTest]:
    """The test of every rule under these folders (or rule files), in order of path; a rule without one has no samples.

    A filter without a test is left out: tuning may have one. Raises: FaultsError with every fault of every test file at once.
    """
    found: list[RuleTest] = []
    faults: list[Fault] = []
    for path in _rule_files(rule_dirs):
        try:
            test = RuleTest(path, "", document=read_one(path)) if path.name.endswith(SUFFIX) else _test_of(path)
        except FaultsError as error:
            faults += error.faults
            continue
        if test.subject is not Subject.FILTER or test.document is not None:
            found.append(test)
    if faults:
        raise FaultsError(faults)
    return found


def _rule_files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            files = sorted(path for path in place.rglob("*.y*ml") if path.suffix in (".yml", ".yaml"))
            rules = {path.stem for path in files}
            yield from (
                path for path in files if not path.name.endswith(SUFFIX) or path.name.removesuffix(SUFFIX) not in rules
            )
        else:
            yield place


def _test_of(rule_path: Path) -> RuleTest:
    written = [document.data for document in read(rule_path) if isinstance(document.data, dict)]
    rules = [data for data in written if data.get("action") not in ("global", "reset")]
    tops = _tops(rules)
    top = (tops or rules or [{}])[0]
    rule_id = str(top.get("id", "")).lower()
    subject = next((each for each in (Subject.CORRELATION, Subject.FILTER) if each in top), Subject.RULE)
    path = rule_path.with_name(rule_path.stem + SUFFIX)
    if not path.exists():
        return RuleTest(rule_path, rule_id, subject)
    document = read_one(path)
    reader = _Reader(document, subject)
    samples = reader.samples()
    if len(tops) > 1:
        what = f"{rule_path.name} holds {len(tops)} rules; a rule with a test has a file of its own"
        reader.refuse((), f"{what}, beside it only those that a correlation is made of")
    if reader.faults:
        raise FaultsError(reader.faults)
    return RuleTest(rule_path, rule_id, subject, reader.received, samples, document)


def _tops(rules: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rules of a file that no correlation in it is made of."""
    named: set[str] = set()
    for rule in rules:
        block = rule.get("correlation")
        parts = block.get("rules") if isinstance(block, dict) else None
        named.update(map(str, parts if isinstance(parts, list) else [parts] if parts else []))
    return [rule for rule in rules if not {str(rule.get("id")), str(rule.get("name"))} & named]


class _Reader:
    """Reads one test file; notes every fault."""

    def __init__(self, document: Document, subject: Subject) -> None:
        self._document = document
        self._subject = subject
        self.faults: list[Fault] = list(document.duplicates)
        self.received = RECEIVED
        self._format = ""
        self._given: Mapping[str, Any] = {}

    def refuse(self, at: tuple[Key, ...], message: str, *, on_key: bool = False) -> None:
        """Note a fault."""
        self.faults.append(self._document.fault(at, message, on_key=on_key))

    def samples(self) -> tuple[Sample, ...]:
        """All samples, in the order of their kinds; what has a fault is left out."""
        data, kinds = self._document.data, self._subject.kinds
        keys = (*_SETTINGS, *(kind.value for kind in kinds))
        if not isinstance(data, dict):
            self.refuse((), f"a mapping is expected ({', '.join(keys)})")
            return ()
        self._known((), data, keys)
        self._format = self._format_at(("format",), data.get("format"))
        if "received" in data:
            self.received = _moment(data["received"]) or RECEIVED
            if _moment(data["received"]) is None:
                self.refuse(("received",), "a time with its zone is expected, as 2026-11-22T00:00:00Z")
        if _is_fields(data.get("given", {})):
            self._given = data.get("given", {})
        else:
            self.refuse(("given",), "a mapping of field names to values is expected")
        found: list[Sample] = []
        for kind in kinds:
            samples = data.get(kind.value) or []
            if not isinstance(samples, list):
                self.refuse((kind.value,), "a list is expected")
                continue
            for number, sample in enumerate(samples):
                at = (kind.value, number)
                made = self._sequence(kind, at, sample) if _is_sequence(sample) else self._single(kind, at, sample)
                found += [made] if made else []
        return tuple(found)

    def _known(self, at: tuple[Key, ...], data: Mapping[str, Any], keys: Sequence[str]) -> None:
        for key in data:
            if key not in keys:
                self.refuse((*at, key), f'unknown key "{key}"{nearest(str(key), keys)}', on_key=True)

    def _format_at(self, at: tuple[Key, ...], named: object) -> str:
        known = formats()
        if named not in known:
            self.refuse(at, f'format "{named}" is not one of {", ".join(known)}{nearest(str(named), known)}')
        return str(named)

    def _single(self, kind: Kind, at: tuple[str, int], sample: object) -> Sample | None:
        if isinstance(sample, str):
            return Sample(kind, at[1], (Record(sample.encode(), self._format),))
        if not _is_fields(sample):
            self.refuse(at, "a raw line or a mapping of field names to values is expected")
            return None
        if self._format != _FIELDS_FORMAT:
            self.refuse(at, f'fields are written as JSON: the format must be "{_FIELDS_FORMAT}"')
            return None
        line = self._line(at, sample, self.received)
        return Sample(kind, at[1], (Record(line, _FIELDS_FORMAT),)) if line else None

    def _sequence(self, kind: Kind, at: tuple[str, int], case: Mapping[str, Any]) -> Sample | None:
        before = len(self.faults)
        self._known(at, case, _SEQUENCE)
        if self._subject is Subject.RULE:
            self.refuse(at, "a rule looks at one event: only a correlation or a filter is shown a sequence")
        fires, group, name = case.get("fires"), case.get("group", {}), case.get("name", "")
        if fires is not None and not _is_count(fires):
            self.refuse((*at, "fires"), "a whole number above 0 is expected")
        if kind is not Kind.MATCH:
            for key in ("fires", "group"):
                if key in case:
                    self.refuse((*at, key), f'"{key}" is what a sequence under "match" gives', on_key=True)
        if not isinstance(group, dict) or not _is_fields(group):
            self.refuse((*at, "group"), "a mapping of field names to values is expected")
        if not isinstance(name, str):
            self.refuse((*at, "name"), "text is expected")
        until = self._duration((*at, "until"), case["until"]) if "until" in case else None
        records = self._steps((*at, "events"), case["events"])
        if len(self.faults) > before:
            return None
        return Sample(kind, at[1], records, True, name, until, fires, {str(k): str(v) for k, v in group.items()})

    def _steps(self, at: tuple[Key, ...], steps: object) -> tuple[Record, ...]:
        if not isinstance(steps, list) or not steps:
            self.refuse(at, "a list of steps is expected")
            return ()
        timed = any(isinstance(step, dict) and not {"at", "every"}.isdisjoint(step) for step in steps)
        now = timedelta() if timed else None
        records: list[Record] = []
        for number, step in enumerate(steps):
            if isinstance(step, str):
                records.append(Record(step.encode(), self._format, now))
            elif isinstance(step, dict):
                records += self._step((*at, number), step, now)
                now = records[-1].at if records else now
            else:
                self.refuse((*at, number), f"a raw line or a step is expected ({', '.join(_STEP)})")
        if len(records) > MAX_EVENTS:
            self.refuse(at, f"{len(records):,} events; at most {MAX_EVENTS:,} are run")
        return tuple(records)

    def _step(self, at: tuple[Key, ...], step: Mapping[str, Any], now: timedelta | None) -> Iterator[Record]:
        self._known(at, step, _STEP)
        first = self._duration((*at, "at"), step["at"]) if "at" in step else now
        every = self._duration((*at, "every"), step["every"]) if "every" in step else timedelta()
        repeat = step.get("repeat", 1)
        if not _is_count(repeat) or repeat > MAX_EVENTS:
            self.refuse((*at, "repeat"), f"a whole number from 1 to {MAX_EVENTS:,} is expected")
            repeat = 1
        if ("line" in step) == ("fields" in step):
            self.refuse(at, 'a step has either a "line" or "fields"')
            return
        what = "line" if "line" in step else "fields"
        if not (isinstance(step[what], str) if what == "line" else _is_fields(step[what])):
            self.refuse(
                (*at, what), "a raw line" if what == "line" else "a mapping of field names to values is expected"
            )
            return
        if what == "fields" and "format" in step:
            self.refuse((*at, "format"), "fields are always read as JSON", on_key=True)
        named = self._format_at((*at, "format"), step["format"]) if "format" in step else self._format
        for n in range(1, repeat + 1):
            moment = None if first is None else first + every * (n - 1)
            content = _numbered(step[what], n) if "repeat" in step else step[what]
            if what == "line":
                yield Record(content.encode(), named, moment)
            else:
                line = self._line((*at, what), content, self.received + (moment or timedelta()))
                if not line:
                    return
                yield Record(line, _FIELDS_FORMAT, moment)

    def _duration(self, at: tuple[Key, ...], text: object) -> timedelta:
        match = _DURATION.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            self.refuse(at, f'{text!r} is not a duration; write "0s", "90s", "1m30s" or "2h"')
            return timedelta()
        return timedelta(seconds=sum(float(amount) * _UNITS[unit] for amount, unit in _AMOUNT.findall(match[1])))

    def _line(self, at: tuple[Key, ...], fields: Mapping[str, Any], time: datetime) -> bytes:
        """Fields as the nested JSON that applications write; b"" with a fault where one field holds another."""
        written = {"@timestamp": time.isoformat(), **self._given, **fields}
        present = {name: value for name, value in written.items() if value is not None}
        nested: dict[str, Any] = {}
        for name, value in present.items():
            inner = next((other for other in present if other.startswith(f"{name}.")), None)
            if inner:
                self.refuse(at, f'"{inner}" cannot stand beside "{name}", which is a value')
                return b""
            *parents, leaf = name.split(".")
            level = nested
            for parent in parents:
                level = level.setdefault(parent, {})
            level[leaf] = value
        return msgspec.json.encode(nested)


def _is_sequence(sample: object) -> bool:
    return isinstance(sample, dict) and "events" in sample


def _is_fields(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and all(isinstance(k, str) and not isinstance(v, dict) for k, v in value.items())


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _numbered(content: Any, n: int) -> Any:
    """The content of a step with `{n}` as the number of the repetition."""
    if isinstance(content, str):
        return content.replace(_NUMBER, str(n))
    if isinstance(content, list):
        return [_numbered(item, n) for item in content]
    return {name: _numbered(value, n) for name, value in content.items()} if isinstance(content, dict) else content
