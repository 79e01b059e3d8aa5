"""The risk register, light: what threatens which asset, what is done about it, who answers for it and what remains.

Enough for a statement of applicability to point at (ISO/IEC 27001 clauses 6.1.2, 6.1.3, 8.2, 8.3), and no method: likelihood and impact
are steps of 1 to 5 of the site's own scale, a level is their product. A risk that is recorded anew has to be accepted anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from iso27001.catalogue import Catalogue
from iso27001.errors import RecordError
from iso27001.ledger import Entry, Fact
from iso27001.register import By, begun, decision, folded, read, resolved, utc, whole

RECORDED, ACCEPTED, CLOSED = "risk.recorded", "risk.accepted", "risk.closed"
KINDS = (RECORDED, ACCEPTED, CLOSED)

SCALE = range(1, 6)
"""Steps of likelihood and of impact."""


class Treatment(StrEnum):
    """What is done about a risk (ISO/IEC 27005:2022 clause 8.2)."""

    MODIFY = "modify"
    RETAIN = "retain"
    AVOID = "avoid"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Rating:
    """Likelihood and impact, 1 to 5 each."""

    likelihood: int
    impact: int

    @property
    def level(self) -> int:
        """Their product, 1 to 25."""
        return self.likelihood * self.impact


@dataclass(frozen=True, slots=True)
class RiskText:
    """What is said of a risk: as it is without its treatment (`rating`) and with it (`residual`). `owner`: a role or a person."""

    title: str
    asset: str
    threat: str
    rating: Rating
    treatment: Treatment
    owner: str
    residual: Rating
    controls: tuple[str, ...] = ()
    review_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk as it stands. `accepted_by` "": nobody has accepted what remains of it, as it is recorded now."""

    id: str
    text: RiskText
    recorded: datetime
    recorded_by: str
    accepted: datetime | None = None
    accepted_by: str = ""
    closed: datetime | None = None
    why_closed: str = ""
    version: int = 0

    def review_overdue(self, at: datetime) -> bool:
        """Whether it should have been looked at again."""
        return self.closed is None and self.text.review_due is not None and self.text.review_due < at


def record(risk_id: str, text: RiskText, known: Mapping[str, Risk], catalogue: Catalogue, by: By) -> Fact:
    """The fact that a risk is recorded, or recorded anew.

    Raises: RecordError for a rating off the scale, a residual risk above the risk, a treatment by controls without any, an unknown control.
    """
    whole(risk_id, title=text.title, asset=text.asset, threat=text.threat, owner=text.owner)
    for what, rating in (("the risk", text.rating), ("the residual risk", text.residual)):
        for name, step in (("likelihood", rating.likelihood), ("impact", rating.impact)):
            if step not in SCALE:
                raise RecordError(f"{risk_id}: {name} {step} of {what} is not 1 to 5")
    if text.residual.level > text.rating.level:
        raise RecordError(
            f"{risk_id}: the residual risk ({text.residual.level}) is above the risk ({text.rating.level}) that it remains of"
        )
    controls = resolved(text.controls, catalogue, risk_id)
    if text.treatment is Treatment.MODIFY and not controls:
        raise RecordError(f"{risk_id}: a risk that is modified names the controls that do it")
    due = None if text.review_due is None else utc(text.review_due, risk_id, "the review on")
    before = known.get(risk_id)
    if before is not None and before.closed is not None:
        raise RecordError(f"{risk_id} was closed on {before.closed:%Y-%m-%d}; record a new risk")
    body: dict[str, Any] = {"risk": replace(text, controls=controls, review_due=due)}
    return decision(RECORDED, risk_id, before.version if before else 0, by, body)


def accept(risk: Risk, by: By) -> Fact:
    """The fact that what remains of a risk is accepted, by somebody else than who recorded it. Raises: RecordError."""
    _open(risk)
    if risk.accepted_by:
        raise RecordError(f"{risk.id} is accepted already, by {risk.accepted_by}")
    if by.actor == risk.recorded_by:
        raise RecordError(f"{by.actor} recorded {risk.id}: its residual risk is accepted by somebody else")
    return decision(ACCEPTED, risk.id, risk.version, by, {"level": risk.text.residual.level})


def close(risk: Risk, reason: str, by: By) -> Fact:
    """The fact that a risk is there no longer. Raises: RecordError."""
    _open(risk)
    whole(risk.id, reason=reason)
    return decision(CLOSED, risk.id, risk.version, by, {"reason": reason})


def risks(entries: Iterable[Entry]) -> dict[str, Risk]:
    """The risks of these entries (of KINDS) by id. Raises: RecordError."""
    return folded(entries, _fold)


def _open(risk: Risk) -> None:
    if risk.closed is not None:
        raise RecordError(f"{risk.id} was closed on {risk.closed:%Y-%m-%d}")


def _fold(risk: Risk | None, entry: Entry) -> Risk:
    fact = entry.fact
    if fact.kind == RECORDED:
        return Risk(fact.body["id"], read(RiskText, fact.body["risk"]), fact.time, fact.actor)
    risk = begun(risk)
    if fact.kind == ACCEPTED:
        return replace(risk, accepted=fact.time, accepted_by=fact.actor)
    return replace(risk, closed=fact.time, why_closed=fact.body["reason"])
