"""Indicators that are new to the site in, what of its stored history they match out: kept apart from live alerts, as a fact of its own.

The journal is read once, batch by batch, by the matcher that `soc run` enriches with; only the start of an indicator's validity does not
count, as a feed names it after the fact. Remembered is one finding for each indicator and feed, MOST_FINDINGS of them, never events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from collectors.enrich.intel.matching import Hit
from collectors.enrich.intel.store import Known
from collectors.event import Event, effective
from iso27001.ledger import Fact
from soc.app.history import Span, history
from soc.app.intel import matcher
from soc.app.site import Site

RETRO = "intel.retro"

MOST_FINDINGS = 10_000
"""Findings that are kept; matches of further indicators are counted."""

RECORDED = 500
"""Findings that the fact keeps, those of the most events first."""

MOST_NAMED = 20
"""Values, fields, systems and ids of events of a finding that are kept, the first ones."""

Progress = Callable[[int], None]
"""Told how many events were read since it was last told."""


@dataclass(slots=True)
class Finding:
    """One indicator of a feed, and the stored events that hold it. `values`: what it matched (of a network, several), in which `fields`;
    `systems`: of the inventory, whose events these are; MOST_NAMED of each. `early`: all of it lies before the indicator is valid."""

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
    values: list[str]
    fields: list[str]
    systems: list[str]
    event_ids: list[str]


@dataclass(frozen=True, slots=True)
class Retro:
    """One look back. `since_import`: only indicators that a feed first gave after this count. `events`: read. `seen`: matches that were
    already found live. `began`: when the set was opened. `unkept`: matches of indicators beyond MOST_FINDINGS."""

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
            hits: dict[tuple[str, str], list[Hit]] = {}
            for hit in indicators.hits(event.fields):
                if _counts(hit.known, time, since_import):
                    hits.setdefault((hit.known.indicator.value, hit.known.feed), []).append(hit)
            for key, of_one in hits.items():
                if _live(event, of_one):
                    seen += 1
                elif key in found or len(found) < MOST_FINDINGS:
                    finding = found.get(key) or found.setdefault(key, _finding(of_one[0].known, time))
                    _add(finding, of_one, event, time)
                else:
                    unkept += 1
        progress(len(batch))
    findings = sorted(found.values(), key=lambda each: (-each.events, each.indicator, each.feed))
    return Retro(span, since_import, began, events, seen, unkept, tuple(findings))


def _counts(known: Known, time: datetime, since_import: datetime | None) -> bool:
    return not known.indicator.ended(time) and (since_import is None or known.imported > since_import)


def _live(event: Event, hits: Sequence[Hit]) -> bool:
    """Whether the match was made when the event came in."""
    matched = event.fields.get("threat.enrichments.matched.atomic")
    return isinstance(matched, list) and all(hit.value in matched for hit in hits)


def _finding(known: Known, time: datetime) -> Finding:
    said = known.indicator
    about = said.value, said.kind.value, known.feed, said.name, said.confidence, said.tlp
    return Finding(*about, events=0, first=time, last=time, early=True, values=[], fields=[], systems=[], event_ids=[])


def _add(finding: Finding, hits: Sequence[Hit], event: Event, time: datetime) -> None:
    begins = hits[0].known.indicator.valid_from
    finding.events += 1
    finding.early = finding.early and begins is not None and time < begins
    finding.first, finding.last = min(finding.first, time), max(finding.last, time)
    _name(finding.event_ids, event.id)
    system = event.fields.get("service.name")
    if isinstance(system, str):
        _name(finding.systems, system)
    for hit in hits:
        _name(finding.values, hit.value)
        _name(finding.fields, hit.field)


def _name(names: list[str], name: str) -> None:
    if len(names) < MOST_NAMED and name not in names:
        names.append(name)


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
        "indicators": len(result.findings),
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
