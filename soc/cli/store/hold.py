"""`soc store hold`: stored events that retention may not drop."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json
from soc.cli._span import span_of, span_options


@click.command()
@click.argument("query")
@span_options
@click.option("--why", required=True, help="The reason; the ledger keeps it.")
@actor_option
@config_option
@json_option
def command(
    query: str,
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    why: str,
    actor: str,
    config_path: Path,
    as_json: bool,
) -> None:
    """Keep the stored events that meet QUERY, as `soc search` finds them, whatever their age, until `soc store release`."""
    from soc.app.desk import actor_name
    from soc.app.holding import hold

    with open_site(config_path) as site:
        made = hold(site, query, span_of(site, last, since, until), why, actor_name(actor))
        if as_json:
            print_json({"hold": made.id})
        else:
            click.echo(made.id)
