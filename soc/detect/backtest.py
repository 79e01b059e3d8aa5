"""A rule set and the same with a change in; what the change touches, and how the detections of the two differ, out.

A detection depends on its rule, on the filters over it and on the correlations that name it, and on nothing else (docs/architecture.md, "a
detection depends on its event only"). So both rule sets are cut down to what the change touches before they are run; tests hold that what
is cut off would have fired alike.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from soc.detect import Detection, Rule
from soc.detect.sigma import ir
from soc.detect.sigma.references import Loaded, Names, within

SAMPLES = 5
"""Detections of a rule that are shown on each side; a person reads no more."""

_CANDIDATES = 20
"""Differing detections of a rule that are kept whole, of which the samples are taken: most differ for good, a few are made up for later."""


class Kind(StrEnum):
    """What a change does with a rule, correlation or filter."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One rule, correlation or filter that differs. `before`, `after`: versions (SHA-256 of the files), "" where it is not there."""

    kind: Kind
    what: str
    id: str
    title: str
    before: str
    after: str


def proposed(current: Sequence[Loaded], change: Sequence[Loaded], without: Iterable[str] = ()) -> list[Loaded]:
    """The set with the change: content of an id that it has is put in its place, other content is added, ids in `without` are left out."""
    gone = {each.id for _, each in change} | {rule_id.lower() for rule_id in without}
    return [*((path, each) for path, each in current if each.id not in gone), *change]


def differences(before: Sequence[Loaded], after: Sequence[Loaded]) -> list[Difference]:
    """What differs in what it does or says, in order of id; a file that was moved, or a comment in it, is no difference."""
    old, new = ({each.id: each for _, each in content} for content in (before, after))
    found = []
    for content_id in sorted(old.keys() | new.keys()):
        one, other = old.get(content_id), new.get(content_id)
        if one is not None and other is not None and _meaning(one) == _meaning(other):
            continue
        kind = Kind.ADDED if one is None else Kind.REMOVED if other is None else Kind.CHANGED
        named = other or one
        assert named is not None
        what = type(named).__name__.lower()
        versions = (one.version if one else "", other.version if other else "")
        found.append(Difference(kind, what, content_id, named.title, *versions))
    return found


def digest(found: Iterable[Difference]) -> str:
    """The name of a change: SHA-256 (hex) over what differs, with the versions before and after."""
    lines = sorted(f"{d.kind} {d.what} {d.id} {d.before} {d.after}\n" for d in found)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def touched(found: Iterable[Difference], *sets: Sequence[Loaded]) -> frozenset[str]:
    """Ids of the rules and correlations that can fire otherwise in any of the sets.

    Those that differ, those under a filter that differs, and all that correlations tie to them: a correlation reads what its rules find
    and silences them.
    """
    changed = {difference.id for difference in found}
    ties: dict[str, set[str]] = defaultdict(set)
    waiting = []
    for content in sets:
        names = Names(content)
        for _, each in content:
            if isinstance(each, ir.Filter):
                if each.id in changed:
                    waiting += [rule.id for rule in _under(each, content, names)]
                continue
            if each.id in changed:
                waiting.append(each.id)
            if isinstance(each, ir.Correlation):
                for name in each.rules:
                    other = names.one(name).id
                    ties[each.id].add(other)
                    ties[other].add(each.id)
    reached: set[str] = set()
    while waiting:
        rule_id = waiting.pop()
        if rule_id not in reached:
            reached.add(rule_id)
            waiting += ties[rule_id]
    return frozenset(reached)


def cut(content: Sequence[Loaded], ids: frozenset[str]) -> list[Loaded]:
    """The rules and correlations of these ids, with the filters over them; it can be run by itself and fires as within the whole set."""
    names = Names(content)
    kept: list[Loaded] = []
    for path, each in content:
        if not isinstance(each, ir.Filter):
            if each.id in ids:
                kept.append((path, each))
        elif not each.rules:
            kept.append((path, each))
        elif mine := tuple(name for name in each.rules if names.one(name).id in ids):
            kept.append((path, msgspec.structs.replace(each, rules=mine)))
    return kept


