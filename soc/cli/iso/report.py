"""`soc iso report`: of a period, a control, an audit, for management, or the statement of applicability, as one file."""

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

KINDS = ("period", "control", "audit", "management", "soa")
FORMATS = ("html", "pdf", "docx", "xlsx", "csv", "json", "oscal", "oscal-poam")


@click.command()
@click.argument("kind", type=click.Choice(KINDS), default="period")
@click.argument("subject", default="")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="html", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@click.option("--language", type=click.Choice(["en", "vi"]), help="Default: the site's.")
@since_option
@until_option
@config_option
def command(
    kind: str,
    subject: str,
    output_format: str,
    output: Path,
    language: str | None,
    since: datetime | None,
    until: datetime | None,
    config_path: Path,
) -> None:
    """Write a report as one file. SUBJECT: the id of the control or audit, or a version of the statement.

    A report of an audit is of its period unless --since and --until say otherwise. The formats json, oscal (assessment results) and
    oscal-poam (plan of action and milestones) hold the whole of the period. PDF needs the extra "pdf".
    """
    with open_site(config_path) as site:
        start, end = _period(site, kind, subject, since, until)
        content = made(site, start, end, output_format, language or site.config.site.language, kind, subject)
        write_file(output, content)
        click.echo(f"written to {output}", err=True)


def made(
    site: Site,
    since: datetime,
    until: datetime,
    output_format: str,
    language: str,
    kind: str = "period",
    subject: str = "",
) -> bytes:
    """The report's bytes. Raises: IsoError, SocError."""
    from iso27001.catalogue import load
    from iso27001.language import Language
    from iso27001.report.data import render_json
    from iso27001.report.kinds import Kind, compose
    from iso27001.report.oscal import assessment_results, plan_of_action
    from iso27001.report.writers import Format, write
    from soc.app.assurance import report_input

    data, catalogue = report_input(site, since, until, generated=site.clock(), language=language), load()
    whole = {"json": render_json, "oscal": assessment_results, "oscal-poam": plan_of_action}
    if output_format in whole:
        return whole[output_format](data, catalogue)
    document = compose(data, catalogue, Language(language), Kind(kind), subject)
    attached = {"report.json": render_json(data, catalogue)} if output_format == "pdf" else {}
    return write(document, Format(output_format), attached)


def write_file(output: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises: SocError."""
    partial = output.with_name(output.name + ".partial")
    try:
        partial.write_bytes(content)
        partial.replace(output)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SocError(f"{output} cannot be written: {error.strerror}") from error


def _period(
    site: Site, kind: str, subject: str, since: datetime | None, until: datetime | None
) -> tuple[datetime, datetime]:
    from iso27001.register.reading import read_register

    if kind == "audit" and since is until is None:
        audit = read_register(site.ledger).audits.get(subject)
        if audit is not None:
            return audit.plan.since, audit.plan.until
    return period(site, since, until)
