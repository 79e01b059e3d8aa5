"""`soc rules test`: the rules' own samples, run by the production engine."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, paths_argument, print_json, print_text
from soc.errors import EXIT_FINDINGS


@click.command()
@paths_argument
@config_option
@json_option
def command(paths: tuple[Path, ...], config_path: Path, as_json: bool) -> int:
    """Run every rule's own lines (NAME.test.yml): those that must fire it and those that nearly do. Exit code 1 where one fails."""
    from soc.app.hunting import site_or_default
    from soc.detect import rule_tests

    site = site_or_default(config_path, paths)
    tests = rule_tests.discover(paths or site.config.rules)
    results = rule_tests.run(tests, site.rules(paths))
    failed = [result for result in results if result.fault is not None]
    for result in results if as_json else failed:
        fault = result.fault
        if as_json:
            print_json(
                {
                    "rule": result.test.rule_id,
                    "path": str(result.test.rule_path),
                    "kind": result.sample.kind.value if result.sample else "missing",
                    "number": result.sample.number if result.sample else None,
                    "passed": result.passed,
                    "fault": fault.message if fault else "",
                }
            )
        else:
            print_text(str(fault))
    click.echo(f"{len(tests)} rules, {len(results) - len(failed)} passed, {len(failed)} failed", err=True)
    return EXIT_FINDINGS if failed else 0
