"""Numbers against pass lines: what passes, what fails, and what can never pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso27001.catalogue import load
from iso27001.catalogue.reading import read
from iso27001.errors import MeasureError
from iso27001.language import Language
from iso27001.ledger import Entry, Fact
from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger
from iso27001.ledger.verify import verify
from iso27001.measures import (
    Indicator,
    Number,
    Sample,
    indicator,
    ledger_sample,
    measure,
    measures,
    read_sample,
    sample,
)

SINCE = datetime(2026, 11, 21, 17, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=1)


def taken(measure_id: str, numbers: dict[str, Number | None], until: datetime = UNTIL) -> Sample:
    fact = sample(measure_id, numbers, population=1, since=SINCE, until=until, query="q", time=until)
    return read_sample(Entry(7, fact))


def test_every_measure_of_the_catalogue_is_whole() -> None:
    catalogue = load()
    written = read("measures.yaml", "soc-measures/2")["measures"]
    assert [item["id"] for item in written] == list(measures())
    assert len(measures()) == 36
    for of in measures().values():
        assert of.controls
        assert all(control in catalogue.controls or control in catalogue.clauses for control in of.controls), of.id
        assert any(value.op for value in of.values), f"{of.id} has no pass line"
        assert len({value.name for value in of.values}) == len(of.values)
        assert not of.title(Language.VIETNAMESE).isascii()
        assert all(
            not value.title(Language.VIETNAMESE).isascii()
            for value in of.values
            if value.title_vi not in {"hits", "matches"}
        )
        assert of.effectiveness in {"operating", "design", "both"}
        assert of.owner
        assert (of.every is None) is (of.stale_after is None), (
            "what is counted on change does not grow stale, all else does"
        )
        assert of.every is None or of.stale_after is None or of.every < of.stale_after, of.id
        assert all(bool(value.number) is not bool(value.ratio) for value in of.values)


def test_every_automatic_control_has_a_measure() -> None:
    measured = {control for of in measures().values() for control in of.controls}
    assert [c.id for c in load().controls.values() if c.evidence_mode == "automatic" and c.id not in measured] == []


def test_no_measure_speaks_for_a_control_that_no_machine_can_evidence() -> None:
    measured = {control for of in measures().values() for control in of.controls}
    assert [c.id for c in load().controls.values() if c.evidence_mode == "manual" and c.id in measured] == []


def test_a_measure_tells_its_formula_and_how_often_it_is_counted() -> None:
    assert measure("LOG-06").formula == "logged = accounts_logged / accounts; reviewed = reviews_done / reviews_due"
    assert measure("CLK-01").formula == "within = sources_within_5s / sources; worst = worst_skew_s"
    assert [measure(of).every for of in ("CAP-01", "LOG-06", "INC-02")] == [
        timedelta(minutes=15),
        timedelta(days=7),
        None,
    ]


@pytest.mark.parametrize(
    ("measure_id", "numbers", "met"),
    [
        ("LOG-01", {"sources_seen": 98, "sources_expected": 100}, True),
        ("LOG-01", {"sources_seen": 97, "sources_expected": 100}, False),
        ("LOG-01", {"sources_seen": 0, "sources_expected": 0}, None),
        ("LOG-01", {"sources_seen": 41}, None),
        ("LOG-01", {"sources_expected": 41}, None),
        ("LOG-01", {"sources_seen": None, "sources_expected": 41}, None),
        ("LOG-01", {}, None),
        ("LOG-03", {"lost": 1, "accepted": 1000, "parse_failed": 6}, False),
        ("LOG-03", {"lost": 1, "accepted": 1000, "parse_failed": 5}, True),
        ("LOG-04", {"verify_ok": 1, "anchor_age_h": 25}, True),
        ("LOG-04", {"verify_ok": 1}, None),
        ("LOG-04", {"verify_ok": 0}, False),
        ("LOG-05", {"hits_unexplained": 0, "hits": 0}, True),
        (
            "MON-03",
            {"critical_in_15m": 0, "critical": 0, "high_in_60m": 9, "high": 9, "medium_in_8h": 0, "medium": 0},
            True,
        ),
        (
            "MON-03",
            {"critical_in_15m": 0, "critical": 0, "high_in_60m": 0, "high": 0, "medium_in_8h": 0, "medium": 0},
            None,
        ),
        ("MON-03", {"high_in_60m": 9, "high": 9}, None),
        ("MON-03", {"high_in_60m": 5, "high": 9}, False),
        ("CAP-01", {"disk_used_bytes": 85, "disk_bytes": 100, "queue_age_s": 1, "days_to_full": 60}, False),
        ("PHY-01", {"source_alive": True, "after_hours_explained": 0, "after_hours_entries": 0}, True),
    ],
)
def test_a_sample_is_judged_by_its_pass_lines(
    measure_id: str, numbers: dict[str, Number | None], met: bool | None
) -> None:
    found = taken(measure_id, numbers)
    assert found.met is met
    assert bool(found.reason) is (met is not True)


def test_the_reason_names_what_is_missing_or_wrong() -> None:
    assert taken("LOG-01", {"sources_seen": 97, "sources_expected": 100}).reason == "coverage is 97 %"
    assert taken("LOG-01", {"sources_seen": 4}).reason == "coverage needs sources_expected"
    assert (
        taken("LOG-01", {"sources_seen": 0, "sources_expected": 0}).reason
        == "coverage: nothing to count (sources_expected is 0)"
    )


@given(st.sampled_from(sorted(measures())), st.data())
def test_no_measure_passes_when_any_number_that_it_needs_is_missing(measure_id: str, data: st.DataObject) -> None:
    of = measure(measure_id)
    needed = sorted({name for value in of.values if value.op for name in value.numbers})
    counted = {name: data.draw(st.integers(0, 1000), label=name) for name in needed}
    counted.pop(data.draw(st.sampled_from(needed), label="missing"))
    assert of.judge(counted)[0] is not True


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"source_seen": 1}, r'unknown number "source_seen"; did you mean "sources_seen"\?'),
        ({"sources_seen": float("nan")}, "which is no number"),
        ({"sources_seen": float("inf")}, "which is no number"),
        ({"sources_seen": "41"}, "which is no number"),
        ({"sources_seen": -1}, "counted below 0"),
    ],
)
def test_what_is_no_count_is_refused_by_name(numbers: dict[str, Number | None], message: str) -> None:
    with pytest.raises(MeasureError, match=message):
        taken("LOG-01", numbers)


def test_an_unknown_measure_names_its_neighbour() -> None:
    with pytest.raises(MeasureError, match=r'unknown measure "LOG-1"; did you mean "LOG-'):
        measure("LOG-1")


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(MeasureError, match="before it begins"):
        sample("LOG-01", {}, population=0, since=UNTIL, until=SINCE, query="q", time=UNTIL)


def test_a_period_that_is_not_over_is_refused() -> None:
    with pytest.raises(MeasureError, match="before the period was over"):
        sample("LOG-01", {}, population=0, since=SINCE, until=UNTIL, query="q", time=UNTIL - timedelta(seconds=1))


def test_counting_the_same_again_is_the_same_fact() -> None:
    def again(seen: int, hours: int) -> Fact:
        numbers = {"sources_seen": seen, "sources_expected": 41}
        return sample(
            "LOG-01", numbers, population=41, since=SINCE, until=UNTIL, query="q", time=UNTIL + timedelta(hours=hours)
        )

    assert again(41, 0).id == again(41, 5).id
    assert again(41, 0).body == again(41, 5).body
    assert again(40, 0).id != again(41, 0).id


def test_a_sample_comes_back_from_its_fact() -> None:
    found = taken("LOG-03", {"lost": 3, "accepted": 98_000, "parse_failed": 1_200})
    assert (found.measure_id, found.since, found.until, found.seq) == ("LOG-03", SINCE, UNTIL, 7)
    assert found.values == {"loss": 3 / 98_000, "parse_failed": 1_200 / 98_000}
    assert found.target == "records lost ≤ 0.1 %; records not parsed ≤ 0.5 %"
    with pytest.raises(MeasureError, match="entry 3 is no sample"):
        read_sample(Entry(3, Fact("a", "note", SINCE, "engine", {})))


def test_an_indicator_is_stale_when_its_sample_is_too_old_and_never_met_without_data() -> None:
    of = measure("LOG-01")
    good, bad, empty = (taken("LOG-01", {"sources_seen": n, "sources_expected": 41}) for n in (41, 4, None))
    assert indicator(of, None, UNTIL) is indicator(of, empty, UNTIL) is Indicator.NO_DATA
    assert indicator(of, good, UNTIL + timedelta(hours=36)) is Indicator.MET
    assert indicator(of, good, UNTIL + timedelta(hours=36, seconds=1)) is Indicator.STALE
    assert indicator(of, bad, UNTIL) is Indicator.NOT_MET
    assert indicator(of, bad, UNTIL + timedelta(days=9)) is Indicator.STALE


def test_what_is_counted_on_change_does_not_grow_stale() -> None:
    steps = {"mandatory_steps_done": 5, "mandatory_steps": 5, "deviations_unjustified": 0}
    assert indicator(measure("INC-02"), taken("INC-02", steps), UNTIL + timedelta(days=300)) is Indicator.MET


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.98, "98 %"), (0.97996, "97.996 %"), (0.9799999, "97.99999 %"), (1, "100 %"), (0, "0 %"), (0.985, "98.5 %")],
)
def test_a_ratio_is_never_rounded_across_its_pass_line(value: float, text: str) -> None:
    assert measure("LOG-01").values[0].text(value) == text


def test_a_small_ratio_is_not_rounded_to_nothing() -> None:
    assert measure("LOG-03").values[0].text(0.00003) == "0.003 %"


def test_vietnamese_figures_have_a_decimal_comma() -> None:
    assert (
        measure("LOG-03").target(Language.VIETNAMESE) == "bản ghi bị mất ≤ 0,1 %; bản ghi không phân tích được ≤ 0,5 %"
    )
    assert measure("MON-01").values[1].text(1234.5, Language.VIETNAMESE) == "1.234,5 giây"


def test_the_ledger_is_measured_by_this_package(tmp_path: Path) -> None:
    signer = Signer.load_or_create(tmp_path / "key")
    path, anchor = tmp_path / "ledger.db", tmp_path / "anchor"
    with Ledger.open(path, signer=signer) as ledger:
        ledger.append([Fact("a", "note", SINCE, "engine", {})])

        def judged(*anchors: Path) -> Sample:
            verdict = verify(path, signer.public, anchors=anchors)
            return read_sample(Entry(0, ledger_sample(verdict, since=SINCE, until=UNTIL, time=UNTIL)))

        assert judged().met is None, "no head: nothing is proven"
        head = ledger.sign(SINCE)
        assert judged().met is None, "no anchor was consulted"
        anchor.write_text(head.note)
        assert judged(anchor).met is True
        assert judged(anchor).values == {"verified": 1, "anchor_age": 24.0}
        anchor.write_text(head.note.replace(ledger.origin, "another"))
        assert judged(anchor).met is False
