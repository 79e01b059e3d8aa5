"""Which rules the collected sources can fire; what is declared of each parser is what it gives."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from collectors.parse import formats
from collectors.parse.format import ANY
from collectors.parse.registry import gives, messages
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir, load
from soc.detect.sigma.producible import Reach, Verdict, outputs_of
from soc.detect.sigma.references import Names
from soc.detect.sigma.review import review
from soc.detect.sigma.route import ROUTING
from tests.collectors.parse.golden import pairs, read
from tests.soc.detect.sigma.material import FOLDERS, RULE_ID, SIGMAHQ, event, rule, write

GOLDEN: dict[str, list[dict[str, Any]]] = {
    name: [each["fields"] for each in read(form, path)]  # type: ignore[misc]
    for name, (form, path) in pairs().items()
}


def format_of(name: str) -> str:
    """The format that reads a golden pair."""
    return {"messages": "rfc3164", "shapes": "json"}.get(name.partition("/")[0], name)


@pytest.mark.parametrize("name", formats())
def test_every_format_is_declared(name: str) -> None:
    assert gives(name)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_what_a_parser_gives_is_declared(name: str) -> None:
    outputs = outputs_of(format_of(name))
    for fields in GOLDEN[name]:
        dataset = fields["event.dataset"]
        fitting = [output for output in outputs if output.routing["event.dataset"] in (None, frozenset({dataset}))]
        assert fitting, (name, dataset)
        for output in fitting:
            assert [column for column in fields if not output.gives(column)] == []
            for routed in set(ROUTING) & set(fields):
                values = output.routing.get(routed, frozenset())
                assert values is None or str(fields[routed]).lower() in values, (name, routed, fields[routed])


def test_what_is_declared_of_a_dataset_is_given_by_a_parser() -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for events in GOLDEN.values():
        for fields in events:
            seen[str(fields["event.dataset"])] |= set(fields)
    for server in ("apache", "tomcat"):
        seen[f"{server}.access"] |= seen["nginx.access"]  # one parser; which of them it was says the file's path
    own = [each for form in formats().values() for each in form.gives] + [message.gives for message in messages()]
    for each in own:
        for declared in each.fields.split() if each.fields != ANY else ():
            given = any(field.startswith(declared.rstrip("*")) for field in seen[each.dataset])
            assert given, f"no golden line of {each.dataset} has {declared}"


def verdict(folder: Path, format_name: str, detection: Any, **keys: Any) -> Verdict:
    content = load([write(folder, rule(detection, **keys))])
    return Reach(outputs_of(format_name), content).verdict(content[0][1])


SSHD = {"product": "linux", "service": "sshd"}
CASES = [
    ("syslog", SSHD, {"s": {"user.name": "root"}, "condition": "s"}, ""),
    ("syslog", SSHD, {"s": {"CommandLine": "x"}, "condition": "s"}, "no parser of sshd gives CommandLine"),
    ("syslog", SSHD, {"s": {"CommandLine": "x"}, "t": {"user.name": "y"}, "condition": "s or t"}, ""),
    ("syslog", SSHD, {"s": {"user.name": "y"}, "f": {"CommandLine": "x"}, "condition": "s and not f"}, ""),
    ("syslog", SSHD, {"s": {"CommandLine": None}, "condition": "s"}, ""),
    ("syslog", SSHD, {"s": {"user.name": "y"}, "f": {"CommandLine": None}, "condition": "s and not f"}, "no parser of sshd gives"),
    ("syslog", SSHD, {"keywords": ["root"], "condition": "keywords"}, ""),
    ("web-access", SSHD, {"s": {"user.name": "root"}, "condition": "s"}, "no source collects product:linux/service:sshd"),
    ("web-access", {"category": "webserver"}, {"s": {"cs-uri-query|contains": "x"}, "condition": "s"}, ""),
    ("web-access", {"category": "webserver"}, {"s": {"cs-cookie": "x"}, "condition": "s"}, "cs-cookie (http.request.cookie, cs-cookie)"),
    ("windows-json", {"product": "windows", "service": "security"}, {"s": {"EventID": 1}, "condition": "s"}, ""),
    ("windows-xml", {"product": "aws", "service": "cloudtrail"}, {"s": {"a": 1}, "condition": "s"}, "no source collects"),
    ("json", {"product": "aws", "service": "cloudtrail"}, {"s": {"eventName": "x"}, "condition": "s"}, ""),
    ("postgresql-csv", {"product": "postgresql"}, {"s": {"postgresql.log.query|contains": "x"}, "condition": "s"}, ""),
    ("syslog", {"product": "soc", "service": "audit"}, {"s": {"event.action": "x"}, "condition": "s"}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("format_name", "logsource", "detection", "why"), CASES)
def test_rule_can_fire_where_a_parser_gives_what_it_needs(
    format_name: str, logsource: dict[str, str], detection: Any, why: str, tmp_path: Path
) -> None:
    found = verdict(tmp_path, format_name, detection, logsource=logsource)
    assert found.fires is not bool(why)
    assert why in found.why


def test_rule_that_fires_on_a_golden_line_can_fire() -> None:
    """What is said to be impossible never happens: our own rules and SigmaHQ's over every golden event."""
    paths = [
        path
        for path in [Path(__file__).parents[4] / "rules", *(SIGMAHQ / folder for folder in FOLDERS)]
        if path.is_dir()
    ]
    content = [pair for pair in load(paths) if isinstance(pair[1], ir.Rule)]
    fired_at_all = 0
    for name, events in GOLDEN.items():
        reach = Reach(outputs_of(format_of(name)), content)
        by_id = {each.id: each for _, each in content}
        batch = [event(fields, number=number) for number, fields in enumerate(events, 1)]
        for found in RuleSet(content).detect(batch):
            assert reach.verdict(by_id[found.rule.id]) == Verdict(True), (name, found.rule.title)
            fired_at_all += 1
    assert fired_at_all > 5


