"""A change of rules in; what it would have done to the alerts of the site's own history out, and whether that may be.

One pass over the journal drives two rule sets of the production engine, cut down to what the change touches (soc.detect.backtest); their
detections become alerts by the production grouping. A confirmed alert that would vanish, a member of an incident, or a shift that would get
more alerts than it can look at refuses the change; a person may decide otherwise, which the ledger keeps.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from collectors.errors import JournalError
from collectors.event import Event, effective
from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus, CloseReason
from soc.alert.budget import Load, Roster, broken, loads
from soc.alert.facts import DETECTION
from soc.alert.grouping import Grouper
from soc.alert.scoring import Scoring
from soc.app.history import Span, history
from soc.app.site import Site
from soc.app.watch import running_rules
from soc.detect import Detection, detection_id
from soc.detect.backtest import Comparison, Difference, RuleOutcome, cut, differences, digest, proposed, touched
from soc.detect.sigma import ir
from soc.detect.sigma.load import linked, read
from soc.detect.sigma.references import Loaded
from soc.detect.table import EventTable, Values
from soc.errors import SocError
from soc.store import AlertQuery

BACKTEST = "rules.backtest"

Progress = Callable[[int], None]
"""Told how many events were read since it was last told."""


@dataclass(frozen=True, slots=True)
class Change:
    """The site's rule set without (`before`) and with (`after`) a change, and what differs."""

    before: Sequence[Loaded]
    after: Sequence[Loaded]
    differences: tuple[Difference, ...]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) by which facts name the change."""
        return digest(self.differences)


@dataclass(frozen=True, slots=True)
class Protected:
    """An alert that a change may not lose. `why` in words: closed as true positive, or part of an incident and not closed as harmless."""

    alert_id: str
    rule_id: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """Alerts that only the old set opens, only the new one, and both."""

    removed: int = 0
    added: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """Alerts that the touched rules opened on one local day, without and with the change."""

    day: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a change would have done. `alerts`: by rule id. `loads`: all alerts of each shift, those of untouched rules included.

    `vanishing`: what forbids the change; `unjudged`: protected alerts from outside the span that nobody can tell: of
    correlations, or of events that the journal no longer has.
    """

    change: Change
    span: Span
    events: int
    rules: tuple[RuleOutcome, ...]
    alerts: Mapping[str, AlertCounts]
    days: tuple[Day, ...]
    loads: tuple[Load, ...]
    broken: tuple[Load, ...]
    per_shift: int
    vanishing: tuple[Protected, ...]
    unjudged: int

    @property
    def total(self) -> AlertCounts:
        """Alerts of all rules together."""
        sums = [sum(getattr(c, name) for c in self.alerts.values()) for name in ("removed", "added", "kept")]
        return AlertCounts(*sums)

    def objections(self) -> list[str]:
        """Why the change is refused, in words; empty where nothing speaks against it."""
        found = [f"{p.alert_id} ({p.title}) would vanish: {p.why}" for p in self.vanishing]
        if self.broken:
            worst = max(self.broken, key=lambda load: load.after)
            found.append(
                f"{len(self.broken)} of {len(self.loads)} shifts would get more than the {self.per_shift} alerts that one can take; "
                f"the worst, {worst.shift}, {worst.after} instead of {worst.before}"
            )
        return found


# --- the change -----------------------------------------------------------------------------------------------------------------


def change_of(
    site: Site, paths: Sequence[Path], *, against: Sequence[Path] = (), without: Sequence[str] = ()
) -> Change:
    """What the files under `paths` change in the site's rule set (or that of the folders `against`), and leaving out the ids in `without`.

    Files that stand in the site's rule folders already count as added where the engine has not run them yet.
    Raises: FaultsError; SocError where a file was edited in place, so that what runs is not on disk any more.
    """
    current = site.content(against)
    known = {each.id for _, each in current}
    for rule_id in without:
        if rule_id.lower() not in known:
            raise SocError(f"there is no rule {rule_id} to leave out; `soc rules list` lists them")
    change = read(paths, placeholders=site.placeholders) if paths else []
    before = current if against else _as_it_runs(site, current, change)
    after = linked(proposed(before, change, without))
    return Change(before, after, tuple(differences(before, after)))


