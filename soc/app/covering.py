"""The site's rules, its journal and its ledger in; what of ATT&CK it can see and did see out (soc.detect.coverage)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from collectors.event import effective
from iso27001.ledger import Entry
from soc.alert.facts import DETECTION
from soc.app.audit import audit_event
from soc.app.backtesting import Progress
from soc.app.history import Span, history
from soc.app.rule_check import outputs
from soc.app.site import Site
from soc.detect.coverage import Coverage, RuleReach, coverage
from soc.detect.sigma import ir
from soc.detect.sigma.producible import Output, can_be, own_outputs
from soc.detect.sigma.references import Loaded, Names
from soc.detect.sigma.route import ROUTING
from soc.detect.sigma.routing import Kind, Routing, kind_of


def covered(site: Site, span: Span, progress: Progress = lambda _: None) -> Coverage:
    """What the site's rules cover. A rule can fire where events of a kind that it reads came in within the span, and their parser gives its
    fields."""
    content = site.content()
    able = fireable(content, received(site, span, progress))
    fired = Counter(str(entry.fact.body["rule"]["id"]) for entry in _detections(site, span))
    names = Names(content)
    return coverage([_reach(each, names, able, fired) for _, each in content if not isinstance(each, ir.Filter)])


def received(site: Site, span: Span, progress: Progress = lambda _: None) -> dict[Kind, Output]:
    """The kinds of events of the span (the values of the fields that decide which rules see them), each with what such events can have.

    The SOC's own are always among them.
    """
    seen: set[tuple[str, Kind]] = set()
    for _, events in history(site.journal_reader, span.since):
        for event in events:
            if span.holds(effective(event)):
                seen.add((event.source, kind_of(tuple(event.fields.get(name) for name in ROUTING))))
        progress(len(events))
    declared = {source.id: outputs([source]) for source in site.config.sources}
    own = kind_of(tuple(audit_event("", {}, span.since).fields.get(name) for name in ROUTING))
    found = {own: own_outputs()[0]}
    for source, kind in sorted(seen, key=repr):
        fields = {field for output in declared.get(source, ()) if _gives(output, kind) for field in output.fields}
        before = found.get(kind)
        fields |= before.fields if before else set()
        found[kind] = Output(str(kind[0]), dict.fromkeys(ROUTING), frozenset(fields or {"*"}))
    return found


def _gives(output: Output, kind: Kind) -> bool:
    datasets = output.routing.get("event.dataset")
    return datasets is None or str(kind[ROUTING.index("event.dataset")]).lower() in datasets


def fireable(content: Sequence[Loaded], seen: Mapping[Kind, Output]) -> frozenset[str]:
    """Ids of the rules that can fire on events of these kinds, and of the correlations that stand on one of them."""
    rules = [each for _, each in content if isinstance(each, ir.Rule)]
    routing = Routing([rule.logsource for rule in rules], [rule.tree for rule in rules])
    able: set[str] = set()
    for kind, output in seen.items():
        for number, at in routing.of(kind):
            rule = rules[number]
            if rule.id not in able and can_be(rule.tree, True, output, routing.routes(rule.logsource)[at]):
                able.add(rule.id)
    names = Names(content)
    correlations = [each for _, each in content if isinstance(each, ir.Correlation)]
    return frozenset(able | {each.id for each in correlations if able & {rule.id for rule in bases(each, names)}})


def bases(correlation: ir.Correlation, names: Names) -> list[ir.Rule]:
    """The detection rules under a correlation, through the correlations between."""
    found: dict[str, ir.Rule] = {}
    waiting = [correlation]
    while waiting:
        for each in map(names.one, waiting.pop().rules):
            if isinstance(each, ir.Rule):
                found[each.id] = each
            else:
                waiting.append(each)
    return list(found.values())


def _reach(each: ir.Rule | ir.Correlation, names: Names, able: frozenset[str], fired: Counter[str]) -> RuleReach:
    under = [each] if isinstance(each, ir.Rule) else bases(each, names)
    reads = tuple(sorted({str(rule.logsource) for rule in under}))
    return RuleReach(each.id, each.title, each.tags, reads, each.id in able, fired[each.id])


def _detections(site: Site, span: Span) -> Iterator[Entry]:
    """Those of what happened in the span; a fact is never older than what it speaks of."""
    for entry in site.ledger.entries(kinds=[DETECTION], since=span.since):
        if span.holds(datetime.fromisoformat(entry.fact.body["time"])):
            yield entry
