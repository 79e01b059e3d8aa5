"""The options --last, --from and --to in, a span of the site's history out; and the reason that goes with --force."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from soc.app.history import Span
    from soc.app.site import Site

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """A length of time as soc.yaml has it, where an option has one. Raises: click.BadParameter."""
    if value is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})([mhdw])", value)
    if match is None:
        raise click.BadParameter(f'"{value}" is not a length of time; write 8h, 30d or 4w', ctx, param)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def span_options(function: F) -> F:
    """--last, --from and --to, as arguments `last`, `since` and `until` for `span_of`."""
    for option in (
        click.option("--to", "until", type=click.DateTime(), default=None, help="Events before this time (site time)."),
        click.option(
            "--from", "since", type=click.DateTime(), default=None, help="Events from this time on (site time)."
        ),
        click.option(
            "--last", callback=duration, default="30d", show_default=True, help="So long before --to, or before now."
        ),
    ):
        function = option(function)
    return function


force_option = click.option(
    "--force", is_flag=True, help="Go on where the backtest objects; the ledger keeps who and why."
)


def force_options(function: F) -> F:
    """--force and --reason, as arguments `force` and `reason` for `reason_of`."""
    for option in (
        click.option("--reason", default="", help="Why, with --force; the ledger keeps it."),
        force_option,
    ):
        function = option(function)
    return function


def reason_of(*, force: bool, reason: str) -> str:
    """The reason for going on, "" where nobody does. Raises: click.UsageError for the one without the other."""
    if force and not reason.strip():
        raise click.UsageError("--force needs --reason: the ledger keeps why")
    if reason and not force:
        raise click.UsageError("--reason is for --force")
    return reason.strip()


def span_of(
    site: Site, last: timedelta, since: datetime | None, until: datetime | None, *, of_receipt: bool = False
) -> Span:
    """The span that the options mean: of the time of events, or of their receipt. Raises: click.UsageError where it is empty."""
    from soc.app.history import Span

    zone = site.config.site.zone
    end = until.replace(tzinfo=zone) if until else site.clock()
    begin = since.replace(tzinfo=zone) if since else end - last
    if begin >= end:
        raise click.UsageError(f"there is no time from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}")
    if not of_receipt:
        _tell_older(site, begin)
    return Span(begin, end)


def journal_span_of(site: Site, last: timedelta, since: datetime | None, until: datetime | None) -> Span:
    """As `span_of`, for what looks back on the journal: where retention dropped the begin of the span from it, that is said."""
    from soc.app.reading import next_batch

    span, journal = span_of(site, last, since, until), site.journal_reader
    if journal.start():
        events, _ = next_batch(journal, journal.start(), 1)
        first = events[0].ingested if events else site.clock()
        if first > span.since:
            click.echo(
                f"note: the journal begins on {first.astimezone(site.config.site.zone):%Y-%m-%d %H:%M} and this looks no further back "
                "(journal.retention); `soc search` and `soc hunt` look into the store",
                err=True,
            )
    return span


def _tell_older(site: Site, begin: datetime) -> None:
    """Say so where the newest that sources sent happened before the span: a played-in day, a source that fell silent."""
    from soc.app.history import newest

    last = newest(site.journal_reader)
    if last is not None and last < begin:
        days = (site.clock() - last).days + 1
        click.echo(
            f"note: the newest event of a source happened on {last.astimezone(site.config.site.zone):%Y-%m-%d %H:%M}, "
            f"before this span; --last {days}d reaches it",
            err=True,
        )