def _as_it_runs(site: Site, current: Sequence[Loaded], change: Sequence[Loaded]) -> list[Loaded]:
    """The current set without what of the change stands in its folders already and does not run yet."""
    here = {str(Path(path).resolve()) for path, _ in change}
    in_place = {each.id: each for path, each in current if str(Path(path).resolve()) in here}
    if not in_place:
        return list(current)
    running = running_rules(site)
    edited = [each for each in in_place.values() if running.get(each.id, each.version) != each.version]
    if edited:
        raise SocError(
            f'"{edited[0].title}" was edited in the site\'s rule folder, so what runs is no longer on disk: '
            "put the change into a file elsewhere, or name the rules as they were with --against DIR"
        )
    return [(path, each) for path, each in current if each.id not in in_place or each.id in running]


# --- the run --------------------------------------------------------------------------------------------------------------------


class _Side:
    """One rule set over the history, and the alerts that come of it."""

    def __init__(self, site: Site, content: Sequence[Loaded]) -> None:
        self.ruleset = site.rule_set(content)
        self.alerts: dict[str, Alert] = {}
        self.of: dict[tuple[str, str], str] = {}
        """(rule, event) -> the alert that it is in."""
        scoring = Scoring({asset.id: asset.criticality for asset in site.inventory.assets})
        self._grouper = Grouper(site.config.alert, scoring, self.alerts.get, ())

    def group(self, detections: Sequence[Detection]) -> None:
        if not detections:
            return
        alerts, facts = self._grouper.group(detections, defaultdict(int), detections[-1].time)
        self.alerts.update((alert.id, alert) for alert in alerts)
        for fact in facts:
            if fact.kind == DETECTION:
                for event in fact.body["events"]:
                    self.of[fact.body["rule"]["id"], event["id"]] = fact.body["alert"]


class _Shared(EventTable):
    """The table of a batch that two rule sets read: the keys that each asks of every row are read once."""

    __slots__ = ("_kept",)

    def __init__(self, events: Sequence[Event]) -> None:
        super().__init__(events)
        self._kept: dict[tuple[str, ...], list[Values]] = {}

    def keys(self, names: Sequence[str]) -> list[Values]:
        """The values of a few fields, row by row."""
        asked = tuple(names)
        if asked not in self._kept:
            self._kept[asked] = super().keys(asked)
        return self._kept[asked]


def backtest(site: Site, change: Change, span: Span, progress: Progress = lambda _: None) -> Backtest:
    """Run both sets over the journal's events of the span. Raises: SocError where the journal has none."""
    ids = touched(change.differences, change.before, change.after)
    before, after = (_Side(site, cut(content, ids)) for content in (change.before, change.after))
    comparison = Comparison()

    def take(found: Iterable[Detection], other: Iterable[Detection]) -> None:
        pair = [[d for d in side if span.holds(min(d.time, effective(d.events[-1])))] for side in (found, other)]
        comparison.add(*pair)
        before.group(pair[0])
        after.group(pair[1])

    seen = 0
    for offset, events in history(site.journal_reader, span.since - _warm_up(change)):
        seen += sum(span.holds(effective(event)) for event in events)
        table = _Shared(events)
        take(before.ruleset.detect(table, offset), after.ruleset.detect(table, offset))
        progress(len(events))
    take(before.ruleset.finish(span.until), after.ruleset.finish(span.until))
    if not seen:
        raise SocError(_nothing(site, span))
    outcomes = tuple(comparison.outcomes())
    known = _all_alerts(site)
    protected = _protected(known, ids)
    vanishing, unjudged = _judged(site, change, ids, protected, before, after)
    roster = Roster(site.config.detect.alert_budget, site.config.site.zone)
    others = [a.first_seen for a in known if a.rule_id not in ids and span.holds(a.first_seen)]
    opened = [[alert.first_seen for alert in side.alerts.values()] for side in (before, after)]
    shifts = list(roster.between(span.since, span.until))
    by_shift = loads(roster, shifts, *([*others, *moments] for moments in opened))
    return Backtest(
        change=change,
        span=span,
        events=seen,
        rules=outcomes,
        alerts=_alert_counts(before, after),
        days=_days(site, span, *opened),
        loads=by_shift,
        broken=tuple(broken(site.config.detect.alert_budget, by_shift)),
        per_shift=site.config.detect.alert_budget.per_shift,
        vanishing=tuple(vanishing),
        unjudged=unjudged,
    )