def correlation(folder: Path, section: dict[str, Any]) -> Path:
    ssh = rule({"s": {"user.name": "root"}, "condition": "s"}, name="ssh", logsource=SSHD)
    web = rule(
        {"s": {"cs-uri": "x"}, "condition": "s"}, name="web", logsource={"category": "webserver"}, id=RULE_ID[:-1] + "1"
    )
    made = {"title": "C", "id": RULE_ID[:-1] + "2", "correlation": {"timespan": "1m", **section}}
    return write(folder, ssh, web, made)


def test_correlation_can_fire_where_the_rules_that_it_needs_can(tmp_path: Path) -> None:
    for section, fires in (
        ({"type": "temporal", "rules": ["ssh", "web"]}, False),
        ({"type": "temporal", "condition": "ssh or web"}, True),
        ({"type": "temporal", "condition": "ssh and not web"}, True),
        ({"type": "event_count", "rules": ["ssh", "web"], "condition": {"gte": 2}}, True),
        ({"type": "event_count", "rules": ["web"], "condition": {"gte": 2}}, False),
        ({"type": "absence", "rules": ["ssh", "web"]}, True),
        ({"type": "absence", "rules": ["web", "ssh"]}, False),
    ):
        content = load([correlation(tmp_path, section)])
        [each] = [each for _, each in content if isinstance(each, ir.Correlation)]
        found = Reach(outputs_of("syslog"), content).verdict(each)
        assert (found.fires, '"web" cannot fire' in found.why) == (fires, not fires), section


def test_group_by_field_that_no_parser_gives_is_warned_of_at_its_place(tmp_path: Path) -> None:
    count = {"type": "event_count", "condition": {"gte": 2}}
    path = correlation(tmp_path, count | {"rules": ["ssh"], "group-by": ["user.name", "user.nmae"]})
    [note] = review([path]).notes
    assert 'no parser gives "user.nmae" in the events of product:linux/service:sshd' in note.fault.message
    assert note.fault.source.strip() == "- user.nmae"
    aliased = count | {
        "rules": ["ssh", "web"],
        "group-by": ["who"],
        "aliases": {"who": {"ssh": "user.name", "web": "c-ip"}},
    }
    assert review([correlation(tmp_path, aliased)]).notes == []


def test_group_by_of_a_source_that_is_not_ours_is_not_judged(tmp_path: Path) -> None:
    aws = rule(
        {"s": {"eventName": "x"}, "condition": "s"}, name="aws", logsource={"product": "aws", "service": "cloudtrail"}
    )
    section = {
        "type": "event_count",
        "rules": ["aws"],
        "timespan": "1m",
        "group-by": ["sourceIPAddress"],
        "condition": {"gte": 2},
    }
    made = {"title": "C", "id": RULE_ID[:-1] + "2", "correlation": section}
    assert review([write(tmp_path, aws, made)]).notes == []
    assert Names([]).meant("x") == []
