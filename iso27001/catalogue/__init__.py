"""The catalogue's nouns and its door `load`: the 93 controls of ISO/IEC 27001:2022 Annex A and clauses 4 to 10.

Ids and short titles as published, summaries and Vietnamese titles in our own words, attributes as ISO/IEC 27002:2022 classifies. The
text of the standard is (c) ISO/IEC and is not here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from iso27001.catalogue.reading import read
from iso27001.errors import CatalogueError
from iso27001.language import Language


class Theme(StrEnum):
    """The four themes of Annex A, in its order."""

    ORGANIZATIONAL = "organizational"
    PEOPLE = "people"
    PHYSICAL = "physical"
    TECHNOLOGICAL = "technological"


class EvidenceMode(StrEnum):
    """How evidence for a control can come about: by machine, by machine with a person's part, or from people and documents only."""

    AUTOMATIC = "automatic"
    ASSISTED = "assisted"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Control:
    """One control of Annex A. The five attributes are those of ISO/IEC 27002:2022 clause 4.2; `from_2013`: ids of its predecessors."""

    id: str
    theme: Theme
    title_en: str
    title_vi: str
    summary_en: str
    control_types: tuple[str, ...]
    properties: tuple[str, ...]
    concepts: tuple[str, ...]
    capabilities: tuple[str, ...]
    domains: tuple[str, ...]
    new_in_2022: bool
    evidence_mode: EvidenceMode
    from_2013: tuple[str, ...]

    def title(self, language: Language) -> str:
        """Its short title."""
        return self.title_vi if language is Language.VIETNAMESE else self.title_en


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of 4 to 10. `auditable`: holds requirements of its own, not only subclauses."""

    id: str
    title_en: str
    title_vi: str
    auditable: bool

    def title(self, language: Language) -> str:
        """Its short title."""
        return self.title_vi if language is Language.VIETNAMESE else self.title_en


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Controls and clauses by id, in the standard's order, and the way from the ids of 2013."""

    controls: Mapping[str, Control]
    clauses: Mapping[str, Clause]
    successors: Mapping[str, tuple[str, ...]]

    def control(self, control_id: str) -> Control:
        """The control of an id of 2022. Raises: CatalogueError with the nearest known id."""
        found = self.controls.get(control_id)
        if found is None:
            raise CatalogueError(f'unknown control "{control_id}"{self._hint(control_id)}')
        return found

    def resolve(self, written: str) -> tuple[str, ...]:
        """The ids of 2022 for an id as people and tools write it: `A.8.15`, `a.8.15`, `8.15`, or of 2013: `A.12.4.1`.

        Three numbers are an id of 2013, two are one of 2022. Raises: CatalogueError where there is none.
        """
        match = re.fullmatch(r"(?:A\.)?(\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)", written.strip(), re.IGNORECASE)
        control_id = f"A.{match[1]}" if match else written
        if control_id in self.controls:
            return (control_id,)
        if control_id in self.successors:
            return self.successors[control_id]
        raise CatalogueError(f'unknown control "{written}"{self._hint(control_id)}')

    def _hint(self, control_id: str) -> str:
        if control_id in self.successors:
            return f"; this is an id of 2013, now {', '.join(self.successors[control_id])}"
        near = difflib.get_close_matches(control_id, [*self.controls, *self.successors], 1, 0.6)
        return f'; did you mean "{near[0]}"?' if near else ""


@lru_cache(maxsize=1)
def load() -> Catalogue:
    """The catalogue that this package ships; read once a process."""
    data = read("iso27001_2022.yaml", "iso27001-controls/1")
    controls: dict[str, Control] = {}
    successors: dict[str, tuple[str, ...]] = {}
    for item in data["controls"]:
        lists = {name: tuple(value) for name, value in item.items() if isinstance(value, list)}
        control = Control(
            **{**item, **lists, "theme": Theme(item["theme"]), "evidence_mode": EvidenceMode(item["evidence_mode"])}
        )
        controls[control.id] = control
        for old in control.from_2013:
            successors[old] = (*successors.get(old, ()), control.id)
    clauses = {item["id"]: Clause(**item) for item in data["clauses"]}
    return Catalogue(MappingProxyType(controls), MappingProxyType(clauses), MappingProxyType(successors))
