"""The inventory: what ships, how events find their system, and what a wrong file is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from collectors.event import Value
from soc.errors import FaultsError
from soc.inventory import Inventory, load_inventory

ROOT = Path(__file__).parents[2]
MISSION = ROOT.parent / "shared" / "data" / "mission" / "systems.yaml"
SYSTEM = """\
  - id: {id}
    vi: Cổng
    en: Portal
    criticality: 5
    level: 3
    owner: Head of the office
    personal_data: true
    logs: [{{log: web access, dataset: nginx.access}}]
"""
HEAD = "schema: inventory/1\nsystems:\n"


@pytest.fixture(scope="module")
def shipped() -> Inventory:
    return load_inventory(ROOT / "inventory.yml")


def inventory_of(folder: Path, text: str) -> Inventory:
    path = folder / "inventory.yml"
    path.write_text(text, encoding="utf-8")
    return load_inventory(path)


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(FaultsError) as raised:
        inventory_of(folder, text)
    return [str(fault).splitlines()[0].removeprefix(f"{folder}/") for fault in raised.value.faults]


def test_every_mission_system_ships_with_its_names_in_both_languages(shipped: Inventory) -> None:
    if not MISSION.exists():
        pytest.skip("the list of the mission's systems is not beside this checkout")
    import yaml

    wanted = {s["id"]: (s["vi"], s["en"]) for s in yaml.safe_load(MISSION.read_text(encoding="utf-8"))["systems"]}
    assert {asset.id: (asset.vi, asset.en) for asset in shipped.assets} == wanted


def test_shipped_systems_have_owner_logs_and_a_way_to_be_found(shipped: Inventory) -> None:
    assert len(shipped.assets) == 24
    for asset in shipped.assets:
        assert asset.owner
        assert asset.logs
        assert asset.vi != asset.en
        assert asset.hosts or asset.addresses or asset.databases
        assert asset.name("vi") == asset.vi
        assert asset.name("en") == asset.en


@pytest.mark.parametrize(
    ("fields", "system"),
    [
        ({"egov.system": "notary", "host.name": "portal-01"}, "notary"),
        ({"service.name": "soc"}, "soc"),
        ({"postgresql.log.database": "agriculture", "host.name": "db-01"}, "agriculture-db"),
        ({"postgresql.log.database": "unheard_of", "host.name": "db-01"}, "data-centre"),
        ({"host.name": "portal-01"}, "public-service-portal"),
        ({"host.name": "PORTAL-01.tinh.example"}, "public-service-portal"),
        ({"url.domain": "dichvucong.example"}, "public-service-portal"),
        ({"destination.ip": "192.0.2.10"}, "public-service-portal"),
        ({"destination.ip": "192.0.2.150"}, "smart-city"),
        ({"host.ip": ["198.51.100.1", "192.0.2.40"]}, "soc"),
        ({"source.ip": "192.0.2.10"}, None),
        ({"egov.system": "no-such-system"}, None),
        ({"host.name": "elsewhere"}, None),
        ({}, None),
    ],
)
def test_event_finds_its_system(shipped: Inventory, fields: dict[str, Value], system: str | None) -> None:
    found = shipped.of_event(fields)
    assert (found.id if found else None) == system


def test_report_names_the_organisation_of_its_date(shipped: Inventory) -> None:
    before, after = shipped.organisation(date(2025, 6, 30)), shipped.organisation(date(2025, 7, 1))
    assert before is not None
    assert after is not None
    assert (before.en, after.en) == ("Long An province", "Tay Ninh province")
    assert shipped.organisation(date(1999, 1, 1)) is None


def test_asset_is_found_by_id_only_where_it_is(shipped: Inventory) -> None:
    assert shipped.asset("e-tax") in shipped.assets
    assert shipped.asset("e-taxes") is None


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("criticality", "critcality", '6:5: unknown key "critcality"; did you mean "criticality"?'),
        ("criticality: 5", "criticality: 6", "3:5: a: criticality 6 is not 1 to 5"),
        ("level: 3", "level: 0", "3:5: a: level 0 is not 1 to 5"),
        ("personal_data: true", "personal_data: often", "9:20: true or false is expected"),
        ("[{log: web access, dataset: nginx.access}]", "[]", "3:5: a: no log is expected"),
        ("    level", "    addresses: [192.0.2.300]\n    level", "3:5: '192.0.2.300' does not appear to be"),
        ("inventory/1", "inventory/2", '1:1: schema "inventory/2" is not "inventory/1"'),
        ("schema: inventory/1\n", "", '1:1: "schema" is missing'),
    ],
)
def test_fault_has_its_place_and_says_what_is_meant(tmp_path: Path, right: str, wrong: str, fault: str) -> None:
    faults = faults_of(tmp_path, (HEAD + SYSTEM.format(id="a")).replace(right, wrong))
    assert any(each.startswith(f"inventory.yml:{fault}") for each in faults), faults


def test_one_id_for_two_systems_is_refused(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, HEAD + SYSTEM.format(id="a") + SYSTEM.format(id="a"))
    assert faults == ['inventory.yml:11:9: "a" is already that of a']


@pytest.mark.parametrize(
    ("period", "fault"),
    [
        ("since: 2025-13-01", "month must be in 1..12"),
        ("since: 2025-02-01, until: 2025-01-01", "the period ends on 2025-01-01, before it begins on 2025-02-01"),
        (
            "since: 2025-02-01, authority_vi: UBND",
            "authority_en is missing: a notice is written in English or in Vietnamese",
        ),
    ],
)
def test_period_that_cannot_be_is_refused_at_its_place(tmp_path: Path, period: str, fault: str) -> None:
    faults = faults_of(tmp_path, HEAD + SYSTEM.format(id="a") + f"organisation: [{{vi: x, en: x, {period}}}]\n")
    assert faults == [f"inventory.yml:11:16: {fault}"]


@pytest.mark.parametrize(
    ("key", "value", "claimed"),
    [
        ("hosts", "[Portal-01]", "portal-01"),
        ("addresses", "[192.0.2.10/32]", "192.0.2.10/32"),
        ("databases", "[portal]", "portal"),
    ],
)
def test_what_two_systems_claim_is_refused(tmp_path: Path, key: str, value: str, claimed: str) -> None:
    first = SYSTEM.format(id="a") + f"    {key}: {value.lower()}\n"
    second = SYSTEM.format(id="b") + f"    {key}: {value}\n"
    column = len(f"    {key}: [") + 1
    assert faults_of(tmp_path, HEAD + first + second) == [
        f'inventory.yml:20:{column}: "{claimed}" is already that of a'
    ]


def test_two_organisations_in_office_on_one_day_are_refused(tmp_path: Path) -> None:
    periods = "organisation:\n  - {vi: a, en: a, since: 2020-01-01}\n  - {vi: b, en: b, since: 2025-07-01}\n"
    [fault] = faults_of(tmp_path, HEAD + SYSTEM.format(id="a") + periods)
    assert "a is still in office on that day" in fault


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    wrong = SYSTEM.format(id="a").replace("level: 3", "level: high").replace("vi: Cổng\n", "via: Cổng\n")
    assert len(faults_of(tmp_path, HEAD + wrong)) == 3
