"""Tests and the loaded content in, one verdict a sample out: what the production engine makes of it, and why that is not what it should be.

Rules are judged by themselves, all at once. A correlation runs with the rules that it is made of, in any file, and nothing else; each of
its samples starts from an empty state. What a filter must hide is judged with and without it. Filters take no part otherwise: a test
tells what a rule is for, and tuning has tests of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from collectors.event import Event
from soc.detect import Detection
from soc.detect.correlation import ENDLESS
from soc.detect.rule_tests.document import SUFFIX, Kind, RuleTest, Sample, Subject
from soc.detect.rule_tests.reading import Reading, read_samples
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir
from soc.detect.sigma.references import Names, within
from soc.errors import Fault

Content = Sequence[tuple[str, ir.Content]]
"""Path and rule, as `soc.detect.sigma.load` gives them."""

_EXPLAINED = 3
"""Rules that the account of a sequence tells of in full."""


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


def run(tests: Sequence[RuleTest], content: Content) -> list[Result]:
    """One result a sample in the order of `tests`, and one for each kind of sample that a rule lacks."""
    judge = _Judge(content)
    readings = read_samples(tests)
    single = [r.events[0] for r in readings if r.test.subject is Subject.RULE and r.events]
    judge.match(single)
    verdicts: dict[int, list[Result]] = defaultdict(list)
    for reading in readings:
        test, sample = reading.test, reading.sample
        why = reading.unread or judge.failure(reading)
        fault = test.fault((sample.kind.value, sample.number), why) if why else None
        verdicts[id(test)].append(Result(test, sample, fault))
    return [result for test in tests for result in (*verdicts[id(test)], *_missing(test))]


class _Judge:
    """Runs samples and says why one failed; "" where it did not."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._by_id = {rule.id: (path, rule) for path, rule in content}
        self._names = Names(content)
        self._rules = RuleSet([(path, rule) for path, rule in content if isinstance(rule, ir.Rule)])
        self._fired: dict[tuple[str, str], Detection] = {}

    def match(self, events: Sequence[Event]) -> None:
        """Look at the single events of all rules in one batch."""
        self._fired = {(found.events[-1].id, found.rule.id): found for found in self._rules.detect(events)}

    def failure(self, reading: Reading) -> str:
        """Why the sample failed, or ""."""
        test = reading.test
        _, rule = self._by_id.get(test.rule_id, ("", None))
        if isinstance(rule, ir.Rule):
            return self._of_rule(reading)
        if isinstance(rule, ir.Correlation):
            return self._of_correlation(reading, rule)
        if isinstance(rule, ir.Filter):
            return self._of_filter(reading, rule)
        return f'no rule of id "{test.rule_id}" was loaded from {test.rule_path.name}'

    def _of_rule(self, reading: Reading) -> str:
        event = reading.events[0]
        fired = self._fired.get((event.id, reading.test.rule_id))
        if reading.sample.kind is Kind.NEAR_MISS and fired is not None:
            return f"the rule fired on a near miss: {_because(fired)}"
        if reading.sample.kind is Kind.MATCH and fired is None:
            return f"the rule did not fire:\n{self._rules.explain(reading.test.rule_id, event)}"
        return ""

    def _of_correlation(self, reading: Reading, rule: ir.Correlation) -> str:
        sample = reading.sample
        made_of = list(self._made_of(rule))
        running = RuleSet(made_of, lateness=ENDLESS)
        fired = [found for found in _detections(running, reading) if found.rule.id == rule.id]
        if sample.kind is Kind.NEAR_MISS:
            if fired:
                return f"the correlation fired on a near miss: {_reasons(fired[0])}"
            if not any(self._hits(made_of, reading.events).values()):
                why = "none of its events is a hit of a rule that the correlation names, so it shows nothing"
                return f"{why}:\n{self._account(made_of, reading.events)}"
            return ""
        if not fired:
            account = self._account(made_of, reading.events)
            return f"the correlation did not fire: {_nearest(running, rule)}\n{account}"
        if sample.fires is not None and len(fired) != sample.fires:
            times = ", ".join(f"{found.time:%H:%M:%S}" for found in fired[:_EXPLAINED])
            return f"the correlation fired {len(fired)} times (first at {times}) and not {sample.fires}"
        groups = [dict(zip(rule.group_by, found.group, strict=False)) for found in fired]
        if not any(sample.group.items() <= group.items() for group in groups):
            return f"the correlation fired, but of the group {_named(groups[0])} and not {_named(sample.group)}"
        return ""

    def _of_filter(self, reading: Reading, rule: ir.Filter) -> str:
        around = list(self._filtered(rule))
        without = {_key(found) for found in _detections(RuleSet(around), reading)}
        left = {_key(found) for found in _detections(RuleSet([*around, self._for(rule, around)]), reading)}
        if not without:
            why = "no rule that the filter is for fires on it, so it shows nothing"
            return f"{why}:\n{self._account(around, reading.events)}"
        if reading.sample.kind is Kind.HIDDEN and left:
            return f"the filter does not hide it: {self._titles(left)} still fires"
        if reading.sample.kind is Kind.KEPT and left != without:
            return f"the filter hides what it must leave: {self._titles(without - left)} no longer fires"
        return ""

    def _titles(self, keys: Iterable[tuple[str, ...]]) -> str:
        return ", ".join(dict.fromkeys(f'"{self._by_id[rule_id][1].title}"' for rule_id, *_ in sorted(keys)))

    def _made_of(self, rule: ir.Correlation) -> Iterator[tuple[str, ir.Content]]:
        """A correlation with all that it names, and what those name."""
        waiting, seen = [self._by_id[rule.id]], {rule.id}
        while waiting:
            path, found = waiting.pop()
            yield path, found
            for name in found.rules if isinstance(found, ir.Correlation) else ():
                part = self._names.one(name)
                if part.id not in seen:
                    seen.add(part.id)
                    waiting.append(self._by_id[part.id])

    def _filtered(self, rule: ir.Filter) -> Iterator[tuple[str, ir.Content]]:
        """The rules that a filter is for."""
        named = {self._names.one(name).id for name in rule.rules}
        for path, found in self._content:
            if (
                isinstance(found, ir.Rule)
                and (not named or found.id in named)
                and within(found.logsource, rule.logsource)
            ):
                yield path, found

    def _for(self, rule: ir.Filter, around: Content) -> tuple[str, ir.Filter]:
        """The filter over those of its rules that are looked at."""
        path, _ = self._by_id[rule.id]
        return path, msgspec.structs.replace(rule, rules=tuple(found.id for _, found in around))

    def _hits(self, made_of: Content, events: Sequence[Event]) -> dict[str, list[int]]:
        """The places of the events that fire each detection rule."""
        rules = [(path, rule) for path, rule in made_of if isinstance(rule, ir.Rule)]
        places = {event.id: at for at, event in enumerate(events)}
        found: dict[str, list[int]] = {rule.id: [] for _, rule in rules}
        for detection in RuleSet(rules).detect(events):
            found[detection.rule.id].append(places[detection.events[-1].id])
        return found

    def _account(self, made_of: Content, events: Sequence[Event]) -> str:
        """What each rule makes of the events; a rule that none of them fires is explained on the last one."""
        lines = []
        for rule_id, places in list(self._hits(made_of, events).items())[:_EXPLAINED]:
            title = self._by_id[rule_id][1].title
            if places or not events:
                when = (
                    f", {events[places[0]].time:%Y-%m-%d %H:%M:%S} to {events[places[-1]].time:%H:%M:%S}"
                    if places
                    else ""
                )
                lines.append(f"{title}: {len(places)} of {len(events)} events{when}")
            else:
                lines.append(str(self._rules.explain(rule_id, events[-1])))
        return "\n".join(lines)


