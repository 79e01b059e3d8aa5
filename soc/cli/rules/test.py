"""`soc rules test`: the rules' own samples, run by the production engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import config_option, json_option, paths_argument, print_json, print_text
from soc.errors import EXIT_FINDINGS, SocError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soc.detect.rule_tests import Result


@click.command()
@paths_argument
@click.option(
    "--junit",
    "report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a report there, in the XML that CI systems read.",
)
@config_option
@json_option
def command(paths: tuple[Path, ...], report: Path | None, config_path: Path, as_json: bool) -> int:
    """Run every rule's own lines and sequences (NAME.test.yml): those that must fire it and those that nearly do.

    Exit code 1 where one fails, or where a rule has not both kinds.
    """
    from soc.app import rule_testing
    from soc.app.hunting import site_or_default

    results = rule_testing.run(site_or_default(config_path, paths), paths)
    failed = [result for result in results if result.fault is not None]
    for result in results if as_json else failed:
        if as_json:
            print_json(row(result))
        else:
            print_text(str(result.fault))
    if report is not None:
        _write(results, report)
    rules = len({result.test.rule_path for result in results})
    click.echo(f"{rules} rules, {len(results) - len(failed)} passed, {len(failed)} failed", err=True)
    return EXIT_FINDINGS if failed else 0


def row(result: Result) -> dict[str, Any]:
    """A verdict as one object. `kind` is "missing" where the rule lacks samples."""
    sample, fault = result.sample, result.fault
    return {
        "rule": result.test.rule_id,
        "path": str(result.test.rule_path),
        "kind": sample.kind.value if sample else "missing",
        "number": sample.number if sample else None,
        "name": sample.name if sample else "",
        "passed": result.passed,
        "fault": fault.message if fault else "",
    }


def _write(results: Sequence[Result], report: Path) -> None:
    from soc.detect.rule_tests.junit import junit

    try:
        junit(results, Path.cwd()).write(report, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise SocError(f"{report} cannot be written: {error.strerror}") from error
