"""An incident and one of its clocks in, the legal notice out: as plain data for JSON, and as a document in English or Vietnamese. Pure.

Everything in it comes from facts of the ledger and from the inventory; what is not known is said to be not known, never left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from iso27001.language import Language
from iso27001.report.document import Block, Column, Document, Facts, Heading, Paragraph, Row, Table
from soc.alert import Alert
from soc.incident import Incident, TaskState
from soc.incident.classification import CLASSES, GROUPS
from soc.incident.clocks import NoticeClock
from soc.incident.merging import title_in
from soc.incident.notice_words import words
from soc.inventory import Asset


@dataclass(frozen=True, slots=True)
class Sender:
    """Who tells: the organisation, its authority, and the unit that runs the SOC."""

    organisation: str
    authority: str
    unit: str


@dataclass(frozen=True, slots=True)
class Notice:
    """All that a notice is made of. `severity`: as assessed, or as the matrix proposes; `made`: when.

    `ledger_size`, `ledger_root` (hex): the ledger whose facts it tells, so that anybody can check what was known when it was made.
    """

    incident: Incident
    clock: NoticeClock
    severity: str
    alerts: tuple[Alert, ...]
    systems: tuple[Asset, ...]
    sender: Sender
    made: datetime
    ledger_size: int
    ledger_root: str


def as_data(notice: Notice) -> dict[str, Any]:
    """The notice as JSON values; moments as RFC 3339."""
    incident, clock = notice.incident, notice.clock
    return {
        "notice": {
            "rule": clock.rule.id,
            "reference": clock.rule.ref,
            "regime": clock.rule.regime,
            "why": str(clock.why),
        },
        "to": clock.rule.to,
        "to_vi": clock.rule.to_vi,
        "from": {
            "organisation": notice.sender.organisation,
            "authority": notice.sender.authority,
            "unit": notice.sender.unit,
        },
        "made": notice.made.isoformat(),
        "ledger": {"size": notice.ledger_size, "root": notice.ledger_root},
        "due": clock.due.isoformat(),
        "incident": {
            "id": incident.id,
            "title": incident.title,
            "class": notice.severity,
            "assessed": bool(incident.severity),
            "group": incident.group,
            "detected": (incident.detected or incident.opened).isoformat(),
            "first_event": incident.opened.isoformat(),
            "last_event": incident.last_seen.isoformat(),
            "phase": incident.phase.value,
            "closed": incident.closed.isoformat() if incident.closed else None,
            "tlp": incident.tlp.value,
        },
        "systems": [
            {
                "id": asset.id,
                "vi": asset.vi,
                "en": asset.en,
                "level": asset.level,
                "owner": asset.owner,
                "personal_data": asset.personal_data,
            }
            for asset in notice.systems
        ],
        "scope": [{"kind": entity.kind, "value": entity.value} for entity in incident.entities],
        "attack": [tag for tag in incident.tags if tag.startswith("attack.")],
        "alerts": [
            {"id": a.id, "title": a.title, "level": a.level.value, "count": a.count, "first": a.first_seen.isoformat()}
            for a in notice.alerts
        ],
        "cause": incident.review.cause if incident.review else None,
        "measures": [
            {"what": task.title, "state": task.state.value}
            for task in incident.tasks
            if task.state is not TaskState.DROPPED
        ],
        "plans": list(incident.plans),
        "evidence": [{"id": item.id, "name": item.name, "sha256": item.sha256} for item in incident.evidence],
    }


def as_document(notice: Notice, language: Language, zone: ZoneInfo) -> Document:
    """The notice as a document, in the words of a language and the time of a zone."""
    say = words(language)
    incident, clock = notice.incident, notice.clock
    column = 1 if language is Language.VIETNAMESE else 0

    def when(moment: datetime | None) -> str:
        return moment.astimezone(zone).strftime("%d/%m/%Y %H:%M %Z") if moment else say["unknown"]

    assessed = "" if incident.severity else f" ({say['proposed']})"
    group = f"{incident.group} {GROUPS[incident.group][column]}" if incident.group else say["unknown"]
    done = [task for task in incident.tasks if task.state is TaskState.DONE]
    planned = [task for task in incident.tasks if task.state is TaskState.OPEN]
    names = [(asset.vi if column else asset.en, asset) for asset in notice.systems]
    blocks: list[Block] = [
        Heading(1, say["incident"]),
        Facts(
            (
                (say["id"], incident.id),
                (say["what"], title_in(incident, language)),
                (say["class"], f"{notice.severity} {CLASSES[notice.severity][column]}{assessed}"),
                (say["group"], group),
                (say["detected"], when(incident.detected or incident.opened)),
                (say["began"], f"{when(incident.opened)} - {when(incident.last_seen)}"),
                (say["phase"], say[incident.phase.value]),
                (say["closed"], when(incident.closed) if incident.closed else say["open"]),
            )
        ),
        Heading(1, say["scope"]),
        Table(
            "systems",
            (
                Column(say["system"], 4, head=True),
                Column(say["level"], 1),
                Column(say["owner"], 3),
                Column(say["personal"], 2),
            ),
            tuple(
                Row((name, str(asset.level), asset.owner, say["yes"] if asset.personal_data else say["no"]))
                for name, asset in names
            )
            or (Row((say["unknown"], "", "", "")),),
        ),
        Table(
            "entities",
            (Column(say["kind"], 1), Column(say["value"], 3)),
            tuple(Row((entity.kind, entity.value)) for entity in incident.entities),
        ),
        Heading(1, say["found"]),
        Table(
            "alerts",
            (Column(say["time"], 2), Column(say["what"], 5, head=True), Column(say["times"], 1, number=True)),
            tuple(Row((when(a.first_seen), a.title, str(a.count))) for a in notice.alerts),
        ),
        Heading(1, say["cause"]),
        Paragraph(incident.review.cause if incident.review else say["cause_unknown"]),
        Heading(1, say["measures"]),
        Table(
            "measures",
            (Column(say["what"], 5, head=True), Column(say["state"], 2)),
            tuple(Row((task.title, say[task.state.value])) for task in (*done, *planned))
            or (Row((say["none_yet"], "")),),
        ),
    ]
    if incident.evidence:
        blocks += [
            Heading(1, say["evidence"]),
            Table(
                "evidence",
                (Column(say["id"], 1), Column(say["what"], 3, head=True), Column("SHA-256", 4)),
                tuple(Row((item.id, item.name, item.sha256)) for item in incident.evidence),
            ),
        ]
    return Document(
        title=say["title"],
        language=language,
        made=notice.made,
        blocks=tuple(blocks),
        kicker=f"TLP:{incident.tlp.value.upper()}",
        subtitle=f"{clock.rule.regime}, {clock.rule.ref}",
        whose=notice.sender.organisation,
        cover=(
            (say["to"], clock.rule.to_vi if column else clock.rule.to),
            (say["from"], f"{notice.sender.organisation}, {notice.sender.unit}"),
            (say["authority"], notice.sender.authority or say["unknown"]),
            (say["due"], when(clock.due)),
            (say["made"], when(notice.made)),
        ),
        foot=f"{say['ledger']}: {notice.ledger_size}, {notice.ledger_root}",
        contents=False,
    )
