"""Decisions on risks, and records of activities."""

from __future__ import annotations

from iso27001.ledger import Fact
from iso27001.register import By, get, next_id
from iso27001.register.activities import ActivityKind, ActivityText, correct
from iso27001.register.activities import record as record_activity
from iso27001.register.risks import Rating, RiskText, Treatment, accept, close
from iso27001.register.risks import record as record_risk
from soc.action import Argument, Kind, Role
from soc.app.tracking import Act, Tracking, Values

_RISK = (
    Argument("title", "What may happen.", required=True),
    Argument("asset", "To what: a system of the inventory, information, a service.", required=True),
    Argument("threat", "By what.", required=True),
    Argument("likelihood", "1 to 5, without treatment.", Kind.NUMBER, required=True),
    Argument("impact", "1 to 5, without treatment.", Kind.NUMBER, required=True),
    Argument("treatment", "What is done about it.", required=True, choices=tuple(Treatment)),
    Argument("owner", "Who answers for it: a role or a person.", required=True),
    Argument("residual-likelihood", "1 to 5, with treatment.", Kind.NUMBER, required=True),
    Argument("residual-impact", "1 to 5, with treatment.", Kind.NUMBER, required=True),
    Argument("control", "A control that modifies it.", many=True),
    Argument("review", "When it is to be looked at again.", Kind.MOMENT),
)

_ACTIVITY = (
    Argument("kind", "What was done.", required=True, choices=tuple(ActivityKind)),
    Argument("title", "What it was, in a few words.", required=True),
    Argument("held", "When.", Kind.MOMENT, required=True),
    Argument("owner", "Who answers for it.", required=True),
    Argument("expected", "Of how many: people, accounts, contacts, hours of a roster.", Kind.NUMBER, required=True),
    Argument("reached", "How many of them.", Kind.NUMBER, required=True),
    Argument("outcome", "What came of it.", required=True),
    Argument("control", "A control or clause that it is a record of (default: as the kind says).", many=True),
    Argument("evidence", "An id of evidence.", many=True),
    Argument("next", "When it is due again.", Kind.MOMENT),
)


def _risk(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    known = tracking.register.risks
    text = RiskText(
        title=values["title"],
        asset=values["asset"],
        threat=values["threat"],
        rating=Rating(values["likelihood"], values["impact"]),
        treatment=Treatment(values["treatment"]),
        owner=values["owner"],
        residual=Rating(values["residual-likelihood"], values["residual-impact"]),
        controls=values["control"],
        review_due=values["review"],
    )
    return record_risk(record_id or next_id("R", known), text, known, tracking.catalogue, by)


def _accept(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    del values
    return accept(get(tracking.register.risks, record_id, "risk"), by)


def _close(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return close(get(tracking.register.risks, record_id, "risk"), values["reason"], by)


def _text(values: Values) -> ActivityText:
    return ActivityText(
        kind=ActivityKind(values["kind"]),
        title=values["title"],
        held=values["held"],
        owner=values["owner"],
        expected=values["expected"],
        reached=values["reached"],
        outcome=values["outcome"],
        controls=values["control"],
        evidence=values["evidence"],
        next_due=values["next"],
    )


def _held(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    known = tracking.register.activities
    for name in values["evidence"]:
        get(tracking.register.evidence, name, "evidence")
    return record_activity(record_id or next_id("T", known), _text(values), known, tracking.catalogue, by)


def _correct(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return correct(get(tracking.register.activities, record_id, "activity"), _text(values), tracking.catalogue, by)


RISKS = (
    Act("record", "Record a risk; with --id of one that is there, record it anew.", Role.LEAD, _risk, _RISK, new=True),
    Act("accept", "Accept what remains of a risk; by somebody else than who recorded it.", Role.LEAD, _accept),
    Act(
        "close",
        "A risk is there no longer.",
        Role.LEAD,
        _close,
        (Argument("reason", "Why.", required=True),),
    ),
)

ACTIVITIES = (
    Act(
        "record",
        "Record an exercise, training, review or test that was held.",
        Role.ANALYST,
        _held,
        _ACTIVITY,
        new=True,
    ),
    Act(
        "correct",
        "It was otherwise than recorded; what was recorded stays in the ledger.",
        Role.LEAD,
        _correct,
        _ACTIVITY,
    ),
)
