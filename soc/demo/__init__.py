"""`soc demo`: a recorded day of a data centre through the whole product, from raw lines to the auditor's report.

The records under `day/` were captured from real daemons under a scripted attack (tests/capture/README.md); `day.yml` says what each file is
and what truly happened. Nothing here is precomputed: the day is parsed, journalled, evaluated and reported as any other day would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event as StopEvent
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from collectors.choosing import ChoosingParser
from collectors.event import Event
from collectors.intake import Intake, Taken
from collectors.parse import Context
from collectors.sources import Batch, Counts, read_file
from collectors.sources.lines import Continues
from soc.alert import Alert
from soc.app.accounting import sign
from soc.app.clock import Clock
from soc.app.conservation import Conservation, told_before
from soc.app.content import make_site
from soc.app.enrichment import Enricher
from soc.app.evaluation import Evaluation
from soc.app.indexing import Indexing, LocalIndexer
from soc.app.measuring import measure_all
from soc.app.memory import settle
from soc.app.models import train_logon_model
from soc.app.response import Response
from soc.app.site import Site
from soc.app.told import Told
from soc.detect.anomaly import TrainingRecord
from soc.incident import Incident
from soc.metrics import Metrics
from soc.respond import Plan
from soc.respond.playbooks import proposed
from soc.store import AlertQuery
from soc.yaml_file import read_one

DAY = Path(__file__).parent / "day"

LEARNED_HOURS = (4, 24)
"""What the log-on model learns from: the hours after the night of the attack, as a site would learn from a quiet week."""


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One file of the day: its name in the data centre, where it is here, its parser and its host."""

    name: str
    path: Path
    format: str
    host: str
    lines: int


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """The manifest: which day, in which zone its lines are written, and when they were received (years are read by it)."""

    start: datetime
    received: datetime
    zone: str
    files: tuple[RecordedFile, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of the day."""

    since: datetime
    records: int
    events: int
    dead: int
    model: TrainingRecord
    alerts: list[Alert]
    incidents: list[Incident]
    plan: Plan | None


def recorded_day(folder: Path = DAY) -> RecordedDay:
    """Read the manifest. Raises: FaultsError."""
    data = read_one(folder / "day.yml").data
    files = (RecordedFile(f["name"], folder / f["file"], f["format"], f["host"], f["lines"]) for f in data["files"])
    received = datetime.fromisoformat(data["received"])
    return RecordedDay(received - timedelta(days=1), received, data["time_zone"], tuple(files))


class _Recorded:
    """A recorded file as a Source: its lines as they were received that day."""

    def __init__(self, file: RecordedFile, received: datetime, continues: Continues | None) -> None:
        self._file = file
        self._continues = continues
        self._received = received
        self.counts = Counts()

    @property
    def id(self) -> str:
        """The file's name in the data centre."""
        return self._file.name

    def batches(self, stop: StopEvent) -> Iterator[Batch]:
        """The whole file."""
        for batch in read_file(self._file.path, self.id, self._received, self._continues):
            if stop.is_set():
                return
            yield batch

    def close(self) -> None:
        """Nothing is held open."""


def new_site(folder: Path, clock: Clock) -> Site:
    """A site with the shipped content in a new folder. Raises: SocError where there is one already."""
    return Site.load(make_site(folder), clock=clock)


def play(site: Site, day: RecordedDay, step: Callable[[str], None]) -> Played:
    """The whole main job on the day's records; `step` hears in words what is being done."""
    journal = site.journal
    told = Told(journal, *told_before(site, journal))
    conservation = Conservation(site, journal, told, journal.end())
    enricher = Enricher(site)

    def enrich(events: Sequence[Event]) -> list[Event]:
        """As a site would, and as taken in now: when a line was received that day only tells its year."""
        now = site.clock()
        return [replace(event, ingested=now) for event in enricher(events)]

    taken: list[Taken] = []

    def count(batch: Taken) -> None:
        taken.append(batch)
        told.taken(batch)

    for file in day.files:
        step(f"reading {file.name}: {file.lines:,} lines, {file.format}")
        context = Context(timezone=ZoneInfo(day.zone), defaults={"host.name": file.host})
        parser = ChoosingParser(file.format, context)
        source = _Recorded(file, day.received, parser.continues())
        Intake(source, parser, enrich, journal, count).run(StopEvent())
    step("training the log-on model on the day after 04:00")
    since, until = (day.start + timedelta(hours=hour) for hour in LEARNED_HOURS)
    model = train_logon_model(site, since=since, until=until, actor="demo")
    step("loading rules")
    detectors = site.detectors()
    events = journal.end()  # of the day: evaluation adds a heartbeat, so that correlations do not wait for tomorrow
    step(f"evaluating {events:,} events against {site.rule_count(detectors)} rules and models")
    metrics = Metrics()
    settle()
    evaluation = Evaluation(site, journal, detectors, metrics, conservation.tell)
    evaluation.drain()
    evaluation.read_out()
    step("indexing")
    indexing = Indexing(journal, LocalIndexer(journal, site.events), metrics)
    indexing.drain()
    conservation.record(site.clock(), evaluation, indexing)
    step("measuring and linking evidence to controls")
    sign(site)
    measure_all(site)
    sign(site)
    incidents = site.projections.incidents(site.projections.incident_ids())
    incidents.sort(key=lambda incident: (-incident.risk, -len(incident.alert_ids)))
    plan = _plan(site, incidents)
    sign(site)
    return Played(
        since=day.start,
        records=sum(batch.received for batch in taken),
        events=events,
        dead=journal.dead_end(),
        model=model,
        alerts=site.projections.alerts(site.projections.alert_ids(AlertQuery())),
        incidents=incidents,
        plan=plan,
    )


def _plan(site: Site, incidents: list[Incident]) -> Plan | None:
    """The first playbook that fits the worst incident, as a plan: nothing is run."""
    for incident in incidents:
        for playbook in proposed(site.playbooks.values(), incident):
            return Response(site, "demo").plan(playbook.id, incident, {})
    return None
