"""`soc config show`: every setting with where it comes from."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._group import Group
from soc.cli._shared import config_option, json_option, show


@click.group(cls=Group)
def command() -> None:
    """Look at the site's configuration."""


@command.command("show")
@config_option
@json_option
def show_config(config_path: Path, as_json: bool) -> None:
    """Every setting, its value, and whether soc.yaml or a default says so."""
    from soc.config import load, origins

    config = load(config_path)
    rows = [{"setting": name, "value": value, "from": origin} for name, value, origin in origins(config_path, config)]
    show(rows, ["setting", "value", "from"], as_json=as_json)
