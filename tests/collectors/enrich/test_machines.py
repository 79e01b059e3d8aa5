"""Machines of an asset database: what they add to the inventory's systems, and every fault at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.enrich.machine_files import Machine, read_machines
from collectors.enrich.rows import TableError
from soc.app.site import Site
from tests.soc.app.sites import new_site

SYSTEMS = ["one-stop-shop", "e-tax"]


def read(path: Path, text: str) -> list[Machine]:
    path.write_text(text, "utf-8")
    return read_machines([path], SYSTEMS)


def test_machines_have_addresses_in_their_usual_spelling_and_a_system(tmp_path: Path) -> None:
    text = "name,addresses,system\nportal-02, 192.0.2.11 ;2001:DB8:0::11,one-stop-shop\r\n\nlone-01,,\n"
    assert read(tmp_path / "m.csv", text) == [
        Machine("portal-02", ("192.0.2.11", "2001:db8::11"), "one-stop-shop"),
        Machine("lone-01", (), ""),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name,adresses\na,\n", r'm\.csv:1: column "adresses" is unknown.*; did you mean "addresses"\?'),
        ("addresses\n192.0.2.1\n", r'm\.csv:1: there is no column "name"'),
        ("name,system\na,e-tax\nb,e-taxx\n", r'm\.csv:3: the inventory has no system "e-taxx"; did you mean "e-tax"\?'),
        ("name,addresses\na,192.0.2.300\n", r"m\.csv:2: '192\.0\.2\.300' does not appear"),
        ("name,addresses\na,192.0.2.1\nb,192.0.2.1\n", r'm\.csv:3: "192\.0\.2\.1" already stands in .*m\.csv:2'),
        ("name\na\nA\n", r'm\.csv:3: "a" already stands in .*m\.csv:2'),
        ("name,system\n,e-tax\n", r"m\.csv:2: no name"),
        ("name,system\na\n", r"m\.csv:2: 1 cells, where 2 columns are named"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(TableError, match=fault):
        read(tmp_path / "m.csv", text)


def test_a_site_knows_its_machines_as_it_knows_the_inventorys(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("name,addresses,system\nweb-77,198.51.100.77,e-tax\nlone-01,198.51.100.78,\n")
    with Site.load(new_site(tmp_path / "site", more=f"enrich: {{machines: [{tmp_path}/m.csv]}}\n")) as site:
        table = site.inventory.table()
        assert table.system_of({"host.name": "WEB-77.local"}) == "e-tax"
        assert table.system_of({"destination.ip": "198.51.100.77"}) == "e-tax"
        assert table.system_of({"host.name": "lone-01"}) is None
        assert table.machines["198.51.100.78"] == "lone-01"
        assert table.machines["192.0.2.20"] == "jump-01"
