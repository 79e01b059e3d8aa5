"""`soc init DIR`: a new site with the shipped rules, playbooks and inventory."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Make a new site to make your own.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> None:
    """Make a site in DIR: soc.yaml, inventory.yml, rules and playbooks to make your own."""
    from soc.app.content import make_site

    config = make_site(folder)
    click.echo(f"made {config}")
    click.echo("next:")
    click.echo(f"  edit {config} (sources) and {folder / 'inventory.yml'} (systems)")
    click.echo(f"  soc check --config {config}")
    click.echo(f"  soc run   --config {config}")
