"""`soc store migrate`: everything that journal and embedded store hold into Elasticsearch."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, show
from soc.cli.store._progress import telling
from soc.errors import EXIT_FINDINGS, EXIT_OK


@click.command()
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> int:
    """Put events of journal and embedded store, and the alerts of the ledger, into the Elasticsearch of soc.yaml; then compare.

    From the embedded store: change `store:` in soc.yaml and run this; it may be interrupted and run again, also beside `soc run`.
    Exit code 1 where an event is refused, missing or not the same.
    """
    import msgspec

    from soc.app.store_care import elastic_store, embedded, migrate

    with open_site(config_path) as site:
        store, _ = elastic_store(site)
        with telling("events stored and compared") as tell:
            done = migrate(site.journal_reader, store, tell, embedded(site))
        site.catch_up()
        rows = [msgspec.to_builtins(done)]
        show(rows, ["events", "stored", "present", "refused", "missing", "changed", "sha256"], as_json=as_json)
    return EXIT_FINDINGS if done.refused or done.missing or done.changed else EXIT_OK
