"""`soc intel retro`: what indicators match in the site's stored history."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import actor_option, config_option, json_option, local, on_terminal, open_site, print_json, show
from soc.cli._span import journal_span_of, span_options
from soc.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from soc.app.history import Span
    from soc.app.retro import Retro
    from soc.app.site import Site

COLUMNS = [
    "indicator",
    "type",
    "feed",
    "events",
    "first",
    "last",
    "confidence",
    "tlp",
    "early",
    "values",
    "systems",
    "name",
]


@click.command()
@span_options
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="All indicators, not only those that came since the last look back over this span.",
)
@click.option("--list", "listed", is_flag=True, help="What earlier looks back found, instead of looking.")
@actor_option
@config_option
@json_option
def command(
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    every: bool,
    listed: bool,
    actor: str,
    config_path: Path,
    as_json: bool,
) -> int:
    """Look back over the journal with the indicators that are new since the last look back over the same. Exit code 1 where one matches.

    What is found opens no alert: it is a list of its own, and a fact of the ledger. The start of an indicator's validity does not count
    (`early`); what was already found when it came in is left out.
    """
    import msgspec

    from soc.app.desk import actor_name
    from soc.app.retro import covered, record

    with open_site(config_path) as site:
        if listed:
            return _list(site, as_json=as_json)
        span = journal_span_of(site, last, since, until)
        result = _looked(site, span, None if every else covered(site, span))
        fact_id = record(site, result, actor_name(actor))
        rows = [_row(site, finding, as_json=as_json) for finding in msgspec.to_builtins(result.findings)]
    if as_json:
        head = {"since": span.since, "until": span.until, "since_import": result.since_import, "events": result.events}
        print_json({**head, "seen": result.seen, "unkept": result.unkept, "fact": fact_id, "findings": rows})
    else:
        show(rows, COLUMNS, as_json=False)
        new = "new " if result.since_import else ""
        click.echo(
            f"{result.events:,} events hold {len(rows):,} {new}indicators; {result.seen:,} matches were found live; recorded as {fact_id}",
            err=True,
        )
        if result.unkept:
            click.echo(
                f"{result.unkept:,} matches of further indicators are not listed: look at shorter spans", err=True
            )
    return EXIT_FINDINGS if rows else EXIT_OK


def _looked(site: Site, span: Span, since_import: datetime | None) -> Retro:
    from soc.app.retro import look_back

    if not on_terminal():
        return look_back(site, span, since_import=since_import)
    journal = site.journal_reader
    with click.progressbar(length=max(1, journal.end() - journal.start()), label="looking back", file=None) as bar:
        return look_back(site, span, since_import=since_import, progress=bar.update)


def _list(site: Site, *, as_json: bool) -> int:
    from soc.app.retro import recorded

    rows = [
        {
            "looked": fact.time if as_json else local(fact.time, site.config.site.zone),
            **_row(site, finding, as_json=as_json),
        }
        for fact in recorded(site)
        for finding in fact.body["findings"]
    ]
    return (
        EXIT_FINDINGS
        if show(rows, ["looked", *COLUMNS], as_json=as_json, empty="nothing was found so far")
        else EXIT_OK
    )


def _row(site: Site, finding: dict[str, Any], *, as_json: bool) -> dict[str, Any]:
    """A finding as it is shown: in the site's time for people."""
    if as_json:
        return finding
    zone = site.config.site.zone
    times = {name: local(datetime.fromisoformat(finding[name]), zone) for name in ("first", "last")}
    return {**finding, **times, "early": "early" if finding["early"] else ""}
