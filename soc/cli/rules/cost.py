"""`soc rules cost`: what each rule costs, on the site's own events or on files."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, paths_argument, print_json, table
from soc.cli._span import journal_span_of, span_options

MOST = 20
"""Rules that the table shows; --json has all."""


@click.command()
@paths_argument
@click.option(
    "--rules",
    "rule_folders",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Rules (default: the site's); with PATHS only.",
)
@span_options
@config_option
@json_option
def command(
    paths: tuple[Path, ...],
    rule_folders: tuple[Path, ...],
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    config_path: Path,
    as_json: bool,
) -> None:
    """The CPU time of each rule, the most costly first: an event of its kind, an evaluation, and its share of the engine.

    PATHS: event files and logs to measure on (default: the site's own journal over the span).
    """
    from soc.app.cost import of_files, of_history

    if rule_folders and not paths:
        raise click.UsageError("--rules goes with PATHS: the site's journal is measured with the site's rules")
    if paths:
        costs = of_files(config_path, rule_folders, paths)
    else:
        with open_site(config_path) as site:
            costs = of_history(site, journal_span_of(site, last, since, until))
    if as_json:
        for cost in costs.rules:
            print_json(
                {
                    "rule.id": cost.rule.id,
                    "rule.title": cost.rule.title,
                    "cpu_us": round(cost.cpu_us, 1),
                    "us_per_event": round(cost.us_per_event, 4),
                    "us_per_evaluation": round(cost.us_per_evaluation, 3),
                    "share": round(cost.share, 6),
                    "events": cost.events,
                    "evaluations": cost.evaluations,
                    "hits": cost.hits,
                }
            )
        return
    rows = [
        [
            f"{cost.us_per_event:.2f}",
            f"{cost.us_per_evaluation:.1f}",
            f"{100 * cost.share:.1f} %",
            f"{cost.events:,}",
            f"{cost.evaluations:,}",
            f"{cost.hits:,}",
            cost.rule.title,
        ]
        for cost in costs.rules[:MOST]
    ]
    if rows:
        table(["US/EVENT", "US/EVALUATION", "SHARE", "EVENTS", "EVALUATED", "HITS", "RULE"], rows)
    each = costs.engine_us / costs.events if costs.events else 0.0
    shared = costs.shared_us / costs.events if costs.events else 0.0
    click.echo(
        f"{costs.events:,} events, {each:.1f} us each; {shared:.1f} us of it is what all rules share"
        + (", reading and parsing included" if paths else ""),
        err=True,
    )
