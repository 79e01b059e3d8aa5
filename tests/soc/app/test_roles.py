"""Roles are given to users and groups of the operating system; what a role does not allow is refused, and the refusal is recorded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from soc.action import Role, RolesConfig
from soc.alert import AlertStatus, CloseReason, facts
from soc.app.access import REFUSED
from soc.app.desk import SiteDesk
from soc.app.response import Response
from soc.app.roles import User, current_user, role_of
from soc.app.site import Site
from soc.errors import SocError
from soc.incident import facts as incident_facts
from tests.soc.app.sites import auth_line, new_site
from tests.soc.store.material import DAY, alert, incident

LAN = User("lan", frozenset({"staff", "soc-analysts"}))
ME = current_user()


@pytest.mark.parametrize(
    ("config", "role"),
    [
        (RolesConfig(), Role.ADMIN),
        (RolesConfig(analyst=("lan",)), Role.ANALYST),
        (RolesConfig(analyst=("@soc-analysts",)), Role.ANALYST),
        (RolesConfig(analyst=("soc-analysts",)), None),
        (RolesConfig(lead=("@staff",), analyst=("lan",), auditor=("lan",)), Role.LEAD),
        (RolesConfig(auditor=("lan",)), Role.AUDITOR),
        (RolesConfig(admin=("minh",)), None),
    ],
)
def test_a_user_has_the_highest_role_by_name_or_group(config: RolesConfig, role: Role | None) -> None:
    assert role_of(LAN, config) is role


def test_names_of_the_environment_give_no_role(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(name, "minh")
    assert current_user() == ME


def opened(folder: Path, roles: str) -> Site:
    site = Site.load(new_site(folder / "site", "[]", f"roles: {roles}\n"))
    one = alert(1)
    site.ledger.append([facts.opened(one, DAY), incident_facts.opened(incident(1, [one]), DAY)])
    site.catch_up()
    return site


def test_what_the_role_does_not_allow_is_refused_and_recorded(tmp_path: Path) -> None:
    with opened(tmp_path, f'{{analyst: ["{ME.name}"], lead: [minh]}}') as site:
        desk = SiteDesk(site, ME.name)
        desk.close([alert(1).id], CloseReason.BENIGN, "")
        with pytest.raises(SocError, match=f"{ME.name} has the role analyst; assess takes lead"):
            desk.on_incidents("assess", ["incident-0001"], {"class": "M4", "group": "N9"})
        entry = site.ledger.last(REFUSED)
        assert entry is not None
        assert (entry.fact.actor, entry.fact.body["action"], entry.fact.body["on"]) == (
            ME.name,
            "assess",
            ["incident-0001"],
        )
        assert desk.incident("incident-0001").severity == ""


def test_nobody_acts_under_the_name_of_another_once_roles_are_given(tmp_path: Path) -> None:
    with opened(tmp_path, f'{{admin: ["{ME.name}"]}}') as site:
        with pytest.raises(SocError, match=f"{ME.name} may not act as minh"):
            SiteDesk(site, "minh").acknowledge([alert(1).id])
        assert site.ledger.last(REFUSED) is not None
        SiteDesk(site, ME.name).acknowledge([alert(1).id])
        assert SiteDesk(site, ME.name).alert(alert(1).id).status is AlertStatus.ACKNOWLEDGED


def test_an_auditor_reads_and_changes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, f'{{auditor: ["{ME.name}"]}}') as site:
        desk = SiteDesk(site, ME.name)
        assert desk.alert(alert(1).id).id == alert(1).id
        with pytest.raises(SocError, match="has the role auditor; comment takes analyst"):
            desk.on_alerts("comment", [alert(1).id], {"text": "seen"})


def test_a_playbook_is_planned_by_an_analyst_and_approved_by_a_lead(tmp_path: Path) -> None:
    with opened(tmp_path, f'{{analyst: ["{ME.name}"], lead: [minh]}}') as site:
        response = Response(site, ME.name)
        one = SiteDesk(site, ME.name).incident("incident-0001")
        plan = response.plan("block-address", one, {"address": "203.0.113.45"})
        with pytest.raises(SocError, match=f"{ME.name} has the role analyst; playbook approve takes lead"):
            response.approve(plan.id)
        entry = site.ledger.last(REFUSED)
        assert entry is not None
        assert entry.fact.body["on"] == [plan.id]


@pytest.mark.parametrize(("data", "may_change"), [(0o2770, True), (0o2750, False)])
def test_what_the_service_makes_is_for_the_group_where_the_data_is(data: int, may_change: bool, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(auth_line(0))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, follow: false}}]")
    folder = config.parent / "var"
    folder.mkdir()
    folder.chmod(data)
    argv = [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(config)]
    subprocess.run(argv, check=True, capture_output=True, umask=0o022)
    made = [path for path in folder.rglob("*") if path.suffix != ".key" and path.parent.name != "cache"]
    assert {"ledger.db", "projections.db", "lock", "ledger.pub"} <= {path.name for path in made}
    closed = {path.name for path in made if bool(path.stat().st_mode & 0o020) != may_change}
    assert closed == set()
    assert (folder / "keys" / "ledger.key").stat().st_mode & 0o077 == 0
