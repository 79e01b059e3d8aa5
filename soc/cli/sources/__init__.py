"""`soc sources ...`: for who connects machines, one module a command; formats, ports and files as `soc run` takes them."""

from __future__ import annotations

import click

from soc.cli._folder import Folder


@click.group(
    cls=Folder, package=__name__, short_help="What is collected: check, test, watch live, replay dead letters."
)
def command() -> None:
    """List, check, test and watch where logs come from."""
