"""Playbook and incident in, plan out; approved steps in, results out. Nothing acts before a person has seen the exact effect.

A playbook is content (playbooks/*.yml): typed inputs, typed steps. A plan is a playbook with its values filled in: what will be run,
word for word. A step that changes something outside (`command`) needs approval by somebody other than the planner. Every stage is a ledger
fact, so a run is a fold of facts: a step that began and did not end is `unknown` and waits for a person, it is never repeated blindly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from soc.detect import Level
from soc.incident import Phase


class InputType(StrEnum):
    """What a value of a playbook can be; each has a check, so that no event text reaches a command unseen."""

    IP = "ip"
    HOST = "host"
    USER = "user"
    INTEGER = "integer"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Input:
    """A value that the playbook needs. `entity`: the incident's entity kind that fills it ("source.ip"); else it is asked for."""

    type: InputType
    entity: str = ""
    choices: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class ManualStep:
    """Something a person does and confirms; `text` says what, with inputs in {braces}."""

    id: str
    kind: Literal["manual"]
    title: str
    text: str = ""
    phase: Phase = Phase.RESPOND


@dataclass(frozen=True, slots=True)
class CommandStep:
    """A command of the site's allow-list (soc.yaml respond.commands), run as an argument list without a shell.

    `command`: its name there. `undo`: name of the command that takes the effect back, shown in the plan. `approval`: of somebody else.
    """

    id: str
    kind: Literal["command"]
    title: str
    command: str
    undo: str = ""
    approval: bool = True
    timeout: timedelta = timedelta(seconds=60)
    phase: Phase = Phase.RESPOND


@dataclass(frozen=True, slots=True)
class Trigger:
    """For which incidents the playbook is proposed: at least this level, and any of these tags (none: any incident)."""

    level: Level = Level.HIGH
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Playbook:
    """A response as content. `owner`: role that answers for it. `reviewed`: date of the last review (YYYY-MM-DD)."""

    id: str
    title: str
    description: str
    owner: str
    reviewed: str
    steps: tuple[ManualStep | CommandStep, ...]
    inputs: Mapping[str, Input] = field(default_factory=dict)
    trigger: Trigger = Trigger()
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with its values in: `argv` is what will run, word for word (empty for a manual step)."""

    id: str
    kind: str
    title: str
    text: str
    argv: tuple[str, ...]
    undo_argv: tuple[str, ...]
    approval: bool
    timeout_s: int
    phase: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do. `id` is the hash of everything in it: what was approved is what runs."""

    id: str
    playbook_id: str
    title: str
    incident_id: str
    inputs: Mapping[str, str]
    steps: tuple[PlannedStep, ...]
    planner: str
    planned: datetime


class StepState(StrEnum):
    """Where a step stands. UNKNOWN: it began and no end is recorded; a person must look."""

    PENDING = "pending"
    AWAITING_APPROVAL = "awaiting-approval"
    AWAITING_PERSON = "awaiting-person"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StepResult:
    """What is known of a step: state, who, when, exit code and the end of its output (at most 4,000 characters)."""

    id: str
    state: StepState
    actor: str = ""
    time: datetime | None = None
    exit_code: int | None = None
    output: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A plan and what became of it so far. `approvals`: who approved, in order."""

    plan: Plan
    approvals: tuple[str, ...]
    steps: tuple[StepResult, ...]
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """`commands`: the allow-list, name -> argument list with inputs in {braces}. `four_eyes`: the planner may not approve.

    `protected`: addresses and networks that no command may name (gateways, domain controllers, the ministry's link).
    """

    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    four_eyes: bool = True
    protected: tuple[str, ...] = ("127.0.0.0/8", "::1/128", "0.0.0.0/32")
