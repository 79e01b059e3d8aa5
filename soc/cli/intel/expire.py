"""`soc intel expire`: take out indicators that have ended, or a feed."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json


@click.command()
@click.option("--feed", default="", help="Only of this feed.")
@click.option("--whole", is_flag=True, help="With --feed: all of it, whatever its time.")
@click.option("--dry-run", is_flag=True, help="Say how many, and change nothing.")
@actor_option
@config_option
@json_option
def command(feed: str, whole: bool, dry_run: bool, actor: str, config_path: Path, as_json: bool) -> None:
    """Take out what has ended: it matches no event of now anyway, but still those of its time that come late."""
    from soc.app.desk import actor_name
    from soc.app.intel import remove

    if whole and not feed:
        raise click.UsageError("--whole needs --feed")
    with open_site(config_path) as site:
        found = remove(site, actor_name(actor), feed=feed, whole=whole, dry_run=dry_run)
    if as_json:
        print_json({"removed": found.removed, "total": found.total, "written": bool(found.removed) and not dry_run})
    else:
        click.echo(f"{found.removed:,} {'would go' if dry_run else 'removed'}, {found.total:,} are left")
