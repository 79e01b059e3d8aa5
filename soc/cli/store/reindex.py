"""`soc store reindex`: old indices get the mappings of this version."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, show
from soc.cli.store._progress import telling


@click.command()
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> None:
    """Copy the events of indices whose mapping has drifted into new ones, compare both, and delete the old: what `soc store check` names.

    May be interrupted and run again, also beside `soc run`. Counts are higher meanwhile.
    """
    from soc.app.store_care import elastic_store
    from soc.store.elastic_copy import reindex
    from soc.store.elastic_templates import install

    with open_site(config_path) as site:
        _, client = elastic_store(site)
        config = site.config.store
        install(client, config.namespace)
        with telling("events copied") as tell:
            done = reindex(client, config.namespace, tell)
        rows = [
            {"index": index, "documents": each.documents, "present": each.present, "sha256": each.sha256}
            for index, each in done
        ]
        show(rows, ["index", "documents", "present", "sha256"], as_json=as_json, empty="no index has drifted")
