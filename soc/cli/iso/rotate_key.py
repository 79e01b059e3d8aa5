"""`soc iso rotate-key`: a new key for the ledger's heads."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, print_json, print_text


@click.command()
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> None:
    """Make a new key, tell it in the ledger under both keys, and sign with it from now on. The old private key is gone after.

    Auditors who trust either key believe the other by it; give them the new public key all the same. `soc run` must not be running.
    """
    from soc.app.anchoring import rotate_key

    with open_site(config_path) as site:
        old, new = rotate_key(site)
        if as_json:
            print_json({"old": old, "new": new, "public_key": str(site.public_key_path)})
        else:
            print_text(f"the key was {old}")
            print_text(f"the key is  {new} ({site.public_key_path})")
