"""`soc iso due`: what somebody has to do soon, or should have done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, local, open_site, show


@click.command()
@click.option("--within", type=click.IntRange(0), default=30, show_default=True, help="Days ahead.")
@config_option
@json_option
def command(within: int, config_path: Path, as_json: bool) -> None:
    """Evidence that expires, findings, actions, exceptions, risks and activities that are due, the most urgent first."""
    from iso27001.register.reading import read_register
    from iso27001.register.reminders import reminders

    with open_site(config_path) as site:
        now, zone = site.clock(), site.config.site.zone
        rows = [
            {
                "due": each.due if as_json else local(each.due, zone)[:10],
                "overdue": each.due <= now if as_json else "overdue" if each.due <= now else "",
                "kind": each.kind,
                "id": each.id,
                "owner": each.owner,
                "text": each.text,
            }
            for each in reminders(read_register(site.ledger), now, timedelta(days=within))
        ]
    show(
        rows,
        ["due", "overdue", "kind", "id", "owner", "text"],
        as_json=as_json,
        empty=f"nothing is due in {within} days",
    )
