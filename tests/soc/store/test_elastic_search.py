"""`soc search` over Elasticsearch finds and counts what the language means: held against soc.store.meaning on the same events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from collectors.event import Event, Value
from soc.store.config import StoreConfig, StoreKind
from soc.store.elastic import connect
from soc.store.elastic_search import ElasticSearch
from soc.store.language import parse
from soc.store.meaning import elements, holds
from tests.servers.elastic import EVERY_NODE, ElasticNode
from tests.soc.store.material import DAY, Site, event

pytestmark = pytest.mark.server

CHOICES: dict[str, list[Value]] = {
    "host.name": ["web1", "WEB1", "web2", ["web1", "db1"], "a*b", None],
    "user.name": ["lan", "Lan", "hạnh", "Hạnh", "a b", None],
    "source.ip": ["192.0.2.7", "192.0.2.8", "2001:db8::1", "-", None],
    "source.port": [22, 443, None],
    "x.number": [1, 1.0, 1.5, "1", "one", None],
    "message": [
        "Failed password for root",
        "failed login",
        "web1.example said",
        "10.0.0.50",
        "x" * 9_000 + " root",
        None,
    ],
}
QUERIES = [
    "",
    "failed password",
    '"password for"',
    "web1",
    "web*",
    "10.0.0.5",
    "root",
    "host.name:web1",
    "host.name:web* and not host.name:web2",
    "host.name:(web2 or db1)",
    r"host.name:a\*b",
    "not host.name:*",
    "user.name:lan",
    "user.name:hạnh",
    'user.name:"a b" or source.port:22',
    "source.ip:192.0.2.0/24",
    "not source.ip:192.0.2.7",
    "source.ip < 192.0.2.8",
    'source.ip:"-"',
    "source.port:443",
    "source.port >= 100",
    "source.port:4*",
    "x.number:1",
    "x.number > 1",
    "x.number:one",
    "message:root",
    "message:*",
    "not failed",
    'event.ingested >= "2026-10-14T00:10" and event.ingested < "2026-10-14T00:20"',
    'event.ingested > "2026-10-14T00:10:00.0005"',
    'event.ingested:2026* and @timestamp < "2026-10-14T00:30"',
    "event.original:line",
]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    random = Random(5)
    return [
        event(
            n,
            random.randrange(3_600),
            {name: value for name, values in CHOICES.items() if (value := random.choice(values)) is not None},
        )
        for n in range(600)
    ]


@pytest.fixture(scope="module", params=EVERY_NODE)
def search_in(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, events: list[Event]
) -> Iterator[tuple[StoreConfig, list[Event]]]:
    elastic_node: ElasticNode = request.getfixturevalue(request.param)
    config = StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=(elastic_node.url,), namespace=f"t{uuid4().hex[:12]}")
    site = Site(tmp_path_factory.mktemp("site"), config)
    assert site.index(events).stored == len(events)
    yield config, events
    site.close()


@pytest.mark.parametrize("text", QUERIES)
def test_a_search_finds_and_counts_what_it_means(search_in: tuple[StoreConfig, list[Event]], text: str) -> None:
    config, events = search_in
    since, until = DAY + timedelta(minutes=1), DAY + timedelta(minutes=50)
    meant = holds(parse(text))
    expected = [each.document() for each in events if since <= each.time < until and meant(each.document())]
    expected.sort(key=lambda document: (str(document["@timestamp"]), document["event.index"]), reverse=True)
    client = connect(config)
    search = ElasticSearch(client, config.namespace, parse(text), since, until, DAY.tzinfo)  # type: ignore[arg-type]
    found = list(search.events(10_000))
    assert sorted(map(str, found)) == sorted(map(str, expected))
    assert [document["@timestamp"] for document in found] == [document["@timestamp"] for document in expected]
    assert list(search.events(7)) == found[:7]
    for by in ("", "user.name"):
        counted: dict[datetime, Counter[str]] = {}
        for document in expected:
            time = datetime.fromisoformat(str(document["@timestamp"]))
            begin = time.replace(minute=time.minute // 5 * 5, second=0, microsecond=0)
            for value in elements(document.get(by)) if by and document.get(by) is not None else [""]:
                counted.setdefault(begin, Counter())[str(value)] += 1
        assert search.histogram(timedelta(minutes=5), by) == counted
    folded = Counter(
        value for document in expected for value in {str(one).lower() for one in elements(document.get("host.name"))}
    )
    tops = Counter[str]()
    for value, count in search.top("host.name", 100):
        tops[value.lower()] += count
    assert tops == folded
    client.close()


def test_a_namespace_without_events_is_empty(elastic_node: ElasticNode, tmp_path: Path) -> None:
    config = StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=(elastic_node.url,), namespace=f"t{uuid4().hex[:12]}")
    client = connect(config)
    search = ElasticSearch(client, config.namespace, parse("web1"), DAY, DAY + timedelta(days=1), DAY.tzinfo)  # type: ignore[arg-type]
    assert list(search.events(10)) == []
    assert search.top("host.name", 10) == []
    assert search.histogram(timedelta(minutes=5), "") == {}
    client.close()
