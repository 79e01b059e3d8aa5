"""Two analysts decide on one alert at the same time: the ledger takes one decision, and the other analyst is told by whom and what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from soc.alert import Alert, AlertStatus, CloseReason, facts
from soc.app.desk import SiteDesk
from soc.app.site import Site
from soc.errors import SocError
from soc.incident import Incident
from soc.incident import facts as incident_facts
from soc.store import AlertQuery
from tests.servers.elastic import ElasticNode
from tests.soc.app.sites import new_site
from tests.soc.store.material import DAY, alert, incident


class Overtaken(SiteDesk):
    """A desk whose analyst looks at alerts, and then somebody else decides before this one does."""

    def __init__(self, site: Site, actor: str, other: Callable[[], None]) -> None:
        super().__init__(site, actor)
        self._other = other

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        found = super().alerts(ids)
        other, self._other = self._other, lambda: None
        other()
        return found


@pytest.fixture(params=["local", pytest.param("elasticsearch", marks=pytest.mark.server)])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "local":
        return new_site(tmp_path / "site", "[]", "")
    node: ElasticNode = request.getfixturevalue("elastic_node")
    return new_site(
        tmp_path / "site",
        "[]",
        f'store: {{kind: elasticsearch, hosts: ["{node.url}"], namespace: two{uuid4().hex[:8]}}}\n',
    )


def test_one_of_two_who_change_an_alert_at_once_is_told(config: Path) -> None:
    with Site.load(config) as first, Site.load(config) as second:
        alerts = [alert(1), alert(2)]
        first.ledger.append([facts.opened(one, DAY) for one in alerts])
        first.catch_up()
        ids = [one.id for one in alerts]
        minh = SiteDesk(second, "minh")
        lan = Overtaken(first, "lan", lambda: minh.close(ids[:1], CloseReason.BENIGN, "an exercise"))
        with pytest.raises(SocError, match=rf"{ids[0]}: somebody was faster.* not recorded \(minh: closed, "):
            lan.acknowledge(ids)
        for desk in (lan, minh):
            desk.version()
            assert [one.status for one in desk.alerts(ids)] == [AlertStatus.CLOSED, AlertStatus.ACKNOWLEDGED]
            assert [[change.actor for change in one.history] for one in desk.alerts(ids)] == [["minh"], ["lan"]]
        lan.reopen(ids[:1])  # having looked again
        assert [change.actor for change in lan.alerts(ids)[0].history] == ["minh", "lan"]
        assert list(lan.alert_ids(AlertQuery(statuses=frozenset({AlertStatus.NEW})))) == ids[:1]


class OvertakenOnIncidents(SiteDesk):
    """The same on an incident."""

    def __init__(self, site: Site, actor: str, other: Callable[[], object]) -> None:
        super().__init__(site, actor)
        self._other = other

    def incidents(self, ids: Sequence[str]) -> list[Incident]:
        found = super().incidents(ids)
        other, self._other = self._other, lambda: None
        other()
        return found


def test_one_of_two_who_assess_an_incident_at_once_is_told(config: Path) -> None:
    with Site.load(config) as first, Site.load(config) as second:
        one = incident(1, [alert(1)])
        first.ledger.append([facts.opened(alert(1), DAY), incident_facts.opened(one, DAY)])
        first.catch_up()
        minh = SiteDesk(second, "minh")
        grave, slight = ({"class": each, "group": "N2"} for each in ("M1", "M4"))
        lan = OvertakenOnIncidents(first, "lan", lambda: minh.on_incidents("assess", [one.id], grave))
        outcome = lan.on_incidents("assess", [one.id], slight)
        assert outcome.done == ()
        assert "somebody was faster" in outcome.refused[one.id]
        assert "minh: class M1" in outcome.refused[one.id]
        assert lan.incident(one.id).severity == "M1"
        assert lan.on_incidents("assess", [one.id], slight).done == (one.id,), "having looked again"


@pytest.mark.parametrize("to", [False, True])
def test_one_of_two_who_escalate_what_overlaps_at_once_is_told_and_makes_no_second_incident(
    config: Path, to: bool
) -> None:
    """`to`: the faster one adds them to an incident that is there."""
    with Site.load(config) as first, Site.load(config) as second:
        alerts = [alert(number) for number in range(1, 5)]
        held = incident(1, alerts[3:])
        first.ledger.append([*(facts.opened(one, DAY) for one in alerts), incident_facts.opened(held, DAY)])
        first.catch_up()
        ids = [one.id for one in alerts]
        minh, given = SiteDesk(second, "minh"), {"note": "one campaign"}
        lan = Overtaken(
            first,
            "lan",
            lambda: minh.on_alerts("escalate", ids[:2], given | ({"to": held.id} if to else {})),
        )
        outcome = lan.on_alerts("escalate", ids[1:3], given)
        assert outcome.done == ()
        made = [one for one in lan.incident_ids() if to or one != held.id]
        assert len(made) == 1
        assert f"it is in {made[0]}" in outcome.refused[ids[1]]
        assert f"({ids[1]}: it is in {made[0]})" in outcome.refused[ids[2]]
        assert [one.incident_id for one in lan.alerts(ids[:3])] == [made[0], made[0], ""]
        assert lan.on_alerts("escalate", ids[2:3], given).done == (ids[2],), "having looked again"


def test_one_of_two_who_escalate_an_alert_at_once_is_told(config: Path) -> None:
    with Site.load(config) as first, Site.load(config) as second:
        first.ledger.append([facts.opened(alert(1), DAY)])
        first.catch_up()
        minh = SiteDesk(second, "minh")
        given = {"note": "one campaign"}
        lan = Overtaken(first, "lan", lambda: minh.on_alerts("escalate", [alert(1).id], given))
        outcome = lan.on_alerts("escalate", [alert(1).id], given)
        assert outcome.done == ()
        [incident_id] = lan.incident_ids()
        assert "somebody was faster" in outcome.refused[alert(1).id]
        assert f"it is in {incident_id}" in outcome.refused[alert(1).id]
