"""The command line: one module a command in this folder, each with its `command`. Thin: no decisions here, and no heavy import at the top.

A module is loaded when its command is called or listed; what costs (stores, rules, Elasticsearch, Textual) it imports inside its functions,
so that `soc --help` stays quick (tests/test_rooms.py holds it).
"""

from __future__ import annotations

import click

from soc.cli._folder import Folder


@click.group(
    cls=Folder, package=__name__, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="soc-toolkit", prog_name="soc")
def soc() -> None:
    """A security operations centre: collect, detect, triage, respond, and show an auditor the evidence.

    Start with `soc demo`, then `soc init DIR`. Every command that prints data takes --json.
    Exit codes: 0 ok, 1 findings, 2 usage, configuration or rule error, 3 a service is unreachable, 130 interrupted.
    """
