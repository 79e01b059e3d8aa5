"""The contract of `EventStore` and `Projections`: the same tests on the embedded stores and on real nodes of Elasticsearch 8 and 9 and of
OpenSearch 3, and side by side."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from collectors.event import Event, Value
from soc.action import Who
from soc.alert import AlertStatus, CloseReason, StatusChange
from soc.alert import decisions as alert_decisions
from soc.alert import facts as alert_facts
from soc.alert.scoring import RuleRecord
from soc.detect import Level
from soc.errors import SocError, UnreachableError
from soc.incident import Phase
from soc.incident import decisions as incident_decisions
from soc.incident import facts as incident_facts
from soc.store import AlertQuery, EventQuery, Facet, Having, Indexed
from soc.store.config import StoreConfig, StoreKind
from soc.store.elastic_bulk import IN_FLIGHT, MAX_ACTIONS, MAX_BYTES
from tests.servers.elastic import EVERY_NODE, ElasticNode
from tests.soc.store.faulty import Gate, gate, self_signed
from tests.soc.store.material import DAY, Site, alert, entries, event, ids, incident, repeated, status, story

LOCAL = StoreConfig()


def elastic_config(node: ElasticNode) -> StoreConfig:
    return StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=(node.url,), namespace=f"t{uuid4().hex[:12]}")


def opened(request: pytest.FixtureRequest, folder: Path) -> Iterator[Site]:
    config = LOCAL if request.param == "local" else elastic_config(request.getfixturevalue(request.param))
    site = Site(folder, config)
    yield site
    site.close()


@pytest.fixture(params=["local", *(pytest.param(node, marks=pytest.mark.server) for node in EVERY_NODE)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    yield from opened(request, tmp_path)


@pytest.fixture(params=["local", pytest.param("elastic_node", marks=pytest.mark.server)])
def usual_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """For what takes seconds: the other servers are only asked what may differ there."""
    yield from opened(request, tmp_path)


@pytest.fixture
def both(elastic_node: ElasticNode, tmp_path: Path) -> Iterator[list[Site]]:
    sites = [Site(tmp_path / "local", LOCAL), Site(tmp_path / "elastic", elastic_config(elastic_node))]
    yield sites
    for one in sites:
        one.close()


# events


def test_an_event_is_found_by_its_id(site: Site) -> None:
    stored = event(
        1, fields={"user.roles": ["clerk", "approver"], "process.pid": 7, "egov.off_hours": True, "x.ratio": 0.5}
    )
    assert site.index([stored]) == Indexed(1, 0)
    assert site.store.event(stored.id) == stored.document()
    assert site.store.event("0" * 32) is None
    assert site.store.event("no id") is None


def test_of_many_ids_those_are_told_that_are_stored(usual_site: Site) -> None:
    events = [event(number) for number in range(1, 1_203)]
    assert usual_site.store.held([events[0].id]) == set()
    usual_site.index(events[:1_200])
    assert usual_site.store.held([each.id for each in events]) == {each.id for each in events[:1_200]}
    assert usual_site.store.held([]) == set()
    found = sorted(usual_site.store.events([each.id for each in events[1_100:]]), key=lambda each: each.id)
    assert [(each.id, each.raw, each.fields) for each in found] == [
        (each.id, each.raw, each.fields) for each in sorted(events[1_100:1_200], key=lambda each: each.id)
    ]
    assert usual_site.store.events([]) == []


def test_another_process_finds_what_was_indexed_and_closed(site: Site) -> None:
    stored = event(1)
    site.index([stored])
    site.store.close()
    other = site.events()
    assert other.event(stored.id) == stored.document()
    assert other.count() == 1


def test_an_empty_store_finds_nothing(site: Site) -> None:
    assert site.store.search(EventQuery(equals={"host.name": "web1"})) == []
    assert site.store.event("0" * 32) is None
    assert site.store.count() == 0
    assert site.index([]) == Indexed(0, 0)


def test_indexing_a_batch_again_counts_duplicates_and_adds_nothing(site: Site) -> None:
    batch = [event(n) for n in range(5)]
    assert site.index(batch) == Indexed(5, 0)
    assert site.store.index(batch, 0) == Indexed(0, 5)
    assert site.store.count() == 5


def test_an_event_that_stands_twice_in_the_journal_is_stored_once(site: Site) -> None:
    assert site.index([event(1), event(2), event(1)]) == Indexed(2, 1)
    assert site.index([event(2), event(3)]) == Indexed(1, 1)
    assert site.store.count() == 3


def test_search_is_newest_first_and_later_in_the_journal_first_within_a_microsecond(site: Site) -> None:
    times = [DAY, DAY + timedelta(microseconds=3), DAY + timedelta(microseconds=2), DAY, datetime(1, 1, 1, tzinfo=UTC)]
    batch = [event(n, time=time) for n, time in enumerate(times)]
    site.index(batch)
    assert ids(site.store.search(EventQuery())) == [batch[n].id for n in (1, 2, 3, 0, 4)]
    assert ids(site.store.search(EventQuery(limit=2))) == [batch[1].id, batch[2].id]
    assert site.store.search(EventQuery(limit=0)) == []


def test_search_from_is_inclusive_and_until_exclusive_to_the_microsecond(site: Site) -> None:
    batch = [event(n, time=DAY + timedelta(microseconds=n)) for n in range(4)]
    site.index(batch)
    found = site.store.search(EventQuery(since=batch[1].time, until=batch[3].time))
    assert ids(found) == [batch[2].id, batch[1].id]


def test_search_by_indexed_and_other_fields(site: Site) -> None:
    batch = [
        event(0, 0, {"host.name": "web1", "user.name": "lan", "source.port": 22}),
        event(1, 1, {"host.name": "web1", "user.name": "Lan", "source.port": 2222}),
        event(2, 2, {"host.name": "web2", "user.name": "lan", "event.dataset": "sudo"}),
        event(3, 3, {"host.name": ["web1", "web3"], "user.roles": ["clerk", "approver"]}),
    ]
    site.index(batch)

    def found(**equals: Value) -> list[int]:
        query = EventQuery(equals={name.replace("__", "."): value for name, value in equals.items()})
        places = {stored.id: n for n, stored in enumerate(batch)}
        return [places[str(found_id)] for found_id in ids(site.store.search(query))]

    assert found(host__name="web1") == [3, 1, 0]
    assert found(host__name="web3") == [3]
    assert found(user__name="lan") == [2, 0]
    assert found(user__name="lan", host__name="web1") == [0]
    assert found(event__dataset="sudo") == [2]
    assert found(source__port=22) == [0]
    assert found(source__port="22") == [0]
    assert found(source__port="ssh") == []
    assert found(user__roles="approver") == [3]
    assert found(user__roles=["approver", "clerk"]) == [3]
    assert found(user__roles=["approver", "chief"]) == []
    assert found(user__name=None) == [3]
    assert found(message="line 2") == [2]
    assert found(message="line") == []
    assert found(soc__source="auth", event__id=batch[1].id) == [1]
    assert found(no__such__field="x") == []


def test_search_by_address_and_network(site: Site) -> None:
    addresses = ["192.0.2.7", "192.0.2.70", "2001:db8::7", "-", "::ffff:192.0.2.7"]
    batch = [event(n, n, {"source.ip": address}) for n, address in enumerate(addresses)]
    assert site.index(batch).refused == ()

    def found(wanted: str) -> list[Value]:
        return ids(site.store.search(EventQuery(equals={"source.ip": wanted})))

    assert found("192.0.2.7") == [batch[4].id, batch[0].id]
    assert found("192.0.2.0/26") == [batch[4].id, batch[0].id]
    assert found("2001:DB8:0::7") == [batch[2].id]
    assert found("2001:db8::/32") == [batch[2].id]
    assert found("-") == []
    assert found("192.0.2") == []


def test_search_goes_on_until_the_limit_is_filled(site: Site) -> None:
    batch = [event(n, n, {"process.name": "cron" if n % 100 else "sshd"}) for n in range(2500)]
    site.index(batch)
    found = site.store.search(EventQuery(equals={"process.name": "sshd"}, limit=20))
    assert ids(found) == [batch[n].id for n in range(2400, 400, -100)]
    assert ids(site.store.search(EventQuery(limit=2400))) == [one.id for one in reversed(batch[100:])]


def test_hostile_text_is_data_everywhere(site: Site) -> None:
    texts = ['"}}\n{"delete":{}}', "%_*?\\", "' OR 1=1 --", "\x1b[31m", "x" * 40_000, "ộ" * 2000, "---"]
    batch = [
        event(n, n, {"event.dataset": text, "user.name": text, "message": text, "host.name": text, text[:200]: "1"})
        for n, text in enumerate(texts)
    ]
    assert site.index(batch).refused == ()
    for stored, text in zip(batch, texts, strict=True):
        for field in ("user.name", "message", "host.name", "event.dataset"):
            assert ids(site.store.search(EventQuery(equals={field: text}))) == [stored.id]


def test_a_name_that_is_both_value_and_parent_is_no_conflict(site: Site) -> None:
    batch = [event(0, fields={"user": "lan", "user.name": "lan"}), event(1, fields={"user.name.full": "Lan"})]
    assert site.index(batch) == Indexed(2, 0)


def test_a_field_of_no_schema_may_change_its_type(site: Site) -> None:
    values: list[Value] = [1, "abc", True, 2.5, ["a", "b"], None]
    batch = [
        event(n, fields={"winlog.event_data.ProcessId": value, f"custom.{k}": value, "custom.x": value})
        for k in range(2)
        for n, value in enumerate(values[k:] + values[:k], 10 * k)
    ]
    assert site.index(batch) == Indexed(len(batch), 0)


def test_every_event_is_in_one_count_and_a_refused_one_comes_back_with_its_reason(site: Site) -> None:
    good, bad = event(1), event(2, fields={"http.response.status_code": "abc"})
    done = site.index([good, bad])
    assert done.stored + done.duplicates + len(done.refused) == 2
    if site.config.kind is StoreKind.ELASTICSEARCH:
        ((refused, reason),) = done.refused
        assert refused is bad
        assert "http.response.status_code" in reason
        assert site.store.event(bad.id) is None
    assert site.store.event(good.id) == good.document()


@pytest.mark.server
def test_both_stores_find_the_same(both: list[Site]) -> None:
    random = Random(7)
    choices: dict[str, list[Value]] = {
        "host.name": ["web1", "web2", ["web1", "db1"], None, ""],
        "user.name": ["lan", "Lan", "hạnh", "a b", "*", None],
        "source.ip": ["192.0.2.7", "192.0.2.8", "2001:db8::1", "-", None],
        "source.port": [22, 443, None],
        "event.dataset": ["sshd", "sudo", "nginx.access", "Strange-Name/..", None],
        "message": ["Failed password", "failed password", "Failed password for root", "", "…"],
        "x.flag": [True, False, "true", None],
        "x.number": [1, 1.5, "1", "one"],
    }
    batch = [
        event(
            n,
            random.randrange(50),
            {field: value for field, options in choices.items() if (value := random.choice(options)) is not None},
        )
        for n in range(400)
    ]
    for one in both:
        assert one.index(batch) == Indexed(400, 0)
    asked = 0
    for _ in range(150):
        fields = random.sample(sorted(choices), random.randrange(3))
        since = DAY + timedelta(seconds=random.randrange(50)) if random.random() < 0.5 else None
        until = DAY + timedelta(seconds=random.randrange(50)) if random.random() < 0.5 else None
        query = EventQuery(
            since, until, {field: random.choice(choices[field]) for field in fields}, random.choice([3, 1000])
        )
        local, elastic = (one.store.search(query) for one in both)
        if "x.number" in query.equals:  # a word in a number field is kept, not indexed (docs: elastic_mappings)
            continue
        assert elastic == local, query
        asked += bool(local)
    assert asked > 50


@pytest.mark.server
def test_data_streams_are_named_by_what_is_safe_of_the_dataset(elastic_node: ElasticNode, tmp_path: Path) -> None:
    from soc.store.elastic import connect

    config = elastic_config(elastic_node)
    one = Site(tmp_path, config)
    names = ["sshd", "nginx.access", "../_all", "-*,x", "Ünï", ".", "a" * 300, 7]
    one.index([event(n, fields={"event.dataset": name}) for n, name in enumerate(names)])
    client = connect(config)
    found = client.indices.resolve_index(name="logs-*")["data_streams"]
    streams = {stream["name"] for stream in found if stream["name"].endswith(config.namespace)}
    assert streams == {
        f"logs-{part}-{config.namespace}" for part in ["sshd", "nginx.access", "all", "x", "n", "generic", "a" * 100]
    }
    backing = next(stream["backing_indices"] for stream in found if stream["name"] == f"logs-sshd-{config.namespace}")
    settings = client.indices.get_settings(index=backing, flat_settings=True).body
    assert {index["settings"]["index.mapping.total_fields.limit"] for index in settings.values()} == {"4000"}
    client.close()
    one.close()


@pytest.mark.server
def test_invented_datasets_end_in_the_generic_stream(
    elastic_node: ElasticNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soc.store.elastic_events

    monkeypatch.setattr(soc.store.elastic_events, "MAX_STREAMS", 3)
    config = elastic_config(elastic_node)
    batch = [event(n, n, {"event.dataset": f"invented{n}"}) for n in range(6)]
    for _ in range(2):  # the second time as a new process that sees which streams there are
        one = Site(tmp_path, config)
        one.store.index(batch, 0)
        assert one.store.count() == 6
        assert ids(one.store.search(EventQuery(equals={"event.dataset": "invented5"}))) == [batch[5].id]
        one.close()


# projections


def test_alerts_come_in_the_order_of_triage(site: Site) -> None:
    alerts = [
        alert(0, risk=50, minutes=1),
        alert(1, risk=90),
        alert(2, risk=50, minutes=5),
        alert(3, risk=50, minutes=1),
    ]
    projections = site.projections()
    assert projections.applied() == 0
    assert list(projections.alert_ids(AlertQuery())) == []
    projections.apply(entries(alert_facts.opened(one, DAY) for one in alerts))
    assert projections.applied() == 4
    assert list(projections.alert_ids(AlertQuery())) == [alerts[n].id for n in (1, 2, 0, 3)]
    wanted = [replace(alerts[n], opened=DAY) for n in (3, 0)]
    assert projections.alerts([alerts[3].id, "unknown", alerts[0].id]) == wanted


def test_alerts_are_filtered(site: Site) -> None:
    alerts = [
        alert(0, level=Level.HIGH, minutes=0, value="203.0.113.7", system="100%_portal"),
        alert(1, level=Level.LOW, minutes=1, system="a*b?c\\d"),
        alert(2, level=Level.HIGH, minutes=2, system="Hộ tịch"),
        alert(3, level=Level.CRITICAL, minutes=3, system="100 portal"),
    ]
    projections = site.projections()
    facts = [alert_facts.opened(one, DAY) for one in alerts]
    facts.append(status(alerts[2], AlertStatus.ACKNOWLEDGED, 9))
    facts.append(incident_facts.opened(incident(1, alerts[2:]), DAY))
    projections.apply(entries(facts))

    def found(**query: object) -> list[int]:
        return sorted(int(alert_id[-1]) for alert_id in projections.alert_ids(AlertQuery(**query)))  # type: ignore[arg-type]

    assert found(statuses=frozenset({AlertStatus.NEW})) == [0, 1, 3]
    assert found(statuses=frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED})) == [0, 1, 2, 3]
    assert found(levels=frozenset({Level.HIGH}), statuses=frozenset({AlertStatus.NEW})) == [0]
    assert found(since=DAY + timedelta(minutes=1), until=DAY + timedelta(minutes=3)) == [1, 2]
    assert found(incident_id="incident-0001") == [2, 3]
    assert found(text="portal") == [0, 3]
    assert found(text="%") == [0]
    assert found(text="_") == [0]
    assert found(text="*") == [1]
    assert found(text="?C\\") == [1]
    assert found(text="HỘ TỊCH") == [2]
    assert found(text="hộ tịch guessed") == [2]
    assert found(text="203.0.113 LOG-ON") == [0]
    assert found(text="nobody") == []
    assert found(text="  ") == [0, 1, 2, 3]


def test_alerts_are_found_by_whose_they_are_their_rule_their_time_and_whether_they_sleep(site: Site) -> None:
    alerts = [alert(n, minutes=n) for n in range(4)]
    who = Who("lan", DAY + timedelta(hours=1))
    facts = [alert_facts.opened(one, DAY + timedelta(minutes=n)) for n, one in enumerate(alerts)]
    facts += [
        alert_decisions.assigned(alerts[1], "minh", who),
        alert_decisions.labelled(alerts[2], ["Bài tập"], [], who),
        alert_decisions.snoozed(alerts[3], DAY + timedelta(hours=9), "", who),
        status(alerts[0], AlertStatus.CLOSED, 90, CloseReason.TRUE_POSITIVE),
        status(alerts[1], AlertStatus.CLOSED, 90, CloseReason.BENIGN),
    ]
    facts.append(alert_facts.opened(replace(alert(4, minutes=600), rule_id="rule-1", suppressed_by="S-1"), DAY))
    projections = site.projections()
    projections.apply(entries(facts))

    def found(**query: object) -> list[int]:
        return sorted(int(alert_id[-1]) for alert_id in projections.alert_ids(AlertQuery(**query)))  # type: ignore[arg-type]

    assert found(having=(Having(Facet.ASSIGNEE, "minh"),)) == [1]
    assert found(text="minh") == [1]
    assert found(text="bài TẬP") == [2]
    assert found(having=(Having(Facet.RULE, "rule-1"),)) == [1, 4]
    assert found(having=(Having(Facet.RULE, "rule-1", wanted=False),)) == [0, 2, 3]
    assert found(having=(Having(Facet.RULE, "rule-1"), Having(Facet.STATUS, "closed", wanted=False))) == [4]
    assert found(having=(Having(Facet.LEVEL, alerts[0].level.value),)) == [0, 1, 2, 3, 4]
    assert found(having=(Having(Facet.ENTITY, alerts[2].entity.value), Having(Facet.SYSTEM, alerts[2].system))) != []
    assert projections.facets(AlertQuery(), Facet.RULE, 2) == [("rule-1", 2), ("rule-0", 1)]
    assert projections.facets(AlertQuery(), Facet.STATUS, 9) == [("new", 3), ("closed", 2)]
    assert projections.facets(AlertQuery(text="minh"), Facet.LEVEL, 9) == [(alerts[1].level.value, 1)]
    whole = projections.alert_ids(AlertQuery())
    assert list(projections.alert_ids(AlertQuery(limit=2))) == list(whole[:2])
    assert list(projections.alert_ids(AlertQuery(limit=99))) == list(whole)
    assert projections.alert_count(AlertQuery(limit=2)) == len(whole) == 5
    assert projections.alert_count(AlertQuery(text="minh")) == 1
    assert found(awake_at=DAY + timedelta(hours=9)) == [0, 1, 2, 3, 4]
    assert found(awake_at=DAY + timedelta(hours=8)) == [0, 1, 2, 4]
    assert found(due_before=alerts[2].due) == [0, 1]
    assert found(opened_since=DAY + timedelta(minutes=2)) == [2, 3]
    assert found(suppressed=True) == [4]
    assert found(suppressed=False, having=(Having(Facet.RULE, "rule-1"),)) == [1]
    assert projections.rule_records(DAY) == {
        "rule-0": RuleRecord(1, confirmed=1),
        "rule-1": RuleRecord(2, rejected=1),
        "rule-2": RuleRecord(1),
        "rule-3": RuleRecord(1),
    }
    assert projections.rule_records(DAY + timedelta(minutes=3)) == {"rule-3": RuleRecord(1)}


def test_facts_are_folded_into_alerts_and_incidents(site: Site) -> None:
    first, second = alert(1), alert(2)
    projections = site.projections()
    facts = [
        alert_facts.opened(first, DAY),
        alert_facts.opened(second, DAY),
        repeated(first, 30, added=3, risk=77),
        incident_facts.opened(incident(1, [first, second]), DAY),
        status(first, AlertStatus.CLOSED, 40, CloseReason.TRUE_POSITIVE),
        incident_decisions.phase_changed("incident-0001", Phase.RESPOND, "lan", "blocked", DAY),
        status(alert(9), AlertStatus.CLOSED, 40, CloseReason.TRUE_POSITIVE),  # of an alert that never opened
    ]
    projections.apply(entries(facts))
    (folded,) = projections.alerts([first.id])
    assert (folded.count, folded.risk, folded.status, folded.incident_id) == (
        4,
        77,
        AlertStatus.CLOSED,
        "incident-0001",
    )
    assert folded.history == (
        StatusChange(DAY + timedelta(minutes=40), "lan", AlertStatus.CLOSED, CloseReason.TRUE_POSITIVE, "seen"),
    )
    (held,) = projections.incidents(projections.incident_ids())
    assert (held.phase, held.alert_ids) == (Phase.RESPOND, (first.id, second.id))
    assert projections.alerts(["alert-000009"]) == []
    assert projections.applied() == len(facts)


def test_incidents_are_open_first_then_highest_risk_then_newest(site: Site) -> None:
    projections = site.projections()
    assert list(projections.incident_ids()) == []
    incidents = [
        incident(0, [alert(0)], risk=99),
        incident(1, [alert(1)], risk=60),
        incident(2, [alert(2, minutes=9)], risk=60),
        incident(3, [alert(3)], risk=80),
    ]
    facts = [incident_facts.opened(one, DAY) for one in incidents]
    facts.append(incident_decisions.phase_changed(incidents[0].id, Phase.LEARN_LESSONS, "lan", "", DAY, closed=True))
    projections.apply(entries(facts))
    assert list(projections.incident_ids()) == [incidents[n].id for n in (3, 2, 1, 0)]


def test_applying_again_changes_nothing(site: Site) -> None:
    facts = entries(story(1))
    projections = site.projections()
    projections.apply(facts)
    before = projections.alerts(projections.alert_ids(AlertQuery()))
    projections.apply(facts)
    projections.apply(facts[:3])
    assert projections.applied() == len(facts)
    assert projections.alerts(projections.alert_ids(AlertQuery())) == before


def test_batch_by_batch_and_all_at_once_give_the_same(usual_site: Site) -> None:
    facts = entries(story(2))
    projections = usual_site.projections()
    for start in range(0, len(facts), 20):
        projections.apply(facts[start : start + 20])

    def everything() -> tuple[object, ...]:
        alert_ids, incident_ids = projections.alert_ids(AlertQuery()), projections.incident_ids()
        return list(alert_ids), projections.alerts(alert_ids), list(incident_ids), projections.incidents(incident_ids)

    before = everything()
    projections.reset()
    assert projections.applied() == 0
    assert list(projections.alert_ids(AlertQuery())) == []
    projections.apply(facts)
    assert everything() == before


def test_a_missing_ledger_entry_is_refused(site: Site) -> None:
    facts = entries(story(3, alerts=5))
    projections = site.projections()
    with pytest.raises(SocError, match="ledger entry 2 is missing: entry 3 came instead"):
        projections.apply([*facts[:2], *facts[3:]])
    projections.apply(facts)
    assert projections.applied() == len(facts)


def test_five_thousand_alerts(usual_site: Site) -> None:
    alerts = [alert(n, risk=n % 101, minutes=n % 60) for n in range(5_001)]
    projections = usual_site.projections()
    projections.apply(entries(alert_facts.opened(one, DAY) for one in alerts))
    found = list(projections.alert_ids(AlertQuery()))
    assert found == [one.id for one in sorted(alerts, key=lambda one: (-one.risk, -one.last_seen.timestamp(), one.id))]
    page = found[4_000:4_256]
    assert [one.id for one in projections.alerts(page)] == page


@pytest.mark.server
def test_both_projections_are_the_same(both: list[Site]) -> None:
    facts = entries(story(11, alerts=150))
    local, elastic = (one.projections() for one in both)
    for projections in (local, elastic):
        projections.apply(facts)
    queries = [
        AlertQuery(),
        AlertQuery(statuses=frozenset({AlertStatus.NEW, AlertStatus.CLOSED})),
        AlertQuery(levels=frozenset({Level.HIGH, Level.LOW}), text="203.0"),
        AlertQuery(text="%_"),
        AlertQuery(text="land_ LOG"),
        AlertQuery(since=DAY + timedelta(minutes=30), until=DAY + timedelta(minutes=70)),
        AlertQuery(incident_id="incident-0000"),
    ]
    for query in queries:
        found = list(local.alert_ids(query))
        assert found
        assert list(elastic.alert_ids(query)) == found
    all_alerts = local.alert_ids(AlertQuery())
    assert elastic.alerts(all_alerts) == local.alerts(all_alerts)
    assert list(elastic.incident_ids()) == list(local.incident_ids())
    assert elastic.incidents(local.incident_ids()) == local.incidents(local.incident_ids())


# several processes and threads

READER = """
import sys
from pathlib import Path
from collectors.journal import JournalConfig, open_reader
from soc.store import AlertQuery, EventQuery, Facet, Having
from soc.store.config import StoreConfig, StoreKind
from soc.store.opening import open_events, open_projections
folder, kind, namespace, *hosts = sys.argv[1:]
config = StoreConfig(kind=StoreKind(kind), hosts=tuple(hosts), namespace=namespace)
journal = open_reader(JournalConfig(Path(folder) / "journal"))
events = open_events(config, journal, Path(folder) / "events")
projections = open_projections(config, Path(folder) / "projections.db")
print(len(events.search(EventQuery(limit=10_000))), len(projections.alerts(projections.alert_ids(AlertQuery()))), flush=True)
"""


def reader(site: Site) -> subprocess.Popen[str]:
    config = site.config
    command = [sys.executable, "-c", READER, str(site.folder), config.kind.value, config.namespace, *config.hosts]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_other_processes_read_while_one_writes(usual_site: Site) -> None:
    usual_site.index([event(n) for n in range(100)])
    projections = usual_site.projections()
    projections.apply(entries(alert_facts.opened(alert(n), DAY) for n in range(50)))
    usual_site.store.count()  # a search is a refresh: what was indexed is visible to all
    readers = [reader(usual_site), reader(usual_site)]
    written, applied = 100, 50
    while any(one.poll() is None for one in readers):
        usual_site.index([event(n) for n in range(written, written + 20)])
        projections.apply(entries((alert_facts.opened(alert(n), DAY) for n in range(applied, applied + 5)), applied))
        written, applied = written + 20, applied + 5
    for one in readers:
        out, _ = one.communicate()
        found, alerts = map(int, out.split())
        assert one.returncode == 0
        assert 100 <= found <= written
        assert 50 <= alerts <= applied


def test_threads_share_a_store(site: Site) -> None:
    site.index([event(n, n) for n in range(200)])
    failures: list[BaseException] = []

    def search() -> None:
        try:
            for _ in range(5):
                assert len(site.store.search(EventQuery(limit=150))) == 150
        except BaseException as error:  # carried to the main thread
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    site.index([event(n, n) for n in range(200, 300)])
    for thread in threads:
        thread.join()
    assert not failures


def test_two_writers_of_the_projections_lose_nothing(site: Site) -> None:
    facts = entries(story(5, alerts=40))
    writers = [site.projections(), site.projections()]
    threads = [
        threading.Thread(target=lambda w=w: [w.apply(facts[: n + 10]) for n in range(0, len(facts), 10)])  # type: ignore[misc]
        for w in writers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = Site(site.folder / "alone", LOCAL)
    expected = alone.projections()
    expected.apply(facts)
    every = expected.alert_ids(AlertQuery())
    for writer in writers:
        assert writer.applied() == len(facts)
        assert list(writer.alert_ids(AlertQuery())) == list(every)
        assert writer.alerts(every) == expected.alerts(every)
    alone.close()


# faults of the server


def test_a_server_that_is_down_is_unreachable_and_worth_a_retry(tmp_path: Path) -> None:
    down = Site(tmp_path, StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=("http://127.0.0.1:9",)))
    projections = down.projections()
    calls = [
        lambda: down.index([event(1)]),
        lambda: down.store.search(EventQuery()),
        lambda: down.store.event("0" * 32),
        down.store.count,
        projections.applied,
        lambda: projections.apply(entries(story(1, 1))),
        lambda: projections.alert_ids(AlertQuery()),
        lambda: projections.alerts(["x"]),
        projections.reset,
    ]
    for call in calls:
        with pytest.raises(UnreachableError, match="Elasticsearch cannot be reached") as caught:
            call()
        assert caught.value.exit_code == 3
    down.close()


@pytest.mark.server
def test_a_node_killed_while_indexing_loses_and_doubles_nothing(elastic_node: ElasticNode, tmp_path: Path) -> None:
    one = Site(tmp_path, elastic_config(elastic_node))
    batches = [[event(n) for n in range(start, start + 1000)] for start in range(0, 8_000, 1000)]
    facts = entries(story(8, alerts=200))
    projections = one.projections()
    killer = threading.Timer(0.3, elastic_node.kill)
    again: list[tuple[list[Event], int]] = []
    try:
        one.index(batches[0])
        killer.start()
        for batch in batches[1:]:
            try:
                one.index(batch)
            except UnreachableError:
                again.append((batch, one.journal.end() - len(batch)))
            with contextlib.suppress(UnreachableError):
                projections.apply(facts)
        assert again, "the node was not killed in time"
    finally:
        killer.join()
        elastic_node.kill()
        elastic_node.start()
    for batch, first in again:
        done = one.store.index(batch, first)
        assert done.stored + done.duplicates == len(batch)
    projections.apply(facts)
    assert one.store.count() == 8_000
    found = one.store.search(EventQuery(limit=20_000))
    assert sorted(map(str, ids(found))) == sorted(stored.id for batch in batches for stored in batch)
    alone = Site(tmp_path / "alone", LOCAL)
    expected = alone.projections()
    expected.apply(facts)
    every = expected.alert_ids(AlertQuery())
    assert projections.applied() == len(facts)
    assert projections.alerts(every) == expected.alerts(every)
    one.close()
    alone.close()


@pytest.fixture
def gated(elastic_node: ElasticNode, tmp_path: Path) -> Iterator[tuple[Gate, Site]]:
    with gate(elastic_node.port) as faults:
        one = Site(tmp_path, replace(elastic_config(elastic_node), hosts=(faults.url,), timeout=timedelta(seconds=5)))
        one.index([event(0)])
        yield faults, one
        one.close()


@pytest.mark.server
def test_a_request_that_is_refused_for_now_is_sent_again(gated: tuple[Gate, Site]) -> None:
    faults, one = gated
    faults.refuse = [429, 503, 502]
    assert one.index([event(1), event(2)]) == Indexed(2, 0)
    faults.refuse = [504]
    assert one.store.count() == 3


@pytest.mark.server
def test_only_the_items_that_were_refused_for_now_are_sent_again(gated: tuple[Gate, Site]) -> None:
    faults, one = gated
    faults.bulks.clear()
    faults.hold_back = [{1, 3}, {0}]
    assert one.index([event(n) for n in range(1, 6)]) == Indexed(5, 0)
    assert faults.bulks == [5, 2, 1]
    assert one.store.count() == 6


@pytest.mark.server
def test_a_proxy_that_takes_small_requests_only_gets_small_ones_and_what_is_too_large_alone_is_refused(
    gated: tuple[Gate, Site],
) -> None:
    faults, one = gated
    faults.most_bytes = 10_000
    large = event(61, fields={"a.note": "x" * 20_000})
    batch = [*(event(n) for n in range(1, 61)), large]
    done = one.index(batch)
    assert (done.stored, done.duplicates) == (60, 0)
    assert [(each.id, reason[:40]) for each, reason in done.refused] == [
        (large.id, "<html><h1>413 Request Entity Too Large</")
    ]
    assert one.store.count() == 61


@pytest.mark.server
def test_bulk_requests_are_bounded_in_size_and_two_travel_at_a_time(gated: tuple[Gate, Site]) -> None:
    faults, one = gated
    faults.sizes.clear()
    faults.bulks.clear()
    faults.slow_s = [0.3] * 4
    batch = [event(n, fields={"a.note": "x" * 3_000}) for n in range(1, 4_001)]
    assert one.index(batch) == Indexed(4_000, 0)
    assert sum(faults.bulks) == 4_000
    assert max(faults.bulks) <= MAX_ACTIONS
    assert max(faults.sizes) <= MAX_BYTES < sum(faults.sizes)
    assert faults.together == IN_FLIGHT == 2


@pytest.mark.server
def test_a_connection_that_closes_after_the_request_was_sent_neither_loses_nor_doubles(
    gated: tuple[Gate, Site],
) -> None:
    faults, one = gated
    faults.drop = 1
    batch = [event(n) for n in range(1, 6)]
    with pytest.raises(UnreachableError):
        one.index(batch)
    assert one.store.index(batch, 1) == Indexed(0, 5)
    assert one.store.count() == 6


@pytest.mark.server
def test_a_node_that_stays_busy_is_unreachable_after_the_last_attempt(
    gated: tuple[Gate, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    import soc.store.elastic

    monkeypatch.setattr(soc.store.elastic, "PAUSES_S", (0.01, 0.01))
    faults, one = gated
    faults.refuse = [429] * 3
    with pytest.raises(UnreachableError, match=r"cannot do it now \(429\): es_rejected_execution_exception: busy"):
        one.index([event(1)])


@pytest.mark.server
def test_the_api_key_goes_over_tls_to_a_server_that_the_ca_signed(elastic_node: ElasticNode, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("bm90OnNlY3JldA==\n")
    with gate(elastic_node.port, certificate=self_signed(tmp_path)) as faults:
        config = replace(
            elastic_config(elastic_node), hosts=(faults.url,), api_key_file=key, ca_file=tmp_path / "server.pem"
        )
        one = Site(tmp_path / "trusted", config)
        assert one.index([event(1)]) == Indexed(1, 0)
        assert faults.authorization == "ApiKey bm90OnNlY3JldA=="
        one.close()
        faults.authorization = None
        other = Site(tmp_path / "other", replace(config, ca_file=None))
        with pytest.raises(SocError, match="is ca_file the authority that signed"):
            other.index([event(1)])
        assert faults.authorization is None
        other.close()


@pytest.mark.server
def test_a_wrong_api_key_is_told_apart_from_a_server_that_is_down(gated: tuple[Gate, Site]) -> None:
    faults, one = gated
    faults.refuse = [401]
    with pytest.raises(SocError, match=r"does not know this API key or user \(401\)") as caught:
        one.store.count()
    assert caught.value.exit_code == 2


def test_what_is_neither_elasticsearch_nor_opensearch_is_told(tmp_path: Path) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"version": {"number": "1"}}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that the base class gives it
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        hosts = (f"http://127.0.0.1:{server.server_port}",)
        one = Site(tmp_path, StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=hosts))
        with pytest.raises(SocError, match="neither Elasticsearch nor OpenSearch"):
            one.index([event(1)])
        one.close()
        server.shutdown()


@pytest.mark.server
def test_a_crash_between_the_documents_and_applied_is_harmless(elastic_node: ElasticNode, tmp_path: Path) -> None:
    from soc.store.elastic import connect
    from soc.store.elastic_projections import STATE, VERSION

    config = elastic_config(elastic_node)
    one = Site(tmp_path, config)
    facts = entries(story(9))
    projections = one.projections()
    projections.apply(facts)
    expected = projections.alerts(projections.alert_ids(AlertQuery()))
    client = connect(config)
    for applied in (len(facts) - 30, 3):  # as if the process had ended before it wrote the state
        client.index(
            index=f"{config.namespace}-state", id=STATE, document={"applied": applied, "version": VERSION}, refresh=True
        )
        after = one.projections()
        assert after.applied() == applied
        after.apply(facts)
        assert after.alerts(after.alert_ids(AlertQuery())) == expected
    client.close()
    one.close()


@pytest.mark.server
def test_projections_of_another_version_are_made_anew(elastic_node: ElasticNode, tmp_path: Path) -> None:
    from soc.store.elastic import connect
    from soc.store.elastic_projections import STATE

    config = elastic_config(elastic_node)
    one = Site(tmp_path, config)
    facts = entries(story(9, alerts=9))
    one.projections().apply(facts)
    client = connect(config)
    client.index(index=f"{config.namespace}-state", id=STATE, document={"applied": 5, "version": 0}, refresh=True)
    client.index(index=f"{config.namespace}-alerts", id="stale", document={"id": "stale", "risk": 100}, refresh=True)
    after = one.projections()
    assert after.applied() == 0
    after.apply(facts)
    assert after.applied() == len(facts)
    assert "stale" not in after.alert_ids(AlertQuery())
    client.close()
    one.close()


@pytest.mark.server
def test_a_client_that_the_server_refuses_says_which_to_install(elastic_node: ElasticNode) -> None:
    from soc.store.elastic import answering, connect

    client = connect(elastic_config(elastic_node))
    newer = dict.fromkeys(("accept", "content-type"), "application/vnd.elasticsearch+json; compatible-with=10")
    with pytest.raises(SocError, match=r"install elasticsearch>=8\.19,<9"), answering():
        client.perform_request("POST", "/_search", headers=newer, body={})
    client.close()
