"""People behind accounts: from CSV and LDIF with every fault at its place, and what an event gets."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.enrich.identities import Identity, IdentityTable
from collectors.enrich.identity_files import entries, read_identities
from collectors.enrich.rows import TableError
from collectors.event import Value

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CSV = """\
name,full_name,email,department,criticality
lan.nt; LAN-ADMIN,Nguyễn Thị Lan,lan.nt@tayninh.example,Department of Finance,5
minh,"Trần, Minh",,,
"""
LDIF = """\
version: 1
# an export of the directory
dn: uid=lan.nt,ou=people,dc=tayninh,dc=example
objectClass: inetOrgPerson
uid: lan.nt
cn:: {name}
mail: lan.nt@tayninh.example
departmentNumber: Department of
  Finance
jpegPhoto:: /9j/4AAQSkZJRg==

dn: cn=admins,ou=groups,dc=tayninh,dc=example
objectClass: groupOfNames
cn: admins

dn: CN=Tran Minh,DC=tayninh,DC=example
sAMAccountName: MINH
userPrincipalName: minh@tayninh.example
displayName;lang-vi: Trần Minh
title: Director
"""


def added(table: IdentityTable, **fields: Value) -> dict[str, Value]:
    return dict(table.adds({name.replace("__", "."): value for name, value in fields.items()}, NOW) or {})


def table_of(path: Path, text: str) -> IdentityTable:
    path.write_text(text, "utf-8")
    return read_identities([path])


def test_csv_gives_name_department_and_criticality(tmp_path: Path) -> None:
    table = table_of(tmp_path / "people.csv", CSV)
    assert len(table) == 2
    lan = {
        "user.full_name": "Nguyễn Thị Lan",
        "user.email": "lan.nt@tayninh.example",
        "labels.user_department": "Department of Finance",
        "labels.user_criticality": 5,
    }
    assert added(table, user__name="lan.nt") == lan
    assert added(table, user__name="minh") == {"user.full_name": "Trần, Minh"}


@pytest.mark.parametrize("said", ["LAN.NT", "TAYNINH\\lan-admin", "lan.nt@TAYNINH.EXAMPLE", "lan.nt@other.example"])
def test_account_is_found_in_any_case_and_with_its_domain(tmp_path: Path, said: str) -> None:
    table = table_of(tmp_path / "people.csv", CSV)
    assert added(table, user__name=said)["user.full_name"] == "Nguyễn Thị Lan"


def test_what_the_event_says_itself_is_kept(tmp_path: Path) -> None:
    table = table_of(tmp_path / "people.csv", CSV)
    found = added(table, user__name="lan.nt", user__full_name="Somebody")
    assert "user.full_name" not in found
    assert found["labels.user_criticality"] == 5


@pytest.mark.parametrize("value", ["nobody", "", ["lan.nt"], None, 7, "\\", "@", "x" * 100_000])
def test_who_is_not_known_adds_nothing(tmp_path: Path, value: Value) -> None:
    assert added(table_of(tmp_path / "people.csv", CSV), user__name=value) == {}


def test_ldif_gives_people_and_neither_groups_nor_photographs(tmp_path: Path) -> None:
    text = LDIF.format(name=base64.b64encode("Nguyễn Thị Lan".encode()).decode())
    table = table_of(tmp_path / "export.ldif", text)
    assert len(table) == 2
    assert added(table, user__name="lan.nt") == {
        "user.full_name": "Nguyễn Thị Lan",
        "user.email": "lan.nt@tayninh.example",
        "labels.user_department": "Department of Finance",
    }
    assert added(table, user__name="TAYNINH\\minh") == {"user.full_name": "Trần Minh", "labels.user_title": "Director"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name,full_nam\nlan,Lan\n", r'people\.csv:1: column "full_nam" is unknown.*; did you mean "full_name"\?'),
        ("full_name\nLan\n", r'people\.csv:1: there is no column "name"'),
        ("name,name\na,b\n", r'people\.csv:1: column "name" is unknown or twice there'),
        ("", r"people\.csv:1: "),
        ("name,criticality\nlan,5\nminh,6\n", r'people\.csv:3: criticality "6" is not 1 to 5'),
        ("name,email\nlan\n", r"people\.csv:2: 1 cells, where 2 columns are named"),
        ("name,email\n;,x\n", r"people\.csv:2: no name"),
        ('name\n"lan\n', r"people\.csv:2: "),
        ("name\nlan\nLAN\n", r'people\.csv:3: the account "LAN" is already that of .*people\.csv:2'),
    ],
)
def test_a_fault_of_csv_is_told_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(TableError, match=fault):
        table_of(tmp_path / "people.csv", text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("dn: uid=a\nuid: a\nmail:< file:///etc/passwd\n", r"x\.ldif:3: mail names a file or URL; none is ever opened"),
        ("dn: uid=a\nchangetype: delete\n", r"x\.ldif:2: this is a change"),
        ("uid: a\n", r"x\.ldif:1: a record begins with its dn"),
        ("dn: uid=a\nuid: a\ncn:: ***\n", r"x\.ldif:3: cn is no text in base64"),
        ("dn: uid=a\nnonsense\n", r'x\.ldif:2: "name: value" is expected'),
    ],
)
def test_a_fault_of_ldif_is_told_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(TableError, match=fault):
        table_of(tmp_path / "x.ldif", text)


def test_all_faults_are_told_at_once_and_not_without_end(tmp_path: Path) -> None:
    with pytest.raises(TableError) as refused:
        table_of(tmp_path / "people.csv", "name,criticality\n" + "lan,9\n" * 200)
    assert str(refused.value).endswith("and 150 more faults")


def test_bytes_that_are_no_utf_8_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(b"name\nl\xe0n\n")
    with pytest.raises(TableError, match=r"no UTF-8 at byte 6"):
        read_identities([tmp_path / "people.csv"])
    with pytest.raises(TableError, match=r"none\.csv cannot be read"):
        read_identities([tmp_path / "none.csv"])


@given(st.text(alphabet="adn:u <\n\r\t#;=\0é", max_size=60))
def test_no_text_breaks_the_reader_of_ldif(text: str) -> None:
    faults: list[str] = []
    for line, entry in entries(Path("x.ldif"), text, faults):
        assert line
        assert "dn" in entry


def test_a_flood_of_names_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.enrich.identities._REMEMBERED", 100)
    table = IdentityTable([Identity(("lan",), "Lan")])
    for number in range(1_000):
        assert added(table, user__name=f"nobody-{number}") == {}
    assert len(table._fields) <= 100
