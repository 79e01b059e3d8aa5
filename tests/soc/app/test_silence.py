"""A source that does not speak when it always did raises an alert that names what went dark; one that rests as it always rests does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iso27001.ledger import Fact
from soc.app.conservation import KIND
from soc.app.evaluation import Evaluation
from soc.app.run import Running
from soc.app.silence import HEARD, SILENT, Rhythm, Silence, rules_that_need
from soc.app.site import Site
from soc.metrics import Metrics
from soc.store import AlertQuery
from tests.soc.app.sites import new_site
from tests.soc.app.test_run import wait_for

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
STEP = timedelta(minutes=5)
SOURCES = """
  - {id: auth, kind: file, path: /var/log/auth.log, format: rfc3164}
  - {id: web, kind: file, path: /var/log/nginx/access.log, format: web-access}
"""


def times(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += STEP


def body(until: datetime, *sources: str) -> dict[str, object]:
    counts = dict.fromkeys(("received", "parsed", "evaluated"), 3) | dict.fromkeys(("dead", "dropped"), 0)
    heard = {source: dict(counts) for source in sources}
    place = dict.fromkeys(("from", "to", "end", "told_from", "told_to"), 0)
    return {"until": until.isoformat(), "sources": heard, "journal": place, "dead_letters": 0}


def learned(days: int, speaks: Callable[[datetime], bool], *, from_day: int = 0) -> tuple[Rhythm, datetime]:
    """What was heard of "auth" in so many days, while another source speaks all the time; and the end of them."""
    rhythm, start, end = Rhythm(), MONDAY + timedelta(days=from_day), MONDAY + timedelta(days=days)
    for at in times(start, end):
        rhythm.add(body(at, "web", *(["auth"] if speaks(at) else [])))
    return rhythm, end


def office(at: datetime) -> bool:
    return at.weekday() < 5 and 7 <= at.hour < 17


def always(at: datetime) -> bool:
    return at.year > 2000


@pytest.mark.parametrize(
    ("speaks", "days", "hours", "fell"),
    [
        (always, 14, 0.0, False),  # shorter than any silence that counts
        (always, 14, 0.5, True),
        (always, 3, 0.5, True),  # a young site: the days before
        (always, 1, 5, False),  # too little is known
        (office, 14, 5, False),  # Monday 05:00: it never spoke at night
        (office, 14, 8, True),  # Monday 08:00, when it always did, a week and two weeks ago
        (office, 12, 9, False),  # Saturday 09:00
    ],
)
def test_silence_is_held_against_the_same_time_of_the_weeks_or_days_before(
    speaks: Callable[[datetime], bool], days: int, hours: float, fell: bool
) -> None:
    rhythm, end = learned(days, speaks)
    now = end
    for now in times(end, end + timedelta(hours=hours) + STEP):
        rhythm.add(body(now, "web"))
    assert (rhythm.silent("auth", now, MONDAY) is not None) is fell
    assert rhythm.silent("web", now, MONDAY) is None
    assert rhythm.silent("unknown", now, MONDAY) is None


def test_time_in_which_the_soc_did_not_run_counts_for_nobody() -> None:
    rhythm, end = learned(14, always)
    now = end + timedelta(hours=3)
    assert rhythm.silent("auth", now, started=now - timedelta(minutes=5)) is None
    assert rhythm.silent("auth", now, started=now - timedelta(minutes=15)) is not None
    gaps, end = learned(14, lambda at: not (at.hour == 2 and at < MONDAY + timedelta(days=1)))
    for at in times(end, end + timedelta(hours=2)):
        gaps.add(body(at, "web", "auth"))
    assert gaps.silent("auth", end + timedelta(hours=2, minutes=30), MONDAY) is None, (
        "two weeks ago it rested at this hour"
    )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Site, list[datetime]]]:
    """A site whose sources both spoke for two weeks, and its clock."""
    now = [MONDAY + timedelta(days=14)]
    with Site.load(new_site(tmp_path / "site", SOURCES), clock=lambda: now[0]) as site:
        site.ledger.append(
            [
                Fact(f"{KIND}:{at.isoformat()}", KIND, at, "engine", body(at, "auth", "web"))
                for at in times(MONDAY, now[0])
            ]
        )
        yield site, now


def test_a_source_that_fell_silent_is_told_once_with_what_is_in_the_dark_and_once_when_it_is_back(
    site: tuple[Site, list[datetime]],
) -> None:
    here, now = site
    silence = Silence(here)
    told = []
    for at in times(now[0], now[0] + timedelta(hours=1)):
        now[0] = at
        told += list(silence.look(body(at, "web"), at))
    [event] = told
    assert event.fields["event.action"] == SILENT
    assert event.fields["egov.record.id"] == "auth"
    assert "auth is silent since 2026-11-15T23:55:00+00:00" in str(event.fields["message"])
    assert len(event.fields["soc.dark.rules"]) > 5  # type: ignore[arg-type]
    assert "T1110.001" in str(event.fields["soc.dark.techniques"]) or "T1110" in str(
        event.fields["soc.dark.techniques"]
    )
    assert {"A.8.15", "A.8.16"} <= set(event.fields["soc.dark.controls"])  # type: ignore[arg-type]
    [back] = silence.look(body(now[0] + STEP, "auth", "web"), now[0] + STEP)
    assert back.fields["event.action"] == HEARD
    assert list(silence.look(None, now[0] + STEP)) == []
    evaluation = Evaluation(here, here.journal, here.detectors(), Metrics())
    here.journal.append([event, back], {}, [])
    evaluation.drain()
    [alert] = here.projections.alerts(here.projections.alert_ids(AlertQuery()))
    assert (alert.title, alert.level.value) == ("Log Source Fell Silent", "high")


def test_rules_in_the_dark_are_those_that_no_other_source_can_fire(site: tuple[Site, list[datetime]]) -> None:
    here, _ = site
    auth, web = here.config.sources
    of_auth, of_web = rules_that_need(here, auth), rules_that_need(here, web)
    assert of_auth
    assert of_web
    assert not {rule.id for rule in of_auth} & {rule.id for rule in of_web}
    assert all(rule.logsource.category == "webserver" or "web" in str(rule.logsource) for rule in of_web)


def actions(site: Site) -> list[object]:
    events, _ = site.journal.read(0, 100)
    return [event.fields["event.action"] for event in events]


def test_a_running_soc_raises_the_alert_of_a_source_that_fell_silent(site: tuple[Site, list[datetime]]) -> None:
    here, now = site
    with Running(here) as running:
        now[0] += timedelta(minutes=5)
        running._accounting.account()
        assert actions(here) == []
        now[0] += timedelta(minutes=15)
        running._accounting.account()
        running._accounting.account()
        assert actions(here) == [SILENT, SILENT], "each of the two is told once"
        wait_for(lambda: here.projections.alert_ids(AlertQuery()), 10)
        [alert] = here.projections.alerts(here.projections.alert_ids(AlertQuery()))
        assert alert.title == "Log Source Fell Silent"
