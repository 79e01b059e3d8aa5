"""An explained event in, lines for a terminal out: the verdict first, then each stage of the path with what it says.

What events say is sanitised line by line before it is coloured; colours only mark the verdicts, so nothing is lost without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from soc.cli._shared import local

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from soc.app.explaining import Explained
    from soc.app.received import Received
    from soc.detect.account import Account, FilterAccount, Way
    from soc.detect.sigma import Part

_MARKS = {True: ("ok", "green"), False: ("NO", "red"), None: ("--", None)}
_WRITTEN = 6
"""Patterns of one leaf that are shown."""
_WAYS = 4
"""Routes that are shown where none takes the event; Windows has dozens for one category."""
_VALUES = 8

Line = tuple[bool | None, str, str]
"""Verdict (None: only a fact), stage ("" on its further lines), text."""


def show(explained: Explained, zone: ZoneInfo) -> None:
    """Print the account of one event; times in `zone`."""
    colour = False if os.environ.get("NO_COLOR") else None
    for holds, stage, text in lines(explained, zone):
        _print(holds, stage, text, colour)
    click.echo()


def lines(explained: Explained, zone: ZoneInfo) -> Iterator[Line]:
    """The account, a line each."""
    received, account = explained.received, explained.account
    yield explained.fires, "verdict", verdict(explained)
    yield None, "received", f"{received.place}: {received.original}"
    yield from _read(received, zone)
    if account is not None:
        yield from _source(account)
        yield from _leaves(account)
        yield from _filters(account)


def verdict(explained: Explained) -> str:
    """One sentence: fires, or the first thing that keeps it from firing."""
    account = explained.account
    if account is None:
        return f"no rule saw this: it is a dead letter, {explained.received.read.fault}"
    title = account.rule.title
    if account.fires:
        return f'"{title}" fires'
    if not account.routed:
        return f'"{title}" does not fire: it does not read events of this kind'
    if account.hidden_by:
        return f'"{title}" would fire, but is hidden by {_titles(account.hidden_by)}'
    return f'"{title}" does not fire: short by {_short(account.short_by)}'


def _read(received: Received, zone: ZoneInfo) -> Iterator[Line]:
    read, event = received.read, received.event
    if event is None:
        yield False, "parsed", f"by {read.format} ({read.how}): {read.fault}"
        return
    yield True, "parsed", f"by {read.format} ({read.how}), happened {local(event.time, zone)} ({zone})"
    for name, value in event.fields.items():
        if name not in received.added:
            yield None, "", f"{name} = {_value(value)}"
    added = ", ".join(f"{name} = {_value(value)}" for name, value in received.added.items())
    yield None, "enriched", added or "with nothing: no system of the inventory is known by it"


def _source(account: Account) -> Iterator[Line]:
    yield account.routed, "source", f"the rule reads {account.rule.logsource}"
    taken = [way for way in account.ways if way.takes]
    nearest = taken[:1] or sorted(account.ways, key=_failed)[:_WAYS]
    for way in nearest:
        for claim in way.claims:
            wanted = _several(claim.wanted, _VALUES)
            yield claim.holds, "", f"{claim.field} is {wanted}; the event has {claim.value or 'none'}"
    if not taken and len(account.ways) > len(nearest):
        yield None, "", f"and {len(account.ways) - len(nearest)} more ways, none nearer"


def _failed(way: Way) -> int:
    return sum(not claim.holds for claim in way.claims)


def _leaves(account: Account) -> Iterator[Line]:
    yield (
        account.tree.holds,
        "rule",
        "its condition holds" if account.tree.holds else f"short by {_short(account.short_by)}",
    )
    yield from _tree(account.tree, 0)


def _tree(part: Part, depth: int) -> Iterator[Line]:
    pad = "  " * depth
    if part.kind == "leaf":
        columns = " or ".join(part.columns) or "any text"
        wanted = _several(map(_quoted, part.patterns), _WRITTEN)
        yield part.holds, "", f"{pad}{part.where} wants {wanted}; {columns}: {part.value}"
        return
    words = {"and": "all of", "or": "one of", "not": "not"}[part.kind]
    yield part.holds, "", f"{pad}{words}"
    for each in part.parts:
        yield from _tree(each, depth + 1)


def _filters(account: Account) -> Iterator[Line]:
    if not account.filters:
        yield None, "filters", "none is for this rule"
    for each in account.filters:
        about = ", ".join(
            filter(None, (each.reason, each.owner and f"by {each.owner}", each.expires and f"until {each.expires}"))
        )
        what = (
            "hides it"
            if each.hides
            else "is for such events, but hides nothing here"
            if each.matches
            else "lets it through"
        )
        yield not each.hides, "filters", f'"{each.title}" {what}{f" ({about})" if about else ""}: {each.path}'
        yield from _tree(each.tree, 1)


def _short(parts: Iterable[Part]) -> str:
    return ", ".join(part.where for part in parts) or "nothing that could be named"


def _titles(filters: Iterable[FilterAccount]) -> str:
    return ", ".join(f'the filter "{each.title}"' for each in filters)


def _several(values: Iterable[str], most: int) -> str:
    every = list(values)
    more = f" (and {len(every) - most} more)" if len(every) > most else ""
    return " | ".join(every[:most]) + more


def _quoted(text: str) -> str:
    return f'"{text}"'


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print(holds: bool | None, stage: str, text: str, colour: bool | None) -> None:
    from soc.display import sanitise

    mark, paint = _MARKS[holds]
    first, *more = text.splitlines() or [""]
    styled = click.style(f"{mark:<2}", fg=paint) if paint else f"{'':<2}"
    click.echo(f"{styled}  {stage:<9} {sanitise(first)}", color=colour)
    for line in more:
        click.echo(f"{'':<14}{sanitise(line)}", color=colour)
