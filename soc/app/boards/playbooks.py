"""The plans of playbooks as a board: what waits for whom, word for word what would run, and the approval of somebody else."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from soc.app.response import Response
from soc.app.site import Site
from soc.errors import SocError
from soc.reason import name_of
from soc.respond import PlannedStep, Run, StepResult, StepState
from soc.tui import Cell, Item, Locale, Section, Tone

_WAITS = frozenset({StepState.AWAITING_APPROVAL, StepState.AWAITING_PERSON, StepState.FAILED, StepState.UNKNOWN})


class PlaybooksBoard:
    """What waits for a person first, then the newest."""

    def __init__(self, site: Site, actor: str) -> None:
        self._response = Response(site, actor)
        self._locale = Locale(site.config.site.language)

    def items(self) -> Sequence[Item]:
        """One row a plan."""
        newest = reversed(self._response.runs().values())
        return sorted(map(_item, newest), key=lambda item: item.tone is not Tone.WARN)

    def sections(self, item_id: str) -> Sequence[Section]:
        """The plan, each command word for word, and what became of it."""
        run = self._response.runs().get(item_id)
        if run is None:
            return ()
        plan = run.plan
        facts: tuple[tuple[str, Cell], ...] = (
            ("title", plan.title),
            ("playbook", plan.playbook_id),
            ("for", plan.incident_id),
            ("planner", plan.planner),
            ("planned", plan.planned),
            ("approvals", ", ".join(run.approvals)),
            *plan.inputs.items(),
        )
        lines = [
            text
            for number, (step, result) in enumerate(zip(plan.steps, run.steps, strict=True), 1)
            for text in self._step(number, step, result)
        ]
        return Section("plan", facts), Section("steps", lines=lines)

    def act(self, plan_id: str, action: str, note: str) -> str:
        """Approve, confirm a person's step (id, then note), or run what is due; who approved, which step, what ran. Raises: SocError."""
        match action:
            case "approve":
                run = self._response.approve(plan_id)
                return ", ".join(run.approvals)
            case "confirm":
                step, _, words = note.strip().partition(" ")
                self._response.confirm(plan_id, step, words.strip())
                return step
            case "execute":
                results = list(self._response.execute(plan_id))
                return ", ".join(f"{one.id} {self._state(one)}" for one in results) or "-"
        raise SocError(f"a plan has no action {action}")

    def _step(self, number: int, step: PlannedStep, result: StepResult) -> list[str]:
        by = f", {result.actor}" if result.actor else ""
        lines = [f"{number}. {step.id}: {step.title}  [{self._state(result)}{by}]"]
        if step.text:
            lines.append(f"   {' '.join(step.text.split())}")
        if step.argv:
            lines.append(f"   $ {shlex.join(step.argv)}")
        if step.undo_argv:
            lines.append(f"   {self._locale.say('step.undo')}: $ {shlex.join(step.undo_argv)}")
        lines += [f"   | {output}" for output in result.output.strip().split("\n") if output]
        return lines

    def _state(self, result: StepResult) -> str:
        return name_of(result.state.value, self._locale.language)


def _item(run: Run) -> Item:
    waiting = next((step for step in run.steps if step.state is not StepState.DONE), None)
    state = "finished" if run.finished and waiting is None else waiting.state.value if waiting else "done"
    plan = run.plan
    cells: dict[str, Cell] = {
        "state": state,
        "id": plan.id,
        "title": plan.title,
        "incident": plan.incident_id,
        "planner": plan.planner,
        "approvals": ", ".join(run.approvals),
        "time": plan.planned,
    }
    wants = waiting is not None and waiting.state in _WAITS
    tone = Tone.DIM if run.finished else Tone.WARN if wants else Tone.PLAIN
    return Item(plan.id, cells, tone)
