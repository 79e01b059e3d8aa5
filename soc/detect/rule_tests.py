"""Rule folders in, one verdict a sample line out: every rule's own lines, parsed and matched by what runs in production.

Beside `NAME.yml` stands `NAME.test.yml`:

    format: syslog                     # a parser of collectors.parse
    received: 2026-11-22T00:00:00Z     # optional: when the lines came in; a syslog time without a year is read against it
    given: {event.action: approve}     # optional: fields that every sample given as fields shares
    match:                             # each of these must fire the rule
      - 'Nov 20 02:14:07 jump-01 sshd[2231]: Accepted password for root from 203.0.113.45 port 41022 ssh2'
    near_miss:                         # each of these must not, although it nearly does
      - 'Nov 20 02:14:07 jump-01 sshd[2231]: Failed password for root from 203.0.113.45 port 41022 ssh2'

A sample is a raw line or, where the format is `json`, the fields of an event: they are laid over `given` (null takes a field away) and
written as one line of JSON before they are parsed, so that both ways go through the parser. A rule needs samples of both kinds.
Enrichment takes no part: a rule must stand on what the record says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

from collectors.event import Event
from collectors.parse import Context, formats, parse_batch
from collectors.record import Position, RawRecord
from soc.detect import Detection, Rule
from soc.errors import Fault, FaultsError
from soc.yaml_file import Document, Key, nearest, read, read_one

SUFFIX = ".test.yml"
RECEIVED = datetime(2026, 11, 22, tzinfo=UTC)
"""When lines came in where a test does not say: fixed, so that the same test reads the same on any day."""

_KEYS = ("format", "received", "given", "match", "near_miss")
_FIELDS_FORMAT = "json"
_SOURCE = "rule-test"


class Kind(StrEnum):
    """What a sample shows."""

    MATCH = "match"
    NEAR_MISS = "near_miss"


@dataclass(frozen=True, slots=True)
class Sample:
    """One record as a source would hand it over; `number` is its place in the list of its kind, from 0."""

    kind: Kind
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class RuleTest:
    """The samples of one rule. `document` is None where no test stands beside the rule; `rule_id` is "" for a test without a rule."""

    rule_path: Path
    rule_id: str
    format: str = ""
    received: datetime = RECEIVED
    samples: tuple[Sample, ...] = ()
    document: Document | None = None

    def fault(self, at: Iterable[Key], message: str) -> Fault:
        """A fault at a place in the test, or at the rule where there is none."""
        return self.document.fault(at, message) if self.document else Fault(str(self.rule_path), 0, 0, message)


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one sample, or (`sample` None) on what is missing. `fault`: where and why it failed; None where it passed."""

    test: RuleTest
    sample: Sample | None
    fault: Fault | None

    @property
    def passed(self) -> bool:
        """Whether the rule did what the sample asks of it."""
        return self.fault is None


@dataclass(frozen=True, slots=True)
class Reading:
    """One sample as its parser read it: an event, or why it is none."""

    test: RuleTest
    sample: Sample
    event: Event | None
    unread: str


class Rules(Protocol):
    """What a test needs of a rule set (soc.detect.sigma.RuleSet): detections, one rule by id, and an account of why."""

    def detect(self, batch: Sequence[Event]) -> list[Detection]: ...
    def rule(self, rule_id: str) -> Rule | None: ...
    def explain(self, rule_id: str, event: Event) -> object: ...


def discover(rule_dirs: Iterable[Path]) -> list[RuleTest]:
    """The test of every rule under these folders (or rule files), in order of path; a rule without one has no samples.

    Raises: FaultsError with every fault of every test file at once.
    """
    found: list[RuleTest] = []
    faults: list[Fault] = []
    for path in _rule_files(rule_dirs):
        try:
            found.append(_orphan(path) if path.name.endswith(SUFFIX) else _test_of(path))
        except FaultsError as error:
            faults += error.faults
    if faults:
        raise FaultsError(faults)
    return found


def read_samples(tests: Sequence[RuleTest]) -> list[Reading]:
    """Every sample of the tests, in their order, as the production parser reads it."""
    pairs = [(test, sample) for test in tests for sample in test.samples]
    by_format: dict[str, list[RawRecord]] = defaultdict(list)
    for number, (test, sample) in enumerate(pairs):
        position = Position(str(test.rule_path), _SOURCE, number, number)
        by_format[test.format].append(RawRecord(sample.data, _SOURCE, position, test.received))
    events: dict[int, Event] = {}
    unread: dict[int, str] = {}
    for name, records in by_format.items():
        parsed, dead = parse_batch(records, name, Context())
        events.update({event.position.index: event for event in parsed})
        unread.update({d.record.position.index: f"the {name} parser cannot read it: {d.reason}" for d in dead})
    return [Reading(*pair, events.get(number), unread.get(number, "")) for number, pair in enumerate(pairs)]


def run(tests: Sequence[RuleTest], ruleset: Rules) -> list[Result]:
    """One result a sample in the order of `tests`, and one for each kind of sample that a rule lacks."""
    readings = read_samples(tests)
    detections = ruleset.detect([reading.event for reading in readings if reading.event])
    fired = {(detection.events[-1].id, detection.rule.id): detection for detection in detections}
    verdicts: dict[int, list[Result]] = defaultdict(list)
    for reading in readings:
        test, sample, event = reading.test, reading.sample, reading.event
        detection = fired.get((event.id, test.rule_id)) if event else None
        why = reading.unread or _failure(test, sample, event, detection, ruleset)
        fault = test.fault((sample.kind.value, sample.number), why) if why else None
        verdicts[id(test)].append(Result(test, sample, fault))
    return [result for test in tests for result in (*verdicts[id(test)], *_missing(test))]


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


