"""The engine decides on what comes in by what people decided meanwhile: suppressions, incidents that were split, merged or closed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from soc.alert import Alert
from soc.app.deciding import Decider
from soc.app.desk import SiteDesk
from soc.app.site import Site
from soc.detect import Level
from soc.metrics import Metrics
from soc.store import AlertQuery
from tests.soc.app.sites import new_site
from tests.soc.desk_fixtures import DAY, detection, rule

ADDRESS = "203.0.113.9"
GRAVE, OTHER = rule("grave", Level.CRITICAL), rule("other", Level.LOW)


class Engine:
    """A running engine at a site whose clock stands at the day of the fixtures."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.decider = Decider(site, Metrics())
        self.desk = SiteDesk(site, "lan")

    def feed(self, n: int, minutes: float, which: object, address: str = ADDRESS) -> None:
        found = detection(n, minutes, which, source_ip=address)  # type: ignore[arg-type]
        self.decider.decide([found], {found.events[0].id: n})

    def alerts(self) -> list[Alert]:
        found = self.desk.alerts(list(self.desk.alert_ids(AlertQuery())))
        return sorted(found, key=lambda alert: alert.first_seen)


def test_what_is_suppressed_opens_no_incident_until_the_time_is_over(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site"), clock=lambda: DAY) as site:
        engine = Engine(site)
        engine.feed(1, 0, OTHER)
        [first] = engine.alerts()
        engine.desk.on_alerts("suppress", [first.id], {"for": "8h", "note": "our scanner"})
        engine.desk.on_alerts("close", [first.id], {"reason": "benign"})
        engine.feed(2, 5, OTHER)
        engine.feed(3, 6, OTHER)
        hidden = engine.alerts()[1]
        assert (hidden.count, bool(hidden.suppressed_by), hidden.incident_id) == (2, True, "")
        assert list(engine.desk.alert_ids(AlertQuery(suppressed=False))) == [first.id]
        engine.feed(4, 8 * 60, OTHER)
        shown = engine.alerts()[1]
        assert (shown.id, shown.count, shown.suppressed_by) == (hidden.id, 3, "")


def test_alerts_follow_those_that_people_moved_and_leave_what_is_over(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site"), clock=lambda: DAY + timedelta(hours=1)) as site:
        engine = Engine(site)
        engine.feed(1, 0, GRAVE)
        engine.feed(2, 1, OTHER)
        [incident_id] = engine.desk.incident_ids()
        moved = engine.alerts()[1]
        outcome = engine.desk.on_incidents("split", [incident_id], {"alert": (moved.id,), "note": "another tool"})
        assert outcome.done == (incident_id,)
        assert engine.desk.on_incidents("assess", [incident_id], {"class": "M4", "group": "N9"}).done
        assert engine.desk.on_incidents("close", [incident_id], {"note": "over"}).done
        engine.feed(3, 2, rule("third", Level.LOW))
        new = engine.alerts()[2]
        assert new.incident_id not in ("", incident_id)
        assert engine.desk.incident(new.incident_id).alert_ids == (moved.id, new.id)
