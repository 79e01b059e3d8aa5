"""Conversion by sigma-cli speaks of the fields and values that our events have, and says which rules a language cannot express."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc.detect.sigma.convert import convert
from soc.errors import SocError

RULES = Path(__file__).parents[4] / "rules"
PROCESS = """\
title: A tool run from a share
id: 5f0f1b2e-6a56-4b0e-9d2b-0f6c9f5f7a11
logsource: {product: windows, category: process_creation}
detection: {selection: {Image|endswith: '\\tool.exe'}, condition: selection}
level: high
"""


def test_a_rule_of_ours_reads_the_dataset_that_its_parser_writes() -> None:
    [query] = convert([RULES / "linux" / "sshd_root_password_login.yml"], "lucene")
    assert query.query.startswith("event.dataset:sshd AND ")


def test_a_category_of_two_sources_gives_a_query_for_each_by_their_own_names(tmp_path: Path) -> None:
    path = tmp_path / "rule.yml"
    path.write_text(PROCESS)
    sysmon, audit = (query.query for query in convert([path], "lucene"))
    assert "winlog.channel:Microsoft\\-Windows\\-Sysmon\\/Operational AND event.code:1" in sysmon
    assert "winlog.event_data.Image:*\\\\tool.exe" in sysmon
    assert "winlog.channel:Security AND event.code:4688" in audit
    assert "winlog.event_data.NewProcessName:*\\\\tool.exe" in audit


def query_of(tmp_path: Path, logsource: str, detection: str) -> str:
    path = tmp_path / "rule.yml"
    path.write_text(
        f"title: A rule\nid: 5f0f1b2e-6a56-4b0e-9d2b-0f6c9f5f7a11\nlogsource: {logsource}\ndetection: {detection}\nlevel: low\n"
    )
    [query] = convert([path], "lucene")
    assert not query.problem
    where = query.covers
    assert query.query.startswith(f"{where} AND ") or query.query.startswith(f"({where}) AND ")
    return query.query.removeprefix(f"({where}) AND ").removeprefix(f"{where} AND ")


def test_a_field_of_several_columns_is_absent_where_all_are_and_matches_where_any_does(tmp_path: Path) -> None:
    linux = "{product: linux, service: sudo}"
    assert (
        query_of(tmp_path, linux, "{s: {COMMAND: null}, condition: s}")
        == "((NOT (_exists_:process.command_line OR _exists_:COMMAND)))"
    )
    assert (
        query_of(tmp_path, linux, "{s: {COMMAND: [a, b]}, condition: s}")
        == "((process.command_line:(a OR b)) OR (COMMAND:(a OR b)))"
    )


def test_a_keyword_is_looked_for_in_the_original_as_json_spells_it_too(tmp_path: Path) -> None:
    said = query_of(tmp_path, "{product: linux, service: sudo}", "{s: ['a\\b'], condition: s}")
    assert said == "(event.original:*a\\\\b* OR message.keyword:*a\\\\b* OR event.original:*a\\\\\\\\b*)"


def test_networks_are_addresses_in_ecs_and_text_in_what_windows_writes(tmp_path: Path) -> None:
    windows = "{product: windows, category: network_connection}"
    network = "{s: {DestinationIp|cidr: 10.0.0.0/8}, condition: s}"
    assert query_of(tmp_path, windows, network) == "winlog.event_data.DestinationIp:10.*"
    own = "{s: {source.ip|cidr: 10.0.0.0/8}, condition: s}"
    assert query_of(tmp_path, "{product: linux, service: sshd}", own) == "source.ip:10.0.0.0\\/8"


def test_each_not_stands_in_parentheses_for_lucene_reads_or_not_as_and_not(tmp_path: Path) -> None:
    said = query_of(tmp_path, "{product: linux, service: sshd}", "{s: {a.b: 1}, t: {a.b: 2}, condition: s or not t}")
    assert said == "(a.b:1 OR ((NOT a.b:2)))"


def test_a_module_is_the_first_word_of_the_dataset_too(tmp_path: Path) -> None:
    path = tmp_path / "rule.yml"
    path.write_text(
        PROCESS.replace("{product: windows, category: process_creation}", "{product: spring, category: application}")
    )
    assert [query.covers for query in convert([path], "lucene")] == [
        "event.module:spring OR event.dataset:spring OR event.dataset:spring.*"
    ]


def test_what_a_language_cannot_say_is_told_and_the_rest_goes_on() -> None:
    queries = list(convert([RULES / "egov"], "lucene"))
    refused = [query for query in queries if query.problem]
    assert {"Payment Order Created and Approved by One Person"} <= {query.title for query in refused}
    assert all("field references" in query.problem for query in refused)
    assert len(refused) < len(queries) / 4


def test_a_correlation_has_no_query_and_is_told() -> None:
    path = RULES / "correlation"
    queries = list(convert([path], "esql"))
    assert {query.problem[:24] for query in queries if query.problem} == {"a correlation slides ove"}
    assert all(query.query for query in queries if not query.problem)


def test_every_rule_of_ours_converts_to_esql() -> None:
    assert [query for query in convert([RULES], "esql") if query.problem and "slides" not in query.problem] == []


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(SocError, match="is not one of lucene"):
        list(convert([RULES], "splunk"))
