"""Alerts of a period in, counts of how they were looked at out (MON-03, INC-01, LOG-05, UTL-01, DLP-01, IAM-02)."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from iso27001.counting import Count
from soc.alert import Alert, AlertStatus, CloseReason
from soc.detect import Level

TRIAGE_WITHIN = {
    Level.CRITICAL: ("critical", "critical_in_15m", timedelta(minutes=15)),
    Level.HIGH: ("high", "high_in_60m", timedelta(hours=1)),
    Level.MEDIUM: ("medium", "medium_in_8h", timedelta(hours=8)),
}
"""Level -> the numbers of MON-03 and the time that it allows."""

LONGEST = max(within for *_, within in TRIAGE_WITHIN.values())
"""What DLP-01 allows where the level allows nothing else."""

TAMPERING = ("attack.t1070.001", "attack.t1070.002", "attack.t1685", "attack.t1562")
UTILITIES = ("attack.t1047", "attack.t1218", "attack.t1219", "attack.t1569.002", "attack.t1021.006")
"""Programs of administrators in other hands: WMI, signed binaries, remote access software, service execution, WinRM."""
EXFILTRATION = (
    "attack.exfiltration",
    "attack.t1020",
    "attack.t1029",
    "attack.t1030",
    "attack.t1041",
    "attack.t1048",
    "attack.t1567",
)


GUESSED, GOT_IN = ("attack.t1110",), ("attack.t1078",)
"""Passwords that are guessed, and accounts that are used: together, a guess that worked."""


def triage_counts(
    alerts: Sequence[Alert], opened: Mapping[str, datetime], now: datetime, stopped: Sequence[str]
) -> list[Count]:
    """From alerts that opened in the period; one whose time is not over yet and that nobody looked at is left out.

    `opened`: alert id -> when it was opened, by the ledger.
    """
    looked = {a.id: min((c.time for c in a.history), default=None) for a in alerts}
    waits = [(look - opened[i]).total_seconds() for i, look in looked.items() if look is not None]
    numbers: dict[str, float | int | None] = {"mtta_s": round(statistics.fmean(waits), 1) if waits else None}
    for level, (all_name, in_time_name, within) in TRIAGE_WITHIN.items():
        of_level = [a for a in alerts if a.level is level]
        numbers[all_name], numbers[in_time_name] = _in_time(of_level, looked, opened, within, now)
    decided = [a for a in alerts if a.status is AlertStatus.CLOSED]
    minutes = [(a.history[-1].time - opened[a.id]).total_seconds() / 60 for a in decided]
    signals = [a for a in alerts if _tagged(a, EXFILTRATION)]
    due, in_time = _in_time(signals, looked, opened, LONGEST, now)
    return [
        Count(
            "MON-03",
            numbers,
            len(alerts),
            "alerts opened in the period: first status change against the time its level allows",
        ),
        Count(
            "INC-01",
            {
                "events": len(alerts),
                "events_decided": len(decided),
                "median_decision_min": round(statistics.median(minutes), 2) if minutes else None,
            },
            len(alerts),
            "alerts opened in the period that were closed with a reason and a name",
        ),
        _explained("LOG-05", alerts, TAMPERING, stopped),
        _explained("UTL-01", alerts, UTILITIES, stopped),
        Count(
            "DLP-01",
            {"signals": due, "signals_triaged_in_sla": in_time},
            len(signals),
            f"alerts of the period tagged {_names(EXFILTRATION)}: first status change within {LONGEST}",
            tuple(stopped),
        ),
        _broken_into(alerts, stopped),
    ]


def _broken_into(alerts: Sequence[Alert], stopped: Sequence[str]) -> Count:
    """IAM-02, brute force that succeeded, as long as nobody said that it was nothing."""
    told = [a for a in alerts if _tagged(a, GUESSED) and _tagged(a, GOT_IN)]
    left = [a for a in told if a.status is not AlertStatus.CLOSED or a.reason is CloseReason.TRUE_POSITIVE]
    query = f"alerts of the period tagged {_names(GUESSED)} and {_names(GOT_IN)} that were not closed as nothing"
    return Count("IAM-02", {"bruteforce_successes": len(left)}, len(told), query, tuple(stopped))


def _in_time(
    alerts: Sequence[Alert],
    looked: Mapping[str, datetime | None],
    opened: Mapping[str, datetime],
    within: timedelta,
    now: datetime,
) -> tuple[int, int]:
    """Of alerts whose time is over or that were looked at: how many there are, and how many of them were looked at in time."""
    due = [a for a in alerts if (looked[a.id] or now) - opened[a.id] > within or looked[a.id]]
    in_time = sum(1 for a in due if (look := looked[a.id]) and look - opened[a.id] <= within)
    return len(due), in_time


def _explained(measure_id: str, alerts: Sequence[Alert], tags: tuple[str, ...], stopped: Sequence[str]) -> Count:
    hits = [a for a in alerts if _tagged(a, tags)]
    unexplained = [a for a in hits if not a.incident_id and a.status is not AlertStatus.CLOSED]
    query = f"alerts of the period tagged {_names(tags)} that are in no incident and not closed"
    numbers = {"hits": len(hits), "hits_unexplained": len(unexplained)}
    return Count(measure_id, numbers, len(hits), query, tuple(stopped))


def _tagged(alert: Alert, tags: tuple[str, ...]) -> bool:
    return any(tag == each or tag.startswith(f"{each}.") for tag in alert.tags for each in tags)


def _names(tags: Sequence[str]) -> str:
    return ", ".join(tag.removeprefix("attack.").upper() for tag in tags)
