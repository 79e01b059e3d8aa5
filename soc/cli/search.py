"""`soc search 'QUERY'`: the stored events that meet a search, or how many there are, by time or by the values of a field."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import config_option, json_option, local, open_site, print_json, show, table
from soc.cli._span import duration, span_of, span_options

if TYPE_CHECKING:
    from soc.app.site import Site

FIELDS = ("@timestamp", "event.dataset", "host.name", "message")

MOST_BARS = 500
"""Lines of a histogram that a person looks at; --every shorter than that fits is refused."""

_WIDTH = 50


@click.command(short_help="Find stored events, or count them.")
@click.argument("query", default="")
@span_options
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(min=1), help="At most so many events, the newest."
)
@click.option("--field", "fields", multiple=True, help="A column of the table (default: time, dataset, host, message).")
@click.option("--histogram", is_flag=True, help="How many events in each stretch of time.")
@click.option(
    "--every", callback=duration, default=None, help="Length of a stretch: 5m, 1h, 1d (default: what fits 60 lines)."
)
@click.option("--by", default="", metavar="FIELD", help="With --histogram: counts for each value of this field.")
@click.option(
    "--top", default="", metavar="FIELD", help="The most frequent values of a field, with how many events have them."
)
@click.option(
    "--explain", is_flag=True, help="How the search is understood, and what of the store has to be read for it."
)
@config_option
@json_option
def command(
    query: str,
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    fields: tuple[str, ...],
    histogram: bool,
    every: timedelta | None,
    by: str,
    top: str,
    explain: bool,
    config_path: Path,
    as_json: bool,
) -> None:
    """Events that meet QUERY, newest first; an empty one means all.

    \b
    failed password              both words          user.name:lan or user.name:adm*
    "failed password"            the phrase          source.ip:10.0.0.0/8 and not host.name:web1
    message:refus*               a word that begins so   http.response.status_code >= 500
    """
    if histogram + bool(top) + explain > 1:
        raise click.UsageError("--histogram, --top and --explain are each another answer: take one")
    if (by or every) and not histogram:
        raise click.UsageError("--by and --every belong to --histogram")
    from soc.app.searching import open_search

    with open_site(config_path) as site:
        span = span_of(site, last, since, until)
        search = open_search(site, query, span)
        if explain:
            _explain(search.explain(), as_json=as_json)
        elif top:
            rows = [{"value": value, "events": count} for value, count in search.top(top, limit)]
            show(rows, ["events", "value"], as_json=as_json, empty=f"no event has a value of {top}")
        elif histogram:
            every = every or _fitting(span.until - span.since)
            if (span.until - span.since) / every > MOST_BARS and not as_json:
                raise click.UsageError(f"that would be more than {MOST_BARS} lines; take a longer --every, or --json")
            _histogram(search.histogram(every, by), site, by, as_json=as_json)
        else:
            columns = fields or FIELDS
            _events(search.events(limit, () if as_json else columns), site, columns, as_json=as_json)


def _events(found: Iterable[Mapping[str, Any]], site: Site, fields: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        show(found, [], as_json=True)
        return
    rows = (
        {
            name: local(datetime.fromisoformat(str(value)), site.config.site.zone) if name == "@timestamp" else value
            for name in fields
            if (
                value := document.get(name)
                if name != "message"
                else document.get(name) or document.get("event.original")
            )
            is not None
        }
        for document in found
    )
    show(
        rows,
        fields,
        as_json=False,
        empty="no events; words are looked for in messages, values as field:value; --last or --from reaches further back",
    )


def _fitting(length: timedelta) -> timedelta:
    """The shortest usual stretch of which 60 cover the span."""
    for minutes in (1, 5, 10, 30, 60, 180, 360, 720, 1440):
        if length <= 60 * timedelta(minutes=minutes):
            return timedelta(minutes=minutes)
    return timedelta(days=max(1, -(-length.days // 60)))


def _histogram(counts: Mapping[datetime, Counter[str]], site: Site, by: str, *, as_json: bool) -> None:
    if as_json:
        for begin, values in counts.items():
            for value, count in values.items():
                print_json({"from": begin, **({by: value} if by else {}), "events": count})
        return
    most = max((sum(values.values()) for values in counts.values()), default=0)
    rows = []
    for begin, values in counts.items():
        count = sum(values.values())
        named = " ".join(f"{value or '(none)'}={each:,}" for value, each in values.most_common(8)) if by else ""
        rows.append([local(begin, site.config.site.zone), f"{count:,}", "█" * max(1, _WIDTH * count // most), named])
    if not rows:
        click.echo("no events", err=True)
        return
    table(["FROM", "EVENTS", "", by.upper()], rows)


def _explain(plan: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    for name, value in plan.items():
        click.echo(
            f"{re.sub('_', ' ', name)}: {value:,}" if isinstance(value, int) else f"{name.replace('_', ' ')}: {value}"
        )
