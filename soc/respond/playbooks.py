"""Playbook files in (playbooks/*.yml), checked `Playbook`s out: every fault of every file at once, with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from soc.binding import bind
from soc.errors import Fault, FaultsError
from soc.incident import Incident
from soc.respond import CommandStep, Config, InputType, Playbook
from soc.yaml_file import Document, nearest, read

PLACEHOLDER = re.compile(r"\{([a-z_]{1,40})\}")


def load(folders: Sequence[Path], config: Config) -> dict[str, Playbook]:
    """All playbooks under the folders, by id. Raises: FaultsError."""
    found: dict[str, Playbook] = {}
    faults: list[Fault] = []
    for path in sorted(p for folder in folders for p in folder.rglob("*.yml")):
        try:
            for document in read(path):
                playbook = bind(document, Playbook)
                faults += _check(document, playbook, config, found)
                found[playbook.id] = playbook
        except FaultsError as error:
            faults += error.faults
    if faults:
        raise FaultsError(faults)
    return found


def proposed(playbooks: Iterable[Playbook], incident: Incident) -> list[Playbook]:
    """Playbooks whose trigger fits the incident and whose inputs it can fill, in the order of their ids."""
    kinds = {entity.kind for entity in incident.entities}
    return sorted(
        (
            playbook
            for playbook in playbooks
            if incident.level.rank >= playbook.trigger.level.rank
            and (not playbook.trigger.tags or set(playbook.trigger.tags) & set(incident.tags))
            and all(i.entity in kinds for i in playbook.inputs.values() if i.entity)
        ),
        key=lambda playbook: playbook.id,
    )


def _check(document: Document, playbook: Playbook, config: Config, found: dict[str, Playbook]) -> Iterator[Fault]:
    if playbook.id in found:
        yield document.fault(("id",), f'playbook id "{playbook.id}" is used by another file')
    seen: set[str] = set()
    for i, step in enumerate(playbook.steps):
        if step.id in seen:
            yield document.fault(("steps", i, "id"), f'step id "{step.id}" is used twice')
        seen.add(step.id)
        if isinstance(step, CommandStep):
            for key, name in (("command", step.command), ("undo", step.undo)):
                if name and name not in config.commands:
                    hint = nearest(name, config.commands)
                    yield document.fault(("steps", i, key), f'"{name}" is not in respond.commands of soc.yaml{hint}')
                for word in config.commands.get(name, ()):
                    yield from _unknown_inputs(document, playbook, word, ("steps", i, key))
        else:
            yield from _unknown_inputs(document, playbook, step.text, ("steps", i, "text"))
    for name, wanted in playbook.inputs.items():
        if wanted.type is InputType.CHOICE and not wanted.choices:
            yield document.fault(("inputs", name), '"choices" is missing')


def _unknown_inputs(document: Document, playbook: Playbook, text: str, at: tuple[str | int, ...]) -> Iterator[Fault]:
    for name in PLACEHOLDER.findall(text):
        if name not in playbook.inputs:
            yield document.fault(
                at, f'names the input "{name}", which the playbook does not declare{nearest(name, playbook.inputs)}'
            )
