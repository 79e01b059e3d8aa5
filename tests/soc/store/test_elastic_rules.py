"""Every SigmaHQ rule as a query on a real Elasticsearch node and in the engine: both find the same of the same events.

Where they do not, elastic_differences.yml says why; what is not in it is a fault of one of them. Rules and events go in parts: a wildcard
looks at every term of a field, so what a query costs grows with the events beside it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import yaml

from collectors.event import Event
from soc.detect.ruleset import load
from soc.detect.sigma.convert import Query, convert
from soc.store.config import StoreConfig, StoreKind
from tests.servers.elastic import ElasticNode
from tests.soc.detect.sigma.material import SIGMAHQ
from tests.soc.detect.sigma.synthesis import filled
from tests.soc.detect.sigma.test_synthetic import PLACEHOLDERS, RULES, cases_of
from tests.soc.store.material import Site

pytestmark = [
    pytest.mark.server,
    pytest.mark.corpus,
    pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="needs ../shared/corpus/sigmahq"),
]

PART = 200
"""Rules whose events stand together."""

SEARCHES = 50
"""Queries in one request."""

DIFFERENCES: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "elastic_differences.yml").read_text("utf-8")
)
"""Rule id -> title, what is different (no query, refused by the node, more, fewer), and the reason."""


def written(folder: Path, rules: Sequence[dict[str, Any]]) -> Path:
    """Files of the rules, their placeholders filled in."""
    for number, rule in enumerate(rules):
        data = {**rule, "detection": filled(rule["detection"], PLACEHOLDERS)}
        data = {key: str(value) if key in ("date", "modified") else value for key, value in data.items()}
        (folder / f"{number}.yml").write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), "utf-8")
    return folder


def fired(paths: list[Path], events: Sequence[Event]) -> dict[str, set[str]]:
    """Rule id -> ids of the events that it fires on, by the engine."""
    found: dict[str, set[str]] = defaultdict(set)
    for detection in load(paths, cache=None).detect(list(events)):
        found[detection.rule.id].add(detection.events[0].id)
    return found


def node(site: Site, queries: Sequence[Query]) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Rule id -> ids of the events that its queries find, and rule id -> why the node refuses one of them."""
    from soc.store.elastic import connect

    found: dict[str, set[str]] = defaultdict(set)
    refused: dict[str, str] = {}
    client = connect(site.config)
    index = {"index": f"logs-*-{site.config.namespace}", "allow_partial_search_results": False}
    for at in range(0, len(queries), SEARCHES):
        asked = queries[at : at + SEARCHES]
        bodies: list[dict[str, Any]] = []
        for query in asked:
            condition = {"query_string": {"query": query.query, "analyze_wildcard": True, "lenient": False}}
            bodies += [index, {"query": condition, "size": 10_000, "_source": False, "track_total_hits": False}]
        answers = client.msearch(searches=bodies, max_concurrent_searches=2)[
            "responses"
        ]  # more fill a small node's memory
        for query, answer in zip(asked, answers, strict=True):
            if "error" in answer:
                reason = json.dumps(answer["error"]["root_cause"])
                assert '"query_shard_exception"' in reason, f"{query} {reason[:2_000]}"
                refused[query.rule_id] = reason[:500]
                continue
            found[query.rule_id].update(hit["_id"] for hit in answer["hits"]["hits"])
    client.close()
    return found, refused


