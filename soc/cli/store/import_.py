"""`soc store import`: what `soc store export` wrote, into the store."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from soc.cli._shared import config_option, json_option, open_site, show
from soc.cli.store._progress import telling


@click.command()
@click.argument("file", type=click.File("rb"))
@config_option
@json_option
def command(file: BinaryIO, config_path: Path, as_json: bool) -> None:
    """The events of FILE into the store that soc.yaml names; what is there stays as it is. They are searched, not evaluated."""
    from soc.app.store_care import elastic_store
    from soc.store.elastic_copy import load
    from soc.store.elastic_templates import install

    with open_site(config_path) as site:
        _, client = elastic_store(site)
        config = site.config.store
        install(client, config.namespace)
        with telling("events read") as tell:
            done = load(client, config.namespace, file, tell)
        rows = [{"documents": done.documents, "present": done.present, "sha256": done.sha256}]
        show(rows, ["documents", "present", "sha256"], as_json=as_json)
