"""What a rule says of itself in, the controls that its detections speak of out: tags and logsource -> control ids, each with its reason.

The most specific link counts (iso27001/catalogue/attack_to_iso27001.yaml, our own curation): with everything that public mappings chain
together a technique reaches a median of 15 controls and says nothing; so do SigmaHQ's 3,780 rules reach a median of 3, plus the base.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from iso27001.catalogue import load
from iso27001.catalogue.reading import read
from iso27001.errors import CatalogueError
from iso27001.language import Language

_TECHNIQUE = re.compile(r"T\d{4}(?:\.\d{3})?")
_CONTROL = re.compile(r"(?:iso_?27001\.)?(A\.\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)", re.IGNORECASE)

_REASONS = {
    "base": (
        "every detection was logged, monitored and assessed",
        "mọi phát hiện đều được ghi nhật ký, giám sát và đánh giá",
    ),
    "tag": ("named by the rule's tag {}", "được nêu trong thẻ {} của luật"),
    "old tag": (
        "named by the rule's tag {} of the 2013 edition",
        "được nêu trong thẻ {} của luật, theo phiên bản 2013",
    ),
    "technique": ("ATT&CK technique {}", "kỹ thuật ATT&CK {}"),
    "parent": ("ATT&CK technique {}, the parent of {}", "kỹ thuật ATT&CK {}, là kỹ thuật cấp trên của {}"),
    "tactic": ("ATT&CK tactic {}", "chiến thuật ATT&CK {}"),
    "logsource": ("log source {}", "nguồn nhật ký {}"),
    "answered": ("a playbook was followed", "đã thực hiện kịch bản ứng phó"),
    "notified": ("an authority was told", "đã báo cáo cơ quan chức năng"),
    "reviewed": ("its lessons were recorded", "đã ghi nhận bài học kinh nghiệm"),
    "kept": ("evidence of it is kept under custody", "chứng cứ được lưu giữ theo chuỗi hành trình"),
}
"""Every reason in English, as links and the ledger carry it, and in Vietnamese, as reports say it."""

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "answered": ("A.5.26", "A.5.37"),
    "notified": ("A.5.5", "A.5.26"),
    "reviewed": ("A.5.27",),
    "kept": ("A.5.28",),
}
"""What was done about an incident -> the controls that it speaks of."""

Links = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TechniqueMap:
    """The links of the file: by technique, by tactic and by logsource; `base` holds for whatever was logged, detected and assessed."""

    base: tuple[str, ...]
    techniques: Links
    tactics: Links
    logsources: Links


def controls_for(tags: Iterable[str], logsource: str = "") -> dict[str, str]:
    """Control ids, the most specific link first, each with the reason in words.

    `tags` as Sigma and Wazuh write them: `attack.t1110.001`, `attack.stealth`, `attack.defense_evasion`, `A.12.4.1`; others say nothing
    here. `logsource`: `product:linux/service:sshd`.
    """
    links = technique_map()
    words = [tag.strip().removeprefix("attack.") for tag in tags]
    found: dict[str, str] = {}
    for control_id, why in (
        *_named(words),
        *(by_technique := list(_by_technique(words, links))),
        *(() if by_technique else _by_tactic(words, links)),
        *_by_logsource(logsource, links),
        *((control_id, _why("base")) for control_id in links.base),
    ):
        found.setdefault(control_id, why)
    return found


def controls_of_answers(done: Iterable[str]) -> dict[str, str]:
    """Control ids, each with the reason in words, of what was done about an incident: keys of ANSWERS."""
    found: dict[str, str] = {}
    for each in done:
        for control_id in ANSWERS[each]:
            found.setdefault(control_id, _why(each))
    return found


def in_words(why: str, language: Language) -> str:
    """A reason in a language; as it is where it is none of this map's."""
    if language is Language.ENGLISH:
        return why
    for english, vietnamese in _REASONS.values():
        match = re.fullmatch(re.escape(english).replace(r"\{\}", r"(\S+?)"), why)
        if match:
            return vietnamese.format(*match.groups())
    return why


@lru_cache(maxsize=1)
def technique_map() -> TechniqueMap:
    """The links that this package ships; read once a process."""
    data = read("attack_to_iso27001.yaml", "attack-iso27001/1")

    def links(name: str) -> Links:
        return {str(key): tuple(value) for key, value in data[name].items()}

    return TechniqueMap(tuple(data["base"]), links("techniques"), links("tactics"), links("logsources"))


def _why(kind: str, *facts: str) -> str:
    return _REASONS[kind][0].format(*facts)


def _named(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        match = _CONTROL.fullmatch(word)
        if match is None:
            continue
        try:
            for control_id in load().resolve(match[1]):
                yield control_id, _why("tag" if match[1].upper() == control_id else "old tag", match[1])
        except CatalogueError:
            continue  # a tag that names no control says nothing


def _by_technique(words: Iterable[str], links: TechniqueMap) -> Iterator[tuple[str, str]]:
    for word in words:
        technique = word.upper()
        if not _TECHNIQUE.fullmatch(technique):
            continue
        parent = technique.split(".", maxsplit=1)[0]
        if technique in links.techniques:
            yield from ((control_id, _why("technique", technique)) for control_id in links.techniques[technique])
        elif parent in links.techniques:
            yield from ((control_id, _why("parent", parent, technique)) for control_id in links.techniques[parent])


def _by_tactic(words: Iterable[str], links: TechniqueMap) -> Iterator[tuple[str, str]]:
    for word in words:
        tactic = word.lower().replace("_", "-")
        yield from ((control_id, _why("tactic", tactic)) for control_id in links.tactics.get(tactic, ()))


def _by_logsource(logsource: str, links: TechniqueMap) -> Iterator[tuple[str, str]]:
    parts = set(logsource.split("/"))
    for pattern, control_ids in links.logsources.items():
        if parts.issuperset(pattern.split("/")):
            yield from ((control_id, _why("logsource", pattern)) for control_id in control_ids)
