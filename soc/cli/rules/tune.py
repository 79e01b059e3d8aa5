"""`soc rules tune`: hide the benign case behind an alert, with a reason, an owner and an end; and list what is hidden."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import (
    actor_option,
    config_option,
    json_option,
    local,
    on_terminal,
    open_site,
    print_json,
    print_text,
    show,
)
from soc.cli._span import force_option, journal_span_of, span_options
from soc.errors import EXIT_FINDINGS, SocError

if TYPE_CHECKING:
    from soc.app.site import Site
    from soc.app.tuning import Case


@click.command()
@click.option("--from-alert", "alert_id", default="", help="The alert whose events are benign.")
@click.option(
    "--field", "fields", multiple=True, help="A field whose value makes the case; asked for where it is not given."
)
@click.option("--reason", default="", help="Why it is benign.")
@click.option("--owner", default="", help="Who answers for it.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), default=None, help="The day from which it hides nothing.")
@click.option("--name", default="", help="Name of the file in the site's rules/tuning (default: of the alert).")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Another file to write.")
@click.option("--dry-run", is_flag=True, help="Show what it would have hidden, and write nothing.")
@click.option("--list", "listing", is_flag=True, help="All tuning: owner, end, and what each has hidden so far.")
@span_options
@force_option
@actor_option
@config_option
@json_option
def command(
    alert_id: str,
    fields: tuple[str, ...],
    reason: str,
    owner: str,
    expires: datetime | None,
    name: str,
    output: Path | None,
    dry_run: bool,
    listing: bool,
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    force: bool,
    actor: str,
    config_path: Path,
    as_json: bool,
) -> int:
    """Write a tuning file (a Sigma filter) for the benign case behind an alert, after showing what it would have hidden.

    Refused with exit code 1 as `soc rules backtest` refuses; --force goes on, with --reason as the reason. `soc run` takes it up by itself.
    """
    from soc.app import tuning
    from soc.app.desk import SiteDesk, actor_name
    from soc.cli.rules._outcome import as_json as whole
    from soc.cli.rules._outcome import print_result, run_backtest

    with open_site(config_path) as site:
        if listing:
            _list(site, as_json=as_json)
            return 0
        if not alert_id or not reason.strip() or not owner.strip() or expires is None:
            raise click.UsageError("--from-alert, --reason, --owner and --expires are needed (or --list)")
        site.catch_up()
        alert = SiteDesk(site, actor_name(actor)).alert(alert_id)
        case = tuning.case_of(site, alert)
        span = journal_span_of(site, last, since, until)
        made = site.clock().date()
        chosen = fields or _chosen(case)
        proposal = tuning.propose(site, case, chosen, reason=reason, owner=owner, expires=expires.date(), made=made)
        path = output or tuning.place(site, name or alert.id.lower())
        result = run_backtest(site, proposal.change, span)
        objections = result.objections()
        written = not dry_run and (force or not objections)
        if as_json:
            print_json({"path": str(path), "written": written, "filter": proposal.text, **whole(result)})
        else:
            print_text(proposal.text)
            print_result(result, site.config.site.zone)
        if dry_run:
            return EXIT_FINDINGS if objections else 0
        if not written:
            click.echo(
                "refused: nothing was written; --force goes on all the same, and the ledger keeps who and why", err=True
            )
            return EXIT_FINDINGS
        why = tuning.write(site, proposal, result, path, actor_name(actor), forced=reason if objections else "")
        click.echo(f"written: {path}" + (f" (without a test: {why})" if why else " and its test"), err=True)
        return 0


def _chosen(case: Case) -> tuple[str, ...]:
    """The fields that a person picks. Raises: SocError where nobody can be asked."""
    told = [f"{name} = {', '.join(map(str, values[:3]))}" for name, values in case.choices]
    if not on_terminal():
        raise SocError("which fields make the case? Name them with --field:\n  " + "\n  ".join(told))
    for number, line in enumerate(told, 1):
        print_text(f"{number:3}  {line}")
    picked = click.prompt("Which of these make the benign case (numbers, separated by spaces)", type=str, err=True)
    try:
        return tuple(case.choices[int(word) - 1][0] for word in picked.replace(",", " ").split() if int(word) > 0)
    except (ValueError, IndexError) as error:
        raise SocError(f'"{picked}" are not numbers of the list') from error


def _list(site: Site, *, as_json: bool) -> None:
    import msgspec

    from soc.app.tuning import listed

    rows = []
    for row in listed(site):
        shown = msgspec.to_builtins(row)
        if not as_json:
            shown["last"] = local(row.last, site.config.site.zone) if row.last else "never"
            shown["rules"] = "; ".join(row.rules)
        rows.append(shown)
    show(
        rows,
        ["standing", "expires", "owner", "hidden", "last", "rules", "reason"],
        as_json=as_json,
        empty="nothing is tuned",
    )
