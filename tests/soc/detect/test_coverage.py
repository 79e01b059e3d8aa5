"""What of ATT&CK the rules see."""

from __future__ import annotations

import pytest

from soc.detect.coverage import RuleReach, Tactic, coverage, navigator, tactic_of, technique_of


def reach(*tags: str, can_fire: bool = True, fired: int = 0, reads: str = "product:linux") -> RuleReach:
    return RuleReach(f"id of {tags}", f"Title of {tags[0] if tags else ''}", tags, (reads,), can_fire, fired)


@pytest.mark.parametrize(
    ("tag", "technique"),
    [
        ("attack.t1110.001", "T1110.001"),
        ("attack.T1110", "T1110"),
        ("attack.t1562", "T1685"),
        ("attack.t1562.002", "T1685"),
        ("attack.t1562.004", "T1686"),
        ("attack.t1562.007", "T1686"),
        ("attack.t1685.004", "T1685.004"),
        ("attack.stealth", ""),
        ("attack.g0016", ""),
        ("cve.2024-1234", ""),
        ("car.2013-05-002", ""),
    ],
)
def test_a_technique_goes_by_its_new_id(tag: str, technique: str) -> None:
    assert technique_of(tag) == technique


@pytest.mark.parametrize(
    ("tag", "tactic"),
    [
        ("attack.defense_evasion", "defense-evasion"),
        ("attack.defense-evasion", "defense-evasion"),
        ("attack.Stealth", "stealth"),
        ("attack.defense_impairment", "defense-impairment"),
        ("attack.t1110", ""),
        ("detection.threat-hunting", ""),
    ],
)
def test_a_tactic_has_its_old_and_its_new_name(tag: str, tactic: str) -> None:
    assert tactic_of(tag) == tactic


def test_a_rule_of_either_age_counts_under_the_new_tactic() -> None:
    found = coverage(
        [
            reach("attack.defense_evasion", "attack.t1562.001"),
            reach("attack.defense-impairment", "attack.t1685"),
            reach("attack.defense-evasion", "attack.t1070.004"),
            reach("attack.stealth", "attack.t1070.004"),
        ]
    )
    by_id = {t.id: t for t in found.techniques}
    assert {name: (t.rules, t.tactics) for name, t in by_id.items()} == {
        "T1685": (2, ("defense-impairment",)),
        "T1070.004": (2, ("stealth",)),
    }
    tactics = {t.name: t.techniques for t in found.tactics if t.techniques}
    assert tactics == {"stealth": 1, "defense-impairment": 1}


def test_what_has_rules_what_can_fire_and_what_fired_are_told_apart() -> None:
    found = coverage(
        [
            reach("attack.execution", "attack.t1059", can_fire=True, fired=7),
            reach("attack.execution", "attack.t1059", can_fire=False, reads="product:windows"),
            reach("attack.execution", "attack.t1204", can_fire=True),
            reach("attack.execution", "attack.t1047", can_fire=False, reads="product:windows"),
            reach("attack.execution"),
        ]
    )
    assert next(t for t in found.tactics if t.name == "execution") == Tactic("execution", 3, 2, 1)
    assert (found.rules, found.able, found.untagged) == (5, 3, 1)
    assert [t.id for t in found.gaps] == ["T1047"]


def test_what_to_collect_is_what_opens_most_techniques() -> None:
    found = coverage(
        [
            reach("attack.t1047", can_fire=False, reads="product:windows"),
            reach("attack.t1055", can_fire=False, reads="product:windows"),
            reach("attack.t1059", can_fire=False, reads="product:macos"),
            reach("attack.t1204", can_fire=False, reads="product:zeek"),
            reach("attack.t1204", can_fire=True),
        ]
    )
    assert [(w.logsource, w.rules, w.techniques) for w in found.wanted] == [
        ("product:windows", 2, ("T1047", "T1055")),
        ("product:macos", 1, ("T1059",)),
        ("product:zeek", 1, ()),
    ]


def test_a_layer_names_old_and_new_ids_and_marks_what_cannot_fire() -> None:
    found = coverage(
        [
            reach("attack.t1562.001"),
            reach("attack.t1686.003"),
            reach("attack.t1047", can_fire=False),
            reach("attack.t1059.001", fired=3),
            reach("attack.t1059.001"),
        ]
    )
    layer = navigator(found, "name", "description")
    scores = {entry["techniqueID"]: entry["score"] for entry in layer["techniques"]}
    assert scores == {
        "T1047": 0,
        "T1059.001": 2,
        "T1562": 1,
        "T1562.001": 1,
        "T1562.004": 1,
        "T1685": 1,
        "T1686.003": 1,
    }
    assert [entry["techniqueID"] for entry in layer["techniques"] if "color" in entry] == ["T1047"]
    assert layer["versions"]["layer"] == "4.5"
    assert layer["domain"] == "enterprise-attack"
    assert layer["gradient"]["maxValue"] == 2
    assert all("tactic" not in entry for entry in layer["techniques"])
    [powershell] = [entry for entry in layer["techniques"] if entry["techniqueID"] == "T1059.001"]
    assert {m["name"]: m["value"] for m in powershell["metadata"]} == {"rules": "2", "can fire": "2", "detections": "3"}
