"""Conservation facts in, sources that fell silent out: those that do not speak when, in the weeks or days before, they always did.

A silence is held against the same time of the same weekday one and two weeks ago; of a site that is younger, against the same time of the
days before, at least two. Where the source was heard in all of them and is not now, it fell silent: so a source that rests at night or at
weekends is not asked for then, and what it costs is that a source may be silent for as long as it usually takes until it speaks.
Time in which the SOC itself did not run counts for nobody.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from collectors.event import Event
from iso27001.catalogue.techniques import controls_for
from soc.app.audit import audit_event
from soc.app.conservation import KIND
from soc.detect.sigma import ir
from soc.detect.sigma.producible import Reach

if TYPE_CHECKING:
    from collectors.sources import SourceConfig
    from iso27001.ledger.store import Ledger
    from soc.app.site import Site

SILENT, HEARD = "source-silent", "source-heard"
"""Actions of the SOC's own audit about a source."""

SHORTEST = timedelta(minutes=10)
"""A shorter silence is none: a fact covers a minute, and batches and retries take some."""

_EPOCH = datetime.fromtimestamp(0, UTC)
_WEEKS = 2
_DAYS = 6
_LEAST_DAYS = 2
_NAMED = 20
"""Rules, techniques and controls that an event names of each; the message says how many there are."""


@dataclass(slots=True)
class Rhythm:
    """When sources were heard: minutes since 1970, ascending. `alive`: minutes of which there is a fact, whoever was heard."""

    heard: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    alive: list[int] = field(default_factory=list)
    _seq: int = -1

    def catch_up(self, ledger: Ledger, now: datetime) -> None:
        """Take in the facts that a look at `now` needs, and no fact twice."""
        for entry in ledger.entries(self._seq, kinds=[KIND], since=now - timedelta(weeks=_WEEKS, days=1)):
            self.add(entry.fact.body)
            self._seq = entry.seq

    def add(self, body: Mapping[str, Any]) -> None:
        """Take in a conservation fact; facts come in their order."""
        minute = _minute(datetime.fromisoformat(body["until"]))
        _append(self.alive, minute)
        for source, counts in body["sources"].items():
            if counts["received"]:
                _append(self.heard[source], minute)

    def silent(self, source: str, now: datetime, started: datetime) -> datetime | None:
        """Since when a source is silent that always spoke at this time; None where it is not, or where too little is known of it."""
        minutes = self.heard.get(source)
        if not minutes:
            return None
        since = max(minutes[-1], _minute(started))
        end = _minute(now)
        if end - since < SHORTEST // timedelta(minutes=1):
            return None
        weeks = [self._spoke(minutes, since, end, 7 * week) for week in range(1, _WEEKS + 1)]
        known = [spoke for spoke in weeks if spoke is not None]
        if not known:
            days = [self._spoke(minutes, since, end, day) for day in range(1, _DAYS + 1)]
            known = [spoke for spoke in days if spoke is not None]
            if len(known) < _LEAST_DAYS:
                return None
        return _moment(minutes[-1]) if all(known) else None

    def last_run(self) -> tuple[datetime, datetime] | None:
        """From when to when the SOC ran last, without a pause that is longer than SHORTEST; None where it never did."""
        if not self.alive:
            return None
        pause, begin = SHORTEST // timedelta(minutes=1), len(self.alive) - 1
        while begin and self.alive[begin] - self.alive[begin - 1] <= pause:
            begin -= 1
        return _moment(self.alive[begin]), _moment(self.alive[-1])

    def _spoke(self, minutes: Sequence[int], since: int, end: int, days_before: int) -> bool | None:
        """Whether a source was heard in the same span so many days before; None where the SOC did not run then."""
        shift = days_before * 24 * 60
        if not _any(self.alive, since - shift, end - shift):
            return None
        return _any(minutes, since - shift, end - shift)


