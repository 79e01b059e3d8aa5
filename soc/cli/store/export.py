"""`soc store export`: every event of the store into a file."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from soc.cli._shared import config_option, json_option, open_site, show
from soc.cli.store._progress import telling


@click.command()
@click.argument("file", type=click.File("wb"))
@config_option
@json_option
def command(file: BinaryIO, config_path: Path, as_json: bool) -> None:
    """Every event of the store as JSON lines into FILE ("-": stdout); the last line says how many there are and their SHA-256."""
    from soc.app.store_care import elastic_store
    from soc.store.elastic_copy import export

    with open_site(config_path) as site:
        _, client = elastic_store(site)
        with telling("events written") as tell:
            done = export(client, site.config.store.namespace, file.write, tell)
        if file.name != "-":
            show([{"documents": done.documents, "sha256": done.sha256}], ["documents", "sha256"], as_json=as_json)
