"""What a rule's tags and logsource say of controls."""

from __future__ import annotations

import pytest

from iso27001.catalogue import load
from iso27001.catalogue.techniques import ANSWERS, controls_for, controls_of_answers, in_words, technique_map
from iso27001.language import Language

BASE = {"A.8.15", "A.8.16", "A.5.25"}


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ("attack.stealth", "ATT&CK tactic stealth"),
        ("attack.defense-impairment", "ATT&CK tactic defense-impairment"),
        ("attack.defense-evasion", "ATT&CK tactic defense-evasion"),
        ("attack.defense_evasion", "ATT&CK tactic defense-evasion"),
        ("attack.t1685.005", "ATT&CK technique T1685.005"),
        ("attack.t1562.001", "ATT&CK technique T1562, the parent of T1562.001"),
        ("A.12.4.1", "named by the rule's tag A.12.4.1 of the 2013 edition"),
        ("iso_27001.A.12.4.3", "named by the rule's tag A.12.4.3 of the 2013 edition"),
        ("A.8.15", "named by the rule's tag A.8.15"),
    ],
)
def test_old_and_new_names_all_reach_logging(tag: str, why: str) -> None:
    assert controls_for([tag])["A.8.15"] == why


def test_the_exact_sub_technique_goes_before_its_parent() -> None:
    assert set(controls_for(["attack.t1070.006"])) - BASE == {"A.8.17", "A.5.28"}
    assert set(controls_for(["attack.t1070.009"])) - BASE == {"A.5.28", "A.5.33"}


def test_tactics_count_only_where_no_technique_is_listed() -> None:
    assert "A.8.2" not in controls_for(["attack.credential-access", "attack.t1110.001"])
    assert "A.8.2" in controls_for(["attack.credential-access", "attack.t9999"])


def test_the_logsource_is_added_and_named_by_all_its_parts() -> None:
    found = controls_for([], "product:linux/service:sudo")
    assert found["A.8.18"] == "log source product:linux/service:sudo"
    assert set(controls_for([], "product:linux/service:cron")) == BASE
    assert "A.5.23" in controls_for([], "product:aws/service:cloudtrail")


def test_the_base_always_holds_and_the_strongest_reason_stands() -> None:
    found = controls_for(["attack.t1070"])
    assert set(found) >= BASE
    assert found["A.8.15"] == "ATT&CK technique T1070"
    assert found["A.8.16"] == "every detection was logged, monitored and assessed"
    assert next(iter(found)) == "A.8.15"


def test_tags_that_say_nothing_here_are_left_alone() -> None:
    assert set(controls_for(["attack.g0049", "cve.2021-44228", "detection.emerging-threats", "A.99.1", ""])) == BASE


def test_every_control_of_the_map_is_in_the_catalogue() -> None:
    links = technique_map()
    known = load().controls
    for control_ids in (
        *ANSWERS.values(),
        links.base,
        *links.techniques.values(),
        *links.tactics.values(),
        *links.logsources.values(),
    ):
        assert set(control_ids) <= set(known)
        assert len(set(control_ids)) == len(control_ids)


@pytest.mark.parametrize(
    "tags", [["attack.t1110.001"], ["attack.t1110"], ["attack.stealth"], ["A.12.4.1"], ["A.5.7"], []]
)
def test_every_reason_is_said_in_vietnamese(tags: list[str]) -> None:
    for why in controls_for(tags, "product:linux/service:sshd").values():
        assert in_words(why, Language.ENGLISH) == why
        assert in_words(why, Language.VIETNAMESE) != why
        assert not in_words(why, Language.VIETNAMESE).isascii()


def test_what_was_done_about_an_incident_speaks_of_controls_in_both_languages() -> None:
    found = controls_of_answers(ANSWERS)
    assert found["A.5.27"] == "its lessons were recorded"
    assert found["A.5.26"] == "a playbook was followed"
    assert all(not in_words(why, Language.VIETNAMESE).isascii() for why in found.values())
    assert controls_of_answers([]) == {}


def test_reasons_of_others_stay_as_they_are() -> None:
    assert in_words("linked by hand", Language.VIETNAMESE) == "linked by hand"
