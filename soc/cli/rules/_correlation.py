"""The account of a correlation in, lines for a terminal out: its rules on the event, its groups, what they are short of, its detections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from soc.cli._shared import local
from soc.cli.rules import _one_event

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from soc.cli.rules._one_event import Line
    from soc.detect.group_account import CorrelationAccount, Firing, Layer
    from soc.detect.ruleset import OpenGroup

_GROUPS = 10


def verdict(account: CorrelationAccount, zone: ZoneInfo) -> str:
    """One sentence: fires, or the first thing that keeps it from firing."""
    title = f'"{account.rule.title}"'
    mine = [firing for firing in account.firings if firing.with_it]
    if any(firing.completes for firing in mine):
        return f"{title} fires with this event"
    if mine:
        return f"{title} fires: this event is one of those of {local(mine[0].time, zone)}"
    return f"{title} does not fire with this event: {_why(account, zone)}"


def _why(account: CorrelationAccount, zone: ZoneInfo) -> str:
    hits = [base for base in account.bases if base.fires]
    if not hits:
        hidden = next((base for base in account.bases if base.hidden_by), None)
        if hidden is not None:
            return f'its rule "{hidden.rule.title}" is hidden by a filter, "{hidden.hidden_by[0].title}"'
        return "none of its rules fires on it"
    if account.late:
        return "it came late, so it counts only among what came late"
    if any(layer.ungrouped for layer in account.layers):
        return "it lacks a field of group-by, so it is in no group"
    earlier = [firing for firing in account.firings if firing.time <= account.time]
    if earlier:
        return f"its group fired already at {local(earlier[-1].time, zone)}"
    for layer in account.layers:
        if layer.groups and (layer is account.layers[-1] or not account.layers[-1].groups):
            group = max(layer.groups, key=lambda one: one.figure)
            of = "" if layer is account.layers[-1] else f' of "{layer.title}", which it needs,'
            later = f"; it fired at {local(account.firings[0].time, zone)}" if account.firings else ""
            so_far = f"is at {group.figure:g}, needed is {group.needed}{_until(group, zone)}"
            return f"its group{of} {_named(group)} {so_far}{later}"
    return "it opens no group"


def lines(account: CorrelationAccount, zone: ZoneInfo) -> Iterator[Line]:
    """What stands below the verdict."""
    for base in account.bases:
        yield base.fires, "rule", _one_event.verdict(base)
    for layer in account.layers:
        yield from _layer(layer, zone, top=layer is account.layers[-1], late=account.late)
    for firing in account.firings:
        yield True, "fired", _fired(firing, zone)
    yield (
        None,
        "looked at",
        f"{account.seen:,} events, received {local(account.since, zone)} to {local(account.to, zone)}",
    )


def _layer(layer: Layer, zone: ZoneInfo, *, top: bool, late: bool) -> Iterator[Line]:
    what = f'"{layer.title}": {layer.kind} within {timedelta(seconds=layer.timespan_s)}'
    by = f" by {', '.join(layer.group_by)}" if layer.group_by else ""
    yield None, "group" if top else "below", f"{what}{by}, as it stood at the event"
    if layer.ungrouped:
        yield False, "", "the event lacks a field of group-by"
    if late:
        yield False, "", "the event came after its time was over; what follows is how it would have counted"
    for group in layer.groups[:_GROUPS]:
        detail = f" ({group.detail})" if group.detail else ""
        yield None, "", f"{_named(group)}: {group.figure:g}{detail}, needed is {group.needed}{_until(group, zone)}"
    if len(layer.groups) > _GROUPS:
        yield None, "", f"and {len(layer.groups) - _GROUPS} more groups"
    if not layer.groups:
        yield None, "", "the event is in no group of it"


def _until(group: OpenGroup, zone: ZoneInfo) -> str:
    return f" until {local(group.until, zone)}" if group.until else ""


def _named(group: OpenGroup) -> str:
    return _pairs(dict(group.key))


def _pairs(group: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in group.items()) or "all events"


def _fired(firing: Firing, zone: ZoneInfo) -> str:
    part = (
        ", completed by this event"
        if firing.completes
        else ", with this event"
        if firing.with_it
        else ", without this event"
    )
    return f"{local(firing.time, zone)}, {_pairs(firing.group)}: {firing.reason}{part}"
