"""`soc iso audit list|show|export|plan|population|sample|conclude|follow-up|lock`: audits and what was concluded."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, print_json
from soc.cli.iso._acts import Acts, show_record, show_records
from soc.errors import SocError


@click.group(cls=Acts, noun="audit", short_help="Audits: populations, samples, conclusions, follow-up, lock.")
def command() -> None:
    """Audits. Their auditors read everything and write conclusions, and what leads to them, and nothing else."""


@command.command("list")
@config_option
@json_option
def list_(config_path: Path, as_json: bool) -> None:
    """Audits, the newest period first."""
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        register = read_register(site.ledger)
        rows = (
            (
                {
                    "id": each.id,
                    "state": "locked" if each.lock else "open",
                    "kind": each.plan.kind.value,
                    "since": each.plan.since,
                    "until": each.plan.until,
                    "concluded": f"{len(each.conclusions)} of {len(each.plan.criteria)}",
                    "findings": sum(found.text.ref == each.id for found in register.findings.values()),
                    "to_follow": len(each.to_follow(register.findings)),
                    "auditors": list(each.plan.auditors),
                    "title": each.plan.title,
                },
                each,
            )
            for each in sorted(register.audits.values(), key=lambda each: each.plan.until, reverse=True)
        )
        columns = ["id", "state", "kind", "since", "until", "concluded", "findings", "to_follow", "auditors", "title"]
        show_records(rows, columns, as_json=as_json, site=site, empty="no audit is planned; `soc iso audit plan`")


@command.command("show")
@click.argument("audit_id")
@config_option
@json_option
def show_(audit_id: str, config_path: Path, as_json: bool) -> None:
    """One audit whole: plan, populations, samples, conclusions, follow-up, lock."""
    from iso27001.register import get
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        show_record(get(read_register(site.ledger).audits, audit_id, "audit"), as_json=as_json, site=site)


@command.command("export")
@click.argument("audit_id")
@click.option("--name", required=True, help="The population, as it was counted.")
@click.option("--sample", "sampled", is_flag=True, help="Only what was drawn.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="JSON lines.")
@config_option
@json_option
def export(audit_id: str, name: str, sampled: bool, output: Path, config_path: Path, as_json: bool) -> None:
    """Write a population, or its sample, as JSON lines; it is counted anew first, and must give the same root."""
    from iso27001.register import get
    from iso27001.register.populations import export as lines_of
    from iso27001.register.populations import members
    from soc.app.tracking import Tracking
    from soc.app.tracking.audits import members_of

    with open_site(config_path) as site:
        tracking = Tracking(site, "")
        audit = get(tracking.register.audits, audit_id, "audit")
        wanted = set(members_of(tracking, audit, name))
        if sampled:
            wanted = {seq for drawn in audit.samples if drawn.population == name for seq in drawn.seqs}
        counted = audit.populations[name]
        found = members(site.ledger, counted.kinds, counted.since, counted.until, counted.size)
        partial = output.with_name(output.name + ".partial")
        try:
            with partial.open("wb") as file:
                file.writelines(lines_of(entry for entry in found if entry.seq in wanted))
            partial.replace(output)
        except OSError as error:
            raise SocError(f"{output} cannot be written: {error.strerror}") from error
        finally:
            partial.unlink(missing_ok=True)
    told = {"population": name, "count": counted.count, "root": counted.root, "written": len(wanted)}
    if as_json:
        print_json(told)
    else:
        click.echo(f"{len(wanted)} of {counted.count} written to {output}; root {counted.root}", err=True)
