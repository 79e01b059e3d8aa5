"""An explained event in, lines for a terminal out: the verdict first, then each stage of the path with what it says.

What events say is sanitised line by line before it is coloured; colours only mark the verdicts, so nothing is lost without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from soc.cli._shared import local
from soc.cli.rules import _correlation, _one_event

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from soc.app.engine_then import Then
    from soc.app.explaining import Explained
    from soc.app.received import Received
    from soc.cli.rules._one_event import Line

_MARKS = {True: ("ok", "green"), False: ("NO", "red"), None: ("--", None)}


def show(explained: Explained, zone: ZoneInfo) -> None:
    """Print the account of one event; times in `zone`."""
    colour = False if os.environ.get("NO_COLOR") else None
    for holds, stage, text in lines(explained, zone):
        _print(holds, stage, text, colour)
    click.echo()


def lines(explained: Explained, zone: ZoneInfo) -> Iterator[Line]:
    """The account, a line each."""
    from soc.detect.group_account import CorrelationAccount

    received, account = explained.received, explained.account
    yield explained.fires, "verdict", verdict(explained, zone)
    yield None, "received", f"{received.place}: {received.original}"
    yield from _read(received, zone)
    if isinstance(account, CorrelationAccount):
        yield from _correlation.lines(account, zone)
    elif account is not None:
        yield from _one_event.lines(account)
    if explained.silenced_by:
        yield None, "alerts", f"not by itself: {_and(explained.silenced_by)} uses it"
    if explained.then is not None:
        yield from _then(explained.then, zone)


def verdict(explained: Explained, zone: ZoneInfo) -> str:
    """One sentence: fires, or the first thing that keeps it from firing."""
    from soc.detect.group_account import CorrelationAccount

    account = explained.account
    if account is None:
        return f"no rule saw this: it is a dead letter, {explained.received.read.fault}"
    then = explained.then
    if isinstance(account, CorrelationAccount):
        only = (
            f"; it alerts only through {_and(explained.silenced_by)}" if account.fires and explained.silenced_by else ""
        )
        return _correlation.verdict(account, zone) + only
    if account.fires and then is not None and not then.ran:
        return f'"{account.rule.title}" would fire, but {"was suspended" if then.loaded else "did not run"} then'
    if account.fires and explained.silenced_by:
        return f'"{account.rule.title}" fires, but alerts only through {_and(explained.silenced_by)}'
    return _one_event.verdict(account)


def _then(then: Then, zone: ZoneInfo) -> Iterator[Line]:
    if then.since is None:
        yield None, "engine", "no engine has run on this site yet"
    elif not then.loaded:
        yield (
            False,
            "engine",
            f"the rule was not among those that ran when the event came (loaded {local(then.since, zone)})",
        )
    elif then.suspended:
        yield False, "engine", f"the rule was suspended when the event came, {then.suspended}"
    else:
        as_now = "in this version" if then.same else "in another version than today's, which may have decided otherwise"
        yield True, "engine", f"the rule ran when the event came, {as_now} (loaded {local(then.since, zone)})"


def _and(titles: Iterable[str]) -> str:
    return " and ".join(f'"{title}"' for title in titles)


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
    yield None, "enriched", added or "with nothing: no system, person, address or indicator is known by it"


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
