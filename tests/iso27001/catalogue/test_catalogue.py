"""The catalogue's counts, its ids, and the way from the ids of 2013."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections import Counter

import pytest

from iso27001.catalogue import Catalogue, EvidenceMode, Theme, load
from iso27001.catalogue.reading import parse, read
from iso27001.errors import CatalogueError
from iso27001.language import Language

ATTRIBUTES = {
    "control_types": {"preventive", "detective", "corrective"},
    "properties": {"confidentiality", "integrity", "availability"},
    "concepts": {"identify", "protect", "detect", "respond", "recover"},
    "domains": {"governance_and_ecosystem", "protection", "defence", "resilience"},
}


@pytest.fixture
def catalogue() -> Catalogue:
    return load()


def test_93_controls_in_four_themes_and_30_auditable_clauses(catalogue: Catalogue) -> None:
    themes = Counter(control.theme for control in catalogue.controls.values())
    assert (len(catalogue.controls), [themes[theme] for theme in Theme]) == (93, [37, 8, 14, 34])
    assert sum(clause.auditable for clause in catalogue.clauses.values()) == 30
    modes = Counter(control.evidence_mode for control in catalogue.controls.values())
    assert [modes[mode] for mode in EvidenceMode] == [15, 36, 42]


def test_ids_are_unique_and_in_the_order_of_the_standard(catalogue: Catalogue) -> None:
    written = [item["id"] for item in read("iso27001_2022.yaml", "iso27001-controls/1")["controls"]]
    assert written == list(catalogue.controls)
    expected = [f"A.{group}.{n}" for group, count in ((5, 37), (6, 8), (7, 14), (8, 34)) for n in range(1, count + 1)]
    assert written == expected


def test_every_control_and_clause_has_both_titles_and_known_attributes(catalogue: Catalogue) -> None:
    for item in (*catalogue.controls.values(), *catalogue.clauses.values()):
        english, vietnamese = item.title(Language.ENGLISH), item.title(Language.VIETNAMESE)
        assert english.isascii()
        assert not vietnamese.isascii()
        assert unicodedata.is_normalized("NFC", vietnamese)
    for control in catalogue.controls.values():
        assert control.summary_en.endswith(".")
        for name, known in ATTRIBUTES.items():
            assert getattr(control, name)
            assert set(getattr(control, name)) <= known, control.id


def test_all_114_ids_of_2013_resolve(catalogue: Catalogue) -> None:
    assert len(catalogue.successors) == 114
    groups = Counter(old.rsplit(".", 1)[0] for old in catalogue.successors)
    for old, successors in catalogue.successors.items():
        assert catalogue.resolve(old) == successors
        assert all(new in catalogue.controls for new in successors)
        assert int(old.rsplit(".", 1)[1]) <= groups[old.rsplit(".", 1)[0]], "numbers run from 1 without a gap"
    assert sum(control.new_in_2022 for control in catalogue.controls.values()) == 11
    assert all(control.new_in_2022 is not bool(control.from_2013) for control in catalogue.controls.values())


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("A.8.15", ("A.8.15",)),
        ("a.8.15", ("A.8.15",)),
        ("8.15", ("A.8.15",)),
        (" A.12.4.1 ", ("A.8.15",)),
        ("12.4.1", ("A.8.15",)),
        ("A.16.1.2", ("A.6.8",)),
        ("A.13.2.1", ("A.5.14",)),
        ("A.18.2.3", ("A.5.36", "A.8.8")),
    ],
)
def test_ids_resolve_as_people_and_tools_write_them(catalogue: Catalogue, written: str, found: tuple[str, ...]) -> None:
    assert catalogue.resolve(written) == found


@pytest.mark.parametrize("written", ["", "A.8.35", "A.9.1", "A.12.4.9", "A.8.15 or so", "T1110"])
def test_unknown_ids_are_refused(catalogue: Catalogue, written: str) -> None:
    with pytest.raises(CatalogueError, match="unknown control"):
        catalogue.resolve(written)


def test_an_unknown_id_names_its_neighbour_or_its_successor(catalogue: Catalogue) -> None:
    with pytest.raises(CatalogueError, match=r'unknown control "A.8.155"; did you mean "A.8.15"\?'):
        catalogue.control("A.8.155")
    with pytest.raises(CatalogueError, match=r"an id of 2013, now A\.8\.15"):
        catalogue.control("A.12.4.1")


def test_reading_is_cached(catalogue: Catalogue) -> None:
    assert load() is catalogue


def test_importing_the_catalogue_reads_nothing() -> None:
    code = (
        "import sys, iso27001.catalogue as c, iso27001.measures as m\n"
        "assert c.load.cache_info().currsize == m.measures.cache_info().currsize == 0\n"
        "assert not {'jinja2', 'cryptography'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", r'x.yaml:2: duplicate key "a"'),
        ("a: [1\n", "x.yaml:2: "),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: "),
        ("a: !!python/object:os.system {}\n", "x.yaml:1: "),
        ("[" * 5000, "x.yaml"),
    ],
)
def test_faulty_yaml_names_its_place(text: str, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        parse(text, "x.yaml")


def test_dates_stay_text() -> None:
    assert parse("at: 2026-08-19\n", "x.yaml") == {"at": "2026-08-19"}
