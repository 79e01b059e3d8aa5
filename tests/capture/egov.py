"""The province's applications: their audit records of the day (`egov.audit`, JSON lines), made by this script and not captured.

No such daemon exists to capture, so this stands in for it and says so. One flat ECS object a line; the fields are those of the
project's documented `egov.audit` schema. The routine of the day is drawn from one seed, what the story tells stands in
`etc/app-01/told.jsonl`: the same file each time, byte for byte. People, numbers and amounts are made up.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from centre import APPS, DB, ETC, JUMP
from story import Chapter, scripted

Fields = dict[str, object]

APPLICATION_HOST = "app-01"
OFFICE = (7, 18)
"""From the first to the last hour of the working day; outside, `egov.off_hours` is true."""
HALF_HOURS = [7.8, 8.3, 8.8, 9.3, 9.8, 10.3, 10.8, 13.3, 13.8, 14.3, 14.8, 15.3, 15.8, 16.3]
"""When a half hour of work begins."""


@dataclass(frozen=True, slots=True)
class System:
    """One system of the inventory: with which kind of record its officers do what, and how often on a working day."""

    id: str
    record: str
    prefix: str
    role: str
    officers: tuple[str, ...] = ()
    actions: Mapping[str, int] | None = None


SYSTEMS = [
    System(
        "one-stop-shop", "case", "HS", "one-stop-clerk", ("mai.ltt", "phuc.nd", "oanh.hk", "son.bv"),
        {"create": 120, "view": 260, "update": 160, "approve": 90},
    ),
    System("document-management", "document", "VB", "clerk", ("loan.ptk", "duc.nm", "thao.vt"), {"create": 60, "view": 330, "update": 50}),
    System("public-service-portal", "application", "DVC", "portal-officer", ("vy.ntt", "khoa.ld"), {"view": 150, "update": 90}),
    System("reporting-system", "report", "BC", "reporter", ("nam.hv",), {"create": 12, "view": 20}),
    System("business-registry", "enterprise", "DN", "registrar", ("trang.dt", "huy.pq"), {"create": 25, "view": 140, "update": 40}),
    System("personnel", "civil-servant", "CB", "personnel-officer", ("yen.tth",), {"view": 50, "update": 14}),
    System(
        "land-administration", "parcel", "TD", "land-officer", ("binh.dv", "ngan.lt", "toan.hq"),
        {"search": 110, "view": 240, "update": 70},
    ),
    System("budget-treasury", "payment-order", "LC", "accountant", ("khanh.vq", "dung.lta"), {"view": 70}),
    System("e-tax", "filing", "KT", "tax-officer", ("quy.nv", "hanh.tm"), {"view": 160, "approve": 70}),
    System("driving-licence", "driving-licence", "GPLX", "licence-officer", ("long.tq",), {"search": 45, "view": 60, "issue": 35}),
    System("notary", "notary-record", "CC", "notary", ("hien.bt",), {"create": 25, "view": 35}),
    System(
        "civil-status", "citizen", "CD", "civil-status-officer", ("hoa.nt", "linh.dtm", "cuong.vh"),
        {"search": 160, "view": 250, "create": 50},
    ),
    System("judicial-records", "extract", "LLTP", "judicial-officer", ("tam.nh",), {"search": 30, "view": 40, "create": 18}),
    System("complaints", "complaint", "KN", "inspector", ("nghia.pv",), {"view": 22, "update": 9}),
    System("case-digitisation", "digitised-file", "SH", "archivist", ("diem.ct", "viet.ln"), {"create": 110, "view": 60}),
    System("planning-lookup", "parcel-plan", "QH", "public"),
    System("shared-data-warehouse", "person", "", "consumer"),
    System("data-centre", "backup", "", "backup"),
]  # fmt: skip
DATABASES = ("portal", "civil_status", "budget", "land", "agriculture", "economic_zone", "warehouse")
WORKFLOW = ["received", "checked", "processing", "signed", "returned"]
CHIEF_ACCOUNTANT = "thu.nb"


def system_of(name: str) -> System:
    """The system with this inventory id."""
    return next(system for system in SYSTEMS if system.id == name)


class Audit:
    """The records of one day, gathered in no order and written in order of time."""

    def __init__(self, day: datetime) -> None:
        self.day = day
        self.random = random.Random(20261014)
        self.rows: list[tuple[datetime, Fields]] = []
        officers = dict.fromkeys([*(officer for system in SYSTEMS for officer in system.officers), CHIEF_ACCOUNTANT])
        self.addresses = {officer: f"192.0.2.{130 + n}" for n, officer in enumerate(officers)}

    def at(self, hour: float, minute: float = 0, second: float = 0) -> datetime:
        """That time of the day."""
        return self.day + timedelta(hours=hour, minutes=minute, seconds=second)

    def add(self, when: datetime, system: System, user: str, action: str, fields: Fields | None = None) -> None:
        """One record; `fields` win over what is filled in here."""
        in_session = action in ("login", "logout")
        about: Fields = {} if in_session else {"egov.record.type": system.record, "egov.records.count": 1}
        row: Fields = {
            "ecs.version": "8.17.0",
            "event.dataset": "egov.audit",
            "event.kind": "event",
            "event.action": action,
            "event.outcome": "success",
            "host.name": APPLICATION_HOST,
            "user.name": user,
            "user.roles": [system.role],
            "source.ip": self.addresses.get(user, ""),
            "egov.system": system.id,
            "egov.off_hours": not OFFICE[0] <= when.hour < OFFICE[1] or when.weekday() >= 5,
            **about,
            **(fields or {}),
        }
        row["message"] = (
            f"{user} {action}"
            if in_session
            else f"{user} {action} {system.record} {row.get('egov.record.id', '')}".rstrip()
        )
        self.rows.append((when, row))

    def working_day(self) -> None:
        """Log-ins, and each system's daily work spread over both halves of the working day."""
        for system in SYSTEMS:
            for officer in system.officers:
                for hour, action in ((7.45, "login"), (11.5, "logout"), (13.0, "login"), (16.9, "logout")):
                    self.add(self.at(hour, self.random.uniform(0, 18)), system, officer, action)
            for action, count in (system.actions or {}).items():
                for _ in range(count):
                    self._piece_of_work(system, action)
        for n in range(45):
            self._payment(n)

    def _work_time(self) -> datetime:
        return self.at(self.random.choice(HALF_HOURS), 0, self.random.uniform(0, 1799))

    def _case_number(self) -> str:
        return f"HS-2026-{self.random.randint(1, 99_999):05d}"

    def _piece_of_work(self, system: System, action: str) -> None:
        choose = self.random
        fields: Fields = {
            "egov.record.id": f"{system.prefix}-{choose.randint(1, 60_000):06d}",
            "egov.case.number": self._case_number(),
        }
        if action == "search":
            del fields["egov.record.id"]
            fields["egov.records.count"] = choose.choice([0, 1, 1, 1, 2, 3, 7])
        elif action == "issue":
            fields["egov.basis"] = f"SH-2026-{choose.randint(1, 9_999):05d}"
        elif action in ("update", "approve") and system.id == "one-stop-shop":
            step = choose.randrange(len(WORKFLOW) - 1)
            fields |= {"egov.workflow.from": WORKFLOW[step], "egov.workflow.to": WORKFLOW[step + 1]}
        elif action == "update":
            fields["egov.field.changed"] = [choose.choice(["address", "phone", "note", "attachment"])]
        if choose.random() < 0.01:
            fields["event.outcome"] = "failure"
        self.add(self._work_time(), system, choose.choice(system.officers), action, fields)

    def _payment(self, n: int) -> None:
        """An order, and its approval by another person than the one who made it: as it must be."""
        treasury = system_of("budget-treasury")
        creator = treasury.officers[n % 2]
        made = self._work_time()
        order: Fields = {
            "egov.record.id": f"LC-2026-{n:05d}",
            "egov.case.number": self._case_number(),
            "egov.amount": self.random.randint(2, 900) * 1_000_000,
            "egov.created_by": creator,
        }
        self.add(made, treasury, creator, "create", order)
        approved = made + timedelta(minutes=self.random.uniform(3, 25))
        self.add(approved, treasury, CHIEF_ACCOUNTANT, "approve", {**order, "user.roles": ["chief-accountant"]})

    def stolen_account(self) -> None:
        """An officer's account used through the jump host at night: citizen by citizen, then commune by commune, then an export."""
        civil, here = system_of("civil-status"), {"source.ip": JUMP}
        self.add(self.at(3, 29, 12), civil, "hoa.nt", "login", {**here})
        moment = self.at(3, 30)
        for n in range(170):
            moment += timedelta(seconds=self.random.uniform(1, 3))
            self.add(moment, civil, "hoa.nt", "view", {**here, "egov.record.id": f"CD-{21_000 + n:06d}"})
        for _ in range(12):
            moment += timedelta(seconds=self.random.uniform(6, 14))
            self.add(moment, civil, "hoa.nt", "search", {**here, "egov.records.count": self.random.randint(240, 500)})
        self.add(self.at(3, 41, 20), civil, "hoa.nt", "export", {**here, "egov.records.count": 4_500})
        self.add(self.at(3, 44), civil, "hoa.nt", "logout", {**here})

    def machines(self) -> None:
        """The nightly dumps, as the data centre's backup reports them, and who draws from the shared warehouse each hour."""
        for n, database in enumerate(DATABASES):
            self.add(
                self.at(2, 4, 8 * n),
                system_of("data-centre"),
                "backup_svc",
                "backup",
                {"source.ip": DB, "egov.record.id": database},
            )
        for hour in range(24):
            fields: Fields = {"source.ip": APPS, "egov.peer.first_seen": False}
            self.add(self.at(hour, 40, 1), system_of("shared-data-warehouse"), "warehouse_reader", "query", fields)

    def told(self) -> None:
        """What the story tells, record by record."""
        for line in (ETC / "app-01/told.jsonl").read_text().splitlines():
            fields = json.loads(line)
            hour, minute, second = (int(part) for part in fields.pop("at").split(":"))
            system, user, action = (fields.pop(key) for key in ("system", "user", "action"))
            self.add(self.at(hour, minute, second), system_of(system), user, action, fields)


