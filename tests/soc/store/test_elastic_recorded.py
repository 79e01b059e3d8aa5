"""Rules as queries on a real Elasticsearch node and in the engine, on what was recorded: both find the same of the same events.

Recorded are attacks in Windows event files (SigmaHQ's regression data, ../shared/corpus/evtx) and the demo's day of real daemons; the rules
are SigmaHQ's and ours. `test_elastic_rules` asks the same of events that are drawn for each rule.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from collectors.event import Event
from collectors.parse import Context, parse_batch
from collectors.record import Position, RawRecord
from soc import yaml_file
from soc.demo import DAY
from soc.detect.sigma.convert import Query, convert
from soc.store.config import StoreConfig, StoreKind
from soc.store.elastic_mappings import UNSEARCHABLE
from tests.servers.elastic import ElasticNode
from tests.soc.detect.sigma.material import NOW, SIGMAHQ
from tests.soc.detect.sigma.test_corpus import events_of
from tests.soc.detect.sigma.test_synthetic import PATHS, RULES
from tests.soc.store.material import Site
from tests.soc.store.test_elastic_rules import DIFFERENCES, fired, node

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[3]
EVTX = SIGMAHQ.parent / "evtx"
EACH_FILE, EACH_RULE = 12, 25
"""Of the files of events and of the rules that fire on none of them, one in so many: a quarter of an hour else."""


def windows() -> Iterator[Event]:
    regression = sorted((SIGMAHQ / "regression_data").rglob("*.evtx"))
    for path in (*regression[::3], *sorted(EVTX.rglob("*.evtx"))[::EACH_FILE]):
        yield from events_of(path)


def day() -> Iterator[Event]:
    for file in yaml_file.read(DAY / "day.yml")[0].data["files"]:
        data = (DAY / file["file"]).read_bytes()
        lines = (gzip.decompress(data) if file["file"].endswith(".gz") else data).splitlines()
        place = [Position(file["name"], file["name"], number, number) for number in range(len(lines))]
        raw = [RawRecord(line, file["name"], at, NOW) for line, at in zip(lines, place, strict=True)]
        yield from parse_batch(raw, file["format"], Context())[0]


def unexplained(
    elastic: ElasticNode, folder: Path, events: Sequence[Event], paths: list[Path], by_engine: dict[str, set[str]]
) -> tuple[int, list[str]]:
    """How many rules fired, and what the node and the engine do not agree on without a reason that is told beforehand."""
    config = StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=(elastic.url,), namespace=f"t{uuid4().hex[:12]}")
    site = Site(folder / "site", replace(config, timeout=timedelta(minutes=5)))
    assert site.index(events).stored == len(events)
    site.store.count()  # a search is a refresh
    queries = list(convert(paths, "lucene"))
    by_node, refused = node(site, [query for query in queries if not query.problem])
    unsearchable = long_values(site)
    assert fired(paths, hunted(site, queries, events)) == {rule: hits for rule, hits in by_engine.items() if hits}
    site.close()
    found: list[str] = []
    for rule_id in {query.rule_id for query in queries if not query.problem} - set(refused):
        more, fewer = by_node[rule_id] - by_engine[rule_id], by_engine[rule_id] - by_node[rule_id] - unsearchable
        inexact = any(query.inexact for query in queries if query.rule_id == rule_id)
        if fewer or (more and not inexact and rule_id not in DIFFERENCES):
            asked = [query.query[:500] for query in queries if query.rule_id == rule_id]
            found.append(f"{rule_id}: {len(more)} more, {len(fewer)} fewer\n{asked}\n{sorted(more | fewer)[:3]}")
    told = {query.rule_id for query in queries if query.inexact}
    assert set(refused) <= told | set(DIFFERENCES), refused
    return sum(map(bool, by_engine.values())), found


def hunted(site: Site, queries: Sequence[Query], events: Sequence[Event]) -> list[Event]:
    """What a hunt reads of the events: on all that a rule fires on, also where its query is inexact or refused."""
    from soc.store.elastic import connect
    from soc.store.elastic_hunt import Refusals, candidates

    client = connect(site.config)
    times = [event.time for event in events]
    asked = [query for query in queries if query.covers]
    refusals = Refusals()
    pages = candidates(client, site.config.namespace, asked, min(times), max(times) + timedelta(seconds=1), refusals)
    found = [event for page in pages for event in page]
    assert not refusals.rules
    client.close()
    return found


def long_values(site: Site) -> set[str]:
    """Events with a value that no index holds: a hunt reads these whatever a query finds."""
    from soc.store.elastic import connect
    from soc.store.elastic_copy import pages

    client = connect(site.config)
    index = f"logs-*-{site.config.namespace}"
    found = {hit["_id"] for hits in pages(client, index, UNSEARCHABLE) for hit in hits}
    client.close()
    return found


@pytest.mark.corpus
@pytest.mark.skipif(not EVTX.is_dir(), reason="needs ../shared/corpus/evtx and sigmahq")
def test_recorded_attacks_on_windows(elastic_node: ElasticNode, tmp_path: Path) -> None:
    events = list({event.id: event for event in windows()}.values())
    files = sorted(path for folder in PATHS for path in folder.rglob("*.yml"))
    rules = [
        (path, rule["id"])
        for path, rule in zip(files, RULES, strict=True)
        if rule["logsource"].get("product") == "windows"
    ]
    firing = fired([path for path, _ in rules], events)
    chosen = [path for number, (path, rule_id) in enumerate(rules) if firing[rule_id] or number % EACH_RULE == 0]
    count, found = unexplained(elastic_node, tmp_path, events, chosen, firing)
    assert not found, "\n\n".join(found)
    assert count > 100


def test_the_day_of_the_demo(elastic_node: ElasticNode, tmp_path: Path) -> None:
    paths = [path for path in sorted((ROOT / "rules").rglob("*.yml")) if "correlation" not in path.parts]
    paths = [path for path in paths if not path.name.endswith(".test.yml")]
    events = list(day())
    count, found = unexplained(elastic_node, tmp_path, events, paths, fired(paths, events))
    assert not found, "\n\n".join(found)
    assert count > 10
