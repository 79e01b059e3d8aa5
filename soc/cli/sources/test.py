"""`soc sources test`: the samples of described formats; with a source and a file, how its lines would parse there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import config_option, json_option, open_site, print_json, print_text, table
from soc.errors import EXIT_FINDINGS, EXIT_OK, SocError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.event import Event
    from collectors.record import DeadLetter
    from soc.app.formats import SampleResult
    from soc.app.line_testing import Read
    from soc.app.site import Site

_REASONS = 10
_FIELDS = 60


@click.command()
@click.argument("source", required=False, default="")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--junit",
    "report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a report on the samples there, in the XML that CI systems read.",
)
@config_option
@json_option
def command(source: str, file: Path | None, report: Path | None, config_path: Path, as_json: bool) -> int:
    """Run the samples of every format that is described in YAML, ours and the site's; or show how FILE would be read as source SOURCE.

    Exit code 1 where a sample fails, or where a line of FILE cannot be read.
    """
    with open_site(config_path) as site:
        if not source:
            return _samples(site, report, as_json=as_json)
        if file is None or report is not None:
            raise click.UsageError(
                "name a source and a file, or neither for the samples of all formats (--junit is for these)"
            )
        return _lines(site, source, file, as_json=as_json)


def _samples(site: Site, report: Path | None, *, as_json: bool) -> int:
    from collectors.parse.registry import DESCRIPTIONS
    from soc.app.formats import read_formats, run_samples

    files = read_formats([DESCRIPTIONS, *site.config.formats])
    results = list(run_samples(files, site.clock()))
    failed = [result for result in results if result.fault is not None]
    for result in results if as_json else failed:
        if as_json:
            print_json(_row(result))
        else:
            print_text(str(result.fault))
    if report is not None:
        _write(results, report)
    click.echo(f"{len(files)} formats, {len(results) - len(failed)} passed, {len(failed)} failed", err=True)
    return EXIT_FINDINGS if failed else EXIT_OK


def _row(result: SampleResult) -> dict[str, Any]:
    return {
        "format": result.file.described.name,
        "path": str(result.file.path),
        "kind": str(result.sample.at[0]),
        "number": result.sample.at[1],
        "passed": result.fault is None,
        "fault": result.fault.message if result.fault else "",
    }


def _write(results: Sequence[SampleResult], report: Path) -> None:
    from soc.app.format_report import junit

    try:
        junit(results, Path.cwd()).write(report, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise SocError(f"{report} cannot be written: {error.strerror}") from error


def _lines(site: Site, source: str, file: Path, *, as_json: bool) -> int:
    from soc.app.line_testing import Read, read_lines

    read = Read()
    for outcome in read_lines(site, source, file):
        read.add(outcome)
        if as_json:
            print_json(outcome_row(outcome))
    if not as_json:
        _print(read)
    total = read.events + read.dead
    share = f"{read.understood / total:.1%}" if total else "none"
    click.echo(
        f"{total:,} records: {read.events:,} events, {share} understood beyond the header, {read.dead:,} refused",
        err=True,
    )
    return EXIT_FINDINGS if read.dead else EXIT_OK


def outcome_row(outcome: Event | DeadLetter) -> dict[str, Any]:
    """What a record became, as one object."""
    from collectors.event import Event

    if isinstance(outcome, Event):
        return dict(outcome.document())
    record = outcome.record
    return {
        "reason": outcome.reason,
        "event.original": record.data.decode("utf-8", "backslashreplace"),
        "event.index": record.position.index,
        "soc.source": record.source,
    }


def _print(read: Read) -> None:
    if read.events:
        table(["EVENTS", "DATASET"], [[f"{count:,}", name] for name, count in read.datasets.most_common()])
        click.echo()
        rows = [[f"{count:,}", f"{count / read.events:.0%}", name] for name, count in read.fields.most_common(_FIELDS)]
        table(["EVENTS", "SHARE", "FIELD"], rows)
    if read.dead:
        click.echo()
        table(["REFUSED", "REASON"], [[f"{count:,}", reason] for reason, count in read.reasons.most_common(_REASONS)])
