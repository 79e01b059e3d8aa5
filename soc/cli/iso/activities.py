"""`soc iso activities list|record|correct`: exercises, training, reviews and tests that people held."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site
from soc.cli.iso._acts import Acts, show_records


@click.group(cls=Acts, noun="activities", short_help="Exercises, training, reviews and tests that were held.")
def command() -> None:
    """What people did that no log tells; measures count with it."""


@command.command("list")
@click.option("--kind", help="Only of this kind, such as exercise or training.")
@config_option
@json_option
def list_(kind: str | None, config_path: Path, as_json: bool) -> None:
    """Activities, the newest first."""
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        held = [a for a in read_register(site.ledger).activities.values() if kind in (None, a.text.kind.value)]
        rows = (
            (
                {
                    "id": activity.id,
                    "held": activity.text.held,
                    "kind": activity.text.kind.value,
                    "reached": f"{activity.text.reached} of {activity.text.expected}",
                    "next": activity.text.next_due,
                    "controls": list(activity.text.controls),
                    "owner": activity.text.owner,
                    "title": activity.text.title,
                },
                activity,
            )
            for activity in sorted(held, key=lambda activity: activity.text.held, reverse=True)
        )
        columns = ["id", "held", "kind", "reached", "next", "controls", "owner", "title"]
        empty = "nothing is recorded; `soc iso activities record`"
        show_records(rows, columns, as_json=as_json, site=site, empty=empty)
