"""A backtest in, what people and programs read of it out; shared by backtest, tune and import."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import local, on_terminal, print_text, table
from soc.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from soc.app.backtesting import Backtest, Change, Day
    from soc.app.history import Span
    from soc.app.site import Site
    from soc.detect.backtest import Sample

BAR = 30
"""Cells of the longest bar."""

RULES = 30
"""Rules whose lines and samples are printed; --json has all."""

_TEXT = 300
"""Characters of an event that a sample shows."""


def run_backtest(site: Site, change: Change, span: Span) -> Backtest:
    """The backtest, with a count of events on the terminal where a person waits."""
    from soc.app.backtesting import backtest
    from soc.app.memory import settle

    settle()
    if not on_terminal():
        return backtest(site, change, span)
    with click.progressbar(
        length=max(1, site.journal_reader.end() - site.journal_reader.start()), label="replaying", file=None
    ) as bar:
        return backtest(site, change, span, bar.update)


def conclude(site: Site, result: Backtest, actor: str, reason: str, *, keep: bool) -> int:
    """Say what speaks against the change, write the fact where asked or forced, and give the exit code."""
    from soc.app.backtesting import record

    objections = result.objections()
    if keep or (objections and reason):
        click.echo(f"recorded as {record(site, result, actor, reason=reason)}", err=True)
    if objections and not reason:
        click.echo("refused; --force --reason TEXT goes on all the same, and the ledger keeps who and why", err=True)
        return EXIT_FINDINGS
    return EXIT_OK


def as_json(result: Backtest) -> dict[str, Any]:
    """The whole result."""
    import msgspec

    whole = {
        "change": result.change.digest,
        "differences": result.change.differences,
        "since": result.span.since,
        "until": result.span.until,
        "events": result.events,
        "alerts": result.total,
        "rules": [
            {
                "id": o.rule.id,
                "title": o.rule.title,
                "level": o.rule.level,
                "alerts": result.alerts.get(o.rule.id),
                "detections": {"removed": o.removed, "added": o.added, "kept": o.kept},
                "samples": o.samples,
            }
            for o in result.rules
        ],
        "days": result.days,
        "shifts": [{"shift": str(x.shift), "before": x.before, "after": x.after} for x in result.loads],
        "per_shift": result.per_shift,
        "vanishing": result.vanishing,
        "unjudged": result.unjudged,
        "objections": result.objections(),
    }
    built: dict[str, Any] = msgspec.to_builtins(whole)
    return built


def print_result(result: Backtest, zone: ZoneInfo, *, named: bool = True) -> None:
    """The result as a page; `named`: with the rules that differ."""
    from soc.display import counted

    for difference in result.change.differences if named else ():
        print_text(f"{difference.kind.value:8} {difference.what:11} {difference.id}  {difference.title}")
    total = result.total
    click.echo(
        f"\n{counted(result.events, 'event')} from {local(result.span.since, zone)} to {local(result.span.until, zone)}: "
        f"{counted(total.removed, 'alert')} removed, {total.added:,} added, {total.kept:,} kept\n"
    )
    if result.rules:
        _print_rules(result)
        _print_days(result.days)
        _print_shifts(result)
        for outcome in result.rules[:RULES]:
            for kind, samples in outcome.samples.items():
                if samples:
                    print_text(f"\n{kind.value}: {outcome.rule.title}")
                    _print_samples(samples, zone)
    else:
        click.echo("no rule that the change touches fired, with or without it")
    if result.unjudged:
        click.echo(
            f"\n{result.unjudged} confirmed alerts from outside of this span were not judged: of correlations (see --from), "
            "or of events that the journal no longer has"
        )
    for objection in result.objections():
        print_text(f"\nOBJECTION  {objection}")


def _print_rules(result: Backtest) -> None:
    rows = []
    for outcome in result.rules[:RULES]:
        alerts = result.alerts.get(outcome.rule.id)
        counts = (alerts.removed, alerts.added, alerts.kept) if alerts else (0, 0, 0)
        rows.append([*(f"{n:,}" for n in (*counts, outcome.removed, outcome.added, outcome.kept)), outcome.rule.title])
    table(["ALERTS -", "ALERTS +", "KEPT", "DETECTIONS -", "DETECTIONS +", "KEPT", "RULE"], rows)
    if len(result.rules) > RULES:
        click.echo(f"and {len(result.rules) - RULES} more rules; --json has all", err=True)


def _print_days(days: Sequence[Day]) -> None:
    """Two bars a day; a stretch of days on which nothing opened is one line."""
    most = max((max(day.before, day.after) for day in days), default=0)
    if not most:
        return
    click.echo("\nalerts a day of these rules, as it is (░) and with the change (█)")
    for line in _day_lines(days, most):
        click.echo(line)


def _day_lines(days: Sequence[Day], most: int) -> Iterator[str]:
    quiet: list[str] = []
    for day in days:
        if not day.before and not day.after:
            quiet.append(day.day)
            continue
        if quiet:
            yield _quiet(quiet)
            quiet = []
        yield f"{day.day}  {'░' * _cells(day.before, most):{BAR}} {day.before:,}"
        yield f"{'':10}  {'█' * _cells(day.after, most):{BAR}} {day.after:,}"
    if quiet:
        yield _quiet(quiet)


def _quiet(days: Sequence[str]) -> str:
    return f"{days[0]}  none" if len(days) == 1 else f"{days[0]}  none until {days[-1]}"


def _cells(count: int, most: int) -> int:
    return max(1, round(count / most * BAR)) if count else 0


def _print_shifts(result: Backtest) -> None:
    """What all rules together give a shift."""
    if not result.loads:
        return
    worst = max(result.loads, key=lambda load: load.after)
    mean = [sum(getattr(load, side) for load in result.loads) / len(result.loads) for side in ("before", "after")]
    budget = f"; a shift can take {result.per_shift}" if result.per_shift else ""
    click.echo(
        f"\nalerts of all rules a shift: {mean[0]:.1f} as it is, {mean[1]:.1f} with the change; "
        f"most on {worst.shift}: {worst.before} and {worst.after}{budget}"
    )


def _print_samples(samples: Sequence[Sample], zone: ZoneInfo) -> None:
    for sample in samples:
        text = sample.text if len(sample.text) <= _TEXT else f"{sample.text[:_TEXT]}…"
        print_text(f"  {local(sample.time, zone)}  {' '.join(text.split())}")
        for why in sample.why[:5]:
            print_text(f"      {why}")
