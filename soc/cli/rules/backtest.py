"""`soc rules backtest`: what a change of rules would have done to the site's alerts."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json
from soc.cli._span import force_options, journal_span_of, reason_of, span_options


@click.command()
@click.argument("change", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--without", multiple=True, metavar="RULE", help="Leave out the rule, correlation or filter of this id.")
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Rules to compare with (default: the site's).",
)
@span_options
@click.option("--record", "keep", is_flag=True, help="Write the result to the ledger.")
@force_options
@actor_option
@config_option
@json_option
def command(
    change: tuple[Path, ...],
    without: tuple[str, ...],
    against: tuple[Path, ...],
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    keep: bool,
    force: bool,
    reason: str,
    actor: str,
    config_path: Path,
    as_json: bool,
) -> int:
    """Replay the site's journal without and with a CHANGE: files or folders of rules, correlations and filters.

    Shows the alerts that it removes, adds and keeps. Exit code 1 where an alert closed as true positive or a member of an incident would
    vanish, or where a shift would get more alerts than `detect.alert_budget` allows.
    """
    from soc.app.backtesting import change_of
    from soc.app.desk import actor_name
    from soc.cli.rules._outcome import as_json as whole
    from soc.cli.rules._outcome import conclude, print_result, run_backtest

    if not change and not without:
        raise click.UsageError("name a CHANGE (files or folders of rules), or --without RULE")
    decided = reason_of(force=force, reason=reason)
    with open_site(config_path) as site:
        tried = change_of(site, change, against=against, without=without)
        if not tried.differences:
            click.echo("nothing differs from what runs", err=True)
            return 0
        result = run_backtest(site, tried, journal_span_of(site, last, since, until))
        if as_json:
            print_json(whole(result))
        else:
            print_result(result, site.config.site.zone)
        return conclude(site, result, actor_name(actor), decided, keep=keep)
