"""`soc check`: whether everything that soc.yaml names can be used, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from collectors.errors import CollectorError
from soc.cli._shared import config_option, json_option, open_site, print_json, print_text
from soc.errors import EXIT_OK, EXIT_USAGE, SocError


@click.command(short_help="Check everything that soc.yaml names.")
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> int:
    """Check all that soc.yaml names, from rules to the store. Exit code 2 for a fault, 3 where the store is unreachable."""
    from soc.app.checking import checks

    worst = EXIT_OK
    with open_site(config_path) as site:
        for name, run in checks(site):
            code, text = _outcome(run)
            worst = max(worst, code)
            if as_json:
                print_json({"check": name, "ok": code == EXIT_OK, "text": text})
            else:
                print_text(f"{'ok   ' if code == EXIT_OK else 'FAULT'}  {name}: {text}")
    return worst


def _outcome(run: Callable[[], str]) -> tuple[int, str]:
    try:
        return EXIT_OK, run()
    except SocError as error:
        return error.exit_code, str(error)
    except CollectorError as error:
        return EXIT_USAGE, str(error)
