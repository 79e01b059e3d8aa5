"""Playbook, incident and values in, `Plan` out: every value checked against its type, every command shown word for word."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b

import msgspec

from soc.errors import SocError
from soc.incident import Incident
from soc.respond import CommandStep, Config, Input, InputType, ManualStep, Plan, PlannedStep, Playbook
from soc.respond.playbooks import PLACEHOLDER

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62})){0,10}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@\\-]{0,63}")


class PlanError(SocError):
    """A plan cannot be made: a value is missing, of the wrong type, or names something protected."""


def plan(
    playbook: Playbook, incident: Incident, given: Mapping[str, str], config: Config, *, actor: str, now: datetime
) -> Plan:
    """What the playbook would do for the incident. `given` overrides what the incident's entities fill in. Raises: PlanError."""
    for name in given:
        if name not in playbook.inputs:
            raise PlanError(f'{playbook.id} has no input "{name}" (it has: {", ".join(playbook.inputs) or "none"})')
    values = {name: _value(name, wanted, given, incident, config) for name, wanted in playbook.inputs.items()}
    steps = tuple(_step(step, values, config) for step in playbook.steps)
    content = msgspec.json.encode([playbook.id, incident.id, values, steps, now], order="sorted")
    digest = blake2b(content, digest_size=6).hexdigest()
    return Plan(f"P-{digest}", playbook.id, playbook.title, incident.id, values, steps, actor, now)


def _value(name: str, wanted: Input, given: Mapping[str, str], incident: Incident, config: Config) -> str:
    text = given.get(name)
    if text is None:
        candidates = [e.value for e in incident.entities if e.kind == wanted.entity]
        if not candidates:
            raise PlanError(f'input "{name}" is missing: give it with --set {name}=VALUE')
        text = candidates[0]
    return check(name, text, wanted, config)


def check(name: str, text: str, wanted: Input, config: Config) -> str:
    """The value in its one written form. Raises: PlanError where it is not what its type says or names something protected."""
    match wanted.type:
        case InputType.IP:
            try:
                address = ipaddress.ip_address(text)
            except ValueError as error:
                raise PlanError(f'{name}: "{text}" is not an address') from error
            for network in map(ipaddress.ip_network, config.protected):
                if address.version == network.version and address in network:
                    raise PlanError(f"{name}: {address} is protected ({network}, soc.yaml respond.protected)")
            return str(address)
        case InputType.INTEGER:
            if not re.fullmatch(r"-?\d{1,18}", text):
                raise PlanError(f'{name}: "{text}" is not a whole number')
            return str(int(text))
        case InputType.CHOICE:
            if text not in wanted.choices:
                raise PlanError(f'{name}: "{text}" is not one of {", ".join(wanted.choices)}')
            return text
        case InputType.HOST | InputType.USER:
            pattern = _HOST if wanted.type is InputType.HOST else _USER
            if not pattern.fullmatch(text):
                raise PlanError(f'{name}: "{text}" is not a {wanted.type.value} name')
            if text in config.protected:
                raise PlanError(f"{name}: {text} is protected (soc.yaml respond.protected)")
            return text


def _step(step: ManualStep | CommandStep, values: Mapping[str, str], config: Config) -> PlannedStep:
    if isinstance(step, ManualStep):
        return PlannedStep(
            step.id, "manual", step.title, _filled(step.text, values), (), (), False, 0, step.phase.value
        )
    argv = tuple(_filled(word, values) for word in config.commands[step.command])
    undo = tuple(_filled(word, values) for word in config.commands.get(step.undo, ()))
    timeout_s = int(step.timeout.total_seconds())
    return PlannedStep(step.id, "command", step.title, "", argv, undo, step.approval, timeout_s, step.phase.value)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: values[match[1]], text)
