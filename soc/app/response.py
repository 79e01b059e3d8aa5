"""Playbooks over a site: plan, approve, confirm and run, each stage a ledger fact and a line in the incident's story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iso27001.ledger import Fact
from soc.action import Role
from soc.app.access import needs
from soc.app.site import Site
from soc.errors import SocError
from soc.incident import Incident, TimelineEntry, facts
from soc.reason import Because, Reason
from soc.respond import Plan, Run, StepResult, running
from soc.respond.planning import plan
from soc.yaml_file import nearest

KINDS = (running.PLANNED, running.APPROVED, running.STEP, running.FINISHED)


class Response:
    """What a person does with playbooks, under the name `actor`."""

    def __init__(self, site: Site, actor: str) -> None:
        self._site = site
        self._actor = actor

    def runs(self) -> dict[str, Run]:
        """All plans and what became of them, oldest first."""
        return running.runs(entry.fact for entry in self._site.ledger.entries(kinds=KINDS))

    def run_of(self, plan_id: str) -> Run:
        """One run. Raises: SocError."""
        found = self.runs()
        if plan_id not in found:
            raise SocError(f"there is no plan {plan_id}{nearest(plan_id, found)}")
        return found[plan_id]

    def plan(self, playbook_id: str, incident: Incident, given: Mapping[str, str]) -> Plan:
        """Make a plan and record it. Raises: SocError, PlanError."""
        needs(self._site, self._actor, "playbook plan", [incident.id], Role.ANALYST)
        playbooks = self._site.playbooks
        if playbook_id not in playbooks:
            raise SocError(f"there is no playbook {playbook_id}{nearest(playbook_id, playbooks)}")
        config = self._site.config.respond
        made = plan(playbooks[playbook_id], incident, given, config, actor=self._actor, now=self._site.clock())
        self._write(running.planned(made))
        self._tell(made, Because.PLANNED, self._actor, made.title)
        return made

    def approve(self, plan_id: str) -> Run:
        """Approve a plan. Raises: ApprovalError, SocError."""
        needs(self._site, self._actor, "playbook approve", [plan_id], Role.LEAD)
        run = self.run_of(plan_id)
        self._write(running.approve(run, self._site.config.respond, actor=self._actor, now=self._site.clock()))
        self._tell(run.plan, Because.APPROVED, self._actor, run.plan.title)
        return self.run_of(plan_id)

    def confirm(self, plan_id: str, step_id: str, note: str) -> None:
        """Record that a manual step is done. Raises: SocError."""
        needs(self._site, self._actor, "playbook confirm", [plan_id], Role.ANALYST)
        run = self.run_of(plan_id)
        self._write(running.confirm(run, step_id, note, actor=self._actor, now=self._site.clock()))
        self._tell(run.plan, Because.STEP_CONFIRMED, self._actor, step_id, note)

    def execute(self, plan_id: str) -> Iterator[StepResult]:
        """Run what is due, giving each step's result as it ends. Raises: SocError."""
        needs(self._site, self._actor, "playbook run", [plan_id], Role.ANALYST)
        run = self.run_of(plan_id)
        for result in running.execute(run, actor=self._actor, clock=self._site.clock, write=self._write):
            if result.exit_code is not None or result.output:
                self._tell(run.plan, Because.STEP_RAN, result.id, result.state.value, result.output[:200].strip())
            yield result

    def _write(self, fact: Fact) -> None:
        self._site.ledger.append([fact])

    def _tell(self, made: Plan, what: Because, *values: str) -> None:
        entry = TimelineEntry(self._site.clock(), "playbook", Reason(what, (made.id, *values)), made.id)
        self._write(facts.noted(made.incident_id, entry, self._actor))
        self._site.catch_up()