def _orphan(path: Path) -> RuleTest:
    return RuleTest(path, "", document=read_one(path))


def _test_of(rule_path: Path) -> RuleTest:
    rules = read(rule_path)
    rule_id = next((str(rule.data.get("id", "")) for rule in rules if isinstance(rule.data, dict)), "").lower()
    path = rule_path.with_name(rule_path.stem + SUFFIX)
    if not path.exists():
        return RuleTest(rule_path, rule_id)
    document = read_one(path)
    faults = list(_faults(document))
    if len(rules) > 1:
        faults.append(
            document.fault((), f"{rule_path.name} holds {len(rules)} rules; a rule with a test has a file of its own")
        )
    if faults:
        raise FaultsError(faults)
    data = document.data
    received = _moment(data["received"]) if "received" in data else None
    samples = tuple(_samples(document, data.get("given") or {}, received or RECEIVED))
    return RuleTest(rule_path, rule_id, data["format"], received or RECEIVED, samples, document)


def _samples(document: Document, given: Mapping[str, Any], received: datetime) -> Iterator[Sample]:
    """Raises: FaultsError for fields that cannot stand in one event."""
    for kind in Kind:
        for number, sample in enumerate(document.data.get(kind.value) or []):
            try:
                yield Sample(kind, number, _line(sample, given, received))
            except ValueError as error:
                raise FaultsError([document.fault((kind.value, number), str(error))]) from error


def _faults(document: Document) -> Iterator[Fault]:
    data = document.data
    yield from document.duplicates
    if not isinstance(data, dict):
        yield document.fault((), f"a mapping is expected ({', '.join(_KEYS)})")
        return
    for key in data:
        if key not in _KEYS:
            yield document.fault((key,), f'unknown key "{key}"{nearest(str(key), _KEYS)}', on_key=True)
    known = formats()
    if data.get("format") not in known:
        named = data.get("format")
        yield document.fault(
            ("format",), f'format "{named}" is not one of {", ".join(known)}{nearest(str(named), known)}'
        )
    if "received" in data and _moment(data["received"]) is None:
        yield document.fault(("received",), "a time with its zone is expected, as 2026-11-22T00:00:00Z")
    if not _is_fields(data.get("given", {})):
        yield document.fault(("given",), "a mapping of field names to values is expected")
    for kind in Kind:
        samples = data.get(kind.value) or []
        if not isinstance(samples, list):
            yield document.fault((kind.value,), "a list is expected")
            continue
        for number, sample in enumerate(samples):
            if not isinstance(sample, str) and not _is_fields(sample):
                message = "a raw line or a mapping of field names to values is expected"
                yield document.fault((kind.value, number), message)
            elif not isinstance(sample, str) and data.get("format") != _FIELDS_FORMAT:
                yield document.fault(
                    (kind.value, number), f'fields are written as JSON: the format must be "{_FIELDS_FORMAT}"'
                )


def _is_fields(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(k, str) and not isinstance(v, dict) for k, v in value.items())


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _line(sample: str | Mapping[str, Any], given: Mapping[str, Any], received: datetime) -> bytes:
    """A raw line as it stands; fields as the nested JSON that applications write. Raises: ValueError where one field holds another."""
    if isinstance(sample, str):
        return sample.encode()
    written = {"@timestamp": received.isoformat(), **given, **sample}
    fields = {name: value for name, value in written.items() if value is not None}
    for name in fields:
        inner = next((other for other in fields if other.startswith(f"{name}.")), None)
        if inner:
            raise ValueError(f'"{inner}" cannot stand beside "{name}", which is a value')
    nested: dict[str, Any] = {}
    for name, value in fields.items():
        *parents, leaf = name.split(".")
        level = nested
        for parent in parents:
            level = level.setdefault(parent, {})
        level[leaf] = value
    return msgspec.json.encode(nested)


def _failure(test: RuleTest, sample: Sample, event: Event | None, fired: Detection | None, ruleset: Rules) -> str:
    """Why the sample failed, or ""."""
    if ruleset.rule(test.rule_id) is None:
        return f'no rule of id "{test.rule_id}" was loaded from {test.rule_path.name}'
    if sample.kind is Kind.NEAR_MISS and fired is not None:
        because = "; ".join(
            f'{m.where}: {m.pattern} matches {m.field or "the event"} "{m.value}"' for m in fired.matched
        )
        return f"the rule fired on a near miss: {because}"
    if sample.kind is Kind.MATCH and fired is None and event is not None:
        return f"the rule did not fire:\n{ruleset.explain(test.rule_id, event)}"
    return ""


def _missing(test: RuleTest) -> Iterator[Result]:
    if not test.rule_id and test.document is not None:
        yield Result(
            test,
            None,
            test.fault((), f"no rule {test.rule_path.name.removesuffix(SUFFIX)}.yml stands beside this test"),
        )
    elif test.document is None:
        yield Result(test, None, test.fault((), f"has no test: write {test.rule_path.stem}{SUFFIX} beside it"))
    else:
        present = {sample.kind for sample in test.samples}
        for kind in Kind:
            if kind not in present:
                yield Result(test, None, test.fault((), f"has no {kind.value} sample; a rule needs both kinds"))
