"""An analyst's desk over a site: what the terminal UI and the commands read and do. Every decision is a ledger fact with its actor."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from collectors.event import Value
from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus, CloseReason, StatusChange, facts
from soc.app.site import Site
from soc.errors import SocError
from soc.incident import Incident
from soc.store import AlertQuery


def actor_name(given: str = "") -> str:
    """Who acts: the name that was given, or the operating system's user."""
    return given or getpass.getuser()


class SiteDesk:
    """The Desk of soc.tui.desk over the projections and the ledger of a site."""

    def __init__(self, site: Site, actor: str) -> None:
        self._site = site
        self._actor = actor
        self._rule_files: dict[str, Path] | None = None

    @property
    def site(self) -> str:
        """The site's name."""
        return self._site.config.site.name

    def now(self) -> datetime:
        """The clock."""
        return self._site.clock()

    def version(self) -> int:
        """The ledger's size: it grows with every change."""
        self._site.catch_up()
        return self._site.projections.applied()

    def alert_ids(self, query: AlertQuery) -> Sequence[str]:
        """Ids in the order of triage."""
        return self._site.projections.alert_ids(query)

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """Alerts of these ids."""
        return self._site.projections.alerts(ids)

    def alert(self, alert_id: str) -> Alert:
        """One alert; the start of its id will do where it is the only one. Raises: SocError."""
        found = self.alerts([alert_id])
        return found[0] if found else self.alerts([_meant("alert", alert_id, self.alert_ids(AlertQuery()))])[0]

    def incident(self, incident_id: str) -> Incident:
        """One incident; the start of its id will do where it is the only one. Raises: SocError."""
        found = self.incidents([incident_id])
        return found[0] if found else self.incidents([_meant("incident", incident_id, self.incident_ids())])[0]

    def raw_events(self, ids: Sequence[str]) -> list[Mapping[str, Value]]:
        """Documents of these events."""
        return [document for document in map(self._site.events.event, ids) if document is not None]

    def rule_text(self, rule_id: str, version: str) -> str:
        """The rule's YAML where the site still has that very version."""
        del version
        if self._rule_files is None:
            self._rule_files = {rule.id: Path(rule.path) for rule in self._site.rules().rules}
        path = self._rule_files.get(rule_id)
        return path.read_text("utf-8") if path is not None and path.is_file() else ""

    def incident_ids(self) -> Sequence[str]:
        """Ids of all incidents."""
        return self._site.projections.incident_ids()

    def incidents(self, ids: Sequence[str]) -> list[Incident]:
        """Incidents of these ids."""
        return self._site.projections.incidents(ids)

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Record that the analyst has looked at these alerts."""
        self._change(ids, AlertStatus.ACKNOWLEDGED)

    def close(self, ids: Sequence[str], reason: CloseReason, note: str) -> None:
        """Record the analyst's decision."""
        self._change(ids, AlertStatus.CLOSED, reason, note)

    def reopen(self, ids: Sequence[str]) -> None:
        """Put these alerts back to new."""
        self._change(ids, AlertStatus.NEW)

    def _change(
        self, ids: Sequence[str], status: AlertStatus, reason: CloseReason | None = None, note: str = ""
    ) -> None:
        now = self._site.clock()
        decided: dict[str, Fact] = {}
        for alert in self.alerts(ids):
            last = alert.history[-1] if alert.history else None
            # two decisions within the clock's tick keep their order
            when = max(now, last.time + timedelta(microseconds=1)) if last else now
            change = StatusChange(when, self._actor, status, reason, note)
            decided[alert.id] = facts.status_changed(alert.id, change, last)
        taken = {entry.fact.id for entry in self._site.ledger.append(decided.values())}
        self._site.catch_up()
        missed = [alert_id for alert_id, fact in decided.items() if fact.id not in taken]
        if missed:
            raise SocError(_overtaken(self.alerts(missed)))


def _overtaken(alerts: Sequence[Alert]) -> str:
    """That somebody else decided on these first: who, what, when."""
    each = [
        f"{alert.id} ({last.actor}: {last.status.value}, {last.time:%Y-%m-%d %H:%M:%S} UTC)"
        for alert in alerts
        if (last := alert.history[-1])
    ]
    return f"somebody was faster, look again; your decision was not recorded on {', '.join(each)}"


def _meant(what: str, start: str, ids: Sequence[str]) -> str:
    """The only id that begins so, in any case. Raises: SocError where there is none, or several."""
    near = [i for i in ids if i.lower().startswith(start.lower())]
    if len(near) != 1:
        raise SocError(f"there is no {what} {start}" if not near else f"{start} may be {', '.join(near[:5])}")
    return near[0]
