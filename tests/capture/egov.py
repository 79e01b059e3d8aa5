"""The province's applications: their audit records of the day (`egov.audit`, JSON lines), made by this script and not captured.

No such daemon exists to capture, so this stands in for it and says so. One flat ECS object a line; the fields are those of the
project's documented `egov.audit` schema. Every choice comes from one seed: the same file each time, byte for byte. People, numbers and
amounts are made up.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from story import Chapter
from centre import JUMP

Fields = dict[str, object]

APPLICATION_HOST = "app-01"
OFFICE = (7, 18)
"""From the first to the last hour of the working day; outside, `egov.off_hours` is true."""


@dataclass(frozen=True, slots=True)
class System:
    """One system of the inventory: what its officers do with which kind of record, and how often on a working day."""

    id: str
    record: str
    prefix: str
    role: str
    officers: tuple[str, ...]
    actions: tuple[tuple[str, int], ...]


SYSTEMS = [
    System("one-stop-shop", "case", "HS", "one-stop-clerk", ("mai.ltt", "phuc.nd", "oanh.hk", "son.bv"), (("create", 120), ("view", 260), ("update", 160), ("approve", 90))),
    System("document-management", "document", "VB", "clerk", ("loan.ptk", "duc.nm", "thao.vt"), (("create", 60), ("view", 330), ("update", 50))),
    System("public-service-portal", "application", "DVC", "portal-officer", ("vy.ntt", "khoa.ld"), (("view", 150), ("update", 90))),
    System("reporting-system", "report", "BC", "reporter", ("nam.hv",), (("create", 12), ("view", 20))),
    System("business-registry", "enterprise", "DN", "registrar", ("trang.dt", "huy.pq"), (("create", 25), ("view", 140), ("update", 40))),
    System("personnel", "civil-servant", "CB", "personnel-officer", ("yen.tth",), (("view", 50), ("update", 14))),
    System("land-administration", "parcel", "TD", "land-officer", ("binh.dv", "ngan.lt", "toan.hq"), (("search", 110), ("view", 240), ("update", 70))),
    System("budget-treasury", "payment-order", "LC", "accountant", ("khanh.vq", "dung.lta"), (("create", 45), ("view", 70))),
    System("e-tax", "filing", "KT", "tax-officer", ("quy.nv", "hanh.tm"), (("view", 160), ("approve", 70))),
    System("driving-licence", "licence", "GPLX", "licence-officer", ("long.tq",), (("search", 45), ("view", 60), ("create", 35))),
    System("notary", "notary-record", "CC", "notary", ("hien.bt",), (("create", 25), ("view", 35))),
    System("civil-status", "citizen", "CD", "civil-status-officer", ("hoa.nt", "linh.dtm", "cuong.vh"), (("search", 160), ("view", 250), ("create", 50))),
    System("judicial-records", "extract", "LLTP", "judicial-officer", ("tam.nh",), (("search", 30), ("view", 40), ("create", 18))),
    System("complaints", "complaint", "KN", "inspector", ("nghia.pv",), (("view", 22), ("update", 9))),
    System("case-digitisation", "digitised-file", "SH", "archivist", ("diem.ct", "viet.ln"), (("create", 110), ("view", 60))),
]  # fmt: skip
WORKFLOW = ["received", "checked", "processing", "signed", "returned"]
CHIEF_ACCOUNTANT = "thu.nb"


class Audit:
    """The records of one day, gathered in no order and written in order of time."""

    def __init__(self, day: datetime) -> None:
        self.day = day
        self.random = random.Random(20261014)
        self.rows: list[tuple[datetime, Fields]] = []
        self.addresses = {
            officer: f"192.0.2.{130 + n}"
            for n, officer in enumerate(dict.fromkeys(o for s in SYSTEMS for o in s.officers))
        }
        self.addresses[CHIEF_ACCOUNTANT] = "192.0.2.180"

    def at(self, hour: float, minute: float = 0, second: float = 0) -> datetime:
        """That time of the day."""
        return self.day + timedelta(hours=hour, minutes=minute, seconds=second)

    def add(self, when: datetime, system: System, user: str, action: str, **more: object) -> None:
        """One record; `more` are fields with `__` for the dot, and win over what is filled in here."""
        off = not OFFICE[0] <= when.hour < OFFICE[1] or when.weekday() >= 5
        fields: Fields = {
            "ecs.version": "8.17.0",
            "event.dataset": "egov.audit",
            "event.kind": "event",
            "event.action": action,
            "event.outcome": "success",
            "host.name": APPLICATION_HOST,
            "user.name": user,
            "user.roles": [system.role],
            "source.ip": self.addresses[user],
            "egov.system": system.id,
            "egov.off_hours": off,
        }
        if action not in ("login", "logout"):
            fields["egov.record.type"] = system.record
            fields["egov.records.count"] = 1
        fields |= {name.replace("__", "."): value for name, value in more.items()}
        identity = fields.get("egov.record.id", "")
        fields["message"] = (
            f"{user} {action} {system.record} {identity}".rstrip()
            if action not in ("login", "logout")
            else f"{user} {action}"
        )
        self.rows.append((when, fields))

    def case_number(self) -> str:
        """The number of an administrative case that a look-up serves."""
        return f"HS-2026-{self.random.randint(1, 99_999):05d}"

    def working_day(self) -> None:
        """Log-ins, and each system's daily work spread over both halves of the working day."""
        for system in SYSTEMS:
            for officer in system.officers:
                for hour, action in ((7.45, "login"), (11.5, "logout"), (13.0, "login"), (16.9, "logout")):
                    self.add(self.at(hour, self.random.uniform(0, 18)), system, officer, action)
            for action, count in system.actions:
                for _ in range(count):
                    self._piece_of_work(system, action)
        for n in range(40):
            self._payment(n)

    def _work_time(self) -> datetime:
        return self.at(
            self.random.choice([7.8, 8.3, 8.8, 9.3, 9.8, 10.3, 10.8, 13.3, 13.8, 14.3, 14.8, 15.3, 15.8, 16.3]),
            0,
            self.random.uniform(0, 1799),
        )

    def _piece_of_work(self, system: System, action: str) -> None:
        more: Fields = {
            "egov__record__id": f"{system.prefix}-{self.random.randint(1, 60_000):06d}",
            "egov__case__number": self.case_number(),
        }
        if action == "search":
            del more["egov__record__id"]
            more["egov__records__count"] = self.random.choice([0, 1, 1, 1, 2, 3, 7])
        if action in ("update", "approve") and system.id == "one-stop-shop":
            step = self.random.randrange(len(WORKFLOW) - 1)
            more |= {"egov__workflow__from": WORKFLOW[step], "egov__workflow__to": WORKFLOW[step + 1]}
        if action == "update" and system.id != "one-stop-shop":
            more["egov__field__changed"] = [self.random.choice(["address", "phone", "note", "attachment"])]
        if self.random.random() < 0.01:
            more["event__outcome"] = "failure"
        self.add(self._work_time(), system, self.random.choice(system.officers), action, **more)

    def _payment(self, n: int) -> None:
        """An order approved by another person than the one who made it: as it must be."""
        treasury = system_of("budget-treasury")
        creator = treasury.officers[n % 2]
        more: Fields = {
            "egov__record__id": f"LC-2026-{n:05d}",
            "egov__amount": self.random.randint(2, 900) * 1_000_000,
            "egov__created_by": creator,
        }
        self.add(
            self._work_time(),
            treasury,
            CHIEF_ACCOUNTANT,
            "approve",
            user__roles=["chief-accountant"],
            egov__case__number=self.case_number(),
            **more,
        )

    def unusual_but_right(self) -> None:
        """What looks like an incident and is none: for triage to close with its reason."""
        registry, personnel = system_of("business-registry"), system_of("personnel")
        self.add(self.at(9, 42), registry, "trang.dt", "export", egov__records__count=1_200, egov__case__number="HS-2026-04512",
                 egov__reason="quarterly statistics, request 77/2026 of the statistics office")  # fmt: skip
        self.add(self.at(10, 21), personnel, "yen.tth", "update", egov__record__id="CB-000312", egov__case__number="QD-2026-118",
                 egov__field__changed=["rank"], egov__reason="decision 118/2026 on promotion")  # fmt: skip
        self.add(self.at(19, 32), system_of("one-stop-shop"), "son.bv", "approve", egov__record__id="HS-051220", egov__case__number="HS-2026-51220",
                 egov__workflow__from="processing", egov__workflow__to="signed", egov__reason="on call: burial permit")  # fmt: skip
        for second in (3, 15):
            self.add(self.at(13, 1, second), system_of("notary"), "hien.bt", "login", event__outcome="failure")

    def mass_look_up(self) -> None:
        """The stolen officer's account, used through the jump host at night: one citizen after the other, then an export without case."""
        civil = system_of("civil-status")
        self.add(self.at(3, 29, 12), civil, "hoa.nt", "login", source__ip=JUMP)
        moment = self.at(3, 30)
        for n in range(170):
            moment += timedelta(seconds=self.random.uniform(1, 4))
            self.add(moment, civil, "hoa.nt", "view", source__ip=JUMP, egov__record__id=f"CD-{21_000 + n:06d}")
        self.add(self.at(3, 41, 20), civil, "hoa.nt", "export", source__ip=JUMP, egov__records__count=4_500)
        self.add(self.at(3, 44), civil, "hoa.nt", "logout", source__ip=JUMP)

    def payment_fraud(self) -> None:
        """One accountant makes an order, turns it to another account and approves it himself while the others are at lunch."""
        treasury = system_of("budget-treasury")
        order: Fields = {
            "egov__record__id": "LC-2026-00977",
            "egov__amount": 4_850_000_000,
            "egov__created_by": "khanh.vq",
        }
        self.add(self.at(11, 52, 8), treasury, "khanh.vq", "create", **order)
        self.add(
            self.at(11, 57, 40), treasury, "khanh.vq", "update", egov__field__changed=["destination_account"], **order
        )
        self.add(self.at(12, 4, 31), treasury, "khanh.vq", "approve", user__roles=["accountant", "approver"], **order)

    def smaller_breaches(self) -> None:
        """Single records against a rule of the house, in several systems."""
        land = system_of("land-administration")
        for minute in (34, 52):
            self.add(
                self.at(16, minute),
                land,
                "toan.hq",
                "update",
                egov__record__id="TD-040117",
                egov__field__changed=["owner"],
                egov__case__number=self.case_number(),
            )
        self.add(
            self.at(21, 16), land, "toan.hq", "update", egov__record__id="TD-040117", egov__field__changed=["area"]
        )
        self.add(self.at(15, 11), system_of("judicial-records"), "tam.nh", "view", egov__record__id="LLTP-000871")
        self.add(self.at(14, 47), system_of("one-stop-shop"), "phuc.nd", "update", egov__record__id="HS-033871", egov__case__number="HS-2026-33871",
                 egov__workflow__from="received", egov__workflow__to="returned")  # fmt: skip
        self.add(
            self.at(18, 22),
            system_of("notary"),
            "hien.bt",
            "update",
            egov__record__id="CC-001204",
            egov__workflow__from="sealed",
            egov__field__changed=["content"],
        )


