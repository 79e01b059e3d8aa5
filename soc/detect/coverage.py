"""Rules, which of them can fire and which did in; what of ATT&CK the site sees out: by tactic and technique, gaps named, and as a layer.

Sources of truth: ATT&CK Enterprise 19, which split defense evasion into stealth and defense impairment and T1562 into T1685 and T1686;
layer file format 4.5 of ATT&CK Navigator. Rules of either age count: an old name is counted under the new one, and the layer names both.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from soc.detect.attack import OF_ANY_AGE, OLD_TACTIC, TACTICS

IMPAIRMENT = frozenset(
    {"T1112", "T1207", "T1222", "T1484", "T1553", "T1556", "T1578", "T1601", "T1685", "T1686", "T1689"}
)
"""Techniques of the old tactic that went to defense impairment; the others went to stealth."""

_NEW = {"T1562": "T1685", "T1562.004": "T1686", "T1562.007": "T1686"}
"""Old technique -> new. T1562's other sub-techniques are T1685's, under numbers of its own."""

_OLD = {"T1685": "T1562", "T1686": "T1562.004"}

_TECHNIQUE = re.compile(r"t\d{4}(?:\.\d{3})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RuleReach:
    """What coverage asks of one rule. `reads`: the logsources it (or, of a correlation, the rules under it) reads."""

    id: str
    title: str
    tags: tuple[str, ...]
    reads: tuple[str, ...]
    can_fire: bool
    fired: int


@dataclass(frozen=True, slots=True)
class Technique:
    """One technique or sub-technique by its new id; `able` of its `rules` can fire, and `fired` detections were theirs."""

    id: str
    tactics: tuple[str, ...]
    rules: int
    able: int
    fired: int
    titles: tuple[str, ...]
    reads: tuple[str, ...]
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tactic:
    """How many techniques of a tactic have rules, have one that can fire, and fired."""

    name: str
    techniques: int
    able: int
    fired: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A logsource that is not collected, the rules that read it, and the techniques that nothing else sees."""

    logsource: str
    rules: int
    techniques: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """All of it. `gaps`: techniques with rules of which none can fire. `wanted`: what to collect, most techniques first."""

    rules: int
    able: int
    untagged: int
    tactics: tuple[Tactic, ...]
    techniques: tuple[Technique, ...]
    gaps: tuple[Technique, ...]
    wanted: tuple[Wanted, ...]


def technique_of(tag: str) -> str:
    """`attack.t1562.004` -> `T1686`: the technique of a tag by its new id, "" where it names none."""
    written = _written(tag)
    return _NEW.get(written) or _NEW.get(written.partition(".")[0], written)


def tactic_of(tag: str) -> str:
    """`attack.defense_evasion` -> `defense-evasion`; "" where the tag names no tactic of the matrix, old or new."""
    name = tag.lower().removeprefix("attack.").replace("_", "-")
    return name if name in OF_ANY_AGE else ""


def coverage(rules: Sequence[RuleReach]) -> Coverage:
    """What the rules cover. A technique stands under the tactics of its rules' tags; of several, ATT&CK's own choice is not known here."""
    by_technique: dict[str, list[RuleReach]] = defaultdict(list)
    tactics: dict[str, set[str]] = defaultdict(set)
    written: dict[str, set[str]] = defaultdict(set)
    untagged = 0
    for rule in rules:
        found = {technique_of(tag): _written(tag) for tag in rule.tags if _written(tag)}
        named = {tactic for tag in rule.tags if (tactic := tactic_of(tag))}
        untagged += not found
        for technique, as_written in found.items():
            by_technique[technique].append(rule)
            written[technique].add(as_written)
            tactics[technique] |= {_new_tactic(tactic, technique) for tactic in named}
    techniques = tuple(
        _technique(name, members, tactics[name], written[name]) for name, members in sorted(by_technique.items())
    )
    return Coverage(
        rules=len(rules),
        able=sum(rule.can_fire for rule in rules),
        untagged=untagged,
        tactics=tuple(_tactic(name, techniques) for name in TACTICS),
        techniques=techniques,
        gaps=tuple(technique for technique in techniques if not technique.able),
        wanted=_wanted(by_technique, rules),
    )


