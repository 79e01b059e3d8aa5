"""The terminal UI's boards and hunt over a site that lived through a morning: what they show is what the site's books say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soc.alert import CloseReason
from soc.app.boards import SiteBoards
from soc.app.desk import SiteDesk
from soc.app.hunts import SiteHunting, filled, fitting
from soc.app.response import Response
from soc.app.site import Site
from soc.errors import SocError
from soc.store import AlertQuery
from soc.tui import BOARDS, Tone
from soc.tui.hunting import only_value, with_value, without_value
from tests.soc.app.lived import PASSWORD, lived, login, password_rule

DAY = datetime(2026, 10, 13, 17, tzinfo=UTC), datetime(2026, 10, 14, 17, tzinfo=UTC)
WINDOWS = password_rule("10000000-0000-4000-8000-000000000002", logsource={"product": "windows", "service": "security"})


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [login(minute, "lan" if minute % 4 else "root") for minute in range(0, 40, 2)]
    return lived(tmp_path_factory.mktemp("boards"), lines, password_rule(), WINDOWS)


@pytest.fixture
def site(config: Path) -> Iterator[Site]:
    with Site.load(config, clock=lambda: DAY[1]) as site:
        site.catch_up()
        yield site


def test_every_board_has_its_columns_and_every_row_a_page(site: Site) -> None:
    boards = SiteBoards(site, "lan")
    for name, board in BOARDS.items():
        items = boards.items(name)
        assert items or name == "playbooks"
        known = {column.name for column in board.columns}
        assert all(set(item.cells) <= known for item in items)
        assert all(boards.sections(name, item.id) for item in items[:3])
        assert boards.sections(name, "nothing") == ()


def test_a_source_shows_what_came_of_it(site: Site) -> None:
    (auth,) = SiteBoards(site, "lan").items("sources")
    assert (auth.cells["state"], auth.cells["received"], auth.cells["dead"]) == ("heard", 20, 0)
    dark = SiteBoards(site, "lan").sections("sources", "auth")[-1]
    assert dark.lines == ["Log-in with a password"]
    assert dict(dark.facts)["rules"] == 1


def test_a_rule_shows_its_noise_and_one_without_a_source_stands_last(site: Site) -> None:
    desk = SiteDesk(site, "lan")
    ids = desk.alert_ids(AlertQuery())
    desk.close(ids[:1], CloseReason.FALSE_POSITIVE, "the backup")
    first, last = SiteBoards(site, "lan").items("rules")
    assert (first.id, first.cells["fired"], first.cells["false"]) == (PASSWORD, len(ids), 100.0)
    assert (last.cells["state"], last.tone) == ("blind", Tone.DIM)
    page = SiteBoards(site, "lan").sections("rules", last.id)
    assert dict(page[0].facts)["missing"]
    assert any("product: windows" in text for text in page[-1].lines)


def test_a_plan_waits_for_somebody_else_and_runs_after_its_approval(site: Site) -> None:
    desk = SiteDesk(site, "lan")
    incident = desk.incidents(desk.incident_ids())[0]
    plan = Response(site, "lan").plan("block-address", incident, {})
    mine, other = SiteBoards(site, "lan"), SiteBoards(site, "minh")
    (row,) = mine.items("playbooks")
    assert (row.id, row.tone) == (plan.id, Tone.WARN)
    steps = mine.sections("playbooks", plan.id)[1].lines
    assert any("block" in text and "$" in text for text in steps)
    assert any("[awaits approval]" in text for text in steps)
    config = replace(site.config, site=replace(site.config.site, language="vi"))
    with Site(config, site.path, clock=site.clock) as vietnamese:
        lines = SiteBoards(vietnamese, "lan").sections("playbooks", plan.id)[1].lines
    assert any("[chờ duyệt]" in text for text in lines)
    with pytest.raises(SocError, match="ask a colleague"):
        mine.act("playbooks", plan.id, "approve", "")
    assert "minh" in other.act("playbooks", plan.id, "approve", "")
    with pytest.raises(SocError, match="no manual step"):
        other.act("playbooks", plan.id, "confirm", "nothing seen")
    with pytest.raises(SocError, match="no action"):
        other.act("sources", "auth", "approve", "")


def test_a_hunt_counts_all_and_shows_the_newest_and_a_value_leads_on(site: Site) -> None:
    hunting = SiteHunting(site)
    found = hunting.find("accepted", *DAY, events=5, bars=60)
    assert (len(found.events), found.total) == (5, 20)
    times = [str(event["@timestamp"]) for event in found.events]
    assert times == sorted(times, reverse=True)
    assert [count for _, count in found.bars if count]
    assert hunting.top("accepted", *DAY, "user.name", 10) == [("root", 10), ("lan", 10)]
    for field, value in found.events[0].items():
        narrowed = hunting.find(with_value("accepted", field, value), *DAY, events=50, bars=10)
        rest = hunting.find(without_value("accepted", field, value), *DAY, events=50, bars=10)
        assert found.events[0] in narrowed.events, field
        assert narrowed.total + rest.total == 20, field
        assert hunting.find(only_value(field, value), *DAY, events=50, bars=10).total >= narrowed.total


def test_a_query_that_cannot_be_understood_is_refused_with_its_place(site: Site) -> None:
    with pytest.raises(SocError, match="column"):
        SiteHunting(site).find("user.name:(", *DAY, events=5, bars=10)


def test_bars_cover_the_span_and_leave_no_stretch_out() -> None:
    assert fitting(timedelta(hours=24), 100) == timedelta(minutes=30)
    assert fitting(timedelta(days=3_650), 10) == timedelta(days=365)
    start = DAY[0]
    every = timedelta(minutes=5)
    assert filled({}, every) == []
    assert filled({start: 2, start + 2 * every: 1}, every) == [(start, 2), (start + every, 0), (start + 2 * every, 1)]


def test_a_control_is_told_in_the_sites_language(site: Site) -> None:
    config = replace(site.config, site=replace(site.config.site, language="vi"))
    with Site(config, site.path, clock=site.clock) as vietnamese:
        control, *rest = SiteBoards(vietnamese, "lan").sections("controls", "A.8.15")
    told = dict(control.facts)
    assert (told["title"], told["mode"]) == ("Ghi nhật ký", "tự động")
    assert any("chưa có dữ liệu" in line for section in rest for line in section.lines)
