"""`soc report shift|month`: how fast the SOC sees, looks and decides, what is left, and what the next shift takes over."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._group import Group
from soc.cli._output import write_whole
from soc.cli._shared import config_option, json_option, open_site, print_json, print_text, table
from soc.errors import SocError

if TYPE_CHECKING:
    from iso27001.report.document import Document
    from soc.app.figures import Period
    from soc.app.site import Site

FORMATS = ("json", "html", "pdf", "docx", "xlsx", "csv")

_format = click.option("--format", "form", type=click.Choice(FORMATS), default="html", show_default=True)
_language = click.option("--language", type=click.Choice(["en", "vi"]), help="Default: the site's.")
_output = click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file (default: standard output)."
)


@click.group(cls=Group)
def command() -> None:
    """Figures of the SOC and the hand-over of a shift, or of a month."""


@command.command("shift")
@click.option("--at", "moment", default="", help='A moment of the shift, "2026-11-23T08:00+07:00" (default: now).')
@_format
@_language
@_output
@config_option
@json_option
def shift(moment: str, form: str, language: str | None, output: Path | None, config_path: Path, as_json: bool) -> None:
    """The shift on watch, from when it began."""
    from soc.app.figures import shift_at

    with open_site(config_path) as site:
        period = shift_at(site, _moment(moment, site))
        _tell(site, period, form, language, output, as_json=as_json)


@command.command("month")
@click.option("--month", "named", default="", help='Which: "2026-11" (default: the one that is).')
@_format
@_language
@_output
@config_option
@json_option
def month(named: str, form: str, language: str | None, output: Path | None, config_path: Path, as_json: bool) -> None:
    """A month, in the site's time."""
    from soc.app.figures import month_at

    with open_site(config_path) as site:
        zone = site.config.site.zone
        try:
            at = datetime.strptime(named, "%Y-%m").replace(tzinfo=zone) if named else site.clock()
        except ValueError as error:
            raise SocError(f'"{named}" is not a month such as "2026-11"') from error
        _tell(site, month_at(site, at), form, language, output, as_json=as_json)


def _moment(text: str, site: Site) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if text else site.clock()
    except ValueError as error:
        raise SocError(f'"{text}" is not a moment such as "2026-11-23T08:00+07:00"') from error
    return moment if moment.tzinfo else moment.replace(tzinfo=site.config.site.zone)


def _tell(site: Site, period: Period, form: str, language: str | None, output: Path | None, *, as_json: bool) -> None:
    import json

    from iso27001.language import Language
    from soc.app.figures import as_data, figures_of, report_of
    from soc.app.notices import as_file

    words = Language(language or site.config.site.language)
    if output is not None:
        if form == "json":
            content = json.dumps(as_data(figures_of(site, period)), ensure_ascii=False, indent=2).encode() + b"\n"
        else:
            content = as_file(report_of(site, period, words), form)
        write_whole(output, content, as_json=as_json)
    elif as_json:
        print_json(as_data(figures_of(site, period)))
    else:
        _print(report_of(site, period, words))


def _print(document: Document) -> None:
    from iso27001.report.document import Facts, Heading, Paragraph, Table, plain

    print_text(f"{document.title}, {document.subtitle}")
    for block in document.blocks:
        match block:
            case Heading(text=text):
                print_text(f"\n{plain(text)}")
            case Paragraph(text=text):
                print_text(f"  {plain(text)}")
            case Facts(pairs=pairs):
                table(["", ""], ([f"  {term}", plain(text)] for term, text in pairs))
            case Table(columns=columns, rows=rows):
                cells = ([plain(cell).replace("\n", "; ") for cell in row.cells] for row in rows)
                table([column.title for column in columns], cells)
            case _:
                continue
