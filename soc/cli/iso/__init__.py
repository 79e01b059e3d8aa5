"""`soc iso ...`: the ISO/IEC 27001 side, one module a command: what is counted, recorded, shown and provable."""

from __future__ import annotations

import click

from soc.cli._folder import Folder


@click.group(cls=Folder, package=__name__, short_help="ISO/IEC 27001: indicators, evidence, report, proof.")
def command() -> None:
    """ISO/IEC 27001:2022: indicators, evidence, the auditor's report, and proof that nothing was changed."""
