"""SigmaHQ's rules for cloud services look where the records of those services have it, as our shapes read them."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir, load
from soc.detect.sigma.ir import leaves
from soc.detect.sigma.references import Loaded
from soc.detect.sigma.taxonomy import routes
from tests.collectors.parse.golden import pairs, read
from tests.soc.detect.sigma.material import SIGMAHQ, event

FOLDERS = ("cloud", "identity/okta", "application/kubernetes", "application/github")

NOWHERE = {
    "src_country",  # of enrichment, not of the record
    "ActivityDetails",
}
"""Fields of rules that no record of the service has."""

FIRING = {
    "aws": 18,
    "azure": 27,
    "gcp": 11,
    "github": 5,
    "kubernetes": 14,
    "m365": 7,
    "okta": 12,
}
"""Rules of each product that fire on our golden records, at the least."""

GOLDEN = [
    each["fields"] for name, (form, path) in pairs().items() if name.startswith("shapes/") for each in read(form, path)
]


@pytest.fixture(scope="module")
def content() -> list[Loaded]:
    if not (SIGMAHQ / "rules").is_dir():
        pytest.skip("SigmaHQ's rules are not beside the checkout")
    return load([SIGMAHQ / "rules" / folder for folder in FOLDERS])


def test_rules_fire_on_golden_records_of_each_service(content: list[Loaded]) -> None:
    running = RuleSet(content)
    found = running.detect([event(fields, number=number) for number, fields in enumerate(GOLDEN, 1)])
    products = {each.id: each.logsource.product for _, each in content if isinstance(each, ir.Rule)}
    fired = Counter(products[rule] for rule in {each.rule.id for each in found})
    assert {name: fired[name] for name, count in FIRING.items() if fired[name] < count} == {}


def test_each_field_of_a_rule_stands_in_a_golden_record_under_one_of_its_columns(content: list[Loaded]) -> None:
    names: dict[str, set[str]] = defaultdict(set)
    for fields in GOLDEN:
        names[str(fields["event.dataset"])] |= fields.keys()
    missing = set()
    for _, rule in content:
        if not isinstance(rule, ir.Rule):
            continue
        for route in routes(rule.logsource):
            datasets = next(values for name, values in route.where if name == "event.dataset")
            held = set().union(*(names[dataset] for dataset in datasets))
            missing |= {
                (rule.logsource.product, leaf.field)
                for leaf in leaves(rule.tree)
                if leaf.field and held.isdisjoint(route.columns(leaf.field))
            }
    assert sorted(pair for pair in missing if pair[1] not in NOWHERE) == []
