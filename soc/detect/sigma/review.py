"""Paths of rules in, all that can be said of them without an event out: faults, and notes on logic, duplicates and conventions.

What `soc rules check` prints. Every file is read anew, for notes need places that the cache does not keep; one bad rule never stops the
others. Bound: 3 CPU seconds for all of SigmaHQ's 3,780 rules.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path

from soc.detect.sigma import conventions, logic, references
from soc.detect.sigma.ir import Content, Correlation, Filter, Logsource, Rule
from soc.detect.sigma.load import duplicate_ids, files, parsed, raw_content
from soc.detect.sigma.producible import ungrouped
from soc.errors import Fault, FaultsError
from soc.yaml_file import Document

MAX_REMARKS = 20
"""Remarks on one rule's logic that are told."""


class Kind(StrEnum):
    """What a note is about. `never`: (a part of) the logic that no event matches; `always`: logic that needs no match."""

    WARNING = "warning"
    NEVER = "never"
    ALWAYS = "always"
    DUPLICATE = "duplicate"
    CONVENTION = "convention"


@dataclass(frozen=True, slots=True)
class Note:
    """Something to look at that stops nothing; `fault` has the place and the words, `rule` is the id of what it is about."""

    kind: Kind
    fault: Fault
    rule: str = ""


@dataclass(slots=True)
class Review:
    """What was found; `content` holds what could be read."""

    content: list[tuple[str, Content]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def review(
    paths: Sequence[Path], *, placeholders: Mapping[str, list[str]] | None = None, by_convention: bool = False
) -> Review:
    """All faults and notes; `by_convention`: also where rules differ from SigmaHQ's conventions."""
    found = Review()
    twins: dict[tuple[Logsource, Hashable], tuple[str, Rule]] = {}
    try:
        listed = list(files(paths))
    except FaultsError as error:
        return Review(faults=error.faults)
    for path in listed:
        try:
            raw = raw_content(path)
        except FaultsError as error:
            found.faults += error.faults
            continue
        made, faults = parsed(path, raw, placeholders or {})
        found.faults += faults
        for document, content in made:
            found.content.append((str(path), content))
            found.notes += _notes(document, content, twins)
            if by_convention:
                found.notes += (Note(Kind.CONVENTION, fault) for fault in conventions.notes(document))
    found.faults += duplicate_ids(found.content)
    names = references.Names(found.content)
    complete = not found.faults
    bases = _bases(found, names)
    found.notes = [note for note in found.notes if note.kind is not Kind.ALWAYS or note.rule not in bases]
    found.faults += references.with_sources(references.faults(found.content, names, complete=complete))
    for number, words in references.warnings(found.content, names):
        path_name, content = found.content[number]
        found.notes.append(Note(Kind.WARNING, Fault(path_name, content.line, 1, words)))
    for path_name, content in found.content:
        if isinstance(content, Correlation):
            wrong = [
                references.at(path_name, content, f"group-by/{at}", words) for at, words in ungrouped(content, names)
            ]
            found.notes += (Note(Kind.WARNING, fault) for fault in references.with_sources(wrong))
    return found


def _bases(found: Review, names: references.Names) -> set[str]:
    """Ids of the rules that stand under a correlation alone: to fire on every event of a source may be what they are for."""
    over = [each for _, each in found.content if isinstance(each, Correlation) and not each.generate]
    return {rule.id for each in over for name in each.rules for _, rule in names.meant(name)}


def _notes(
    document: Document, content: Content, twins: dict[tuple[Logsource, Hashable], tuple[str, Rule]]
) -> Iterator[Note]:
    for words in content.warnings:
        yield Note(Kind.WARNING, document.fault([], words, length=1))
    if not isinstance(content, Rule | Filter):
        return
    section = "detection" if isinstance(content, Rule) else "filter"
    for remark in islice(logic.remarks(content.tree), MAX_REMARKS):
        if isinstance(content, Filter) and not remark.never:
            continue  # a filter is a `not` of what it hides: it needs no match
        kind = Kind.NEVER if remark.never else Kind.ALWAYS
        fault = document.fault(
            [section, remark.selection or "condition"], remark.message, on_key=bool(remark.selection)
        )
        yield Note(kind, fault, content.id)
    if isinstance(content, Rule):
        key = content.logsource, logic.fingerprint(content.tree)
        path, twin = twins.setdefault(key, (document.path, content))
        if twin is not content:
            words = f'the same logic as "{twin.title}" ({path}:{twin.line}): each event that fires one fires both'
            yield Note(Kind.DUPLICATE, document.fault(["detection"], words, on_key=True))
