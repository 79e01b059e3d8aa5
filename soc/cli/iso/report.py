"""`soc iso report`: the control report of a period, as one file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import config_option, open_site
from soc.cli.iso._period import period, since_option, until_option
from soc.errors import SocError

if TYPE_CHECKING:
    from soc.app.site import Site


@click.command()
@click.option("--format", "output_format", type=click.Choice(["html", "json"]), default="html", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@click.option("--language", type=click.Choice(["en", "vi"]), help="Default: the site's.")
@since_option
@until_option
@config_option
def command(
    output_format: str,
    output: Path,
    language: str | None,
    since: datetime | None,
    until: datetime | None,
    config_path: Path,
) -> None:
    """The control report of a period, as one file."""
    with open_site(config_path) as site:
        start, end = period(site, since, until)
        write_report(site, output, output_format, language or site.config.site.language, start, end)
        click.echo(f"written to {output}", err=True)


def write_report(site: Site, output: Path, output_format: str, language: str, since: datetime, until: datetime) -> None:
    """Write the report whole or not at all. Raises: SocError."""
    from iso27001.catalogue import load
    from iso27001.language import Language
    from iso27001.report.data import render_json
    from iso27001.report.html import render_html
    from soc.app.assurance import report_input

    data = report_input(site, since, until, generated=site.clock())
    catalogue = load()
    content = (
        render_json(data, catalogue) if output_format == "json" else render_html(data, catalogue, Language(language))
    )
    partial = output.with_name(output.name + ".partial")
    try:
        partial.write_bytes(content)
        partial.replace(output)
    except OSError as error:
        raise SocError(f"{output} cannot be written: {error.strerror}") from error
