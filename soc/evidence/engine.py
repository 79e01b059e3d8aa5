"""Detections, rules, feeds and the platform in, counts of how detection runs out (MON-01, MON-02, MON-05, TI-01, CAP-01)."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from iso27001.counting import Count
from iso27001.ledger import Fact
from soc.alert import Alert
from soc.alert.scoring import RuleRecord

INTELLIGENCE = "category:threat_intel"
"""The log source of rules that read what indicators matched."""

FAR = 3650.0
"""Days until a disk is full that does not fill: far beyond any pass line, and a number."""


def engine_counts(
    detections: Sequence[Fact], rules: int, blind: int, trained: datetime | None, now: datetime
) -> list[Count]:
    """MON-01 and MON-05. A rule that cannot be loaded stops the start, so all that are enabled run; `blind`: those that were suspended."""
    lags = [max(0.0, (fact.time - _ingested(fact)).total_seconds()) for fact in detections]
    found = [
        Count(
            "MON-01",
            {"rules_ok": rules - blind, "rules_enabled": rules, "p95_lag_s": _p95(lags)},
            len(detections),
            "rules that run, less those with a gap in the period; 95th percentile of decision time minus time of receipt",
        )
    ]
    if trained is not None:
        age = round((now - trained) / timedelta(days=1), 3)
        found.append(Count("MON-05", {"days_since_training": age}, 1, "age of the newest model.trained fact"))
    return found


def intelligence_counts(imported: Mapping[str, datetime], alerts: Iterable[Alert], now: datetime) -> list[Count]:
    """TI-01 where there is a feed. `imported`: feed -> when it was last read. Decisions about advisories are not counted here."""
    if not imported:
        return []
    numbers = {
        "feed_age_h": round((now - min(imported.values())) / timedelta(hours=1), 3),
        "matches": sum(alert.count for alert in alerts if alert.logsource == INTELLIGENCE),
    }
    query = "age of the feed that was read the longest ago; detections of rules of threat_intel in alerts of the period"
    return [Count("TI-01", numbers, len(imported), query)]


def capacity_counts(
    used: int, total: int, behind_s: float | None, before: Sequence[tuple[datetime, float]], now: datetime
) -> list[Count]:
    """CAP-01. `behind_s`: how long ago the oldest event came in that is not evaluated yet. `before`: bytes in use at earlier moments.

    When the disk is full is told by how it filled since the earliest of them; from one moment alone nothing is told.
    """
    numbers = {
        "disk_used_bytes": used,
        "disk_bytes": total,
        "queue_age_s": behind_s,
        "days_to_full": _days_to_full(used, total, before, now),
    }
    query = "the file system of the site's data; the oldest event that waits; days until it is full as it filled since the earliest sample"
    return [Count("CAP-01", numbers, len(before) + 1, query)]


def technique_counts(able: Collection[str], profile: Collection[str]) -> list[Count]:
    """MON-04, techniques of ATT&CK. `able`: of which some rule can fire on what is collected; one part of a technique covers it."""
    covered = sum(any(each == of or each.startswith(f"{of}.") for each in able) for of in profile)
    query = "techniques of iso.threat_profile, or those that rules name, with a rule that can fire on what soc.yaml collects"
    numbers = {"techniques_covered": covered, "techniques_in_profile": len(profile)}
    return [Count("MON-04", numbers, len(profile), query)] if profile else []


def model_counts(records: Sequence[RuleRecord]) -> list[Count]:
    """MON-05, how many of the alerts of models that were decided on turned out to be nothing."""
    nothing = sum(record.rejected for record in records)
    decided = nothing + sum(record.confirmed for record in records)
    if not decided:
        return []
    query = "alerts of models that were closed as false positive or benign, of those that were closed as that or as true positive"
    return [Count("MON-05", {"false_positive_rate": round(nothing / decided, 4)}, decided, query)]


def canary_counts(waits: Sequence[timedelta | None]) -> list[Count]:
    """MON-02, of each canary whose time is over: how long it took until it was found; None: it was not."""
    if not waits:
        return []
    took = [wait.total_seconds() for wait in waits if wait is not None]
    numbers = {
        "canaries_sent": len(waits),
        "canaries_alerted": len(took),
        "median_delay_s": round(statistics.median(took), 3) if took else None,
    }
    return [
        Count(
            "MON-02", numbers, len(waits), "events that the SOC sent itself through the journal, and detections of them"
        )
    ]


def _days_to_full(used: int, total: int, before: Sequence[tuple[datetime, float]], now: datetime) -> float | None:
    if not before:
        return None
    then, had = min(before)
    days = (now - then) / timedelta(days=1)
    if days <= 0:
        return None
    a_day = (used - had) / days
    return FAR if a_day <= 0 else min(FAR, round((total - used) / a_day, 1))


def _ingested(fact: Fact) -> datetime:
    events: list[dict[str, Any]] = fact.body["events"]
    return datetime.fromisoformat(events[-1]["ingested"])


def _p95(values: Sequence[float]) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 3)
