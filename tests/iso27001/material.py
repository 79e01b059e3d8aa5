"""A small organisation's month: samples, evidence and incidents that the tests of status and reports stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from iso27001.catalogue import load
from iso27001.catalogue.techniques import controls_for
from iso27001.evidence import ControlLink, EventRef, Evidence, EvidenceKind, content_hash, link
from iso27001.ledger import Fact
from iso27001.ledger.anchor import write_anchor
from iso27001.ledger.signing import Signer, public_path
from iso27001.ledger.store import Ledger
from iso27001.ledger.verify import verify
from iso27001.measures import ledger_sample, sample
from iso27001.report.model import AlertLine, IncidentLine, Organisation, ReportInput, TimelineLine
from iso27001.status import status

VIETNAM = timezone(timedelta(hours=7))
SINCE = datetime(2026, 10, 31, 17, tzinfo=UTC)
UNTIL = datetime(2026, 11, 30, 17, tzinfo=UTC)
DAY = timedelta(days=1)


def daily(
    measure_id: str, numbers: Mapping[str, float | None], *, days: range = range(30), hour: timedelta = DAY
) -> list[Fact]:
    """Samples of whole days of the month."""
    return [
        sample(
            measure_id,
            numbers,
            population=41,
            since=SINCE + day * DAY,
            until=SINCE + day * DAY + hour,
            query="count sources by day",
            time=SINCE + day * DAY + hour,
        )
        for day in days
    ]


def brute_force(number: int = 1, events: int = 4) -> Evidence:
    """Evidence of one incident: password guessing against a log-on server."""
    refs = tuple(
        EventRef(f"{number:04x}{n:028x}", f"{number * 1000 + n:064x}", "auth-log", 512 * n) for n in range(events)
    )
    began = SINCE + number * DAY
    links = controls_for(["attack.t1110.001", "attack.credential-access"], "product:linux/service:sshd")
    return Evidence(
        id=f"incident/INC-{number:04d}",
        title=f"INC-{number:04d} Dò mật khẩu SSH từ 198.51.100.{number}",
        kind=EvidenceKind.INCIDENT,
        controls=tuple(ControlLink(control_id, why) for control_id, why in links.items()),
        effective_from=began,
        effective_to=began + timedelta(hours=2),
        collected_at=began + timedelta(hours=3),
        collector="engine",
        result_hash=content_hash(refs, (0, 1)),
        ledger_seqs=(0, 1),
        events=refs,
    )


def incident(number: int = 1) -> IncidentLine:
    """The same incident as the report tells it."""
    began = SINCE + number * DAY
    links = controls_for(["attack.t1110.001", "attack.credential-access"], "product:linux/service:sshd")
    return IncidentLine(
        id=f"INC-{number:04d}",
        title=f"Dò mật khẩu SSH từ 198.51.100.{number}",
        level=("high", "medium", "low")[number % 3],
        phase="respond" if number % 2 else "learn-lessons",
        opened=began,
        closed=None if number % 2 else began + timedelta(hours=5),
        systems=("civil-status", "e-office"),
        alerts=(
            AlertLine(f"alert-{number}a", "Many failed SSH log-ons from one address", "medium", 212, began),
            AlertLine(
                f"alert-{number}b", "SSH log-on succeeded after many failures", "high", 1, began + timedelta(minutes=4)
            ),
        ),
        timeline=(
            TimelineLine(began, "alert", "Many failed SSH log-ons from one address: 212 events"),
            TimelineLine(began + timedelta(minutes=6), "phase", "assess-and-decide"),
            TimelineLine(
                began + timedelta(minutes=20),
                "playbook",
                "Chặn địa chỉ trên tường lửa biên, đã phê duyệt bởi Trần Thị B",
            ),
            TimelineLine(began + timedelta(minutes=31), "note", "Tài khoản vận hành đã đổi mật khẩu."),
        ),
        controls=tuple(ControlLink(control_id, why) for control_id, why in links.items()),
        why=("source.ip=198.51.100.1 in both alerts, 4 min apart",),
    )


def month(root: Path, *, incidents: int = 3, events: int = 4) -> ReportInput:
    """The ledger of the month in `root`, verified against its anchor, and the report's input."""
    signer = Signer.load_or_create(root / "ledger.key")
    anchor = root / "anchor.txt"
    with Ledger.open(root / "ledger.db", signer=signer, origin="longan.example/ledger") as ledger:
        ledger.append(daily("LOG-01", {"sources_seen": 41, "sources_expected": 41}))
        ledger.append(daily("LOG-03", {"accepted": 98_000, "lost": 3, "parse_failed": 1_200}, hour=timedelta(hours=24)))
        ledger.append(daily("MON-01", {"rules_ok": 2_912, "rules_enabled": 2_912, "p95_lag_s": 0.8}))
        ledger.append(daily("INC-01", {"events_decided": 60, "events": 60, "median_decision_min": 7.5}))
        ledger.append(daily("CLK-01", {"sources_within_5s": 41, "sources": 41, "worst_skew_s": 1.4}, days=range(24)))
        ledger.append(
            daily(
                "MON-03",
                {"critical_in_15m": 0, "critical": 0, "high_in_60m": 9, "high": 9, "medium_in_8h": 40, "medium": 41},
            )
        )
        ledger.append(daily("TI-01", {"feed_age_h": None}))
        ledger.sign(UNTIL - 2 * DAY)
        ledger.append(link(brute_force(n, events), load()) for n in range(1, incidents + 1))
        ledger.sign(UNTIL - DAY)
        write_anchor(ledger.heads(), anchor)
        verdict = verify(root / "ledger.db", signer.public, anchors=[anchor])
        ledger.append([ledger_sample(verdict, since=UNTIL - DAY, until=UNTIL, time=UNTIL)])
        head = ledger.sign(UNTIL)
        found = status(ledger, load(), since=SINCE, until=UNTIL)
    verdict = verify(root / "ledger.db", signer.public, anchors=[anchor])
    assert public_path(root / "ledger.key").exists()
    return ReportInput(
        organisation=Organisation(
            "Trung tâm Chuyển đổi số tỉnh Tây Ninh",
            "Phòng An toàn thông tin",
            "Trung tâm dữ liệu tỉnh, 41 hệ thống",
            "",
            "Nguyễn Văn A",
        ),
        status=found,
        incidents=tuple(incident(n) for n in range(1, incidents + 1)),
        generated=UNTIL + timedelta(hours=1),
        head=head,
        verdict=verdict,
        zone=VIETNAM,
        commands=("soc iso verify",),
    )


def with_hostile_text(report: ReportInput, text: str) -> ReportInput:
    """The report with `text` wherever its data comes from outside."""
    hit = report.incidents[0]
    hostile = replace(
        hit,
        id=text,
        title=text,
        level=text,
        phase=text,
        systems=(text,),
        why=(text,),
        alerts=(replace(hit.alerts[0], id=text, title=text, level=text),),
        timeline=(replace(hit.timeline[0], kind=text, text=text),),
        controls=(ControlLink(text, text),),
    )
    evidence = replace(
        report.status.evidence[0],
        id=text,
        title=text,
        collector=text,
        result_hash=text,
        controls=(ControlLink(text, text), ControlLink("A.8.15", text)),
        events=(EventRef(text, text, text, 0),),
    )
    first, *others = report.status.controls
    controls = (
        replace(first, evidence=(evidence,), conclusion=text),
        *(replace(state, evidence=()) for state in others),
    )
    return replace(
        report,
        organisation=Organisation(text, text, text, text, text),
        incidents=(hostile,),
        status=replace(report.status, evidence=(evidence,), controls=controls),
        commands=(text,),
        notes=(text,),
    )