def _warm_up(change: Change) -> timedelta:
    """How long before the span correlations must have looked, so that their windows are full when it begins."""
    looks = [0.0]
    for _, each in (*change.before, *change.after):
        if isinstance(each, ir.Correlation):
            spans = [each.options.get(name, 0) for name in ("learning_s", "baseline_s")]
            looks.append(each.timespan_s + sum(float(value) for value in spans))
    return timedelta(seconds=max(looks))


def _nothing(site: Site, span: Span) -> str:
    journal = site.journal_reader
    since, until = (
        moment.astimezone(site.config.site.zone).strftime("%Y-%m-%d %H:%M") for moment in (span.since, span.until)
    )
    if journal.start() == journal.end():
        return "the journal holds no events: there is no history to look back on"
    ends = [
        journal.fetch(offset).time.astimezone(site.config.site.zone) for offset in (journal.start(), journal.end() - 1)
    ]
    return (
        f"nothing happened from {since} to {until}; the journal's events are of {ends[0]:%Y-%m-%d %H:%M} to "
        f"{ends[1]:%Y-%m-%d %H:%M}: name a span with --from and --to"
    )


def _alert_counts(before: _Side, after: _Side) -> dict[str, AlertCounts]:
    """By rule: an alert is kept where the other side has an alert of the same rule that shares an event with it."""
    shared = before.of.keys() & after.of.keys()
    kept, kept_after = {before.of[key] for key in shared}, {after.of[key] for key in shared}
    removed = Counter(alert.rule_id for alert in before.alerts.values() if alert.id not in kept)
    added = Counter(alert.rule_id for alert in after.alerts.values() if alert.id not in kept_after)
    both = Counter(before.alerts[alert_id].rule_id for alert_id in kept)
    ids = sorted(removed.keys() | added.keys() | both.keys())
    return {rule_id: AlertCounts(removed[rule_id], added[rule_id], both[rule_id]) for rule_id in ids}


def _days(site: Site, span: Span, before: Iterable[datetime], after: Iterable[datetime]) -> tuple[Day, ...]:
    zone = site.config.site.zone
    counts = [Counter(moment.astimezone(zone).date() for moment in moments) for moments in (before, after)]
    first, last = (m.astimezone(zone).date() for m in (span.since, span.until - timedelta(microseconds=1)))
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return tuple(Day(date.isoformat(), counts[0][date], counts[1][date]) for date in dates)


# --- what may not be lost -------------------------------------------------------------------------------------------------------


def _all_alerts(site: Site) -> list[Alert]:
    site.catch_up()
    return site.projections.alerts(site.projections.alert_ids(AlertQuery()))


def _protected(alerts: Iterable[Alert], ids: frozenset[str]) -> list[tuple[Alert, Protected]]:
    found = []
    for alert in alerts:
        if alert.rule_id not in ids:
            continue
        closed_as = alert.reason if alert.status is AlertStatus.CLOSED else None
        confirmed = closed_as is CloseReason.TRUE_POSITIVE
        if confirmed or (alert.incident_id and closed_as not in (CloseReason.FALSE_POSITIVE, CloseReason.BENIGN)):
            why = f"closed as true positive by {alert.history[-1].actor}" if confirmed else ""
            why += f"{' and ' if why else ''}part of incident {alert.incident_id}" if alert.incident_id else ""
            found.append((alert, Protected(alert.id, alert.rule_id, alert.title, why)))
    return found


