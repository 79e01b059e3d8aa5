"""An analyst's desk over a site: what the terminal UI and the commands read and do. Every decision is a ledger fact with its actor."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from collectors.event import Value
from soc.action import Action, Argument, Decided, Kind, Values, Who
from soc.alert import Alert, CloseReason
from soc.alert import facts as alert_facts
from soc.app.access import allow
from soc.app.notice_clocks import clocks_at
from soc.app.site import Site
from soc.errors import SocError
from soc.incident import Incident, decisions
from soc.incident import facts as incident_facts
from soc.incident.actions import ON_ALERTS, ON_INCIDENTS, Held, Members
from soc.incident.clocks import Clocks
from soc.store import AlertQuery, Facet

MOVES = (incident_facts.OPENED, incident_facts.LINKED, decisions.MERGED, decisions.SPLIT)
"""Kinds of facts that put alerts into an incident."""


def actor_name(given: str = "") -> str:
    """Who acts: the name that was given, or the operating system's user."""
    return given or getpass.getuser()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to: ids that it changed, in order, and why others are as they were."""

    done: tuple[str, ...]
    refused: Mapping[str, str]


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

    def alert_count(self, query: AlertQuery) -> int:
        """How many fit."""
        return self._site.projections.alert_count(query)

    def facets(self, query: AlertQuery, facet: Facet, limit: int) -> list[tuple[str, str, int]]:
        """The most frequent values of the alerts that fit, in words where they are rules, with how many have them."""
        found = self._site.projections.facets(query, facet, limit)
        words = {rule.id: rule.title for rule in self._site.rules().rules} if facet is Facet.RULE and found else {}
        return [(value, words.get(value, value), count) for value, count in found]

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

    def clocks(self, ids: Sequence[str]) -> dict[str, Clocks]:
        """The legal notices of these incidents, by id."""
        now = self._site.clock()
        return {incident.id: clocks_at(self._site, incident, now) for incident in self.incidents(ids)}

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Record that the analyst has looked at these alerts. Raises: SocError where one of them is not as it was seen."""
        _all_done(self.on_alerts("ack", ids, {}))

    def close(self, ids: Sequence[str], reason: CloseReason, note: str) -> None:
        """Record the analyst's decision. Raises: as acknowledge."""
        _all_done(self.on_alerts("close", ids, {"reason": reason.value, "note": note}))

    def reopen(self, ids: Sequence[str]) -> None:
        """Put these alerts back to new. Raises: as acknowledge."""
        _all_done(self.on_alerts("reopen", ids, {}))

    def on_alerts(self, name: str, ids: Sequence[str], given: Mapping[str, Any]) -> Outcome:
        """Do an action of soc.incident.actions.ON_ALERTS. `given`: texts as typed, by argument; True for a flag, several as a tuple.

        Raises: SocError where the role does not allow it (which is recorded), or a value cannot be read.
        """
        action = ON_ALERTS[name]
        allow(self._site, self._actor, action.name, ids, action.role.value, lambda role: role.may(action.role))
        values, seen = self._values(action, given, ()), self._site.projections.applied()
        return self._record(action.decide(self.alerts(ids), values, self._who()), self._last_on_alert, seen)

    def on_incidents(self, name: str, ids: Sequence[str], given: Mapping[str, Any]) -> Outcome:
        """Do an action of soc.incident.actions.ON_INCIDENTS; as `on_alerts`."""
        action = ON_INCIDENTS[name]
        allow(self._site, self._actor, action.name, ids, action.role.value, lambda role: role.may(action.role))
        seen, incidents = self._site.projections.applied(), self.incidents(ids)
        values = self._values(action, given, incidents)
        return self._record(action.decide(incidents, values, self._who()), self._last_on_incident, seen)

    def _who(self) -> Who:
        return Who(self._actor, self._site.clock())

    def _values(self, action: Action[Any], given: Mapping[str, Any], of: Sequence[Incident]) -> Values:
        """Raises: SocError for an argument that is missing, not known, or not readable."""
        known = {argument.name: argument for argument in action.arguments}
        unknown = [name for name in given if name not in known]
        if unknown:
            raise SocError(f"{action.name} takes no {', '.join(unknown)}")
        missing = [name for name, argument in known.items() if argument.required and not given.get(name)]
        if missing:
            raise SocError(f"{action.name} needs {', '.join(missing)}")
        if action.one and len(of) != 1:
            raise SocError(f"{action.name} is done to one incident at a time")
        return {
            name: self._value(known[name], value, of) for name, value in given.items() if value not in (None, (), False)
        }

    def _value(self, argument: Argument, given: Any, of: Sequence[Incident]) -> Any:
        if argument.kind is Kind.MEMBER:
            return self._members(of[0], given)
        if argument.many:
            return tuple(self._one_value(argument, each, of) for each in given)
        return self._one_value(argument, given, of)

    def _one_value(self, argument: Argument, given: Any, of: Sequence[Incident]) -> Any:
        match argument.kind:
            case Kind.FLAG:
                return True
            case Kind.FILE:
                return self._site.vault.keep(Path(given))
            case Kind.ALERT:
                return self.alert(given)
            case Kind.INCIDENT:
                return self.incident(given)
            case Kind.ITEM:
                return self._held(of[0], given)
            case _:
                return argument.read(given)

    def _members(self, incident: Incident, given: Sequence[str]) -> Members:
        taken = {_meant(f"alert of {incident.id}", each, incident.alert_ids) for each in given}
        alerts = self.alerts(incident.alert_ids)
        return Members(tuple(a for a in alerts if a.id in taken), tuple(a for a in alerts if a.id not in taken))

    def _held(self, incident: Incident, given: str) -> Held:
        item_id = _meant(f"evidence of {incident.id}", given, [item.id for item in incident.evidence])
        [item] = [each for each in incident.evidence if each.id == item_id]
        return Held(item, not self._site.vault.fault(item.sha256) if item.kept else None)

    def _record(self, decided: Decided, last: Any, seen: int) -> Outcome:
        """Append all facts at once; of each noun whose facts somebody else's came before, say so.

        `seen`: how many ledger entries the decision knew. Where another one has since put an alert of this one into an incident, nothing
        of it is recorded: two who escalate what overlaps would make two incidents of it.
        """
        facts = [fact for each in decided.facts.values() for fact in each]
        moving = {alert_id for fact in facts if fact.kind in MOVES for alert_id in alert_facts.touched(fact)}

        def moved() -> bool:
            later = self._site.ledger.entries(after=seen - 1, kinds=MOVES)
            return any(not moving.isdisjoint(alert_facts.touched(entry.fact)) for entry in later)

        taken = {entry.fact.id for entry in self._site.ledger.append(facts, unless=moved if moving else None)}
        self._site.catch_up()
        done = [i for i, each in decided.facts.items() if all(fact.id in taken for fact in each)]
        missed = [i for i in decided.facts if i not in done]
        held = {i: why for i in missed if (why := last(i))}
        others = "; ".join(f"{i}: {why}" for i, why in held.items())
        overtaken = {
            i: f"somebody was faster, look again; your decision was not recorded ({held.get(i, others)})"
            for i in missed
        }
        return Outcome(tuple(done), {**decided.refused, **overtaken})

    def _last_on_alert(self, alert_id: str) -> str:
        [alert] = self.alerts([alert_id])
        told = [(each.time, each.actor, each.status.value) for each in alert.history[-1:]]
        told += [(each.time, each.actor, f"{each.kind.value} {each.text}".strip()) for each in alert.notes[-1:]]
        place = [f"it is in {alert.incident_id}"] if alert.incident_id else []
        return "; ".join([*([_last(told)] if told else []), *place])

    def _last_on_incident(self, incident_id: str) -> str:
        [incident] = self.incidents([incident_id])
        return _last((each.time, each.kind, str(each.text)) for each in incident.timeline)


def _last(told: Iterable[tuple[datetime, str, str]]) -> str:
    when, actor, what = max(told)
    return f"{actor}: {what}, {when:%Y-%m-%d %H:%M:%S} UTC"


def _all_done(outcome: Outcome) -> None:
    if outcome.refused:
        raise SocError("; ".join(f"{each}: {why}" for each, why in outcome.refused.items()))


def _meant(what: str, start: str, ids: Sequence[str]) -> str:
    """The only id that begins so, in any case. Raises: SocError where there is none, or several."""
    near = [i for i in ids if i.lower().startswith(start.lower())]
    if len(near) != 1:
        raise SocError(f"there is no {what} {start}" if not near else f"{start} may be {', '.join(near[:5])}")
    return near[0]
