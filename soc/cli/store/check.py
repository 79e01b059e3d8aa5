"""`soc store check`: whether Elasticsearch holds what this version and the journal say."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, show
from soc.errors import EXIT_FINDINGS, EXIT_OK


@click.command()
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> int:
    """Whether the templates are those of this version, and where indices map a field otherwise. Exit code 1 where something is found."""
    from soc.app.store_care import elastic_store
    from soc.store.elastic_templates import drift, ended, outdated

    with open_site(config_path) as site:
        store, client = elastic_store(site)
        config = site.config.store
        rows = [
            {"what": "template", "where": name, "found": "missing or of another version", "do": "soc store migrate"}
            for name in outdated(client, config.namespace)
        ]
        rows += [
            {
                "what": "mapping",
                "where": f"{each.index} {each.field}",
                "found": f"{each.has}; wanted: {each.wants}",
                "do": "soc store reindex",
            }
            for each in drift(client, config.namespace)
        ]
        rows += [
            {
                "what": "lifecycle",
                "where": stream,
                "found": f"the server drops events after {after} by itself; no fact tells of it",
                "do": f"DELETE _data_stream/{stream}/_lifecycle",
            }
            for stream, after in ended(client, config.namespace).items()
        ]
        show(
            rows, ["what", "where", "found", "do"], as_json=as_json, empty=f"as it should be; {store.count():,} events"
        )
    return EXIT_FINDINGS if rows else EXIT_OK
