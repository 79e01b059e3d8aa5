"""`soc sources check`: whether each source can be opened, without opening it."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, print_json, print_text
from soc.errors import EXIT_OK, EXIT_USAGE


@click.command()
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> int:
    """Format known, files readable, port free, certificate valid, secrets kept: each source, without starting it.

    Exit code 2 for a fault.
    """
    from soc.app.source_checks import check_sources

    worst = EXIT_OK
    with open_site(config_path) as site:
        for each in check_sources(site):
            worst = max(worst, EXIT_USAGE if each.faults else EXIT_OK)
            if as_json:
                told = {"faults": each.faults, "warnings": each.warnings, "found": each.found}
                print_json({"source": each.source.id, "ok": not each.faults, **told})
                continue
            print_text(
                f"{'FAULT' if each.faults else 'ok   '}  {each.source.id}: {', '.join(each.found) or each.source.kind}"
            )
            for kind, lines in (("fault", each.faults), ("warning", each.warnings)):
                for line in lines:
                    print_text(f"       {kind}: {line}")
    return worst