def _meaning(each: ir.Content) -> ir.Content:
    plain = msgspec.structs.replace(each, version="", line=1, warnings=())
    return plain if isinstance(plain, ir.Rule) else msgspec.structs.replace(plain, places={})


def _under(each: ir.Filter, content: Sequence[Loaded], names: Names) -> Iterator[ir.Rule]:
    """The rules that a filter is over."""
    if each.rules:
        meant = [names.one(name) for name in each.rules]
        yield from (rule for rule in meant if isinstance(rule, ir.Rule))
    else:
        for _, rule in content:
            if isinstance(rule, ir.Rule) and within(rule.logsource, each.logsource):
                yield rule


@dataclass(frozen=True, slots=True)
class Sample:
    """One detection that differs. `text`: the event that completed it, as received. `why`: what matched, in words."""

    rule_id: str
    time: datetime
    event_id: str
    text: str
    why: tuple[str, ...]


@dataclass(slots=True)
class RuleOutcome:
    """Detections of one rule that only the old set gives, only the new one, and both; `samples` of the first two, `stays` of the third."""

    rule: Rule
    removed: int = 0
    added: int = 0
    kept: int = 0
    samples: dict[Kind, list[Sample]] = field(default_factory=lambda: {Kind.REMOVED: [], Kind.ADDED: []})
    stays: Sample | None = None


@dataclass(slots=True)
class _Side:
    """Detections that the other side has not given so far: id -> rule; some of them whole."""

    pending: dict[str, str] = field(default_factory=dict)
    whole: dict[str, dict[str, Sample]] = field(default_factory=lambda: defaultdict(dict))


class Comparison:
    """Detections of two rule sets over the same events, compared as they come: what both gave is only counted."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._kept: Counter[str] = Counter()
        self._stays: dict[str, Sample] = {}
        self._before, self._after = _Side(), _Side()

    def add(self, before: Iterable[Detection], after: Iterable[Detection]) -> None:
        """The detections of both sets on the next events; the same one may come later on one side than on the other."""
        self._meet(before, self._before, self._after)
        self._meet(after, self._after, self._before)

    def _meet(self, detections: Iterable[Detection], mine: _Side, other: _Side) -> None:
        for detection in detections:
            detection_id, rule_id = detection.id, detection.rule.id
            self._rules[rule_id] = detection.rule
            if other.pending.pop(detection_id, None) is not None:
                other.whole[rule_id].pop(detection_id, None)
                self._kept[rule_id] += 1
                if rule_id not in self._stays:
                    self._stays[rule_id] = sample(detection)
                continue
            mine.pending[detection_id] = rule_id
            whole = mine.whole[rule_id]
            if len(whole) < _CANDIDATES:
                whole[detection_id] = sample(detection)

    def outcomes(self) -> list[RuleOutcome]:
        """One outcome for each rule that fired on a side, those with the most differences first."""
        found = {
            rule_id: RuleOutcome(rule, kept=self._kept[rule_id], stays=self._stays.get(rule_id))
            for rule_id, rule in self._rules.items()
        }
        for kind, side in ((Kind.REMOVED, self._before), (Kind.ADDED, self._after)):
            for rule_id, count in Counter(side.pending.values()).items():
                outcome = found[rule_id]
                outcome.samples[kind] = list(side.whole[rule_id].values())[:SAMPLES]
                if kind is Kind.REMOVED:
                    outcome.removed = count
                else:
                    outcome.added = count
        return sorted(found.values(), key=lambda o: (-o.removed - o.added, -o.kept, o.rule.id))


def sample(detection: Detection) -> Sample:
    """What a person is shown of a detection."""
    event = detection.events[-1]
    why = tuple(f"{m.where}: {m.subject or 'text'} = {m.value!r} matches {m.pattern!r}" for m in detection.matched)
    return Sample(detection.rule.id, detection.time, event.id, event.original, why)
