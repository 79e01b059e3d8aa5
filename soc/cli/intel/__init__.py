"""`soc intel ...`: threat intelligence, one module a command; the same matcher as `soc run`."""

from __future__ import annotations

import click

from soc.cli._folder import Folder


@click.group(cls=Folder, package=__name__, short_help="Import threat intelligence, ask it, and look back with it.")
def command() -> None:
    """Indicators of STIX 2.1, MISP and CSV: what `soc run` matches events with, and what looks back over history."""
