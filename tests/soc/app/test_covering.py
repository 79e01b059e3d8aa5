"""Coverage by what a site collected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from soc.app.covering import covered
from soc.app.history import Span, newest
from soc.app.site import Site
from tests.soc.app.lived import PASSWORD, lived, login, password_rule

ID = "10000000-0000-4000-8000-00000000000{}"
OCTOBER = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


def test_a_rule_can_fire_where_what_it_reads_came_in_and_its_parser_gives_the_fields(tmp_path: Path) -> None:
    config = lived(
        tmp_path,
        [login(1), login(2)],
        password_rule(tags=["attack.initial-access", "attack.t1078"]),
        password_rule(ID.format(2), starts="Nothing", tags=["attack.t1110"]),
        password_rule(ID.format(3), logsource={"product": "windows"}, tags=["attack.t1021"]),
        password_rule(ID.format(4), logsource={"product": "soc", "service": "audit"}, tags=["attack.t1070"]),
        password_rule(
            ID.format(6),
            detection={"selection": {"process.hash.sha256": "x"}, "condition": "selection"},
            tags=["attack.t1204"],
        ),
        {
            "title": "Many log-ins",
            "id": ID.format(5),
            "status": "test",
            "level": "high",
            "tags": ["attack.t1110.001"],
            "correlation": {
                "type": "event_count",
                "rules": [PASSWORD, ID.format(3)],
                "group-by": ["user.name"],
                "timespan": "1h",
                "condition": {"gte": 10},
                "generate": True,
            },
        },
    )
    with Site.load(config) as site:
        found = covered(site, OCTOBER)
        assert {t.id: (t.able, t.fired) for t in found.techniques} == {
            "T1021": (0, 0),
            "T1070": (1, 0),
            "T1078": (1, 2),
            "T1110": (1, 0),
            "T1110.001": (1, 0),
            "T1204": (0, 0),
        }
        assert {w.logsource for w in found.wanted} == {"product:windows", "product:linux/service:sshd"}
        nothing = covered(site, Span(OCTOBER.until, datetime(2026, 11, 2, tzinfo=UTC)))
        assert [t.id for t in nothing.techniques if t.able] == ["T1070"]


def test_the_newest_event_of_a_source_is_found_behind_the_soc_s_own(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(10), login(20), login(15)])
    with Site.load(config) as site:
        last = newest(site.journal_reader)
    assert last == datetime(2026, 10, 14, 0, 20, tzinfo=timezone(timedelta(hours=7)))