def _written(tag: str) -> str:
    name = tag.lower().removeprefix("attack.")
    return name.upper() if _TECHNIQUE.fullmatch(name) else ""


def _new_tactic(tactic: str, technique: str) -> str:
    if tactic != OLD_TACTIC:
        return tactic
    return "defense-impairment" if technique.partition(".")[0] in IMPAIRMENT else "stealth"


def _technique(name: str, rules: Sequence[RuleReach], tactics: Iterable[str], written: Iterable[str]) -> Technique:
    able = [rule for rule in rules if rule.can_fire]
    return Technique(
        id=name,
        tactics=tuple(sorted(tactics, key=TACTICS.index)),
        rules=len(rules),
        able=len(able),
        fired=sum(rule.fired for rule in rules),
        titles=tuple(rule.title for rule in (able or rules)[:10]),
        reads=tuple(sorted({source for rule in rules for source in rule.reads})),
        written=tuple(sorted(written)),
    )


def _tactic(name: str, techniques: Sequence[Technique]) -> Tactic:
    mine = [technique for technique in techniques if name in technique.tactics]
    return Tactic(name, len(mine), sum(bool(t.able) for t in mine), sum(bool(t.fired) for t in mine))


def _wanted(by_technique: Mapping[str, Sequence[RuleReach]], rules: Sequence[RuleReach]) -> tuple[Wanted, ...]:
    silent = Counter(source for rule in rules if not rule.can_fire for source in set(rule.reads))
    opened: dict[str, set[str]] = defaultdict(set)
    for technique, members in by_technique.items():
        if not any(rule.can_fire for rule in members):
            for source in {source for rule in members for source in rule.reads}:
                opened[source].add(technique)
    found = [Wanted(source, count, tuple(sorted(opened[source]))) for source, count in silent.items()]
    return tuple(sorted(found, key=lambda w: (-len(w.techniques), -w.rules, w.logsource)))


# --- the layer ------------------------------------------------------------------------------------------------------------------

_COLOURS = ("#f2f2f2", "#a6d96a", "#1a9641")
_GAP = "#f4a582"


def navigator(found: Coverage, name: str, description: str) -> dict[str, Any]:
    """A layer for ATT&CK Navigator, as JSON data: the score is how many rules can fire; where none can, the technique has its own colour.

    Techniques carry no tactic, so they show under each that the Navigator's edition of ATT&CK has them in. The layer names T1562 beside its
    successors, so that either edition shows them.
    """
    entries: dict[str, dict[str, Any]] = {}
    for technique in found.techniques:
        for shown in dict.fromkeys((technique.id, *technique.written, *_older(technique.id))):
            entry = _entry(shown, technique)
            earlier = entries.get(shown)
            if earlier is None or earlier["score"] < entry["score"]:
                entries[shown] = entry
    most = max((technique.able for technique in found.techniques), default=0)
    return {
        "name": name,
        "versions": {"attack": "19", "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": description,
        "sorting": 3,
        "layout": {"layout": "side", "showID": True, "showName": True},
        "hideDisabled": False,
        "techniques": sorted(entries.values(), key=lambda entry: entry["techniqueID"]),
        "gradient": {"colors": list(_COLOURS), "minValue": 0, "maxValue": max(1, most)},
        "legendItems": [
            {"label": "rules can fire on what is collected", "color": _COLOURS[-1]},
            {"label": "rules, but no collected source that they read", "color": _GAP},
        ],
        "selectTechniquesAcrossTactics": True,
    }


def _older(technique: str) -> tuple[str, ...]:
    old = _OLD.get(technique.partition(".")[0])
    return () if old is None else (old,)


def _entry(shown: str, technique: Technique) -> dict[str, Any]:
    counts = {"rules": technique.rules, "can fire": technique.able, "detections": technique.fired}
    entry: dict[str, Any] = {
        "techniqueID": shown,
        "score": technique.able,
        "comment": "\n".join(technique.titles),
        "enabled": True,
        "metadata": [{"name": key, "value": str(value)} for key, value in counts.items()],
        "showSubtechniques": False,
    }
    if not technique.able:
        entry["color"] = _GAP
    return entry
