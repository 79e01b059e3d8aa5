"""`soc store`: the care of a store in Elasticsearch, one module a command in this folder."""

from __future__ import annotations

import click

from soc.cli._folder import Folder


@click.group(cls=Folder, package=__name__, short_help="Care for a store in Elasticsearch.")
def command() -> None:
    """Care for a store in Elasticsearch: what differs from this version, filling it from the journal, copies in and out."""
