"""`soc rules ...`: for who writes and tunes detections, one module a command; the same loader and engine as `soc run`."""

from __future__ import annotations

import click

from soc.cli._folder import Folder


@click.group(cls=Folder, package=__name__)
def command() -> None:
    """Check, test, explain, tune and import detection rules."""
