"""What people decide while the engine runs reaches what groups and links, and is there again after a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from soc.alert import CloseReason, facts
from soc.alert.grouping import Grouper
from soc.alert.scoring import RuleHistory, Scoring
from soc.app.desk import SiteDesk
from soc.app.learning import RECORD_DAYS, RECORD_FRESH, Learning, rule_history
from soc.app.site import Site
from soc.incident import facts as incident_facts
from soc.incident.linking import Linker
from soc.reason import Because, Reason
from tests.soc.app.sites import new_site
from tests.soc.desk_fixtures import detection, rule
from tests.soc.store.material import DAY, alert, incident

ONE, TWO = alert(1), alert(2)
NOTE = {"note": "our scanner"}


def engine(site: Site) -> tuple[Grouper, Linker, Learning]:
    history = RuleHistory()
    grouper = Grouper(site.config.alert, Scoring({}, history), lambda _: None, [])
    linker = Linker(site.config.incident, [], [])
    return grouper, linker, Learning(site, grouper, linker, history)


def test_a_suppression_reaches_the_engine_while_it_runs_and_after_a_restart(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site"), clock=lambda: DAY) as site:
        site.ledger.append([facts.opened(ONE, DAY)])
        site.catch_up()
        grouper, _, learning = engine(site)
        desk = SiteDesk(site, "lan")
        assert desk.on_alerts("suppress", [ONE.id], {"for": "8h", **NOTE}).done == (ONE.id,)
        moment = DAY + timedelta(hours=1)
        assert not grouper.suppressions.covering(ONE.rule_id, ONE.entity, moment)
        learning.learn()
        assert grouper.suppressions.covering(ONE.rule_id, ONE.entity, moment)
        assert engine(site)[0].suppressions.covering(ONE.rule_id, ONE.entity, moment)
        desk.on_alerts("lift", [ONE.id], {"note": "over"})
        learning.learn()
        assert not grouper.suppressions.covering(ONE.rule_id, ONE.entity, moment)
        assert not engine(site)[0].suppressions.covering(ONE.rule_id, ONE.entity, moment)


def test_incidents_that_people_made_are_those_that_alerts_join(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site"), clock=lambda: DAY) as site:
        site.ledger.append([facts.opened(ONE, DAY), incident_facts.opened(incident(1, [ONE]), DAY)])
        site.catch_up()
        _, linker, learning = engine(site)
        site.ledger.append([facts.opened(replace(TWO, entities=ONE.entities), DAY)])
        site.catch_up()
        SiteDesk(site, "lan").on_alerts("escalate", [TWO.id], {"note": "by hand"})
        learning.learn()
        [by_hand] = [i for i in site.projections.incidents(site.projections.incident_ids()) if i.id != "incident-0001"]
        [joined] = linker.link([replace(alert(3), entities=ONE.entities, first_seen=DAY, last_seen=DAY)], DAY)
        assert (joined.kind, joined.body["incident"]) == (incident_facts.LINKED, by_hand.id)


def test_a_rule_has_a_record_once_the_site_is_older_than_a_week(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site")) as site:
        site.ledger.append([facts.opened(replace(alert(1), rule_id="r", opened=DAY), DAY)])
        site.catch_up()
        assert rule_history(site.projections, DAY + timedelta(days=6)).of("r") is None
        history = rule_history(site.projections, DAY + timedelta(days=8))
        record = history.of("r")
        assert (record is not None and record.opened, history.days) == (1, RECORD_DAYS)


def test_what_people_decide_weighs_while_the_engine_runs(tmp_path: Path) -> None:
    now = DAY + timedelta(days=8)
    times = [now]
    of_rule = replace(alert(1), rule_id="r-ssh-guess", opened=DAY)
    with Site.load(new_site(tmp_path / "site"), clock=lambda: times[-1]) as site:
        site.ledger.append([facts.opened(of_rule, DAY)])
        site.catch_up()
        grouper, _, learning = engine(site)

        def confidence() -> Reason | str:
            learning.learn()
            [opened], _ = grouper.group([detection(len(times), 0, rule("r-ssh-guess"))], {}, now)
            times.append(times[-1] + RECORD_FRESH)
            return opened.risk_why[1]

        assert confidence() == Reason(Because.CONFIDENCE, (0, 0, 1.0))
        SiteDesk(site, "lan").close([of_rule.id], CloseReason.FALSE_POSITIVE, "the backup")
        assert confidence() == Reason(Because.CONFIDENCE, (0, 1, 0.9))
