"""Decisions on the statement of applicability."""

from __future__ import annotations

from pathlib import Path

from iso27001.applicability import read_statement
from iso27001.ledger import Fact
from iso27001.register import By, get
from iso27001.register.statements import approve, propose, reject
from soc.action import Argument, Kind, Role
from soc.app.site import Site
from soc.app.tracking import Act, Tracking, Values

DRAFT = "soa.yml"
"""The draft, beside soc.yaml."""


def draft(site: Site, given: Path | None = None) -> Path:
    """The file of the draft: as given, or the site's."""
    return given or site.path.parent / DRAFT


def _propose(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    del record_id
    lines = read_statement(draft(tracking.site, values["file"]), tracking.catalogue)
    register = tracking.register
    return propose(lines, register.statements, register.risks, tracking.catalogue, why=values["why"], by=by)


def _approve(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return approve(get(tracking.register.statements, record_id, "version"), values["note"], by)


def _reject(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return reject(get(tracking.register.statements, record_id, "version"), values["note"], by)


STATEMENTS = (
    Act(
        "propose",
        "Propose the draft as the next version; all 93 controls must be decided.",
        Role.LEAD,
        _propose,
        (
            Argument("why", "What changed since the version before.", required=True),
            Argument("file", f"The draft (default: {DRAFT} beside soc.yaml).", Kind.FILE),
        ),
        new=True,
    ),
    Act(
        "approve",
        "Approve a version that somebody else proposed; it stands from now on.",
        Role.LEAD,
        _approve,
        (Argument("note", "By which decision."),),
    ),
    Act("reject", "Refuse a version.", Role.LEAD, _reject, (Argument("note", "Why.", required=True),)),
)
