"""Our own rules: each fires on its lines and not on its near misses, and all of them follow the same form. Run by the production engine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.enrich import enrich
from soc import yaml_file
from soc.detect import Level, rule_tests
from soc.detect.rule_tests import Kind, Result
from soc.detect.ruleset import RuleSet, load
from soc.detect.sigma import load as load_content
from soc.inventory import Asset, load_inventory

ROOT = Path(__file__).parents[2]
RULES = ROOT / "rules"
TESTS = rule_tests.discover([RULES])
FILES = [test.rule_path for test in TESTS]
DOCUMENTS = {path: [document.data for document in yaml_file.read(path)] for path in FILES}
BY_PATH = {path: documents[-1] for path, documents in DOCUMENTS.items()}
"""What a file is about: its one rule, or the correlation after the rules that it is made of."""
EVERY = [(path, data) for path, documents in DOCUMENTS.items() for data in documents]
OURS = frozenset({"new_value", "rarity", "spike", "flatline", "absence"})
"""Correlation types that Sigma has not."""
INVENTORY = load_inventory(ROOT / "inventory.yml")
LOGSOURCES = (
    {"product": "linux"},
    {"product": "linux", "service": "sshd"},
    {"product": "linux", "service": "auditd"},
    {"product": "linux", "service": "syslog"},
    {"category": "dns"},
    {"product": "vsphere"},
    {"product": "veeam"},
    {"product": "linux", "service": "sudo"},
    {"product": "linux", "service": "auth"},
    {"product": "linux", "service": "cron"},
    {"product": "postgresql"},
    {"category": "webserver"},
    {"category": "firewall"},
    {"category": "database"},
    {"product": "modsecurity"},
    {"product": "suricata"},
    {"product": "tomcat"},
    {"category": "threat_intel"},
    {"product": "egov", "service": "audit"},
    {"product": "soc", "service": "audit"},
    {"product": "ups", "service": "trap"},
    {"product": "door", "service": "trap"},
    {"product": "windows", "service": "security"},
)
_BY_TACTICS = {
    "reconnaissance": "t1590.002 t1595 t1595.001 t1595.002 t1595.003",
    "initial-access": "t1190 t1199 t1200",
    "initial-access persistence": "t1133",
    "initial-access persistence privilege-escalation stealth": "t1078 t1078.001 t1078.003",
    "execution": "t1059 t1059.004 t1204.002",
    "execution persistence privilege-escalation": "t1053.003",
    "persistence privilege-escalation": "t1547.006 t1098 t1098.004 t1098.007",
    "persistence": "t1136 t1136.001 t1505 t1505.003",
    "privilege-escalation": "t1548 t1548.001 t1548.003",
    "defense-impairment": "t1685 t1685.004 t1685.006 t1686",
    "stealth": "t1070",
    "persistence defense-impairment credential-access": "t1556 t1556.003",
    "credential-access": "t1003 t1003.008 t1110 t1110.001 t1110.003 t1110.004 t1539 t1552.001 t1552.004",
    "credential-access collection": "t1557",
    "discovery": "t1046 t1083",
    "lateral-movement": "t1021 t1021.004 t1550.004",
    "collection": "t1005 t1074.002 t1119 t1125 t1213 t1213.006",
    "command-and-control": "t1071 t1090 t1090.001 t1105 t1572",
    "exfiltration": "t1020 t1041 t1567",
    "impact": "t1485 t1486 t1489 t1490 t1499.004 t1529 t1531 t1565.001 t1565.002 t1657",
}
TACTICS = {
    technique: set(tactics.split()) for tactics, techniques in _BY_TACTICS.items() for technique in techniques.split()
}
"""The techniques that our rules name, with their tactics in ATT&CK 19 (which split Defense Evasion into Stealth and Defense Impairment)."""


@pytest.fixture(scope="module")
def ruleset() -> RuleSet:
    return load([RULES])


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return rule_tests.run(TESTS, load_content([RULES]))


def test_every_rule_fires_on_its_lines_and_on_none_of_its_near_misses(results: list[Result]) -> None:
    faults = [str(result.fault) for result in results if not result.passed]
    assert not faults, "\n".join(faults)


def test_every_rule_shows_at_least_one_line_and_two_near_misses() -> None:
    kinds = {test.rule_path.stem: Counter(sample.kind for sample in test.samples) for test in TESTS}
    assert not [name for name, found in kinds.items() if found[Kind.MATCH] < 1 or found[Kind.NEAR_MISS] < 1]
    assert sum(found[Kind.NEAR_MISS] for found in kinds.values()) >= 2 * len(kinds)


def test_rules_load_without_a_warning(ruleset: RuleSet) -> None:
    assert len(ruleset) == len(EVERY) > len(FILES) >= 130
    assert ruleset.warnings == ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rule_is_valid_to_pysigma(path: Path) -> None:
    from sigma.correlations import SigmaCorrelationRule
    from sigma.rule import SigmaRule

    for data in DOCUMENTS[path]:
        if "correlation" not in data:
            rule = SigmaRule.from_dict(data)
            assert not rule.errors
            for condition in rule.detection.parsed_condition:
                assert condition.parsed is not None
        elif data["correlation"]["type"] not in OURS:
            assert not SigmaCorrelationRule.from_dict(data).errors


def test_pysigmas_validators_find_only_what_is_meant() -> None:
    """Those of `sigma check`, but for the two that download ATT&CK and D3FEND."""
    from sigma.collection import SigmaCollection
    from sigma.validation import SigmaValidator
    from sigma.validators.core import validators

    offline = [validator for name, validator in validators.items() if name not in ("attacktag", "d3_fendtag")]
    issues = SigmaValidator(offline).validate_rules(
        SigmaCollection.load_ruleset([path for path in FILES if not of_ours(path)])
    )
    found = {(type(issue).__name__, rule.source.path.stem) for issue in issues for rule in issue.rules if rule.source}
    assert found == {
        ("NumberAsStringIssue", "pg_privileged_login_failed"),  # SQLSTATE is text: 28000 beside 28P01
        ("NumberAsStringIssue", "pg_unknown_name_probe"),
        ("NumberAsStringIssue", "pg_injection_error"),
        ("EscapedWildcardIssue", "pg_injection_error"),  # the message says: unterminated /* comment
        ("NumberAsStringIssue", "device_default_login"),  # a log-in name of digits
    }


def of_ours(path: Path) -> bool:
    """Whether pySigma does not know the type of the file's correlation."""
    return BY_PATH[path].get("correlation", {}).get("type") in OURS


