"""`soc sources audit`: whether every record of a span is where it must be, by the ledger's facts and the journal itself."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import actor_option, config_option, json_option, local, open_site, print_json, print_text, table
from soc.cli._span import span_of, span_options
from soc.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from soc.app.auditing import Line

_COLUMNS = (
    "received",
    "replayed",
    "parsed",
    "dead",
    "dropped",
    "journalled",
    "evaluated",
    "indexed",
    "refused",
    "expired",
)


@click.command()
@span_options
@click.option("--minutes", is_flag=True, help="A row for each source and window, not only for each source.")
@click.option("--store", is_flag=True, help="Look for every event in the event store too.")
@actor_option
@config_option
@json_option
def command(
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    minutes: bool,
    store: bool,
    actor: str,
    config_path: Path,
    as_json: bool,
) -> int:
    """Prove received = parsed + dead, parsed = journalled = evaluated = indexed + refused: the facts against the journal.

    Per source and minute of receipt. The ledger keeps what was found; a running SOC makes an alert of a mismatch. Exit code 1 where there
    is one.
    """
    from soc.app.auditing import audit, record
    from soc.app.desk import actor_name
    from soc.display import counted

    with open_site(config_path) as site:
        span = span_of(site, last, since, until, of_receipt=True)
        zone = site.config.site.zone
        result = audit(site, span.since, span.until, store=store)
        record(site, result, span.since, span.until, actor_name(actor))
        if as_json:
            for line in result.lines:
                print_json(dataclasses.asdict(line) | {"missing": list(line.missing())})
        elif minutes:
            rows = [[local(x.until, zone), x.source, *_cells([x])] for x in result.lines]
            table(["UNTIL", "SOURCE", *(name.upper() for name in _COLUMNS)], rows)
        else:
            by_source: dict[str, list[Line]] = defaultdict(list)
            for line in result.lines:
                by_source[line.source].append(line)
            rows = [[source, *_cells(lines)] for source, lines in sorted(by_source.items())]
            table(["SOURCE", *(name.upper() for name in _COLUMNS)], rows)
        for begin, end, source, what in result.mismatches:
            print_text(f"MISMATCH  {local(begin, zone)} to {local(end, zone)}  {source or 'all'}: {what}")
        found = counted(len(result.mismatches), "mismatch", "mismatches") if result.mismatches else "all adds up"
        click.echo(f"{counted(result.windows, 'window')}, {found}", err=True)
        return EXIT_FINDINGS if result.mismatches else EXIT_OK


def _cells(lines: Iterable[Line]) -> list[str]:
    lines = list(lines)
    return [f"{sum(getattr(line, name) for line in lines):,}" for name in _COLUMNS]
