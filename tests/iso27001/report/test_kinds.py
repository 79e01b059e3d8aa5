"""Every kind of report in every format and language, on a month with an audit in it; OSCAL as NIST's models read it."""

from __future__ import annotations

import json
import unicodedata
import warnings
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import pypdfium2
import pytest

from iso27001.applicability import Applicability, Implementation, Need, NeedRef
from iso27001.catalogue import load
from iso27001.errors import CatalogueError, ReportError
from iso27001.language import Language
from iso27001.ledger.store import Ledger
from iso27001.register import By, activities, audits, exceptions, findings, risks, statements
from iso27001.register.conclusion import Conclusion
from iso27001.register.populations import population
from iso27001.register.reading import Register, read_register
from iso27001.report.data import render_json
from iso27001.report.document import Table, plain
from iso27001.report.kinds import Kind, compose
from iso27001.report.model import ReportInput
from iso27001.report.oscal import assessment_results, plan_of_action
from iso27001.report.writers import Format, write
from iso27001.status import status
from tests.iso27001.material import DAY, SINCE, UNTIL, month

SUBJECTS = {Kind.CONTROL: "A.8.15", Kind.AUDIT: "AU-2026", Kind.STATEMENT: "v2"}
HOSTILE = "#let x=1 <b>*_`[x](javascript:1) =SUM(1) \u202e"
OWNER, CHIEF, AUDITOR = By("Trần Thị B", SINCE), By("Lê Văn C", SINCE + DAY), By("Phạm D", SINCE + 2 * DAY)


def recorded(ledger: Ledger, text: str = "") -> None:
    """A statement in two versions, a risk, an exception, training, an audit with a finding and its corrective action."""
    catalogue = load()

    def line(control_id: str, reason: str) -> Applicability:
        return Applicability(control_id, True, Implementation.IMPLEMENTED, reason, (NeedRef(Need.RISK, "R-1"),), "SOC")

    rating = risks.Rating(4, 5)
    risk = risks.RiskText(
        f"Mất nhật ký {text}",
        "log store",
        "tampering",
        rating,
        risks.Treatment.MODIFY,
        "CISO",
        risks.Rating(1, 5),
        ("A.8.15",),
    )
    ledger.append([risks.record("R-1", risk, {}, catalogue, OWNER)])
    for n in (1, 2):
        lines = {c: line(c, f"lần {n} {text}" if c == "A.8.15" else "theo luật") for c in catalogue.controls}
        known = read_register(ledger).statements
        ledger.append(
            [
                statements.propose(
                    lines, known, {"R-1"}, catalogue, why=f"phiên bản {n}", by=replace(OWNER, time=SINCE + n * DAY)
                )
            ]
        )
        proposed = read_register(ledger).statements[f"v{n}"]
        ledger.append(
            [statements.approve(proposed, "đồng ý", replace(CHIEF, time=SINCE + n * DAY + timedelta(hours=1)))]
        )
    wanted = exceptions.ExceptionText("A.8.5", "máy cũ", f"không hỗ trợ MFA {text}", "IT", SINCE, UNTIL, "R-1")
    ledger.append([exceptions.request("EX-1", wanted, {}, catalogue, OWNER)])
    held = activities.ActivityText(activities.ActivityKind.TRAINING, f"Đào tạo {text}", SINCE, "HR", 40, 38, "38/40")
    ledger.append([activities.record("T-1", held, {}, catalogue, replace(OWNER, time=SINCE + DAY))])
    plan = audits.AuditPlan(
        f"Đánh giá nội bộ {text}",
        audits.AuditKind.INTERNAL,
        "SOC",
        SINCE,
        UNTIL,
        (AUDITOR.actor,),
        ("A.8.15", "A.8.16", "9.2.1"),
        "ISO 19011",
    )
    ledger.append([audits.plan("AU-2026", plan, {}, catalogue, OWNER)])

    def audit() -> audits.Audit:
        return read_register(ledger).audits["AU-2026"]

    counted, seqs = population(ledger, "samples", ["measure.sample"], SINCE, UNTIL)
    ledger.append([audits.count(audit(), counted, AUDITOR)])
    ledger.append([audits.sample(audit(), "samples", seqs, 5, "2026", AUDITOR)])
    found = findings.FindingText(
        f"Nhật ký thiếu {text}",
        f"3 nguồn im lặng {text}",
        Conclusion.MINOR,
        ("A.8.15",),
        findings.Source.AUDIT,
        "AU-2026",
        "SOC",
        UNTIL,
    )
    ledger.append([findings.open_finding("F-1", found, {}, catalogue, AUDITOR)])

    def finding() -> findings.Finding:
        return read_register(ledger).findings["F-1"]

    ledger.append([findings.analyse(finding(), f"không ai theo dõi {text}", OWNER)])
    ledger.append(
        [
            findings.plan(
                finding(), f"cảnh báo nguồn im lặng {text}", "SOC", UNTIL - DAY, replace(OWNER, time=SINCE + 3 * DAY)
            )
        ]
    )
    for criterion, conclusion in (("A.8.15", Conclusion.MINOR), ("A.8.16", Conclusion.CONFORM)):
        known = read_register(ledger)
        said = audits.conclude(
            audit(),
            [criterion],
            conclusion,
            f"đã xem xét {text}",
            holdings=known.evidence,
            findings=known.findings,
            catalogue=catalogue,
            by=AUDITOR,
        )
        ledger.append([said])


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReportInput]:
    return {name: audited(tmp_path_factory.mktemp(name), text) for name, text in (("clean", ""), ("hostile", HOSTILE))}


