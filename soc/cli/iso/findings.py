"""`soc iso findings list|show|open|raise|analyse|plan|done|check|close`: findings and what became of them."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site
from soc.cli.iso._acts import Acts, show_record, show_records


@click.group(cls=Acts, noun="findings", short_help="Findings, root causes, corrective actions, checks of their effect.")
def command() -> None:
    """Findings of audits, incidents and measures; a nonconformity is closed by a check that found its actions effective."""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are closed.")
@config_option
@json_option
def list_(everything: bool, config_path: Path, as_json: bool) -> None:
    """Findings that are open, the most urgent first."""
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        now = site.clock()
        known = [f for f in read_register(site.ledger).findings.values() if everything or f.closed is None]
        rows = (
            (
                {
                    "id": found.id,
                    "state": found.state.value,
                    "conclusion": found.text.conclusion.value,
                    "due": found.text.due,
                    "overdue": found.overdue(now),
                    "actions": f"{sum(a.done is not None for a in found.actions)} of {len(found.actions)} done",
                    "owner": found.text.owner,
                    "ref": found.text.ref,
                    "controls": list(found.text.controls),
                    "title": found.text.title,
                },
                found,
            )
            for found in sorted(known, key=lambda found: found.text.due)
        )
        columns = ["id", "state", "conclusion", "due", "actions", "owner", "ref", "controls", "title"]
        show_records(rows, columns, as_json=as_json, site=site, empty="no finding is open")


@command.command("show")
@click.argument("finding_id")
@config_option
@json_option
def show_(finding_id: str, config_path: Path, as_json: bool) -> None:
    """One finding whole: cause, actions, checks."""
    from iso27001.register import get
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        show_record(get(read_register(site.ledger).findings, finding_id, "finding"), as_json=as_json, site=site)