@pytest.mark.parametrize("first", range(0, len(RULES), PART))
def test_the_query_of_a_rule_finds_what_the_engine_finds(
    first: int, elastic_node: ElasticNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soc.store.elastic_events

    monkeypatch.setattr(soc.store.elastic_events, "MAX_STREAMS", 0)  # all in one, so that a query asks one index
    rules = RULES[first : first + PART]
    (tmp_path / "rules").mkdir()
    path = written(tmp_path / "rules", rules)
    cases = [
        case
        for number, rule in enumerate(rules, first)
        for case in cases_of(rule, filled(rule["detection"], PLACEHOLDERS), number)
    ]
    config = StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=(elastic_node.url,), namespace=f"t{uuid4().hex[:12]}")
    site = Site(tmp_path / "site", changed(config, timeout=timedelta(minutes=5)))
    assert site.index([case.event for case in cases]).stored == len(cases)
    site.store.count()  # a search is a refresh
    queries = list(convert([path], "lucene"))
    by_engine = fired([path], [case.event for case in cases])
    by_node, refused = node(site, [query for query in queries if not query.problem])
    site.close()
    without = {query.rule_id for query in queries if query.problem}
    about = {case.event.id: case.about for case in cases}
    unexplained: list[str] = []
    for rule in rules:
        difference = kind_of(by_engine[rule["id"]], by_node[rule["id"]], no_query=rule["id"] in without)
        difference = "refused" if rule["id"] in refused else difference
        listed = DIFFERENCES.get(rule["id"], {}).get("differs", "")
        if difference != listed:
            texts = [
                refused.get(rule["id"]),
                *(query.problem or query.query for query in queries if query.rule_id == rule["id"]),
            ]
            event = "".join(about[each] for each in list(by_engine[rule["id"]] ^ by_node[rule["id"]])[:1])
            unexplained.append(f'{rule["id"]} "{rule["title"]}": {difference}, listed: {listed}\n{texts}\n{event}')
    assert not unexplained, "\n\n".join(unexplained)


HARD = [rule for number, rule in enumerate(RULES) if rule["id"] in DIFFERENCES or number % 40 == 0]


def test_a_hunt_finds_what_the_engine_finds_also_where_a_query_does_not(
    elastic_node: ElasticNode, tmp_path: Path
) -> None:
    from soc.store.elastic import connect
    from soc.store.elastic_hunt import Refusals, candidates

    (tmp_path / "rules").mkdir()
    path = written(tmp_path / "rules", HARD)
    cases = [
        case
        for number, rule in enumerate(HARD)
        for case in cases_of(rule, filled(rule["detection"], PLACEHOLDERS), number)
    ]
    config = StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=(elastic_node.url,), namespace=f"t{uuid4().hex[:12]}")
    site = Site(tmp_path / "site", config)
    long = msgspec.structs.replace(
        cases[0].event, id="f" * 32, fields={**cases[0].event.fields, "a.long.value": "x" * 9_000}
    )
    events = [*(case.event for case in cases), long]
    assert site.index(events).stored == len(events)
    by_engine = fired([path], events)
    queries = [query for query in convert([path], "lucene") if query.covers]
    client = connect(config)
    times = [each.time for each in events]
    since, until, refusals = min(times), max(times) + timedelta(seconds=1), Refusals()
    found = list(candidates(client, config.namespace, queries, since, until, refusals))
    read = [each for page in found for each in page]
    assert len({each.id for each in read}) == len(read) <= len(events)
    assert fired([path], read) == by_engine
    told = {query.rule_id for query in queries if query.inexact}
    refused = {rule for rule, said in DIFFERENCES.items() if said["differs"] == "refused"}
    assert refusals.queries.keys() == {DIFFERENCES[rule]["title"] for rule in refused - told}
    assert not refusals.rules
    client.close()
    site.close()


def kind_of(by_engine: set[str], by_node: set[str], *, no_query: bool) -> str:
    """What is different, "" where nothing is."""
    if no_query:
        return "no query"
    if by_engine == by_node:
        return ""
    return "more" if by_node > by_engine else "fewer" if by_node < by_engine else "other"


def test_every_difference_names_a_rule_and_has_a_reason() -> None:
    titles = {rule["id"]: rule["title"] for rule in RULES}
    for rule_id, said in DIFFERENCES.items():
        assert said["title"] == titles[rule_id]
        assert len(said["reason"]) > 10
