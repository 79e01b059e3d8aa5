"""What an attacker writes into a log so that the analyst's terminal obeys: alerts, events, a rule and an incident full of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from soc.alert import AlertStatus, CloseReason, Entity, StatusChange
from soc.detect import Match
from soc.incident import TimelineEntry
from soc.tui import Cell, Found, Item
from tests.soc.tui.beside_in_memory import ITEMS, BoardsInMemory, HuntingInMemory, TunerInMemory
from tests.soc.tui.desk_in_memory import NOW, DeskInMemory, alert, incident

TEXTS = (
    "\x1b]0;owned\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "\x1b[31m\x1b[2J\x1b[H",
    "\x9b31mC1\x9d0;t\x9c",
    "exe\u202egpj.scr\u2066",
    "[@click=app.bell]x[/]",
    "[link=http://evil]y[/link]",
    "[bold red]not markup[/]",
    "漢字テスト한국어🚨",
    "z" + "\u0301" * 300,
    "\ud800\udfff lone",
    "a\r\nb\x00\x08\x7f\t",
    "W" * 65_536,
)


def hostile_desk() -> DeskInMemory:
    """One alert a text, with the text in every place that an event, a rule or a colleague can fill."""
    alerts = []
    documents = {}
    for number, text in enumerate(TEXTS):
        key = f"h{number:03d}{text[:6]}"
        alerts.append(
            replace(
                alert(number),
                id=key,
                rule_id=text,
                title=text,
                tags=(text, f"attack.t1059{text}"),
                logsource=text,
                entity=Entity(text, text),
                entities=(Entity(text, text), Entity("user.name", text)),
                system=text,
                risk_why=(text, text),
                event_ids=(key,),
                matched=(Match(f"{text}/{text}|contains", text, text, f"before {text} after"),),
                assignee=text,
                incident_id=f"inc{text[:6]}",
                history=(StatusChange(NOW, text, AlertStatus.NEW, CloseReason.BENIGN, text),),
            )
        )
        documents[key] = {"event.original": text, text: text, "list": [text, text], "@timestamp": text}
    told = [
        replace(
            incident(),
            id=one.incident_id,
            title=one.title,
            why=(one.title,),
            systems=(one.title,),
            tags=(one.title,),
            entities=one.entities,
            timeline=(TimelineEntry(NOW, one.title, one.title, one.title),),
        )
        for one in alerts
    ]
    desk = DeskInMemory(alerts, told, actor="".join(TEXTS[:4]))
    desk.documents = documents
    desk.rule = "\n".join(f"title: {text}" for text in TEXTS)
    return desk


def hostile_beside() -> tuple[BoardsInMemory, HuntingInMemory]:
    """Boards and events whose every text is one of these."""
    boards = BoardsInMemory()
    for name, items in ITEMS.items():
        boards.held[name] = [
            replace(items[number % len(items)], id=f"{number}{text}", cells=_filled(items[0], text))
            for number, text in enumerate(TEXTS)
        ]
    events = [{"@timestamp": text, "message": text, "host.name": text, text: text} for text in TEXTS]
    return boards, HostileEvents(events)


class HostileEvents(HuntingInMemory):
    """Gives all of them, whatever is asked."""

    def find(self, query: str, since: datetime, until: datetime, *, events: int, bars: int) -> Found:
        return Found(self.events, [(since, len(self.events)), (until, 0)])

    def top(self, query: str, since: datetime, until: datetime, field: str, limit: int) -> Sequence[tuple[str, int]]:
        return [(text, 3) for text in TEXTS]


def _filled(item: Item, text: str) -> dict[str, Cell]:
    known = ("state", "severity", "indicator", "implementation")
    return {name: value if name in known or not isinstance(value, str) else text for name, value in item.cells.items()}


if __name__ == "__main__":
    from soc.tui import run

    raise SystemExit(run(hostile_desk(), *hostile_beside(), TunerInMemory()))