def _judged(
    site: Site,
    change: Change,
    ids: frozenset[str],
    protected: Sequence[tuple[Alert, Protected]],
    before: _Side,
    after: _Side,
) -> tuple[list[Protected], int]:
    """The protected alerts that vanish with the change, and how many cannot be judged.

    One vanishes where a rule fires on events of it without the change, and on none with it. Events from outside the span are fetched: what
    a person confirmed last year counts as well.
    """
    correlations = {
        each.id for content in (change.before, change.after) for _, each in content if isinstance(each, ir.Correlation)
    }
    lost, unjudged = [], 0
    old: list[tuple[Alert, Protected]] = []
    for alert, entry in protected:
        keys = [(alert.rule_id, event_id) for event_id in alert.event_ids]
        if any(key in before.of for key in keys):
            if not any(key in after.of for key in keys):
                lost.append(entry)
        elif alert.rule_id in correlations:
            unjudged += 1
        else:
            old.append((alert, entry))
    if not old:
        return lost, unjudged
    events = events_of(site, [alert for alert, _ in old])
    there = {event.id for event in events}
    unjudged += sum(there.isdisjoint(alert.event_ids) for alert, _ in old)
    fired = [_fired(site, cut(content, ids), events) for content in (change.before, change.after)]
    for alert, entry in old:
        keys = [(alert.rule_id, event_id) for event_id in alert.event_ids]
        if any(key in fired[0] for key in keys) and not any(key in fired[1] for key in keys):
            lost.append(entry)
    return lost, unjudged


def events_of(site: Site, alerts: Sequence[Alert]) -> list[Event]:
    """The events behind alerts of single events, by the places that their detection facts name; those that the journal still has."""
    offsets = set()
    for alert in alerts:
        ids = alert.detection_ids or [detection_id(alert.rule_id, [event_id]) for event_id in alert.event_ids]
        for entry in (site.ledger.by_id(f"{DETECTION}:{one}") for one in ids):
            if entry is not None:
                offsets |= {int(event["journal"]) for event in entry.fact.body["events"]}
    found = []
    for offset in sorted(offsets):
        with suppress(JournalError):  # let go of by age, or damaged, which conservation has told
            found.append(site.journal_reader.fetch(offset))
    return found


def _fired(site: Site, content: Sequence[Loaded], events: Sequence[Event]) -> set[tuple[str, str]]:
    singles = [(path, each) for path, each in content if not isinstance(each, ir.Correlation)]
    return {(d.rule.id, event.id) for d in site.rule_set(singles).detect(events) for event in d.events}


# --- the record -----------------------------------------------------------------------------------------------------------------


def record(site: Site, result: Backtest, actor: str, *, reason: str = "") -> str:
    """Write the result as a fact; `reason` where a person goes on against objections. The fact's id.

    A change that nothing speaks against is "accepted", else "forced" with a reason, "refused" without.
    """
    now = site.clock()
    objections = result.objections()
    body = {
        "change": result.change.digest,
        "differences": [msgspec.to_builtins(difference) for difference in result.change.differences],
        "since": result.span.since,
        "until": result.span.until,
        "events": result.events,
        "alerts": msgspec.to_builtins(result.total),
        "detections": {name: sum(getattr(o, name) for o in result.rules) for name in ("removed", "added", "kept")},
        "objections": objections,
        "verdict": "accepted" if not objections else "forced" if reason else "refused",
        "reason": reason,
    }
    fact = Fact(
        f"{BACKTEST}:{result.change.digest[:16]}:{now.isoformat()}", BACKTEST, now, actor, msgspec.to_builtins(body)
    )
    site.ledger.append([fact])
    return fact.id
