"""`soc iso exceptions list|request|approve|reject|revoke`: controls that do not hold for something, for a time."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site
from soc.cli.iso._acts import Acts, show_records


@click.group(cls=Acts, noun="exceptions", short_help="Exceptions with their approver and their end.")
def command() -> None:
    """Exceptions to controls: for what, why, approved by whom, until when."""


@command.command("list")
@config_option
@json_option
def list_(config_path: Path, as_json: bool) -> None:
    """Exceptions, those that end first at the top."""
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        now = site.clock()
        known = sorted(read_register(site.ledger).exceptions.values(), key=lambda each: each.text.expires)
        rows = (
            (
                {
                    "id": each.id,
                    "state": each.state(now).value,
                    "control": each.text.control_id,
                    "since": each.text.since,
                    "expires": each.text.expires,
                    "decided_by": each.decided_by,
                    "owner": each.text.owner,
                    "risk": each.text.risk,
                    "subject": each.text.subject,
                },
                each,
            )
            for each in known
        )
        columns = ["id", "state", "control", "since", "expires", "decided_by", "owner", "risk", "subject"]
        show_records(rows, columns, as_json=as_json, site=site, empty="there is no exception")
