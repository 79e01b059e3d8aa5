"""`soc rules check`: every fault of the rules with its place, and what is odd about those that load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import config_option, json_option, paths_argument, print_json, print_text
from soc.errors import EXIT_USAGE

if TYPE_CHECKING:
    from soc.errors import Fault


@click.command()
@paths_argument
@click.option("--conventions", is_flag=True, help="Also tell where rules differ from SigmaHQ's conventions.")
@click.option("--sources", is_flag=True, help="Also tell, rule by rule, whether a source of soc.yaml can fire it.")
@config_option
@json_option
def command(paths: tuple[Path, ...], conventions: bool, sources: bool, config_path: Path, as_json: bool) -> int:
    """Load every rule and name every fault: file:line:column, the line with a caret, the nearest valid name.

    Also told: logic that nothing can match or that needs no match, rules that are the same, warnings.
    PATHS: rules or folders (default: the site's). Exit code 2 where a rule cannot be loaded.
    """
    from soc.app.clock import now
    from soc.app.hunting import site_or_default
    from soc.app.rule_check import check_rules, reach

    site = site_or_default(config_path, paths)
    found = check_rules(site, paths, now(), by_convention=conventions)
    for fault in found.review.faults:
        _tell(fault, "fault", as_json=as_json)
    for note in found.review.notes:
        _tell(note.fault, note.kind.value, as_json=as_json)
    for each in found.silenced:
        if as_json:
            print_json({"silenced": each.id, "title": each.title, "path": each.path, "by": list(each.by)})
        else:
            print_text(f"silenced: {each.title} ({each.id}) alerts only through {', '.join(each.by)}")
    reached = list(reach(site, found.review.content)) if sources and not found.review.faults else []
    for path, rule, told in reached:
        if as_json:
            print_json({"rule": rule.id, "title": rule.title, "path": path, "fires": told.fires, "why": told.why})
        elif not told.fires:
            print_text(f"{path}:{rule.line}: {rule.title}: {told.why}")
    if reached:
        able = sum(told.fires for _, _, told in reached)
        click.echo(f"{able} of {len(reached)} rules can fire on what is collected", err=True)
    faults, notes = len(found.review.faults), len(found.review.notes)
    click.echo(f"{len(found.review.content)} rules load, {faults} faults, {notes} notes", err=True)
    return EXIT_USAGE if faults else 0


def _tell(fault: Fault, kind: str, *, as_json: bool) -> None:
    if as_json:
        place = {"path": fault.path, "line": fault.line, "column": fault.column}
        print_json({"kind": kind, **place, "message": fault.message})
    else:
        print_text(str(fault) if kind == "fault" else f"{kind}: {fault}")
