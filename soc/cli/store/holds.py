"""`soc store holds`: what is on hold."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, local, open_site, show


@click.command()
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> None:
    """The holds that stand: which events retention may not drop, and why."""
    from soc.app.holding import holds

    with open_site(config_path) as site:
        zone = site.config.site.zone
        rows = [
            {
                "hold": each.id,
                "query": each.query,
                "from": local(each.span.since, zone),
                "to": local(each.span.until, zone),
                "by": each.actor,
                "why": each.why,
            }
            for each in holds(site)
        ]
        show(rows, ["hold", "from", "to", "query", "by", "why"], as_json=as_json, empty="nothing is on hold")
