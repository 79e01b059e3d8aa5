"""`soc playbook list|plan|approve|confirm|run|show`: a response from plan to result; nothing acts before it was shown and approved."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._group import Group
from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json, print_text, show
from soc.errors import EXIT_FINDINGS

if TYPE_CHECKING:
    from soc.app.response import Response
    from soc.app.site import Site
    from soc.respond import Plan, Run


@click.group(cls=Group)
def command() -> None:
    """Respond to an incident by a playbook: plan, approve, run."""


@command.command("list")
@config_option
@json_option
def list_playbooks(config_path: Path, as_json: bool) -> None:
    """Playbooks and plans."""
    import msgspec

    with open_site(config_path) as site:
        rows = [{**msgspec.to_builtins(p), "steps": [s.id for s in p.steps]} for p in site.playbooks.values()]
        show(
            rows,
            ["id", "title", "owner", "reviewed", "steps"],
            as_json=as_json,
            empty="no playbooks (soc.yaml: playbooks)",
        )
        plans = [_plan_row(run) for run in _response(site).runs().values()]
        if plans and not as_json:
            click.echo()
        show(plans, ["plan", "playbook", "incident", "planner", "approvals", "state"], as_json=as_json)


@command.command("plan")
@click.argument("playbook_id")
@click.option("--incident", "incident_id", required=True, help="The incident it is for.")
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="A value of the playbook's inputs.")
@actor_option
@config_option
@json_option
def make_plan(
    playbook_id: str, incident_id: str, values: tuple[str, ...], actor: str, config_path: Path, as_json: bool
) -> None:
    """Show and record what the playbook would do, word for word. Nothing is run."""
    import msgspec

    from soc.app.desk import SiteDesk, actor_name

    given = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.UsageError(f'"{value}" is not NAME=VALUE')
        given[name] = text
    with open_site(config_path) as site:
        site.catch_up()
        incident = SiteDesk(site, actor_name(actor)).incident(incident_id)
        made = _response(site, actor).plan(playbook_id, incident, given)
        if as_json:
            print_json(msgspec.to_builtins(made))
        else:
            print_plan(made)


@command.command("approve")
@click.argument("plan_id")
@actor_option
@config_option
def approve(plan_id: str, actor: str, config_path: Path) -> None:
    """Approve a plan that somebody else made."""
    with open_site(config_path) as site:
        run = _response(site, actor).approve(plan_id)
        click.echo(f"{plan_id} approved by {', '.join(run.approvals)}; `soc playbook run {plan_id}` runs it")


@command.command("confirm")
@click.argument("plan_id")
@click.argument("step_id")
@click.option("--note", default="", help="What you saw or did.")
@actor_option
@config_option
def confirm(plan_id: str, step_id: str, note: str, actor: str, config_path: Path) -> None:
    """Say that a manual step is done."""
    with open_site(config_path) as site:
        _response(site, actor).confirm(plan_id, step_id, note)
        click.echo(f"{step_id} of {plan_id} is done")


@command.command("run")
@click.argument("plan_id")
@actor_option
@config_option
@json_option
def run_plan(plan_id: str, actor: str, config_path: Path, as_json: bool) -> int:
    """Run the steps that are due, up to the first that waits for a person or an approval. Exit code 1 where a step failed."""
    import msgspec

    failed = ran = False
    with open_site(config_path) as site:
        for result in _response(site, actor).execute(plan_id):
            ran = True
            failed = failed or result.state.value == "failed"
            if as_json:
                print_json(msgspec.to_builtins(result))
                continue
            print_text(
                f"{result.id}: {result.state.value}{f' (exit code {result.exit_code})' if result.exit_code else ''}"
            )
            print_text(result.output.strip())
            if result.state.value == "awaiting-person":
                click.echo(f"  when it is done: soc playbook confirm {plan_id} {result.id} --note '...'")
            elif result.state.value == "awaiting-approval":
                click.echo(f"  somebody else: soc playbook approve {plan_id}")
        if not ran and not as_json:
            click.echo(f"{plan_id} has no step left to run")
    return EXIT_FINDINGS if failed else 0


@command.command("show")
@click.argument("plan_id")
@config_option
@json_option
def show_plan(plan_id: str, config_path: Path, as_json: bool) -> None:
    """A plan and what became of it."""
    import msgspec

    with open_site(config_path) as site:
        run = _response(site).run_of(plan_id)
        if as_json:
            print_json(msgspec.to_builtins(run))
            return
        print_plan(run.plan)
        rows = [{**msgspec.to_builtins(s), "step": s.id} for s in run.steps]
        click.echo()
        show(rows, ["step", "state", "actor", "time", "exit_code", "output"], as_json=False)


def print_plan(plan: Plan) -> None:
    """A plan for people: each step, each command word for word, and how it is taken back."""
    print_text(f"{plan.id}  {plan.title}, for {plan.incident_id}, planned by {plan.planner}")
    for name, value in plan.inputs.items():
        print_text(f"  {name} = {value}")
    for number, step in enumerate(plan.steps, 1):
        print_text(f"  {number}. {step.title} [{step.phase}]{' needs approval' if step.approval else ''}")
        if step.text:
            print_text(f"     {' '.join(step.text.split())}")
        if step.argv:
            print_text(f"     $ {shlex.join(step.argv)}")
        if step.undo_argv:
            print_text(f"     undo: $ {shlex.join(step.undo_argv)}")


def _response(site: Site, actor: str = "") -> Response:
    from soc.app.desk import actor_name
    from soc.app.response import Response

    return Response(site, actor_name(actor))


def _plan_row(run: Run) -> dict[str, str]:
    waiting = next((s for s in run.steps if s.state.value != "done"), None)
    state = "finished" if run.finished else f"{waiting.id}: {waiting.state.value}" if waiting else "done"
    return {
        "plan": run.plan.id,
        "playbook": run.plan.playbook_id,
        "incident": run.plan.incident_id,
        "planner": run.plan.planner,
        "approvals": ", ".join(run.approvals),
        "state": state,
    }
