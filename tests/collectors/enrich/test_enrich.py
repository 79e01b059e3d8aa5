"""Enrichment: which system an event gets, what it keeps, and that what is not known costs next to nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collectors.enrich import Asset, AssetTable, enrich
from collectors.event import Event, Value, make_event
from collectors.record import Position, RawRecord

TABLE = AssetTable(
    [
        Asset("portal", 5, ("portal-*", "dichvucong.example"), ("192.0.2.10",), ("portal",)),
        Asset("centre", 4, ("db-*", "portal-spare"), ("192.0.2.0/24", "2001:db8::/32"), ()),
        Asset("notary", 3),
    ]
)


def event_of(**fields: Value) -> Event:
    """An event with these fields; `__` stands for the dot."""
    record = RawRecord(b"line", "test", Position("", "s", 0, 1), datetime(2026, 11, 22, tzinfo=UTC), "192.0.2.9")
    return make_event(record, None, {name.replace("__", "."): value for name, value in fields.items()})


def enriched(**fields: Value) -> dict[str, Value]:
    return enrich([event_of(**fields)], TABLE)[0].fields


def test_event_of_a_known_system_gets_its_id_and_criticality() -> None:
    assert enriched(egov__system="notary", message="x") == {
        "egov.system": "notary",
        "message": "x",
        "service.name": "notary",
        "labels.criticality": 3,
    }


def test_event_of_no_known_system_stays_as_it_is() -> None:
    event = event_of(host__name="elsewhere", message="x")
    assert enrich([event], TABLE) == [event_of(host__name="elsewhere", message="x")]


def test_nothing_but_fields_is_added() -> None:
    event = event_of(host__name="portal-01")
    [after] = enrich([event], TABLE)
    assert replace(after, fields={}) == replace(event_of(host__name="portal-01"), fields={})
    assert after.fields == {"host.name": "portal-01", "service.name": "portal", "labels.criticality": 5}


def test_order_of_the_batch_is_kept() -> None:
    batch = [event_of(host__name=name) for name in ("portal-01", "elsewhere", "db-01")]
    assert [event.fields["host.name"] for event in enrich(batch, TABLE)] == ["portal-01", "elsewhere", "db-01"]


def test_name_that_the_record_gives_its_service_is_kept() -> None:
    fields = enriched(service__name="portal-backend", host__name="portal-01")
    assert (fields["service.name"], fields["labels.service_name"]) == ("portal", "portal-backend")


def test_enriching_twice_changes_nothing_more() -> None:
    once = enrich([event_of(service__name="portal-backend", host__name="portal-01")], TABLE)
    assert enrich(once, TABLE)[0].fields == once[0].fields


@pytest.mark.parametrize(
    ("fields", "system"),
    [
        ({"host.name": "portal-07"}, "portal"),
        ({"host.name": "Portal-07.Tinh.Example"}, "portal"),
        ({"host.name": "portal-spare"}, "centre"),
        ({"host.name": "myportal-07"}, None),
        ({"destination.ip": "192.0.2.10"}, "portal"),
        ({"destination.ip": "192.0.2.11"}, "centre"),
        ({"destination.ip": "2001:db8::1"}, "centre"),
        ({"destination.ip": "not an address"}, None),
        ({"host.ip": ["203.0.113.1", "192.0.2.10"]}, "portal"),
        ({"host.ip": []}, None),
        ({"host.name": 7}, None),
        ({"source.ip": "192.0.2.10"}, None),
        ({"egov.system": "notary", "postgresql.log.database": "portal"}, "notary"),
        ({"egov.system": "unknown", "postgresql.log.database": "portal"}, "portal"),
    ],
)
def test_the_exact_decides_before_the_general(fields: dict[str, Value], system: str | None) -> None:
    assert TABLE.system_of(fields) == system


def test_flood_of_invented_names_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.enrich.assets._REMEMBERED", 10)
    table = AssetTable([Asset("portal", 5, ("portal-*",))])
    for number in range(1000):
        assert table.system_of({"host.name": f"host{number}"}) is None
    assert table.system_of({"host.name": "portal-1"}) == "portal"


@given(st.text(), st.text(), st.text())
def test_no_text_of_an_event_breaks_the_look_up(host: str, address: str, domain: str) -> None:
    TABLE.system_of({"host.name": host, "destination.ip": address, "url.domain": domain, "host.ip": [host, address]})


def test_address_that_is_none_is_refused_when_the_table_is_made() -> None:
    with pytest.raises(ValueError, match=r"192\.0\.2\.300"):
        AssetTable([Asset("a", 1, addresses=("192.0.2.300",))])