def test_ids_and_titles_are_unique() -> None:
    for key in ("id", "title"):
        counted = Counter(str(data[key]).lower() for _, data in EVERY)
        assert not [value for value, times in counted.items() if times > 1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rule_follows_the_form(path: Path) -> None:
    data = BY_PATH[path]
    keys = [
        "title",
        "id",
        "status",
        "description",
        "references",
        "author",
        "date",
        "tags",
        "logsource",
        "detection",
        "falsepositives",
        "level",
    ]
    if "correlation" in data:
        keys[keys.index("logsource") :] = ["correlation", "falsepositives", "level"]
        keys.insert(2, "name")
        assert data["name"] == path.stem
        assert path.parent.name == "correlation"
    assert list(data) == keys
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", data["id"])
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\.yml", path.name)
    assert len(data["title"]) <= 90
    assert not data["title"].endswith(".")
    assert data["author"] == "SOC toolkit"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", data["date"])
    assert data["level"] in list(Level)
    assert data.get("logsource", LOGSOURCES[0]) in LOGSOURCES
    assert data["falsepositives"]
    assert all(url.startswith("https://") for url in data["references"])


CORRELATIONS = [path for path, data in BY_PATH.items() if "correlation" in data]


@pytest.mark.parametrize("path", CORRELATIONS, ids=lambda path: path.stem)
def test_rule_that_a_correlation_is_made_of_is_named_and_alerts_through_it_only(path: Path, ruleset: RuleSet) -> None:
    for data in DOCUMENTS[path][:-1]:
        kind = "correlation" if "correlation" in data else "logsource"
        assert list(data)[:6] == ["title", "id", "name", "status", "author", "date"]
        assert kind in data
        assert data.get("logsource", LOGSOURCES[0]) in LOGSOURCES
        assert data["level"] == "informational"
        assert data["id"] in ruleset.silenced


def test_no_correlation_silences_a_rule_that_alerts_by_itself(ruleset: RuleSet) -> None:
    assert len(CORRELATIONS) >= 25
    alone = {data["id"] for data in BY_PATH.values()}
    assert not alone & ruleset.silenced.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rule_names_techniques_with_tactics_that_they_have(path: Path) -> None:
    tags = [str(tag).removeprefix("attack.") for tag in BY_PATH[path]["tags"]]
    techniques = {tag for tag in tags if re.fullmatch(r"t\d{4}(\.\d{3})?", tag)}
    tactics = set(tags) - techniques
    assert techniques
    assert techniques <= set(TACTICS), "look the technique up in ATT&CK and add it to TACTICS"
    for technique in techniques:
        assert TACTICS[technique] & tactics, f"{technique} belongs to {TACTICS[technique]}"
    assert tactics <= set().union(*(TACTICS[technique] for technique in techniques))


def test_no_rule_leans_on_enrichment() -> None:
    text = {path: path.read_text(encoding="utf-8") for path in FILES if path.parent.name != "soc"}
    assert not [path.name for path, content in text.items() if re.search(r"service\.name|labels\.", content)]


@pytest.fixture(scope="module")
def watched() -> set[str]:
    """Systems that an event which fires a rule belongs to."""
    readings = rule_tests.read_samples(TESTS)
    events = [reading.event for reading in readings if reading.event and reading.sample.kind is Kind.MATCH]
    return {str(event.fields.get("service.name")) for event in enrich(events, INVENTORY.table())}


@pytest.mark.parametrize("asset", INVENTORY.assets, ids=lambda asset: asset.id)
def test_system_is_watched_by_a_rule_that_a_line_of_it_fires(asset: Asset, watched: set[str]) -> None:
    assert asset.id in watched


AUDITED = [asset for asset in INVENTORY.assets if any(source.dataset == "egov.audit" for source in asset.logs)]


@pytest.mark.parametrize("asset", AUDITED, ids=lambda asset: asset.id)
def test_system_that_writes_an_application_audit_is_named_by_a_rule(asset: Asset) -> None:
    named = {
        system for path in FILES if path.parent.name == "egov" for system in systems_named(BY_PATH[path]["detection"])
    }
    assert asset.id in named


def test_no_rule_names_a_system_that_the_inventory_does_not_know() -> None:
    named = {system for _, data in EVERY for system in systems_named(data.get("detection"))}
    assert not named - {asset.id for asset in INVENTORY.assets}


def systems_named(detection: object) -> Iterator[str]:
    """Values of `egov.system` anywhere in a detection."""
    if isinstance(detection, dict):
        for key, value in detection.items():
            if key == "egov.system":
                yield from value if isinstance(value, list) else [value]
            else:
                yield from systems_named(value)
    elif isinstance(detection, list):
        for item in detection:
            yield from systems_named(item)