def _detections(ruleset: RuleSet, reading: Reading) -> list[Detection]:
    until = reading.sample.until
    end = None if until is None else reading.test.received + until
    return [*ruleset.detect(reading.events), *ruleset.finish(end)]


def _nearest(ruleset: RuleSet, rule: ir.Correlation) -> str:
    """Of the groups that are open at the end, the one with most."""
    groups = sorted(ruleset.groups(rule.id), key=lambda group: (group.figure, len(group.numbers)))
    if not groups:
        return "no group of it is open at the end"
    group = groups[-1]
    until = f" until {group.until:%H:%M:%S}" if group.until else ""
    return f"at the end {_named(dict(group.key))} is at {group.figure:g}, needed is {group.needed}{until}"


def _key(found: Detection) -> tuple[str, ...]:
    return (found.rule.id, *(event.id for event in found.events))


def _because(fired: Detection) -> str:
    return "; ".join(f'{m.where}: {m.pattern} matches {m.field or "the event"} "{m.value}"' for m in fired.matched)


def _reasons(fired: Detection) -> str:
    """Of a correlation: its group and figure."""
    return "; ".join(f"{m.subject or m.where} {m.value}{f' ({m.pattern})' if m.pattern else ''}" for m in fired.matched)


def _named(group: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in group.items()) or "everything"


def _missing(test: RuleTest) -> Iterator[Result]:
    name = test.rule_path.name
    if not test.rule_id and test.document is not None:
        why = f"no rule {name.removesuffix(SUFFIX)}.yml stands beside this test"
        yield Result(test, None, test.fault((), why))
    elif test.document is None:
        yield Result(test, None, test.fault((), f"has no test: write {test.rule_path.stem}{SUFFIX} beside it"))
    else:
        present = {sample.kind for sample in test.samples}
        for kind in test.subject.kinds:
            if kind not in present:
                why = f"has no {kind.value} sample; a {test.subject.value} needs both kinds"
                yield Result(test, None, test.fault((), why))
