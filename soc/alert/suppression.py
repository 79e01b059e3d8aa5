"""Facts in; whether the alerts of a rule on an entity are suppressed at a moment out. Pure.

What is suppressed is written, grouped and counted all the same: it is only not shown unless asked for, has no clock and opens no incident.

A suppression stands from one moment of event time to another. One rule and entity have one at a time: a later one replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

import msgspec

from iso27001.ledger import Fact
from soc.action import Who
from soc.alert import Alert, Entity

SUPPRESSED = "alert.suppressed"
LIFTED = "alert.suppression_lifted"
KINDS = (SUPPRESSED, LIFTED)


@dataclass(frozen=True, slots=True)
class Suppression:
    """From `since` (inclusive) to `until` (exclusive) alerts of this rule on this entity are not shown; set with a reason."""

    id: str
    rule_id: str
    entity: Entity
    since: datetime
    until: datetime
    reason: str
    actor: str


class Suppressions:
    """Those of a site, as the facts so far tell."""

    def __init__(self) -> None:
        self._by_id: dict[str, Suppression] = {}

    def fold(self, fact: Fact) -> None:
        """Take in a fact of KINDS; facts come in the order of the ledger."""
        body = fact.body
        if fact.kind == SUPPRESSED:
            made = msgspec.convert(body["suppression"], Suppression)
            self._by_id[made.id] = made
        elif fact.kind == LIFTED and body["suppression"] in self._by_id:
            held = self._by_id[body["suppression"]]
            self._by_id[held.id] = replace(held, until=min(held.until, fact.time))

    def covering(self, rule_id: str, entity: Entity, moment: datetime) -> str:
        """Id of the one that stands at that moment, "" for none."""
        if not self._by_id:
            return ""
        held = self._by_id.get(suppression_id(rule_id, entity))
        return held.id if held is not None and held.since <= moment < held.until else ""

    def all(self) -> list[Suppression]:
        """All, the one that ends last first."""
        return sorted(self._by_id.values(), key=lambda each: (each.until, each.id), reverse=True)


def suppression_id(rule_id: str, entity: Entity) -> str:
    """The id of what suppresses a rule on an entity."""
    named = "\0".join((rule_id, str(entity))).encode("utf-8", "surrogatepass")
    return f"S-{blake2b(named, digest_size=6).hexdigest()}"


def suppressed(alert: Alert, until: datetime, reason: str, who: Who) -> Fact:
    """The fact that the alert's rule is suppressed on its entity from now until then."""
    made = Suppression(
        suppression_id(alert.rule_id, alert.entity), alert.rule_id, alert.entity, who.now, until, reason, who.actor
    )
    body = {"alert": alert.id, "suppression": msgspec.to_builtins(made)}
    return Fact(f"{SUPPRESSED}:{made.id}:{who.now.isoformat()}", SUPPRESSED, who.now, who.actor, body)


def lifted(alert: Alert, why: str, who: Who) -> Fact:
    """The fact that what suppressed the alert's rule on its entity ends now."""
    body = {"alert": alert.id, "suppression": suppression_id(alert.rule_id, alert.entity), "why": why}
    return Fact(f"{LIFTED}:{body['suppression']}:{who.now.isoformat()}", LIFTED, who.now, who.actor, body)