def audited(root: Path, text: str) -> ReportInput:
    report = month(root)
    with Ledger.open(root / "ledger.db") as ledger:
        recorded(ledger, text)
        return replace(report, status=status(ledger, load(), since=SINCE, until=UNTIL))


def composed(report: ReportInput, kind: Kind, language: Language = Language.VIETNAMESE) -> bytes:
    return write(compose(report, load(), language, kind, SUBJECTS.get(kind, "")), Format.HTML)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("form", list(Format))
def test_every_kind_is_written_in_every_format(reports: dict[str, ReportInput], kind: Kind, form: Format) -> None:
    document = compose(reports["hostile"], load(), Language.VIETNAMESE, kind, SUBJECTS.get(kind, ""))
    first = write(document, form)
    again = compose(reports["hostile"], load(), Language.VIETNAMESE, kind, SUBJECTS.get(kind, ""))
    assert write(again, form) == first
    assert len(first) > 1000
    assert "\u202e".encode() not in first


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("language", list(Language))
def test_no_kind_says_the_word_and_each_speaks_its_language(
    reports: dict[str, ReportInput], kind: Kind, language: Language
) -> None:
    page = composed(reports["clean"], kind, language).decode()
    assert "compliant" not in page.lower()
    assert unicodedata.is_normalized("NFC", page)
    if language is Language.VIETNAMESE:
        for english in ("Summary", "not recorded", "no data", "minor NC", "implemented", "Corrective"):
            assert english not in page, english


def test_an_audit_report_tells_its_plan_samples_conclusions_and_findings(reports: dict[str, ReportInput]) -> None:
    document = compose(reports["clean"], load(), Language.ENGLISH, Kind.AUDIT, "AU-2026")
    page = write(document, Format.HTML).decode()
    for words in ("ISO 19011", "minor nonconformity", "Not concluded", "9.2.1", "Nhật ký thiếu", "actions planned"):
        assert words in page, words
    tables = {table.name: table for table in document.tables}
    assert [plain(row.cells[0]) for row in tables["Conclusions"].rows] == [
        "A.8.15 Logging",
        "A.8.16 Monitoring activities",
    ]
    (drawn,) = tables["Samples"].rows
    assert plain(drawn.cells[1]) == "2026"
    assert len(plain(drawn.cells[2]).split(", ")) == 5


def test_a_statement_lists_all_controls_and_what_changed(reports: dict[str, ReportInput]) -> None:
    document = compose(reports["clean"], load(), Language.ENGLISH, Kind.STATEMENT)
    statement, changes, *_ = (block for block in document.blocks if isinstance(block, Table))
    assert len(statement.rows) == 93
    (changed,) = changes.rows
    assert [plain(cell).strip() for cell in changed.cells] == ["A.8.15", "Reason", "lần 1", "lần 2"]


def test_a_control_report_holds_that_control_alone(reports: dict[str, ReportInput]) -> None:
    page = composed(reports["clean"], Kind.CONTROL, Language.ENGLISH).decode()
    assert "A.8.15 Logging" in page
    assert "A.7.4 " not in page
    assert "R-1 Mất nhật ký" in page


