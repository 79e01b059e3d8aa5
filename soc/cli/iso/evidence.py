"""`soc iso evidence list|show|check|add|revise|review|handle`: evidence with its owner, end, revisions, reviews and hands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, show
from soc.cli.iso._acts import Acts, show_record, show_records
from soc.cli.iso._period import period, since_option, until_option
from soc.errors import EXIT_FINDINGS, EXIT_OK


@click.group(cls=Acts, noun="evidence", short_help="Evidence: owner, end, revisions, reviews, chain of custody.")
def command() -> None:
    """Evidence that machines collected and people gave."""


@command.command("list")
@click.option("--control", help="Only of this control or clause.")
@click.option("--given", is_flag=True, help="Only what people gave.")
@since_option
@until_option
@config_option
@json_option
def list_(
    control: str | None,
    given: bool,
    since: datetime | None,
    until: datetime | None,
    config_path: Path,
    as_json: bool,
) -> None:
    """Evidence that speaks for a time of the period, the newest first."""
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        now, span = site.clock(), period(site, since, until)
        held = [
            each
            for each in read_register(site.ledger).evidence.values()
            if each.evidence.within(*span)
            and (each.evidence.file_name or not given)
            and control in (None, *(link.control_id for link in each.evidence.controls))
        ]
        rows = (
            (
                {
                    "id": each.id,
                    "state": each.state(now).value,
                    "kind": each.evidence.kind.value,
                    "effective_from": each.evidence.effective_from,
                    "effective_to": each.evidence.effective_to,
                    "expires": each.evidence.expires,
                    "revisions": len(each.revisions),
                    "owner": each.evidence.owner,
                    "title": each.evidence.title,
                },
                each,
            )
            for each in sorted(held, key=lambda each: each.evidence.effective_to, reverse=True)
        )
        columns = ["id", "state", "kind", "effective_from", "effective_to", "expires", "revisions", "owner", "title"]
        show_records(rows, columns, as_json=as_json, site=site, empty="no evidence speaks for this period")


@command.command("show")
@click.argument("evidence_id")
@config_option
@json_option
def show_(evidence_id: str, config_path: Path, as_json: bool) -> None:
    """One piece of evidence whole: revisions with their hashes, reviews, chain of custody."""
    from iso27001.register import get
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        show_record(get(read_register(site.ledger).evidence, evidence_id, "evidence"), as_json=as_json, site=site)


@command.command("check")
@config_option
@json_option
def check(config_path: Path, as_json: bool) -> int:
    """Hash every kept file anew and follow every chain of custody. Exit code 1 where something is wrong."""
    from soc.app.tracking import Tracking
    from soc.app.tracking.evidence import file_fault

    with open_site(config_path) as site:
        tracking = Tracking(site, "")
        rows = [
            {
                "id": each.id,
                "file": each.evidence.file_name,
                "sha256": each.evidence.result_hash,
                "fault": file_fault(tracking, each) or each.custody_fault,
            }
            for each in tracking.register.evidence.values()
            if each.evidence.file_name
        ]
    wrong = [row for row in rows if row["fault"]]
    show(rows if as_json else wrong, ["id", "file", "fault"], as_json=as_json)
    if not as_json:
        click.echo(f"{len(rows)} files hashed anew, {len(wrong)} wrong", err=True)
    return EXIT_FINDINGS if wrong else EXIT_OK
