"""Indicators that are new to the site in, what of its stored history they match out: kept apart from live alerts, as a fact of its own.

The journal is read once, batch by batch, by the matcher that `soc run` enriches with; only the start of an indicator's validity does not
count, as a feed names it after the fact. What is remembered is one finding for each value and feed, MOST_FINDINGS of them, never events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from collectors.enrich.intel.matching import Hit
from collectors.event import Event
from iso27001.ledger import Fact
from soc.app.history import Span, history
from soc.app.intel import matcher
from soc.app.site import Site
from soc.detect.correlation.hits import effective

RETRO = "intel.retro"

MOST_FINDINGS = 10_000
"""Findings that are kept; matches of further values are counted."""

RECORDED = 500
"""Findings that the fact keeps, those of the most events first."""

EVENTS_KEPT = 20
"""Ids of events of a finding, the first ones."""

Progress = Callable[[int], None]
"""Told how many events were read since it was last told."""


@dataclass(slots=True)
class Finding:
    """One value of stored events that is an indicator of a feed now. `fields`: where it stood. `systems`: of the inventory, whose events
    these are. `early`: whether all of it lies before the indicator is valid."""

    value: str
    indicator: str
    type: str
    feed: str
    name: str
    confidence: int | None
    tlp: str
    events: int
    first: datetime
    last: datetime
    early: bool
    fields: list[str]
    systems: list[str]
    event_ids: list[str]


@dataclass(frozen=True, slots=True)
class Retro:
    """One look back. `since_import`: only indicators that a feed first gave after this count. `events`: read. `seen`: matches that were
    already found live. `began`: when the set was opened. `unkept`: matches of values beyond MOST_FINDINGS."""

    span: Span
    since_import: datetime | None
    began: datetime
    events: int
    seen: int
    unkept: int
    findings: tuple[Finding, ...]


def look_back(site: Site, span: Span, *, since_import: datetime | None, progress: Progress = lambda _: None) -> Retro:
    """What the site's indicators match in the events of a span. Raises: CollectorError."""
    began, indicators = site.clock(), matcher(site)
    found: dict[tuple[str, str], Finding] = {}
    events = seen = unkept = 0
    for _, batch in history(site.journal_reader, span.since) if indicators.size else ():
        for event in batch:
            time = effective(event)
            if not span.holds(time):
                continue
            events += 1
            for hit in indicators.hits(event.fields):
                indicator = hit.known.indicator
                ended = indicator.valid_until is not None and indicator.valid_until <= time
                if ended or (since_import is not None and hit.known.imported <= since_import):
                    continue
                key = indicator.value, hit.known.feed
                if _live(event, hit):
                    seen += 1
                elif key in found or len(found) < MOST_FINDINGS:
                    _add(found, key, hit, event, time)
                else:
                    unkept += 1
        progress(len(batch))
    findings = sorted(found.values(), key=lambda each: (-each.events, each.indicator, each.feed))
    return Retro(span, since_import, began, events, seen, unkept, tuple(findings))


def _live(event: Event, hit: Hit) -> bool:
    """Whether the match was made when the event came in."""
    matched = event.fields.get("threat.enrichments.matched.atomic")
    return isinstance(matched, list) and hit.value in matched


def _add(found: dict[tuple[str, str], Finding], key: tuple[str, str], hit: Hit, event: Event, time: datetime) -> None:
    known = hit.known.indicator
    begins = known.valid_from
    early = begins is not None and time < begins
    finding = found.get(key)
    if finding is None:
        finding = found[key] = Finding(
            *(hit.value, known.value, known.kind.value, hit.known.feed, known.name, known.confidence, known.tlp),
            *(0, time, time, early),
            *([], [], []),
        )
    finding.early = finding.early and early
    finding.first, finding.last = min(finding.first, time), max(finding.last, time)
    if not finding.event_ids or finding.event_ids[-1] != event.id:  # a value that stands in two fields is one event
        finding.events += 1
        if len(finding.event_ids) < EVENTS_KEPT:
            finding.event_ids.append(event.id)
    for values, value in ((finding.fields, hit.field), (finding.systems, event.fields.get("service.name"))):
        if isinstance(value, str) and value not in values and len(values) < EVENTS_KEPT:
            values.append(value)


def record(site: Site, result: Retro, actor: str) -> str:
    """Write the look back to the ledger, with its first RECORDED findings; the fact's id."""
    now = site.clock()
    body: dict[str, Any] = {
        "since": result.span.since.isoformat(),
        "until": result.span.until.isoformat(),
        "since_import": result.since_import.isoformat() if result.since_import else None,
        "began": result.began.isoformat(),
        "events": result.events,
        "seen": result.seen,
        "unkept": result.unkept,
        "values": len(result.findings),
        "findings": [msgspec.to_builtins(finding) for finding in result.findings[:RECORDED]],
    }
    fact = Fact(f"{RETRO}:{now.isoformat()}", RETRO, now, actor, body)
    site.ledger.append([fact])
    return fact.id


def recorded(site: Site) -> Iterator[Fact]:
    """Every look back, oldest first."""
    return (entry.fact for entry in site.ledger.entries(kinds=[RETRO]))


def covered(site: Site, span: Span) -> datetime | None:
    """When a look back last went over all of a span, as far as it was over then; None where none did.

    What was imported before was looked for in the whole span: by that look, and live from then on.
    """
    last = None
    for fact in recorded(site):
        since, until, began = (datetime.fromisoformat(fact.body[name]) for name in ("since", "until", "began"))
        if since <= span.since and until >= min(span.until, began - _CLOCK):
            last = began
    return last


_CLOCK = timedelta(minutes=1)
"""Between the end of a span that ends now and the opening of the set."""
