"""`soc iso measure`: a sample of every measure that can be counted, now."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, open_site


@click.command()
@config_option
def command(config_path: Path) -> None:
    """Take a sample of every measure that can be counted, and link incidents to their controls. `soc run` does it every hour."""
    from soc.app import assurance
    from soc.app.run import sign

    with open_site(config_path) as site:
        count, _ = assurance.measure(site)
        sign(site)
        click.echo(f"{count} new facts in the ledger")
