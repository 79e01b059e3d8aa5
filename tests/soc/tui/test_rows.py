"""soc.tui.rows: one alert is one line at any width."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from soc.alert import AlertStatus, Entity
from soc.tui import rows
from soc.tui.rows import ALERT_COLUMNS, INCIDENT_COLUMNS, Locale, alert_row, header, incident_row, layout, short, times
from soc.tui.span import Role, length
from tests.soc.tui.desk_in_memory import HANOI, NOW, alert, incident

LOCALE = Locale("en", HANOI)


def plain(spans: list) -> str:
    return "".join(span.text for span in spans)


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("cells", [40, 60, 79, 80, 100, 119, 120, 139, 140, 160, 300])
def test_a_row_takes_exactly_the_width_of_the_screen(cells: int, language: str) -> None:
    locale = Locale(language, HANOI)
    hostile = replace(
        alert(0), title="漢" * 400 + "\x1b[2J", entity=Entity("user.name", "\u202e" * 50), system="ệ" * 90, count=10**9
    )
    for one in (alert(0), alert(12), hostile):
        assert length(alert_row(one, cells, NOW, locale)) == cells
    assert length(incident_row(incident(), ("!3h", Role.WARN), cells, locale)) == cells
    assert length(header(ALERT_COLUMNS, cells, locale)) == cells
    assert length(header(INCIDENT_COLUMNS, cells, locale)) == cells


def test_eighty_columns_show_time_severity_risk_title_entity_and_state() -> None:
    names = [column.name for column, _ in layout(ALERT_COLUMNS, 79)]
    assert names == ["mark", "time", "severity", "risk", "title", "entity", "status"]


def test_the_title_never_gets_less_than_it_needs() -> None:
    for cells in range(60, 200):
        assert {c.name: size for c, size in layout(ALERT_COLUMNS, cells)}["title"] >= rows.MIN_TITLE


def test_severity_reads_without_colour() -> None:
    shown = {plain(alert_row(alert(n), 100, NOW, LOCALE))[14:17] for n in range(13)}
    assert shown == {"C ■", "H ▲", "M ●", "L ·", "I  "}


def test_times_are_those_of_the_wall() -> None:
    assert plain(alert_row(alert(0), 160, NOW, LOCALE))[2:16] == "03-03 03:10:30"


def test_a_marked_row_says_so_in_a_letter() -> None:
    assert plain(alert_row(alert(0), 80, NOW, LOCALE, marked=True))[0] == "+"


def test_what_is_overdue_says_so_with_a_sign() -> None:
    late = replace(alert(0), due=NOW - timedelta(hours=3))
    assert rows.due_cell(late, NOW) == ("!3h", Role.WARN)
    assert rows.due_cell(replace(late, status=AlertStatus.ACKNOWLEDGED), NOW) == ("", Role.PLAIN)


def test_a_closed_alert_is_dim_as_a_whole() -> None:
    assert {s.role for s in alert_row(replace(alert(0), status=AlertStatus.CLOSED), 120, NOW, LOCALE)} == {Role.DIM}


def test_an_ordinary_row_is_few_segments() -> None:
    assert len(alert_row(alert(12), 160, NOW, LOCALE)) <= 5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0s"), (45, "45s"), (720, "12m"), (7200, "2h"), (86_400 * 20, "20d"), (86_400 * 365 * 4, "4y")],
)
def test_a_length_of_time_takes_four_cells(seconds: int, words: str) -> None:
    assert short(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("count", "cells", "words"),
    [(1, 5, ""), (12, 5, "×12"), (123_456, 5, "×123k"), (12_345_678, 5, "×12M"), (10**12, 5, "×…")],
)
def test_a_count_fits_its_column(count: int, cells: int, words: str) -> None:
    assert times(count, cells) == words
