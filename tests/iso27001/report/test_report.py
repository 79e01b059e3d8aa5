"""The report of a period: same data, same bytes; hostile text stays text; nothing says more than was measured."""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from iso27001.catalogue import Catalogue, load
from iso27001.catalogue.reading import parse
from iso27001.language import Language
from iso27001.measures import Indicator
from iso27001.report.data import render_json
from iso27001.report.document import plain
from iso27001.report.kinds import Kind, compose
from iso27001.report.messages import Messages
from iso27001.report.model import ReportInput
from iso27001.report.visible import visible
from iso27001.report.writers import Format, write
from tests.iso27001.material import VIETNAM, month, with_hostile_text

HOSTILE = [
    "<script>alert(1)</script>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{7*7}}{% include 'report.css' %}${7*7}",
    "</style></title><!--",
    "&lt;b&gt; javascript:alert(1)",
    "abc\u202egnp.exe\u2066\u200b\x1b[31m\x00",
]
VOID = {"col", "meta", "br", "link", "img", "input", "hr"}


def render_html(report: ReportInput, catalogue: Catalogue, language: Language = Language.ENGLISH) -> bytes:
    return write(compose(report, catalogue, language), Format.HTML)


class Document(HTMLParser):
    """The elements and the text of a page; fails on one that is not closed."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def attributes(self) -> set[str]:
        return {name for _, attributes in self.tags for name in attributes}

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ReportInput:
    return month(tmp_path_factory.mktemp("month"))


@pytest.fixture(scope="module")
def clean(report: ReportInput) -> dict[Language, Document]:
    """The page of the untouched report in each language, read once."""
    return {language: Document(render_html(report, load(), language)) for language in Language}


@pytest.mark.parametrize("language", list(Language))
def test_the_same_data_gives_the_same_bytes(report: ReportInput, language: Language) -> None:
    assert render_html(report, load(), language) == render_html(report, load(), language)
    assert render_json(report, load()) == render_json(report, load())


def test_two_ledgers_of_the_same_facts_differ_in_their_heads_only(report: ReportInput, tmp_path: Path) -> None:
    again = month(tmp_path)
    plain = {"head": None, "ledger": None}

    def without_keys(of: ReportInput) -> str:
        document = {**json.loads(render_json(of, load())), **plain}
        return re.sub(r"under key \w+|[0-9a-f]{64}|LOG-04/\S+", "", json.dumps(document))

    assert without_keys(again) == without_keys(report)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_out_as_text(
    report: ReportInput, clean: dict[Language, Document], language: Language, text: str
) -> None:
    hostile = Document(render_html(with_hostile_text(report, text), load(), language))
    assert {tag for tag, _ in hostile.tags} <= {tag for tag, _ in clean[language].tags}
    assert hostile.attributes() <= clean[language].attributes()
    assert " ".join(visible(text).split()) in hostile.text
    assert "7*7" in hostile.text or "7*7" not in text
    assert "49" not in " ".join(word for word in hostile.words if "{{" in word)


def test_characters_that_deceive_the_eye_are_written_out(report: ReportInput) -> None:
    page = render_html(with_hostile_text(report, HOSTILE[-1]), load()).decode()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", page)
    assert "abc[U+202E]gnp.exe[U+2066][U+200B][U+001B][31m[U+0000]" in page
    assert visible("Đăng nhập\tthất bại\n") == "Đăng nhập\tthất bại\n"
    assert visible(unicodedata.normalize("NFD", "Tỉnh")) == "Tỉnh"


@pytest.mark.parametrize("language", list(Language))
def test_the_page_is_one_offline_file_without_scripts(report: ReportInput, language: Language) -> None:
    page = render_html(report, load(), language)
    document = Document(page)
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in document.tags}
    for _, attributes in document.tags:
        assert not {"style", "src", "srcset", "action"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    policy = next(
        a["content"] for tag, a in document.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    style = re.search(r"<style>(.*?)</style>", page.decode(), re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{base64.b64encode(sha256(style[1].encode()).digest()).decode()}'; "
        "base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize("language", list(Language))
def test_every_link_leads_somewhere_and_every_id_is_unique(
    report: ReportInput, clean: dict[Language, Document], language: Language
) -> None:
    tags = clean[language].tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(attributes.get("href") or "#")[1:] for tag, attributes in tags if tag == "a"} <= set(ids)


@pytest.mark.parametrize("language", list(Language))
def test_all_controls_clauses_and_measures_are_there(
    report: ReportInput, clean: dict[Language, Document], language: Language
) -> None:
    text = clean[language].text
    for control in load().controls.values():
        assert f"{control.id} {control.title(language)}" in text
    for clause in load().clauses.values():
        assert f"{clause.id} {clause.title(language)}" in text
    for state in report.status.measures:
        assert f"{state.measure.id} {state.measure.title(language)}" in text


@pytest.mark.parametrize("language", list(Language))
def test_the_word_that_belongs_to_no_machine_is_nowhere(report: ReportInput, language: Language) -> None:
    page = render_html(report, load(), language).decode() + render_json(report, load()).decode()
    assert "compliant" not in page.lower()
    for word in ("đã tuân thủ", "phù hợp tiêu chuẩn", "certified"):
        assert word not in page.lower()


def test_evidence_lines_carry_what_one_needs_to_check_them(
    report: ReportInput, clean: dict[Language, Document]
) -> None:
    text = clean[Language.ENGLISH].text
    for evidence in report.status.evidence:
        assert evidence.result_hash in text
        row = text.partition(evidence.result_hash)[0].rpartition(evidence.id)[2]
        assert str(evidence.revision) in row.split()
        for event in evidence.events:
            assert event.event_id in text
            assert event.sha256 in text


def test_no_data_is_listed_and_the_manual_controls_are_shown_as_such(
    report: ReportInput, clean: dict[Language, Document]
) -> None:
    text = clean[Language.ENGLISH].text
    missing = [state for state in report.status.measures if state.indicator is Indicator.NO_DATA]
    assert f"{len(missing)} of 36 measures have no data." in text
    assert "For these 42 controls evidence comes from people and documents only." in text
    assert "42 of 93 controls cannot be evidenced by a machine." in text
    assert "TI-01" in {state.measure.id for state in missing}


def test_times_are_of_the_zone_that_the_cover_names(report: ReportInput) -> None:
    english, vietnamese = (Document(render_html(report, load(), language)).text for language in Language)
    assert "2026-11-01 00:00 to 2026-12-01 00:00 UTC+07:00" in english
    assert "01/11/2026 00:00 đến 01/12/2026 00:00 UTC+07:00" in vietnamese
    assert report.zone is VIETNAM


def test_the_vietnamese_report_is_vietnamese(report: ReportInput) -> None:
    page = render_html(report, load(), Language.VIETNAMESE)
    assert '<html lang="vi">' in page.decode()
    assert unicodedata.is_normalized("NFC", page.decode())
    text = Document(page).text
    for english in ("Summary", "Incidents", "not met", "no data", "Ledger", "ATT&CK technique", "assess-and-decide"):
        assert english not in text.replace("Incidents of", "Incidents"), english
    assert "kỹ thuật ATT&CK T1110" in text


def test_long_lists_of_events_are_cut_in_html_and_whole_in_json(tmp_path: Path) -> None:
    report = month(tmp_path, incidents=1, events=50)
    assert "and 30 more, listed in the JSON form of this report" in Document(render_html(report, load())).text
    assert len(json.loads(render_json(report, load()))["evidence"][0]["events"]) == 50


def test_long_lists_of_evidence_are_cut_at_a_control_and_whole_in_the_annex(tmp_path: Path) -> None:
    report = month(tmp_path, incidents=25, events=1)
    page = Document(render_html(report, load()))
    assert "and 5 older ones, listed in annex A" in page.text
    ids = [attributes.get("id") for _, attributes in page.tags]
    assert all(f"E-{n}" in ids for n in range(1, 26))


def test_the_json_says_the_same(report: ReportInput) -> None:
    document = json.loads(render_json(report, load()))
    assert document["schema"] == "iso27001-report/1"
    assert len(document["controls"]) == 93
    assert len(document["clauses"]) == 30
    by_id = {control["id"]: control for control in document["controls"]}
    assert by_id["A.8.15"]["indicator"] == "not met"
    assert by_id["A.5.1"]["indicator"] is None
    assert by_id["A.8.15"]["conclusion"] is None
    assert document["ledger"]["integrity"] == "intact"
    assert document["period"]["since"] == "2026-10-31T17:00:00.000000Z"
    assert [incident["id"] for incident in document["incidents"]] == ["INC-0001", "INC-0002", "INC-0003"]


def test_incidents_are_told_by_control_too(report: ReportInput) -> None:
    (table,) = (t for t in compose(report, load(), Language.ENGLISH).tables if t.name == "Incidents by control")
    rows = {plain(row.cells[0]).split(" ")[0]: [plain(cell) for cell in row.cells[1:]] for row in table.rows}
    assert rows["A.8.5"] == ["3", "INC-0001, INC-0002, INC-0003"]
    assert list(rows) == [control_id for control_id in load().controls if control_id in rows]


def test_a_report_without_a_ledger_or_incidents_says_so(report: ReportInput) -> None:
    bare = replace(report, incidents=(), head=None, verdict=None, commands=())
    text = Document(render_html(bare, load())).text
    for sentence in ("No incident was opened", "the ledger has no signed head", "The ledger was not verified"):
        assert sentence in text
    assert json.loads(render_json(bare, load()))["ledger"] is None


def test_every_word_of_a_report_is_there_in_both_languages_and_used() -> None:
    folder = resources.files("iso27001").joinpath("report")
    words = parse(folder.joinpath("messages.yaml").read_text(encoding="utf-8"), "messages.yaml")["messages"]
    assert all(set(texts) == set(Language) and all(texts.values()) for texts in words.values())
    braces = re.compile(r"\{\w+\}")
    assert all(sorted(braces.findall(texts["en"])) == sorted(braces.findall(texts["vi"])) for texts in words.values())
    named = ("sections", "annexes", "records", "kinds", "wording", "writers/pdf", "writers/xlsx")
    sources = "".join(folder.joinpath(f"{name}.py").read_text(encoding="utf-8") for name in named)
    for key in re.findall(r"""\b[wt]\(["'](\w*\w)["'][,)]""", sources):
        assert key in words, key
    assert {f"subtitle_{kind}" for kind in Kind} <= set(words)
    assert Messages(Language.VIETNAMESE).word("not met") == "không đạt"
    assert Messages(Language.VIETNAMESE).word("something else") == "something else"
