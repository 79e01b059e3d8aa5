"""Damaged files of every kind that enrichment reads: only the error of the room ever comes out, and what is read can be looked up."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors.enrich.geo import GeoError, GeoTable
from collectors.enrich.identity_files import read_identities
from collectors.enrich.intel.matching import IndicatorMatcher
from collectors.enrich.intel.reading import Defaults, read_file
from collectors.enrich.intel.store import IndicatorStore
from collectors.enrich.intel.told import IndicatorError, Told
from collectors.enrich.intel.warning import read_lists
from collectors.enrich.rows import TableError
from tests.collectors.enrich.intel.test_reading import attribute, bundle, event, indicator
from tests.collectors.enrich.test_geo import CITY, NETWORK, mmdb
from tests.collectors.enrich.test_identities import CSV, LDIF

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ROUNDS = 400
STIX = json.dumps(
    bundle(
        indicator(
            "[ipv4-addr:value = '203.0.113.7' OR url:value IN ('http://a.example/', 'http://b.example/')]",
            confidence=85,
        ),
        indicator(
            f"[file:hashes.MD5 = '{'a' * 32}' AND file:hashes.'SHA-256' = '{'5' * 64}']",
            valid_until="2027-01-01T00:00:00Z",
        ),
    )
)
MISP = json.dumps(
    event(
        attribute("ip-dst", "203.0.113.7"), attribute("domain|ip", "a.example|203.0.113.8"), Tag=[{"name": "tlp:red"}]
    )
)
ROWS = 'value,type,confidence,valid_until\n203.0.113.0/24,ip,80,2027-02-21\n"a.example",domain,,\n'
INSERTED = [
    b"\0",
    b"\xff",
    b"\xe2\x80\xae",
    b'"',
    b"[" * 50,
    b"{",
    b"\\u0000",
    b"\\ud800",
    b"9" * 400,
    b"1e999",
    b"\r\n",
    b"|",
    b"'",
]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The data with one to four wounds: bytes changed, cut, doubled, put in."""
    for _ in range(chance.randrange(1, 5)):
        at, length = chance.randrange(len(data) + 1), chance.randrange(1, 20)
        what = chance.randrange(5)
        if what == 0:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        elif what == 1:
            data = data[:at] + data[at + length :]
        elif what == 2:
            data = data[: at + length] + data[at:]
        elif what == 3:
            data = data[:at] + chance.choice(INSERTED) + data[at:]
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("good", [STIX, MISP, ROWS], ids=["stix", "misp", "csv"])
def test_a_damaged_file_of_indicators_gives_indicators_or_the_error_of_the_room(tmp_path: Path, good: str) -> None:
    chance, path, read = random.Random(good), tmp_path / "feed", 0
    found = []
    for _ in range(ROUNDS):
        path.write_bytes(mutated(good.encode(), chance))
        told = Told()
        try:
            found += read_file(path, told, Defaults())
        except IndicatorError:
            continue
        read += 1
        assert len(told.faults) == told.faulty
    assert read
    store = IndicatorStore(tmp_path / "indicators.db")
    store.merge(found, "damaged", NOW)
    matcher = IndicatorMatcher(store)
    assert all(matcher.of_value(each.kind, each.value) or "/" in each.value for each in found)


@pytest.mark.parametrize(("name", "good"), [("people.csv", CSV), ("export.ldif", LDIF.format(name="TGFu"))])
def test_a_damaged_file_of_people_gives_people_or_the_error_of_the_room(tmp_path: Path, name: str, good: str) -> None:
    chance, path, read = random.Random(name), tmp_path / name, 0
    told: list[str] = []
    for _ in range(ROUNDS):
        path.write_bytes(mutated(good.encode(), chance))
        try:
            table = read_identities([path])
        except TableError as error:
            told.append(str(error))
            continue
        read += 1
        table.adds({"user.name": "lan.nt"}, NOW)
    assert read
    assert all(f"{path}" in each for each in told)


def test_a_damaged_file_of_addresses_gives_answers_or_the_error_of_the_room(tmp_path: Path) -> None:
    path = mmdb(tmp_path / "city.mmdb", {"203.0.113.0/24": CITY | NETWORK, "2001:db8::/32": CITY})
    good, chance, read = path.read_bytes(), random.Random(5), 0  # the C reader dies of the 71st
    told: list[str] = []
    for _ in range(ROUNDS):
        path.write_bytes(mutated(good, chance))
        try:
            table = GeoTable([path])
        except GeoError as error:
            told.append(str(error))
            continue
        read += 1
        for address in ("203.0.113.9", "2001:db8::1", "192.0.2.1", "255.255.255.255"):
            table.adds({"source.ip": address}, NOW)
    assert read
    assert all(f"{path}" in each for each in told)


def test_a_damaged_warning_list_gives_values_or_the_error_of_the_room(tmp_path: Path) -> None:
    good = '{"name": "x", "type": "cidr", "list": ["10.0.0.0/8", "203.0.113.7", "2001:db8::/32"]}'
    chance, path, read = random.Random(3), tmp_path / "list.json", 0
    told: list[str] = []
    for _ in range(ROUNDS):
        path.write_bytes(mutated(good.encode(), chance))
        try:
            read += len(read_lists([path]))
        except IndicatorError as error:
            told.append(str(error))
    assert read
    assert all(f"{path}" in each for each in told)
