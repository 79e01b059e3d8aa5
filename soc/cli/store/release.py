"""`soc store release`: a hold ends."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json


@click.command()
@click.argument("hold")
@click.option("--why", required=True, help="The reason; the ledger keeps it.")
@actor_option
@config_option
@json_option
def command(hold: str, why: str, actor: str, config_path: Path, as_json: bool) -> None:
    """End the hold of this id: retention counts again for its events."""
    from soc.app.desk import actor_name
    from soc.app.holding import release

    with open_site(config_path) as site:
        release(site, hold, why, actor_name(actor))
        if as_json:
            print_json({"released": hold})
        else:
            click.echo(f"{hold} is released", err=True)
