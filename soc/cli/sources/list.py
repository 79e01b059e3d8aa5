"""`soc sources list`: the sources of soc.yaml, what they promise and what came of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import config_option, json_option, local, open_site, show

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from soc.app.sources import Standing

_COLUMNS = ("id", "kind", "format", "received", "dead", "dropped", "last", "where", "delivery")


@click.command()
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> None:
    """Each source: format, place, promise, records received, dead and dropped as the ledger counts them, and when it was last heard.

    Hosts whose events come hours off the time that they state are named on standard error. --json has the marks too: how far each of its
    streams is read.
    """
    from soc.app.source_clocks import clocks_off
    from soc.app.sources import standings
    from soc.display import sanitise

    with open_site(config_path) as site:
        rows = [_row(each, None if as_json else site.config.site.zone) for each in standings(site)]
        show(rows, _COLUMNS, as_json=as_json, empty="no sources yet: soc.yaml says where logs come from")
        for each in clocks_off(site):
            click.echo(sanitise(f"{each.source}: {each}"), err=True)


def _row(each: Standing, zone: ZoneInfo | None) -> dict[str, Any]:
    flow, source = each.flow, each.source
    row: dict[str, Any] = {
        "id": source.id,
        "kind": source.kind,
        "format": source.format,
        "where": each.where,
        "delivery": each.delivery,
        "received": flow.received,
        "parsed": flow.parsed,
        "dead": flow.dead,
        "dropped": flow.dropped,
        "last": local(flow.last, zone) if flow.last and zone else flow.last,
    }
    if zone is None:
        row["marks"] = [
            {"path": mark.path, "stream": mark.stream, "offset": mark.offset, "records": mark.index}
            for mark in each.marks
        ]
    return row
