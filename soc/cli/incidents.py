"""`soc incidents ...`: lists and looks; what is done to incidents is a command for each action of their table (soc.cli._actions)."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._actions import Actions
from soc.cli._notices import list_clocks, write_notice
from soc.cli._shared import config_option, json_option, local, open_site, print_json, print_text, show
from soc.cli._sharing import answer, share


@click.group(cls=Actions, noun="incident")
def command() -> None:
    """Incidents: what belongs together, its story and its phase."""


@command.command("list")
@config_option
@json_option
def list_incidents(config_path: Path, as_json: bool) -> None:
    """Incidents: open ones first, then highest risk, then newest."""
    import msgspec

    from soc.app.desk import SiteDesk, actor_name

    with open_site(config_path) as site:
        site.catch_up()
        desk = SiteDesk(site, actor_name())
        rows = []
        for incident in desk.incidents(desk.incident_ids()):
            row = msgspec.to_builtins(incident)
            if not as_json:
                row |= {
                    "last_seen": local(incident.last_seen, site.config.site.zone),
                    "alerts": len(incident.alert_ids),
                }
            if not as_json and incident.closed:
                row["phase"] += " (closed)"
            rows.append(row)
        columns = ["id", "last_seen", "level", "risk", "severity", "phase", "assignee", "alerts", "systems", "title"]
        show(
            rows,
            columns,
            as_json=as_json,
            empty="no incidents; alerts become one when they share who acted or from where",
        )


@command.command("show")
@click.argument("incident_id")
@config_option
@json_option
def show_incident(incident_id: str, config_path: Path, as_json: bool) -> None:
    """One incident: who, what, why it is one, its timeline, controls and playbooks that fit."""
    import msgspec

    from soc.app.desk import SiteDesk, actor_name
    from soc.app.notice_clocks import clocks_at
    from soc.evidence import controls_of
    from soc.respond.playbooks import proposed

    with open_site(config_path) as site:
        site.catch_up()
        desk = SiteDesk(site, actor_name())
        incident = desk.incident(incident_id)
        controls = controls_of(desk.alerts(incident.alert_ids))
        fitting = proposed(site.playbooks.values(), incident)
        clocks = clocks_at(site, incident, desk.now())
        if as_json:
            due = msgspec.to_builtins(clocks)
            more = {"controls": controls, "playbooks": [p.id for p in fitting], "clocks": due}
            print_json({**msgspec.to_builtins(incident), **more})
            return
        zone = site.config.site.zone
        lines = [
            f"{incident.id}  {incident.title}",
            f"  {incident.level.value}, risk {incident.risk}, phase {incident.phase.value}{', closed' if incident.closed else ''}",
            f"  {local(incident.opened, zone)} to {local(incident.last_seen, zone)}",
            f"  systems: {', '.join(incident.systems) or 'none of the inventory'}",
            f"  entities: {', '.join(map(str, incident.entities[:12]))}",
            f"  class {incident.severity or '(not assessed)'} {incident.group}{', a false alarm' if incident.false_alarm else ''}",
            f"  TLP:{incident.tlp.value.upper()}{', led by ' + incident.assignee if incident.assignee else ''}",
            *([f"  part of {incident.merged_into}"] if incident.merged_into else []),
            *([f"  plans: {' '.join(incident.plans)}"] if incident.plans else []),
            " ",
            "why it is one incident",
            *(f"  {why}" for why in incident.why),
            " ",
            "timeline",
            *(
                f"  {local(e.time, zone)}  {e.kind:8}  {e.text}"
                for e in sorted(incident.timeline, key=lambda e: e.time)
            ),
            *([" ", "tasks"] if incident.tasks else []),
            *(
                f"  {task.id}  {task.state.value:8}  {task.title}{', ' + task.assignee if task.assignee else ''}"
                f"{', by ' + local(task.due, zone) if task.due else ''}"
                for task in incident.tasks
            ),
            *([" ", "evidence"] if incident.evidence else []),
            *(
                f"  {item.id}  {item.name}  SHA-256 {item.sha256}  {item.custody[-1].deed}, {item.custody[-1].where}"
                for item in incident.evidence
            ),
            " ",
            "legal notices (`soc incidents notice` writes one, `sent` records it)",
            *(
                f"  {c.rule.id:10} {c.state.value:10} by {local(c.due, zone)}  {c.rule.ref}: {c.why}"
                for c in clocks.notices
            ),
            *(f"  {gap}" for gap in clocks.gaps),
            " ",
            "ISO/IEC 27001 controls it speaks of",
            *(f"  {control}  {why}" for control, why in controls.items()),
            " ",
            "playbooks that fit",
            *(f"  soc playbook plan {p.id} --incident {incident.id}   ({p.title})" for p in fitting),
        ]
        for line in lines:
            print_text(line)


for _each in (list_clocks, write_notice, share, answer):
    command.add_command(_each)
