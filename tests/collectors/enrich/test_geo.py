"""Places and networks of addresses, from files that the test writes in MaxMind's format with a library of others."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from collectors.enrich.geo import GeoError, GeoTable
from collectors.event import Value

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CITY = {
    "country": {"iso_code": "VN", "names": {"en": "Vietnam", "vi": "Việt Nam"}},
    "subdivisions": [{"names": {"en": "Tay Ninh"}}],
    "city": {"names": {"en": "Tan An"}},
}
NETWORK = {"autonomous_system_number": 64500, "autonomous_system_organization": "Documentation Telecom"}


def mmdb(path: Path, records: dict[str, dict[str, Any]]) -> Path:
    """A file with these networks."""
    writer = MMDBWriter(6, "Test", languages=["en"], ipv4_compatible=True)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    new = path.with_suffix(".new")
    writer.to_db_file(str(new))
    new.replace(path)
    return path


def added(table: GeoTable, **fields: Value) -> dict[str, Value] | None:
    return table.adds({name.replace("__", "."): value for name, value in fields.items()}, NOW)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return mmdb(tmp_path / "city.mmdb", {"203.0.113.0/24": CITY, "2001:db8::/32": CITY})


def test_files_together_say_country_city_and_network_of_each_side(tmp_path: Path, city: Path) -> None:
    asn = mmdb(tmp_path / "asn.mmdb", {"203.0.113.0/25": NETWORK})
    table = GeoTable([city, asn])
    assert added(table, source__ip="203.0.113.9", destination__ip="203.0.113.200", client__ip="10.0.0.1") == {
        "source.geo.country_iso_code": "VN",
        "source.geo.country_name": "Vietnam",
        "source.geo.region_name": "Tay Ninh",
        "source.geo.city_name": "Tan An",
        "source.as.number": 64500,
        "source.as.organization.name": "Documentation Telecom",
        "destination.geo.country_iso_code": "VN",
        "destination.geo.country_name": "Vietnam",
        "destination.geo.region_name": "Tay Ninh",
        "destination.geo.city_name": "Tan An",
    }


def test_what_the_event_says_itself_is_kept(city: Path) -> None:
    found = added(GeoTable([city]), source__ip="2001:db8::7", source__geo__country_iso_code="LA")
    assert found is not None
    assert "source.geo.country_iso_code" not in found
    assert found["source.geo.city_name"] == "Tan An"


@pytest.mark.parametrize("value", ["10.1.2.3", "", "no address", "203.0.113.9\0", ["203.0.113.9"], None, 7])
def test_what_is_unknown_or_no_address_adds_nothing(city: Path, value: Value) -> None:
    assert added(GeoTable([city]), source__ip=value) is None


def test_records_of_another_shape_add_what_can_be_read(tmp_path: Path) -> None:
    odd = {"country": ["VN"], "subdivisions": {}, "city": {"names": "Tan An"}, "autonomous_system_number": "64500",
           "autonomous_system_organization": "Telecom"}  # fmt: skip
    table = GeoTable([mmdb(tmp_path / "odd.mmdb", {"203.0.113.0/24": odd})])
    assert added(table, source__ip="203.0.113.9") == {"source.as.organization.name": "Telecom"}


def test_a_file_that_was_replaced_is_read_anew(city: Path) -> None:
    table = GeoTable([city])
    assert added(table, source__ip="203.0.113.9")
    mmdb(city, {"203.0.113.0/24": {"country": {"iso_code": "LA"}}})
    table.refresh()
    assert added(table, source__ip="203.0.113.9") == {"source.geo.country_iso_code": "LA"}


def test_a_file_that_is_written_over_or_gone_leaves_what_was_read(city: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = GeoTable([city])
    before = added(table, source__ip="203.0.113.9")
    with city.open("r+b") as file:  # in its place, as `cp` does: what is mapped must not shrink under the process
        file.truncate(100)
    table.refresh()
    assert added(table, source__ip="203.0.113.9") == before
    assert "refused" in caplog.text
    city.unlink()
    table.refresh()
    assert added(table, source__ip="203.0.113.9") == before


@pytest.mark.parametrize("content", [b"", b"\0" * 4_096, os.urandom(10_000), b"\xab\xcd\xefMaxMind.com"])
def test_what_is_no_such_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "city.mmdb"
    path.write_bytes(content)
    with pytest.raises(GeoError, match=r"city\.mmdb"):
        GeoTable([path])


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(GeoError, match=r"none\.mmdb"):
        GeoTable([tmp_path / "none.mmdb"])


def test_a_flood_of_addresses_does_not_fill_the_memory(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.enrich.geo.REMEMBERED", 100)
    table = GeoTable([city])
    for number in range(1_000):
        added(table, source__ip=f"203.0.{number // 250}.{number % 250}")
    assert sum(map(len, table._answers.values())) <= 100
