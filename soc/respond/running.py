"""A run as a fold of ledger facts, and the one place where a command of a playbook is executed.

Order of writing is the safety: "began" is in the ledger before a command starts, "ended" after it stopped. After a crash in between,
the step reads as unknown and the run stops there.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

import msgspec

from iso27001.ledger import Fact
from soc.errors import SocError
from soc.respond import Config, Plan, PlannedStep, Run, StepResult, StepState

PLANNED = "playbook.planned"
APPROVED = "playbook.approved"
STEP = "playbook.step"
FINISHED = "playbook.finished"

_MAX_OUTPUT = 4_000


class ApprovalError(SocError):
    """An approval that may not be given: by the planner (four eyes), twice, or for a run that has ended."""


def planned(plan: Plan) -> Fact:
    """The fact that a plan was made."""
    return Fact(f"{PLANNED}:{plan.id}", PLANNED, plan.planned, plan.planner, {"plan": msgspec.to_builtins(plan)})


def runs(facts: Iterable[Fact]) -> dict[str, Run]:
    """All runs that the facts tell of, by plan id, oldest first."""
    found: dict[str, Run] = {}
    for fact in facts:
        if fact.kind == PLANNED:
            plan = msgspec.convert(fact.body["plan"], Plan)
            found[plan.id] = Run(plan, (), tuple(StepResult(s.id, _waiting(s)) for s in plan.steps))
            continue
        run = found.get(fact.body.get("plan", "")) if isinstance(fact.body.get("plan"), str) else None
        if run is None:
            continue
        found[run.plan.id] = _after(run, fact)
    return found


def _waiting(step: PlannedStep) -> StepState:
    if step.kind == "manual":
        return StepState.AWAITING_PERSON
    return StepState.AWAITING_APPROVAL if step.approval else StepState.PENDING


def _after(run: Run, fact: Fact) -> Run:
    match fact.kind:
        case "playbook.approved":
            steps = tuple(
                replace(s, state=StepState.PENDING) if s.state is StepState.AWAITING_APPROVAL else s for s in run.steps
            )
            return replace(run, approvals=(*run.approvals, fact.actor), steps=steps)
        case "playbook.step":
            body = fact.body
            result = StepResult(
                body["step"],
                StepState(body["state"]),
                fact.actor,
                fact.time,
                body.get("exit_code"),
                body.get("output", ""),
            )
            return replace(run, steps=tuple(result if s.id == result.id else s for s in run.steps))
        case "playbook.finished":
            return replace(run, finished=True)
    return run


def approve(run: Run, config: Config, *, actor: str, now: datetime) -> Fact:
    """The fact that somebody approved the plan, exactly as it stands. Raises: ApprovalError."""
    if run.finished:
        raise ApprovalError(f"{run.plan.id} has ended; make a new plan")
    if config.four_eyes and actor == run.plan.planner:
        raise ApprovalError(f"{actor} made {run.plan.id} and may not approve it: ask a colleague (respond.four_eyes)")
    if actor in run.approvals:
        raise ApprovalError(f"{actor} has approved {run.plan.id} already")
    return Fact(f"{APPROVED}:{run.plan.id}:{actor}", APPROVED, now, actor, {"plan": run.plan.id})


def confirm(run: Run, step_id: str, note: str, *, actor: str, now: datetime) -> Fact:
    """The fact that a person has done a manual step. Raises: SocError where the run has no such step waiting."""
    waiting = [s.id for s in run.steps if s.state is StepState.AWAITING_PERSON]
    if step_id not in waiting:
        raise SocError(
            f'{run.plan.id} has no manual step "{step_id}" waiting (waiting: {", ".join(waiting) or "none"})'
        )
    return _step_fact(run, StepResult(step_id, StepState.DONE, actor, now, None, note))


def execute(
    run: Run, *, actor: str, clock: Callable[[], datetime], write: Callable[[Fact], None]
) -> Iterator[StepResult]:
    """Run the steps that are due, in order, up to the first that waits or fails; `write` makes each fact durable before going on.

    Raises: SocError where a step is unknown (a crash in an earlier run) or nothing may run yet.
    """
    for step, result in zip(run.plan.steps, run.steps, strict=True):
        if result.state is StepState.DONE:
            continue
        if result.state is StepState.UNKNOWN:
            raise SocError(
                f'step "{step.id}" of {run.plan.id} began and no end is recorded: look what it did, then make a new plan'
            )
        if result.state is not StepState.PENDING:
            yield result
            return
        write(_step_fact(run, StepResult(step.id, StepState.UNKNOWN, actor, clock())))
        ended = _run(step, actor, clock)
        write(_step_fact(run, ended))
        yield ended
        if ended.state is StepState.FAILED:
            break
    write(Fact(f"{FINISHED}:{run.plan.id}", FINISHED, clock(), actor, {"plan": run.plan.id}))


def _run(step: PlannedStep, actor: str, clock: Callable[[], datetime]) -> StepResult:
    try:
        done = subprocess.run(  # an argument list from the site's allow-list; values were checked by planning.check
            step.argv, capture_output=True, timeout=step.timeout_s, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return StepResult(step.id, StepState.FAILED, actor, clock(), None, f"stopped after {step.timeout_s} s")
    except OSError as error:
        return StepResult(step.id, StepState.FAILED, actor, clock(), None, f"{step.argv[0]}: {error.strerror}")
    output = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")[-_MAX_OUTPUT:]
    state = StepState.DONE if done.returncode == 0 else StepState.FAILED
    return StepResult(step.id, state, actor, clock(), done.returncode, output)


def _step_fact(run: Run, result: StepResult) -> Fact:
    assert result.time is not None
    body = {
        "plan": run.plan.id,
        "step": result.id,
        "state": result.state.value,
        "exit_code": result.exit_code,
        "output": result.output,
    }
    return Fact(
        f"{STEP}:{run.plan.id}:{result.id}:{result.state.value}:{result.time.isoformat()}",
        STEP,
        result.time,
        result.actor,
        body,
    )
