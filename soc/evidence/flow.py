"""Conservation facts and sampled events in, counts of how logs come in out (LOG-01, LOG-02, LOG-03, CLK-01)."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from collectors.event import Event
from iso27001.counting import Count
from iso27001.ledger import Fact

WITHIN_S = 5.0
"""How far a source's clock may be off."""

LEAST_EVENTS = 3
"""Of fewer events of one source nothing is said: one that waited in a queue would decide."""


def flow_counts(facts: Sequence[Fact], expected: Iterable[str], since: datetime, stopped: Sequence[str]) -> list[Count]:
    """LOG-01 and LOG-03 from the conservation facts of the period. `expected`: "system/dataset" of every log that the inventory expects."""
    wanted = set(expected)
    heard = {
        source for fact in facts for source, at in fact.body["heard"].items() if datetime.fromisoformat(at) >= since
    }
    totals = _totals(facts)
    accepted = totals["received"] + totals["dropped"]
    missing = sum(1 for fact in facts if not fact.body["balanced"])
    loss = {
        "accepted": accepted if facts else None,
        "lost": None if missing or not facts else totals["dropped"],
        "parse_failed": totals["dead"] if facts else None,
    }
    sums = "sum over the conservation facts of the period, each of which adds up"
    return [
        Count(
            "LOG-01",
            {"sources_seen": len(wanted & heard), "sources_expected": len(wanted)},
            len(wanted),
            "logs of the inventory that conservation facts of the period name as heard",
            tuple(stopped),
        ),
        Count("LOG-03", loss, len(facts), f"{missing} facts do not add up" if missing else sums, tuple(stopped)),
    ]


def retention_counts(
    demanded: Mapping[str, timedelta], kept: Mapping[str, timedelta], cut: Mapping[str, timedelta]
) -> list[Count]:
    """LOG-02, by log ("system/dataset"): what the law demands, what the configuration keeps, the least age at which any was dropped."""
    numbers = {
        "streams": len(demanded),
        "streams_lifecycle_kept": sum(kept[log] >= least for log, least in demanded.items()),
        "streams_kept": sum(cut.get(log, timedelta.max) >= least for log, least in demanded.items()),
    }
    query = "logs of the inventory: what store.retention keeps, and facts of what was dropped, against what the law of the day demands"
    return [Count("LOG-02", numbers, len(demanded), query)]


def clock_counts(events: Iterable[Event], stopped: Sequence[str]) -> list[Count]:
    """CLK-01 from events as they came in live; the transport's share is in it, so a clock may be better than it looks, never worse."""
    skews: dict[tuple[str, str], list[float]] = {}
    looked = 0
    for event in events:
        looked += 1
        named = (event.source, str(event.fields.get("host.name", "")))
        skews.setdefault(named, []).append((event.ingested - event.time).total_seconds())
    medians = [abs(statistics.median(found)) for found in skews.values() if len(found) >= LEAST_EVENTS]
    if not medians:
        return []
    numbers = {
        "sources": len(medians),
        "sources_within_5s": sum(skew <= WITHIN_S for skew in medians),
        "worst_skew_s": round(max(medians), 3),
    }
    query = f"median of receipt less event time of each source and host of live sources, {looked:,} events spread over the period"
    return [Count("CLK-01", numbers, looked, query, tuple(stopped))]


def _totals(facts: Iterable[Fact]) -> dict[str, int]:
    totals = {"received": 0, "dead": 0, "dropped": 0}
    for fact in facts:
        for counts in fact.body["sources"].values():
            for name in totals:
                totals[name] += counts[name]
    return totals
