"""`soc store`: the care of the event store, one module a command in this folder."""

from __future__ import annotations

import click

from soc.cli._folder import Folder


@click.group(cls=Folder, package=__name__, short_help="Care for the event store.")
def command() -> None:
    """Care for the event store: what is kept and for how long; of one in Elasticsearch what differs, filling it, copies in and out."""