def stopped_sources(site: Site, now: datetime) -> list[str]:
    """Sources that fell silent by the ledger, each with since when, at the last moment that a fact tells of."""
    rhythm = Rhythm()
    for entry in site.ledger.entries(kinds=[KIND], since=now - timedelta(weeks=_WEEKS, days=1)):
        rhythm.add(entry.fact.body)
    if not rhythm.alive:
        return []
    last = datetime.fromtimestamp(rhythm.alive[-1] * 60, UTC)
    ended = ((source.id, rhythm.silent(source.id, last, _EPOCH)) for source in site.config.sources)
    return [f"{source} since {since:%Y-%m-%dT%H:%MZ}" for source, since in ended if since is not None]


class Silence:
    """Looks for sources that fell silent; tells each once, and once when it is heard again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._started = site.clock()
        self._rhythm = Rhythm()
        self._silent: set[str] = set()
        self._rhythm.catch_up(site.ledger, self._started)

    def look(self, body: Mapping[str, Any] | None, now: datetime) -> Iterator[Event]:
        """Take in the newest fact, if there is one, and give the events for what changed."""
        if body is not None:
            self._rhythm.add(body)
        for source in self._site.config.sources:
            since = self._rhythm.silent(source.id, now, self._started)
            if since is not None and source.id not in self._silent:
                self._silent.add(source.id)
                yield _fell_silent(self._site, source, since, now)
            elif source.id in self._silent and body is not None and body["sources"].get(source.id, {}).get("received"):
                self._silent.discard(source.id)
                yield audit_event(HEARD, _about(source, "success") | {"message": f"{source.id} is heard again"}, now)


def _fell_silent(site: Site, source: SourceConfig, since: datetime, now: datetime) -> Event:
    dark = rules_that_need(site, source)
    techniques, controls = techniques_of(dark), controls_of(dark)
    what = f"{len(dark)} rules, {len(techniques)} techniques, {len(controls)} controls of ISO/IEC 27001"
    return audit_event(
        SILENT,
        _about(source, "failure")
        | {
            "message": f"{source.id} is silent since {since.isoformat()}, at a time at which it always spoke; in the dark: {what}",
            "soc.dark.rules": [rule.title for rule in dark[:_NAMED]],
            "soc.dark.techniques": techniques[:_NAMED],
            "soc.dark.controls": controls[:_NAMED],
        },
        now,
    )


def _about(source: SourceConfig, outcome: str) -> dict[str, Any]:
    return {"event.outcome": outcome, "egov.record.type": "log-source", "egov.record.id": source.id}


def rules_that_need(site: Site, source: SourceConfig) -> list[ir.Rule]:
    """The rules that can fire on what is collected, and could not without this source; by title."""
    from soc.app.rule_check import outputs

    content = site.content()
    rest = [each for each in site.config.sources if each.id != source.id]
    with_it, without = Reach(outputs(site.config.sources), content), Reach(outputs(rest), content)
    rules = [each for _, each in content if isinstance(each, ir.Rule)]
    dark = [rule for rule in rules if with_it.verdict(rule).fires and not without.verdict(rule).fires]
    return sorted(dark, key=lambda rule: rule.title)


def techniques_of(rules: Sequence[ir.Rule]) -> list[str]:
    """ATT&CK's techniques that the rules name, ascending."""
    named = {tag.removeprefix("attack.").upper() for rule in rules for tag in rule.tags if tag.startswith("attack.t")}
    return sorted(each for each in named if each[1:2].isdigit())


def controls_of(rules: Sequence[ir.Rule]) -> list[str]:
    """What the rules' detections speak of, and logging and monitoring themselves."""
    found: dict[str, None] = dict.fromkeys(("A.8.15", "A.8.16"))
    for rule in rules:
        found |= dict.fromkeys(controls_for(rule.tags, str(rule.logsource)))
    return list(found)


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _moment(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def _append(minutes: list[int], minute: int) -> None:
    if not minutes or minutes[-1] < minute:
        minutes.append(minute)


def _any(minutes: Sequence[int], since: int, end: int) -> bool:
    """Whether any of these stands after `since` and up to `end`."""
    at = bisect_left(minutes, since + 1)
    return at < len(minutes) and minutes[at] <= end
