"""The data of a file of legal regimes in, nothing out where it is whole; else every fault at once, each by name.

What is looked for: keys that are missing or unknown, dates and hours that are none, a regime or trigger that nobody knows, a duty that two
regimes give at once, and a trigger that nobody answers for a time between: a gap in the dates is not the absence of a duty.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Generator, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from iso27001.errors import CatalogueError

_REGIME = {"id": True, "name_vi": True, "effective": True, "until": False, "confidence": False}
_DEADLINE = {
    "id": True,
    "regime": True,
    "ref": True,
    "trigger": True,
    "when": True,
    "to": True,
    "to_vi": False,
    "hours": False,
    "date": False,
}
_RETENTION = {"level": True, "days": True, "regime": True, "ref": True}
"""Keys, and whether they must be there."""

Span = tuple[date, date]


def check(data: Mapping[str, Any], name: str, triggers: Collection[str], yearly: str) -> None:
    """`triggers`: what a deadline may be of; `yearly`: the one whose deadlines have a date. Raises: CatalogueError."""
    faults = [f"{name}: {fault}" for fault in _faults(data, triggers, yearly)]
    if faults:
        raise CatalogueError("\n".join(faults))


def _faults(data: Mapping[str, Any], triggers: Collection[str], yearly: str) -> Iterator[str]:
    spans: dict[str, Span] = {}
    for regime in _items(data, "regimes"):
        what = f'regime "{regime.get("id", "?")}"'
        if (yield from _keys(regime, _REGIME, what)):
            continue
        span = _span(regime)
        if span is None:
            yield f'{what}: "effective" and "until" are dates such as 2026-08-19'
        elif span[1] <= span[0]:
            yield f"{what}: it ends on {span[1]}, before it begins on {span[0]}"
        elif regime["id"] in spans:
            yield f"{what} is there twice"
        else:
            spans[regime["id"]] = span
    duties: dict[str, list[Span]] = {}
    answers: dict[str, list[Span]] = {}
    for deadline in _items(data, "deadlines"):
        what = f'deadline "{deadline.get("id", "?")}"'
        if (yield from _keys(deadline, _DEADLINE, what)):
            continue
        yield from _deadline(deadline, what, triggers, yearly)
        span = spans.get(deadline["regime"])
        if span is None:
            yield f'{what}: unknown regime "{deadline["regime"]}"{_near(deadline["regime"], spans)}'
            continue
        duties.setdefault(deadline["id"], []).append(span)
        if deadline["trigger"] != yearly:
            answers.setdefault(deadline["trigger"], []).append(span)
    for item in _items(data, "log_retention"):
        what = f"log_retention of level {item.get('level', '?')}"
        if not (yield from _keys(item, _RETENTION, what)) and item["regime"] not in spans:
            yield f'{what}: unknown regime "{item["regime"]}"{_near(item["regime"], spans)}'
    yield from _overlaps(duties)
    yield from _gaps(answers)


def _items(data: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    found = data.get(key)
    return (item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else iter(())


def _keys(item: Mapping[str, Any], keys: Mapping[str, bool], what: str) -> Generator[str, None, bool]:
    """Faults of an item's keys; whether there is one that leaves nothing more to look at."""
    missing = [key for key, needed in keys.items() if needed and key not in item]
    if missing:
        yield f"{what}: missing {', '.join(missing)}"
    for key in item:
        if key not in keys:
            yield f'{what}: unknown key "{key}"{_near(key, keys)}'
    return bool(missing)


def _deadline(deadline: Mapping[str, Any], what: str, triggers: Collection[str], yearly: str) -> Iterator[str]:
    trigger = deadline["trigger"]
    if trigger not in triggers:
        yield f'{what}: unknown trigger "{trigger}"{_near(trigger, triggers)}'
    if trigger == yearly:
        if _date(f"2000-{deadline.get('date', '')}") is None:
            yield f'{what}: a yearly deadline has a "date" such as 12-25'
    elif not isinstance(deadline.get("hours"), int) or deadline["hours"] < 0:
        yield f'{what}: a deadline has "hours", 0 or more'
    if "hours" in deadline and "date" in deadline:
        yield f"{what}: hours and a date contradict each other"


def _overlaps(duties: Mapping[str, list[Span]]) -> Iterator[str]:
    for duty, spans in duties.items():
        ordered = sorted(spans)
        for before, after in pairwise(ordered):
            if after[0] < before[1]:
                yield f'deadline "{duty}" is of two regimes at once from {after[0]} on'


def _gaps(answers: Mapping[str, list[Span]]) -> Iterator[str]:
    for trigger, spans in answers.items():
        reached = min(spans)[1]
        for since, until in sorted(spans):
            if since > reached:
                yield f'nothing is due for "{trigger}" from {reached} to {since}: a gap in the dates'
            reached = max(reached, until)


def _span(regime: Mapping[str, Any]) -> Span | None:
    since, until = _date(regime["effective"]), _date(regime.get("until", date.max.isoformat()))
    return None if since is None or until is None else (since, until)


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None


def _near(word: object, known: Collection[str]) -> str:
    near = difflib.get_close_matches(str(word), list(known), 1, 0.6)
    return f'; did you mean "{near[0]}"?' if near else ""