def system_of(name: str) -> System:
    """The system with this inventory id."""
    return next(system for system in SYSTEMS if system.id == name)


def _lines(audit: Audit) -> Iterator[bytes]:
    for when, fields in sorted(audit.rows, key=lambda row: row[0]):
        stamp = when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield json.dumps({"@timestamp": stamp, **fields}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def records(day: datetime) -> bytes:
    """The whole file for the day that begins at local midnight `day`."""
    audit = Audit(day)
    audit.working_day()
    audit.unusual_but_right()
    audit.mass_look_up()
    audit.payment_fraud()
    audit.smaller_breaches()
    return b"".join(_lines(audit))


def story(day: datetime) -> list[Chapter]:
    """What of it an analyst should find, and what an analyst should close."""

    def told(
        begins: tuple[int, int],
        ends: tuple[int, int],
        actor: str,
        techniques: tuple[str, ...],
        text: str,
        malicious: bool = True,
    ) -> Chapter:
        began, ended = (day + timedelta(hours=hour, minutes=minute) for hour, minute in (begins, ends))
        return Chapter(began, ended, actor, APPLICATION_HOST, techniques, text, malicious)

    return [
        told(
            (3, 29),
            (3, 44),
            "hoa.nt",
            ("T1078", "T1213"),
            "civil-status: 170 citizens looked up one after the other, then 4,500 exported without case number",
        ),
        told(
            (11, 52),
            (12, 5),
            "khanh.vq",
            ("T1565.001",),
            "budget-treasury: payment order made, redirected and approved by one person",
        ),
        told((14, 47), (14, 48), "phuc.nd", (), "one-stop-shop: case from received to returned, past the workflow"),
        told((15, 11), (15, 12), "tam.nh", (), "judicial-records: look-up without request number"),
        told(
            (16, 34),
            (21, 17),
            "toan.hq",
            ("T1565.001",),
            "land-administration: owner of one parcel changed twice in 18 minutes, then its area off hours",
        ),
        told((18, 22), (18, 23), "hien.bt", ("T1565.001",), "notary: record altered after sealing, off hours"),
        told(
            (9, 42),
            (9, 43),
            "trang.dt",
            (),
            "business-registry: export of 1,200 records with case number and reason",
            False,
        ),
        told((10, 21), (10, 22), "yen.tth", (), "personnel: rank changed on a decision that the record names", False),
        told((13, 1), (13, 2), "hien.bt", (), "notary: two mistyped passwords", False),
        told(
            (19, 32),
            (19, 33),
            "son.bv",
            (),
            "one-stop-shop: approval off hours by the officer on call, with reason",
            False,
        ),
    ]
