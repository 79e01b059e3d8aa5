"""What `soc store` does to a namespace of a real node: templates, drift, reindex, migration, copies out and in; and rollovers meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from elasticsearch import Elasticsearch

from soc.app.store_care import migrate
from soc.errors import SocError, UnreachableError
from soc.store import EventQuery, Indexed
from soc.store.config import StoreConfig, StoreKind
from soc.store.elastic import connect
from soc.store.elastic_copy import export, load, pages, reindex
from soc.store.elastic_events import ElasticEventStore
from soc.store.elastic_templates import drift, ended, install, outdated, streams
from tests.servers.elastic import EVERY_NODE, ElasticNode
from tests.soc.store.faulty import gate
from tests.soc.store.material import Site, entries, event, ids, story

pytestmark = pytest.mark.server


everywhere = pytest.mark.parametrize("site", EVERY_NODE, indirect=True)
"""On every server that there is; the other tests take the usual one."""


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    node: ElasticNode = request.getfixturevalue(getattr(request, "param", "elastic_node"))
    config = StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=(node.url,), namespace=f"t{uuid4().hex[:12]}")
    opened = Site(tmp_path, config)
    yield opened
    opened.close()


@pytest.fixture
def client(site: Site) -> Iterator[Elasticsearch]:
    opened = connect(site.config)
    yield opened
    opened.close()


def nobody(done: int) -> None:
    """Is told and does nothing."""


def rolled(client: Elasticsearch, site: Site) -> None:
    """Each stream of the namespace gets a new write index."""
    for stream in streams(client, site.config.namespace):
        client.indices.rollover(alias=stream.name)


def test_a_batch_that_is_sent_again_across_a_rollover_adds_nothing(site: Site, client: Elasticsearch) -> None:
    batch = [event(n) for n in range(50)]
    assert site.index(batch) == Indexed(50, 0)
    rolled(client, site)
    assert site.store.index(batch, 0) == Indexed(0, 50), "by the object that sent it"
    rolled(client, site)
    assert site.events().index(batch, 0) == Indexed(0, 50), "by a process that starts from the journal's beginning"
    more = [event(n) for n in range(50, 60)]
    assert site.events().index([*batch[40:], *more], 40) == Indexed(10, 10), "by one that was killed amid a batch"
    assert site.store.count() == 60
    assert sorted(map(str, ids(site.store.search(EventQuery(limit=100))))) == sorted(e.id for e in [*batch, *more])


def test_a_lost_answer_before_a_rollover_doubles_nothing(elastic_node: ElasticNode, tmp_path: Path) -> None:
    with gate(elastic_node.port) as faults:
        config = StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=(faults.url,), namespace=f"t{uuid4().hex[:12]}")
        site = Site(tmp_path, config)
        client = connect(config)
        assert site.index([event(0)]) == Indexed(1, 0)
        faults.drop = 1
        batch = [event(n) for n in range(1, 30)]
        with pytest.raises(UnreachableError):
            site.index(batch)
        rolled(client, site)
        assert site.store.index(batch, 1) == Indexed(0, 29)
        assert site.store.count() == 30
        client.close()
        site.close()


def test_an_event_that_would_change_a_type_or_has_too_many_fields_is_refused_before_the_node_sees_it(
    site: Site,
) -> None:
    bad: list[dict[str, Any]] = [
        {"source.port": "ssh"},
        {"process.pid": True},
        {"source.bytes": 2**63},
        {"file.size": ["1", "many"]},
        {f"invented.{n}": n for n in range(1_001)},
    ]
    good: list[dict[str, Any]] = [
        {"source.port": "22"},
        {"process.pid": [1, 2]},
        {"source.bytes": 1.0},
        {"custom": 1},
        {"custom": "x"},
        {"custom": 1.5},
    ]
    batch = [event(n, fields=fields) for n, fields in enumerate([*bad, *good])]
    done = site.index(batch)
    assert (done.stored, done.duplicates) == (len(good), 0)
    assert [each.id for each, _ in done.refused] == [each.id for each in batch[: len(bad)]]
    assert [reason[:20] for _, reason in done.refused] == [
        'source.port: "ssh" i',
        'process.pid: "True" ',
        'source.bytes: "92233',
        'file.size: "many" is',
        "too many fields: 1,0",
    ]
    for value, number in ((1, 8), ("x", 9), (1.5, 10)):
        assert ids(site.store.search(EventQuery(equals={"custom": value}))) == [batch[number].id]


def without_folding(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: without_folding(value) for key, value in part.items() if key != "normalizer"}
    return [without_folding(each) for each in part] if isinstance(part, list) else part


def old_mappings(client: Elasticsearch, namespace: str) -> None:
    """The component template as an older version had it: fields of Windows that tell cases apart."""
    name = f"{namespace}-ecs"
    found = client.cluster.get_component_template(name=name)["component_templates"][0]["component_template"]
    mappings = without_folding(found["template"]["mappings"])
    client.cluster.put_component_template(
        name=name, template={**found["template"], "mappings": mappings}, meta={"managed_by": "soc", "digest": "old"}
    )


ECS = {
    "@timestamp": "date",
    "event.ingested": "date",
    "source.ip": "ip",
    "source.port": "long",
    "process.pid": "long",
    "message": "text",
    "user.name": "keyword",
    "event.dataset": "keyword",
    "a.field.of.ours": "keyword",
}
"""Types that Elastic Common Schema 8.17 gives, or that Kibana aggregates by."""


@everywhere
def test_a_data_view_of_kibana_finds_the_streams_their_fields_by_type_and_a_lifecycle(
    site: Site, client: Elasticsearch
) -> None:
    own = {"source.ip": "192.0.2.7", "source.port": 22, "process.pid": 7, "user.name": "lan", "a.field.of.ours": "x"}
    site.index([event(1, fields=own), event(2, fields={**own, "event.dataset": "pam"})])
    namespace = site.config.namespace
    assert [stream.name for stream in streams(client, namespace)] == [f"logs-pam-{namespace}", f"logs-sshd-{namespace}"]
    asked = {"fields": ",".join(ECS)}  # in the address: OpenSearch reads no others
    headers = {"accept": "application/json"}
    answer = client.perform_request("GET", f"/logs-*-{namespace}/_field_caps", params=asked, headers=headers).body
    found = {name: list(types) for name, types in answer["fields"].items() if name in ECS}
    assert found == {name: [type_] for name, type_ in ECS.items()}
    assert all(answer["fields"][name][type_]["searchable"] for name, type_ in ECS.items())
    if client.info()["version"].get("distribution") == "opensearch":  # has no lifecycle in a template
        return
    wanted = "metadata.data_stream.data_stream.*.lifecycle"
    kept = client.cluster.state(metric="metadata", filter_path=wanted)["metadata"]["data_stream"]["data_stream"]
    ours = [each["lifecycle"] for name, each in kept.items() if name.endswith(f"-{namespace}")]
    assert [each["enabled"] for each in ours] == [True, True]
    assert all("data_retention" not in each for each in ours), "what the server drops leaves no fact"


def test_a_stream_of_which_the_server_drops_events_by_itself_is_told(site: Site, client: Elasticsearch) -> None:
    site.index([event(0)])
    assert ended(client, site.config.namespace) == {}
    name = f"{site.config.namespace}-events"
    found = client.indices.get_index_template(name=name)["index_templates"][0]["index_template"]
    client.indices.put_index_template(  # as an older version had it
        name=name,
        index_patterns=found["index_patterns"],
        data_stream={},
        composed_of=found["composed_of"],
        priority=found["priority"],
        template={"lifecycle": {"data_retention": "90d"}},
    )
    old = ElasticEventStore(client, site.config.namespace)
    old._streams = {}
    old.index([event(1, fields={"event.dataset": "sudo"})], 1)
    assert ended(client, site.config.namespace) == {f"logs-sudo-{site.config.namespace}": "90d"}


@everywhere
def test_templates_drift_and_reindex(site: Site, client: Elasticsearch) -> None:
    namespace = site.config.namespace
    assert outdated(client, namespace) == [f"{namespace}-ecs", f"{namespace}-events"]
    assert install(client, namespace) == [f"{namespace}-ecs", f"{namespace}-events"]
    assert outdated(client, namespace) == []
    old_mappings(client, namespace)
    assert outdated(client, namespace) == [f"{namespace}-ecs"]
    batch = [event(n, n, {"user.name": "Lan", "event.dataset": "sshd" if n % 2 else "sudo"}) for n in range(300)]
    # as a process of that version writes them: it puts no templates
    old = ElasticEventStore(client, namespace)
    old._streams = {}
    assert old.index(batch, 0) == Indexed(300, 0)
    assert {(each.field, each.has, each.wants) for each in drift(client, namespace) if each.field == "user.name"} == {
        ("user.name", "keyword, to 8,191 characters", "keyword, case folded, to 8,191 characters")
    }
    install(client, namespace)
    before = site.store.search(EventQuery(limit=400))
    copied = reindex(client, namespace, nobody)
    assert sorted(each.documents for _, each in copied) == [150, 150]
    assert drift(client, namespace) == []
    assert site.events().count() == 300
    assert site.store.search(EventQuery(limit=400)) == before
    assert reindex(client, namespace, nobody) == []
    folded = client.search(index=f"logs-sshd-{namespace}", query={"term": {"user.name": "lan"}}, track_total_hits=True)
    assert folded["hits"]["total"]["value"] == 150


def test_a_reindex_that_was_interrupted_goes_on(site: Site, client: Elasticsearch) -> None:
    namespace = site.config.namespace
    install(client, namespace)
    old_mappings(client, namespace)
    old = ElasticEventStore(client, namespace)
    old._streams = {}
    batch = [event(n, n) for n in range(2_500)]
    old.index(batch, 0)
    install(client, namespace)

    def interrupted(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex(client, namespace, interrupted)
    found = site.store.search(EventQuery(limit=5_000))
    assert ids(found) == [each.id for each in reversed(batch)], "amid it each event is shown once"
    [(_, copied)] = reindex(client, namespace, nobody)
    assert (copied.documents, copied.present) == (2_500, 1_000)
    assert site.events().count() == 2_500


@everywhere
def test_pages_of_events_of_one_moment_are_whole(site: Site, client: Elasticsearch) -> None:
    batch = [event(n) for n in range(230)]
    site.index(batch)
    for order in ("asc", "desc"):
        found = [
            hit["_id"] for hits in pages(client, f"logs-*-{site.config.namespace}", None, order, 50) for hit in hits
        ]
        assert found == [each.id for each in (batch if order == "asc" else reversed(batch))]


@everywhere
def test_a_stream_that_is_full_of_fields_loses_no_event(site: Site) -> None:
    batch = [event(n, fields={f"invented{n}.{k}": "x" for k in range(900)}) for n in range(6)]
    done = site.index(batch)
    assert site.store.count() == done.stored == len(batch) - len(done.refused)
    refused = [reason for _, reason in done.refused]
    if refused:  # OpenSearch keeps no field without an index
        assert all("Limit of total fields [4000] has been exceeded" in reason for reason in refused)
        assert len(refused) < 4


@everywhere
def test_what_is_exported_is_imported_as_it_was(site: Site, client: Elasticsearch, tmp_path: Path) -> None:
    batch = [event(n, n, {"event.dataset": f"d{n % 3}", "user.name": "hạnh\n", "x.ratio": 1.0}) for n in range(2_100)]
    site.index(batch)
    lines: list[bytes] = []
    written = export(client, site.config.namespace, lines.append, nobody)
    assert (written.documents, len(lines)) == (2_100, 2_101)
    other = replace(site.config, namespace=f"t{uuid4().hex[:12]}")
    install(client, other.namespace)
    with pytest.raises(SocError, match="without the line that says how many"):
        load(client, other.namespace, lines[:500], nobody)
    done = load(client, other.namespace, lines, nobody)
    assert (done.documents, done.present, done.sha256) == (2_100, 500, written.sha256)
    copy = Site(tmp_path / "other", other)
    assert copy.store.search(EventQuery(limit=5_000)) == site.store.search(EventQuery(limit=5_000))
    copy.close()
    with pytest.raises(SocError, match="it says 2,100 documents, 2,099 were read"):
        load(client, other.namespace, [*lines[:7], *lines[8:]], nobody)
    with pytest.raises(SocError, match="line 1 is not one that soc store export wrote"):
        load(client, other.namespace, [b"{}\n"], nobody)


def test_a_migration_goes_on_where_it_was_interrupted_and_compares_every_document(
    site: Site, client: Elasticsearch
) -> None:
    batch = [event(n, n, {"x.ratio": 1.5, "user.roles": ["a", "b"]}) for n in range(6_000)]
    refused = event(6_000, fields={"source.port": "ssh"})
    site.journal.append([*batch, refused], {}, ())
    store = ElasticEventStore(client, site.config.namespace)

    def interrupted(done: int) -> None:
        if done > 2_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(site.journal, store, interrupted)
    rolled(client, site)
    again = ElasticEventStore(client, site.config.namespace)
    done = migrate(site.journal, again, nobody)
    assert (done.events, done.stored, done.present) == (6_001, 2_000, 4_000)
    assert [event_id for event_id, _ in done.refused] == [refused.id]
    assert (done.missing, done.changed) == ((), ())
    index = client.search(index=f"logs-*-{site.config.namespace}", query={"ids": {"values": [batch[7].id]}})
    where = index["hits"]["hits"][0]
    client.index(
        index=where["_index"],
        id=batch[7].id,
        document={**where["_source"], "user.name": "somebody else"},
        if_seq_no=client.get(index=where["_index"], id=batch[7].id)["_seq_no"],
        if_primary_term=1,
        refresh=True,
    )
    client.delete(index=where["_index"], id=batch[9].id, refresh=True)
    client.indices.put_settings(index=where["_index"], settings={"index.blocks.write": False})
    broken = migrate(site.journal, again, nobody)
    assert (broken.changed, broken.missing, broken.stored) == ((batch[7].id,), (), 1), "what was gone is stored again"
    assert broken.sha256 == done.sha256


@everywhere
def test_a_node_that_is_full_or_closed_for_writing_is_waited_for(
    site: Site, client: Elasticsearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soc.store.elastic
    import soc.store.elastic_bulk

    for module in (soc.store.elastic, soc.store.elastic_bulk):
        monkeypatch.setattr(module, "PAUSES_S", (0.01, 0.01))
    assert site.index([event(n) for n in range(10)]) == Indexed(10, 0)
    [stream] = streams(client, site.config.namespace)
    for block in ("read_only_allow_delete", "write"):  # the flood stage of a full disk sets the first
        client.indices.put_settings(index=stream.name, settings={f"index.blocks.{block}": True})
        batch = [event(n) for n in range(10, 30)]
        with pytest.raises(UnreachableError, match="cluster_block_exception"):
            site.store.index(batch, 10)
        client.indices.put_settings(index=stream.name, settings={f"index.blocks.{block}": None})
    assert site.store.index(batch, 10) == Indexed(20, 0)
    assert site.store.count() == 30


def test_the_lines_of_an_export_are_documents_with_their_stream(site: Site, client: Elasticsearch) -> None:
    stored = event(1)
    site.index([stored])
    lines: list[bytes] = []
    export(client, site.config.namespace, lines.append, nobody)
    row = orjson.loads(lines[0])
    assert row["stream"] == f"logs-sshd-{site.config.namespace}"
    assert row["document"].items() >= stored.document().items()


@everywhere
def test_the_copy_of_the_ledger_keeps_its_order_and_no_other_ledger_writes_to_it(
    site: Site, client: Elasticsearch
) -> None:
    facts = entries(story(4, alerts=30))
    site.projections().apply(facts)
    index = f"{site.config.namespace}-ledger"
    found = client.search(index=index, sort=[{"seq": "asc"}], size=1_000)["hits"]["hits"]
    assert [hit["_source"]["seq"] for hit in found] == list(range(len(facts)))
    assert [hit["_source"]["id"] for hit in found] == [entry.fact.id for entry in facts]
    assert all(hit["_version"] == 1 for hit in client.search(index=index, size=1_000, version=True)["hits"]["hits"])
    client.index(index=index, id=str(len(facts)), document={"seq": len(facts), "sha256": "0" * 64}, refresh=True)
    more = [*facts, *entries([fact for fact in story(5, alerts=60) if fact.kind == "alert.opened"][-5:], len(facts))]
    with pytest.raises(
        SocError, match=rf"{index} holds another entry {len(facts)}: another site writes to this namespace"
    ):
        site.projections().apply(more)
    assert site.projections().applied() == len(facts), "nothing of the other ledger was folded"