def test_what_is_not_known_is_refused_by_name(reports: dict[str, ReportInput]) -> None:
    with pytest.raises(ReportError, match='no audit "AU-1"; there are: AU-2026'):
        compose(reports["clean"], load(), Language.ENGLISH, Kind.AUDIT, "AU-1")
    with pytest.raises(ReportError, match='no statement of applicability "v9"; there are: v1, v2'):
        compose(reports["clean"], load(), Language.ENGLISH, Kind.STATEMENT, "v9")
    unstated = replace(reports["clean"], status=replace(reports["clean"].status, register=Register()))
    with pytest.raises(ReportError, match="no statement of applicability stands then; there are: none"):
        compose(unstated, load(), Language.ENGLISH, Kind.STATEMENT, "")
    with pytest.raises(CatalogueError):
        compose(reports["clean"], load(), Language.ENGLISH, Kind.CONTROL, "A.9.99")


def test_the_pdf_carries_the_report_as_data_and_its_root_on_every_page(reports: dict[str, ReportInput]) -> None:
    report = reports["clean"]
    document = compose(report, load(), Language.VIETNAMESE)
    content = write(document, Format.PDF, {"report.json": render_json(report, load())})
    pages = pypdfium2.PdfDocument(content)
    assert bytes(pages.get_attachment(0).get_data()) == render_json(report, load())
    texts = [unicodedata.normalize("NFC", page.get_textpage().get_text_bounded()) for page in pages]
    pages.close()
    root = report.head.root.hex()
    assert all(root in text.replace("\r\n", "").replace("\n", "") for text in texts)
    whole = "".join("".join(texts).replace("\u200b", "").split())
    for words in ("Biện pháp kiểm soát an toàn thông tin", "Những điểm cần xem xét", "Đào tạo", "không phù hợp nhẹ"):
        assert "".join(words.split()) in whole, words


@lru_cache(maxsize=1)
def models() -> tuple[type, type]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trestle.oscal.assessment_results import Model as Results
        from trestle.oscal.poam import Model as Poam
    return Results, Poam


@pytest.mark.parametrize("name", ["clean", "hostile"])
def test_oscal_is_what_nist_says_it_is(reports: dict[str, ReportInput], name: str) -> None:
    results_model, poam_model = models()
    results, poam = assessment_results(reports[name], load()), plan_of_action(reports[name], load())
    results_model.model_validate_json(results)
    poam_model.model_validate_json(poam)
    assert (results, poam) == (assessment_results(reports[name], load()), plan_of_action(reports[name], load()))
    assert "\u202e" not in (results + poam).decode()


def test_oscal_says_what_was_concluded_and_nothing_more(reports: dict[str, ReportInput]) -> None:
    (result,) = json.loads(assessment_results(reports["clean"], load()))["assessment-results"]["results"]
    states = {found["target"]["target-id"]: found["target"]["status"]["state"] for found in result["findings"]}
    assert states == {"a.8.15": "not-satisfied", "a.8.16": "satisfied"}
    indicators = [p["value"] for o in result["observations"] for p in o["props"] if p["name"] == "indicator"]
    assert {"met", "not met", "stale"} <= set(indicators)
    poam = json.loads(plan_of_action(reports["clean"], load()))["plan-of-action-and-milestones"]
    (risk,) = poam["risks"]
    assert (risk["status"], risk["remediations"][0]["lifecycle"]) == ("remediating", "planned")


def test_oscal_without_conclusions_or_findings_is_valid_too(tmp_path: Path) -> None:
    report = month(tmp_path)
    results_model, poam_model = models()
    results_model.model_validate_json(assessment_results(report, load()))
    poam_model.model_validate_json(plan_of_action(report, load()))
    assert "findings" not in json.loads(assessment_results(report, load()))["assessment-results"]["results"][0]


def test_markup_in_a_text_is_escaped_for_oscal(reports: dict[str, ReportInput]) -> None:
    poam = json.loads(plan_of_action(reports["hostile"], load()))["plan-of-action-and-milestones"]
    title = poam["poam-items"][0]["title"]
    assert r"\<b\>\*\_\`\[x\]\(javascript:1\)" in title
    assert r"\[U+202E\]" in title