def _lines(audit: Audit) -> Iterator[bytes]:
    for when, fields in sorted(audit.rows, key=lambda row: row[0]):
        stamp = when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield json.dumps({"@timestamp": stamp, **fields}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def records(day: datetime) -> bytes:
    """The whole file for the day that begins at local midnight `day`."""
    audit = Audit(day)
    audit.working_day()
    audit.stolen_account()
    audit.machines()
    audit.told()
    return b"".join(_lines(audit))


STOLEN = "civil-status: 170 citizens and 12 communes looked up with one officer's account, 4,500 records exported without case number"
STORY = [
    ("03:29", "03:44", "hoa.nt", "T1078 T1213", True, STOLEN),
    ("11:05", "11:05", "long.tq", "", True, "driving-licence: licence issued without examination record"),
    (
        "11:52",
        "12:05",
        "khanh.vq",
        "T1565.001",
        True,
        "budget-treasury: payment order made, redirected and approved by one person",
    ),
    ("14:47", "14:47", "phuc.nd", "", True, "one-stop-shop: case from received to returned, past the workflow"),
    ("15:11", "15:11", "tam.nh", "", True, "judicial-records: look-up without request number"),
    (
        "16:34",
        "21:16",
        "toan.hq",
        "T1565.001",
        True,
        "land-administration: owner of one parcel changed twice, then its area off hours",
    ),
    ("18:22", "18:22", "hien.bt", "T1565.001", True, "notary: record altered after sealing, off hours"),
    ("18:40", "18:40", "cu.nv", "T1078", True, "document-management: account of an officer who has left is used"),
    (
        "14:34",
        "14:34",
        "198.51.100.77",
        "T1593",
        True,
        "planning-lookup: parcels read in the order of their numbers, as the application counts",
    ),
    (
        "20:18",
        "20:18",
        "203.0.113.140",
        "T1110.004",
        True,
        "public-service-portal: log-ins refused, one address tries many accounts",
    ),
    ("09:42", "09:42", "trang.dt", "", False, "business-registry: export of 1,200 records with case number and reason"),
    ("10:21", "10:21", "yen.tth", "", False, "personnel: rank changed on a decision that the record names"),
    ("13:01", "13:01", "hien.bt", "", False, "notary: two mistyped passwords"),
    (
        "16:20",
        "16:20",
        "ministry_gateway",
        "",
        False,
        "shared-data-warehouse: a new consumer, agreed with the ministry",
    ),
    ("19:32", "19:32", "son.bv", "", False, "one-stop-shop: approval off hours by the officer on call, with reason"),
]
"""From and to (the whole minute), actor, techniques, whether malicious, what it is."""


def story(day: datetime) -> list[Chapter]:
    """What of it an analyst should find, and what an analyst should close."""
    return [scripted(day, APPLICATION_HOST, *told) for told in STORY]
