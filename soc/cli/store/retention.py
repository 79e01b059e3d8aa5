"""`soc store retention`: what is kept no longer is dropped, or shown."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, local, open_site, show


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@config_option
@json_option
def command(dry_run: bool, config_path: Path, as_json: bool) -> None:
    """Drop stored events and files of the journal that soc.yaml keeps no longer; a fact of the ledger names each. `soc run` does so hourly.

    Shown is each file up to the first that is young: how many of its events go, and why others stay.
    """
    from soc.app.retention import plans, retain

    with open_site(config_path) as site:
        found = [plan.looked for plan in plans(site)] if dry_run else retain(site)
        zone = site.config.site.zone
        rows = [
            dataclasses.asdict(each) | ({} if as_json else {"received": local(each.received, zone)}) for each in found
        ]
        columns = ["where", "file", "received", "events", "dropped", "why"]
        show(rows, columns, as_json=as_json, empty="nothing is as old as that")
