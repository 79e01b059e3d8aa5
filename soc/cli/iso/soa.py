"""`soc iso soa list|show|check|diff|propose|approve|reject`: the statement of applicability and its versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import config_option, json_option, open_site, show
from soc.cli.iso._acts import Acts, show_records
from soc.errors import SocError

if TYPE_CHECKING:
    from iso27001.applicability import Applicability
    from soc.app.site import Site

DRAFT = "draft"
"""What names the draft where a version is asked for."""


@click.group(cls=Acts, noun="soa", short_help="The statement of applicability: versions, approval, differences.")
def command() -> None:
    """The draft is soa.yml beside soc.yaml; what was approved is in the ledger and stands until the next version is."""


@command.command("list")
@config_option
@json_option
def list_(config_path: Path, as_json: bool) -> None:
    """All versions, the newest first."""
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        register = read_register(site.ledger)
        stands = register.statement(site.clock())
        rows = (
            (
                {
                    "id": each.id,
                    "state": "stands" if stands is not None and each.id == stands.id else each.state.value,
                    "proposed": each.proposed,
                    "proposed_by": each.proposed_by,
                    "decided": each.decided,
                    "decided_by": each.decided_by,
                    "applicable": sum(line.applicable for line in each.lines),
                    "why": each.why,
                },
                each,
            )
            for each in reversed([*register.statements.values()])
        )
        columns = ["id", "state", "proposed", "proposed_by", "decided", "decided_by", "applicable", "why"]
        show_records(rows, columns, as_json=as_json, site=site, empty="no version was proposed; `soc iso soa propose`")


@command.command("show")
@click.argument("version", default="")
@config_option
@json_option
def show_(version: str, config_path: Path, as_json: bool) -> None:
    """The lines of a version (default: the one that stands; "draft": the file)."""
    with open_site(config_path) as site:
        lines = _lines(site, version)
    rows = (
        {
            "control": line.control_id,
            "applicable": line.applicable,
            "status": line.status.value if line.status else None,
            "need": [f"{need.kind} {need.ref}" for need in line.needs],
            "owner": line.owner,
            "reason": line.reason,
        }
        for line in lines.values()
    )
    show(rows, ["control", "applicable", "status", "need", "owner", "reason"], as_json=as_json)


@command.command("check")
@config_option
@json_option
def check(config_path: Path, as_json: bool) -> None:
    """Whether the draft could be proposed: every fault at once. Exit code 2 where there is one."""
    from iso27001.catalogue import load
    from iso27001.register.reading import read_register
    from iso27001.register.statements import check_lines

    with open_site(config_path) as site:
        lines = _lines(site, DRAFT)
        check_lines(lines, read_register(site.ledger).risks, load())
    applicable = sum(line.applicable for line in lines.values())
    show([{"controls": len(lines), "applicable": applicable}], ["controls", "applicable"], as_json=as_json)


@command.command("diff")
@click.argument("before")
@click.argument("after", default=DRAFT)
@config_option
@json_option
def diff(before: str, after: str, config_path: Path, as_json: bool) -> None:
    """What differs between two versions (default: to the draft)."""
    from iso27001.register.statements import differences

    with open_site(config_path) as site:
        changes = differences(_lines(site, before), _lines(site, after))
    rows = (
        {"control": each.control_id, "field": each.field, "before": each.before, "after": each.after}
        for each in changes
    )
    show(rows, ["control", "field", "before", "after"], as_json=as_json, empty="nothing differs")


def _lines(site: Site, version: str) -> dict[str, Applicability]:
    from iso27001.applicability import read_statement
    from iso27001.catalogue import load
    from iso27001.register import get
    from iso27001.register.reading import read_register
    from soc.app.tracking.statements import draft

    if version == DRAFT:
        return read_statement(draft(site), load())
    register = read_register(site.ledger)
    if version:
        return get(register.statements, version, "version").by_control
    stands = register.statement(site.clock())
    if stands is None:
        raise SocError("no version was approved; `soc iso soa propose`, then `soc iso soa approve` by somebody else")
    return stands.by_control
