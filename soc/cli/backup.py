"""`soc backup`: a copy of the site's data that the SOC can go on from, made while it runs."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, print_json


@click.command(short_help="Copy the site's data while the SOC runs.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--keys/--no-keys", default=True, help="Private keys too; whoever has them can sign in the ledger's name."
)
@config_option
@json_option
def command(folder: Path, keys: bool, config_path: Path, as_json: bool) -> None:
    """Bring the copy in FOLDER up to date: journal, ledger, store, vault, keys and state; not soc.yaml, rules and playbooks.

    Only what changed is written. A copy of another ledger, or of more than this one holds, is refused, never overwritten.
    What stands in Elasticsearch and Kafka is theirs to copy.
    """
    from soc.app.backup import back_up

    with open_site(config_path) as site:
        done = back_up(site, folder, keys=keys)
        if as_json:
            print_json({"folder": str(folder), **{name: getattr(done, name) for name in done.__slots__}})
            return
        click.echo(
            f"{folder}: {done.files:,} files written ({done.bytes:,} bytes), {done.same:,} as they were, {done.gone:,} gone; "
            f"the ledger with {done.facts:,} facts"
        )
        if keys and any((folder / "keys").glob("*.key")):
            click.echo(
                "It holds the private key of the ledger: keep it as you keep the key, or leave it out with --no-keys."
            )
