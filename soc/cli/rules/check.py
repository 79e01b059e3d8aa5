"""`soc rules check`: every fault of the rules with its place."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, paths_argument, print_json, print_text
from soc.errors import EXIT_USAGE, FaultsError


@click.command()
@paths_argument
@config_option
@json_option
def command(paths: tuple[Path, ...], config_path: Path, as_json: bool) -> int:
    """Load every rule and name every fault: file:line:column, the line with a caret, the nearest valid name.

    PATHS: rules or folders (default: the site's). Exit code 2 where a rule cannot be loaded.
    """
    from soc.app.hunting import site_or_default

    try:
        ruleset = site_or_default(config_path, paths).rules(paths)
    except FaultsError as error:
        for fault in error.faults:
            if as_json:
                print_json({"path": fault.path, "line": fault.line, "column": fault.column, "message": fault.message})
            else:
                print_text(str(fault))
        click.echo(f"{len(error.faults)} faults", err=True)
        return EXIT_USAGE
    for warning in ruleset.warnings:
        if as_json:
            print_json({"warning": warning})
        else:
            print_text(f"warning: {warning}")
    click.echo(f"{len(ruleset)} rules load, {len(ruleset.warnings)} warnings", err=True)
    return 0
