"""A site in, samples of the measures whose time has come out, each a ledger fact; and its incidents linked to their controls.

Who counts what is a table (`_GIVERS`): a new count is a function of a `Round` and a line there. What several count of one measure is put
together by iso27001.counting; what nobody counts is no sample, and so no data.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from collectors.errors import CollectorError
from collectors.event import Event
from iso27001.catalogue import load as load_catalogue
from iso27001.counting import Count, Newest, due, newest, samples
from iso27001.errors import IsoError
from iso27001.ledger import Fact
from iso27001.ledger.store import Ledger
from iso27001.legal import VIETNAM, log_retention
from iso27001.measures import ledger_sample, measures
from iso27001.register.counting import register_counts, status_counts
from iso27001.verifier.verdict import Verdict
from soc.alert.facts import DETECTION
from soc.app import measured_events
from soc.app.assurance import detections_of
from soc.app.canary import canaries
from soc.app.evaluation import CONSUMER
from soc.app.gaps import KIND as GAP
from soc.app.gaps import gaps
from soc.app.intel import feeds_read
from soc.app.keeping import Keeping
from soc.app.learning import RECORD_DAYS
from soc.app.response import Response
from soc.app.rounds import MOMENTARY, WINDOW, Round
from soc.app.rule_check import reach
from soc.app.sealing import DROPPED
from soc.app.site import Site
from soc.app.store_retention import OTHERS
from soc.app.watch import running_rules
from soc.detect.coverage import technique_of
from soc.errors import SocError
from soc.evidence import incident_evidence
from soc.evidence.engine import (
    canary_counts,
    capacity_counts,
    engine_counts,
    intelligence_counts,
    model_counts,
    technique_counts,
)
from soc.evidence.flow import clock_counts, flow_counts, retention_counts
from soc.evidence.response import (
    YEAR,
    custody_counts,
    notice_counts,
    playbook_counts,
    review_counts,
    run_counts,
)
from soc.evidence.triage import triage_counts

LIVE = frozenset({"syslog", "relp", "netflow", "snmp"})
"""Kinds of sources that send what happens as it happens: how old it is when it comes tells of their clock."""

CLOCK_PLACES, CLOCK_EVENTS = 40, 250
"""Where in the period's journal events are read for their clocks, and how many at each place."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Measuring:
    """Takes samples, and remembers when each measure was counted last."""

    def __init__(self, site: Site, stored: Site | None = None) -> None:
        """`stored`: the site whose store holds the events (default: this one)."""
        self._site = site
        self._stored = stored or site
        self._known: Newest | None = None

    def take(self, wanted: frozenset[str] | None = None) -> tuple[int, Verdict | None]:
        """A sample of each of these measures (default: of those that are due), and with LOG-04 the links of incidents that changed.

        How many facts were new, and what the ledger's verification said where it was made. Raises: IsoError.
        """
        site, now = self._site, self._site.clock()
        known = newest(site.ledger, now) if self._known is None else self._known.caught_up(site.ledger, now)
        self._known = known
        wanted = due(known.of_all, now) if wanted is None else wanted
        if not wanted:
            return 0, None
        round_ = Round(site, now, known, self._stored)
        written = self._write(round_, _GIVERS, wanted)
        verdict = None
        if "LOG-04" in wanted:
            verdict = round_.verdict
            facts = [ledger_sample(verdict, since=now - WINDOW, until=now, time=now), *_given(_evidence, round_)]
            written += len(site.ledger.append(facts))
        return written + self._write(Round(site, now, known, self._stored), _AFTERWARDS, wanted), verdict

    def _write(self, round_: Round, givers: Sequence[Giver], wanted: frozenset[str]) -> int:
        """Append samples of what these count; how many were new."""
        known, now = round_.known, round_.now
        counts = [c for ids, give in givers if ids & wanted for c in _given(give, round_) if c.measure_id in wanted]
        facts: list[Fact] = []
        for since, of_moment in ((now - WINDOW, False), (round_.since_last, True)):
            told = [count for count in counts if (count.measure_id in MOMENTARY) is of_moment]
            facts += samples(told, known, since=since, until=now, time=now)
        return len(round_.site.ledger.append(facts))


def measure_all(site: Site) -> tuple[int, Verdict | None]:
    """A sample of every measure that can be counted, now; as Measuring.take."""
    return Measuring(site).take(frozenset(measures()))


def _given(give: Callable[[Round], Iterable[T]], round_: Round) -> list[T]:
    """What a function gives; nothing where what it asks (a store, a file) does not answer: what is not counted grows stale by itself."""
    try:
        return list(give(round_))
    except (SocError, CollectorError) as error:
        _log.warning("what stands on this is not counted", extra={"error": str(error)})
        return []


def _evidence(round_: Round) -> Iterator[Fact]:
    catalogue = load_catalogue()
    for incident, alerts in round_.incidents:
        detections = detections_of(round_.site, alerts)
        yield incident_evidence(incident, alerts, detections, catalogue, round_.now)


def _flow(round_: Round) -> list[Count]:
    expected = {f"{asset.id}/{log.dataset}" for asset in round_.site.inventory.assets for log in asset.logs}
    return flow_counts(round_.conservation, expected, round_.since, round_.stopped)


def _retention(round_: Round) -> list[Count]:
    site, day = round_.site, round_.now.astimezone(VIETNAM).date()
    keep = Keeping(site.config.store, site.inventory)
    dropped: dict[str, timedelta] = {}
    for entry in site.ledger.entries(kinds=[DROPPED]):
        for each in entry.fact.body["classes"]:
            age = timedelta(days=each["days"])
            dropped[each["class"]] = min(dropped.get(each["class"], age), age)
    demanded: dict[str, timedelta] = {}
    kept: dict[str, timedelta] = {}
    cut: dict[str, timedelta] = {}
    for asset in site.inventory.assets:
        law = log_retention(asset.level, day)
        if law is None:
            continue
        for log in asset.logs:
            name = f"{asset.id}/{log.dataset}"
            demanded[name], kept[name] = law.least, keep.of(asset.id)
            ages = [dropped[key] for key in {keep.key(asset.id) or OTHERS, OTHERS} if key in dropped]
            if ages:
                cut[name] = min(ages)
    return retention_counts(demanded, kept, cut)


def _clocks(round_: Round) -> list[Count]:
    return clock_counts(_live_events(round_), round_.stopped)


def _live_events(round_: Round) -> Iterator[Event]:
    """Events of live sources that say when they happened, at places spread over the window's journal."""
    live = {source.id for source in round_.site.config.sources if source.kind in LIVE}
    if not live or not round_.conservation:
        return
    journal = round_.site.journal_reader
    first = round_.conservation[0].body["journal"]["from"]
    end = round_.conservation[-1].body["journal"]["to"]
    step = max(CLOCK_EVENTS, (end - first) // CLOCK_PLACES)
    for place in range(max(first, journal.start()), end, step):
        events, _ = journal.read(place, min(CLOCK_EVENTS, end - place))
        yield from (event for event in events if event.source in live and event.time != event.ingested)


def _engine(round_: Round) -> list[Count]:
    ledger = round_.site.ledger
    detections = [entry.fact for entry in ledger.entries(kinds=[DETECTION], since=round_.since)]
    trained = ledger.last("model.trained")
    return engine_counts(detections, *_rules(round_), trained.fact.time if trained else None, round_.now)


def _canaries(round_: Round) -> list[Count]:
    """Of those of the last two days: one is sent a day."""
    sent = canaries(round_.site, round_.now - 2 * WINDOW)
    over = [each for each in sent if each.found is not None or each.missed(round_.now)]
    return canary_counts([None if each.found is None else each.found - each.sent for each in over])


def _rules(round_: Round) -> tuple[int, int]:
    """How many rules run, and how many of them did not see everything in the window."""
    site = round_.site
    running = running_rules(site) or {rule.id: rule.version for rule in site.rules().rules}
    entries = list(site.ledger.entries(kinds=[GAP]))
    recent = {(e.fact.body["rule"], e.fact.body["from"]) for e in entries if e.fact.time >= round_.since}
    blind = {gap.rule for gap in gaps(entries) if gap.end is None or (gap.rule, gap.start) in recent}
    return len(running), len(blind & running.keys())


def _capacity(round_: Round) -> list[Count]:
    site, now = round_.site, round_.now
    disk = shutil.disk_usage(site.config.data)
    journal = site.journal_reader
    evaluated, end = journal.committed(CONSUMER), journal.end()
    behind_s = 0.0 if evaluated >= end else max(0.0, (now - journal.fetch(evaluated).ingested).total_seconds())
    oldest = round_.known.oldest.get("CAP-01")
    before = [(oldest.until, oldest.numbers["disk_used_bytes"])] if oldest else []
    return capacity_counts(disk.total - disk.free, disk.total, round(behind_s, 1), before, now)


def _triage(round_: Round) -> list[Count]:
    return triage_counts(round_.alerts, round_.opened, round_.now, round_.stopped)


def _intelligence(round_: Round) -> list[Count]:
    return intelligence_counts(feeds_read(round_.site), round_.alerts, round_.now)


def _response(round_: Round) -> list[Count]:
    return run_counts(Response(round_.site, "").runs().values(), round_.now - YEAR)


def _notices(round_: Round) -> list[Count]:
    return notice_counts(round_.answered, round_.now)


def _reviews(round_: Round) -> list[Count]:
    return review_counts(round_.answered, round_.now)


def _custody(round_: Round) -> list[Count]:
    """Of incidents' items and of evidence that people gave, each item once."""
    vault = round_.site.vault
    items = {item.id: item for incident, _ in round_.incidents for item in incident.evidence if item.kept}
    held = [holding for holding in round_.status.register.evidence.values() if holding.evidence.file_name]
    digests = [*(item.sha256 for item in items.values()), *(holding.evidence.result_hash for holding in held)]
    broken = [
        "" if item.custody and all(line.intact is not False for line in item.custody) else "its custody is broken"
        for item in items.values()
    ]
    return custody_counts(
        [vault.fault(each) for each in digests], [*broken, *(holding.custody_fault for holding in held)]
    )


def _playbooks(round_: Round) -> list[Count]:
    site = round_.site
    return playbook_counts(site.playbooks.values(), round_.now.astimezone(site.config.site.zone).date())


def _techniques(round_: Round) -> list[Count]:
    """MON-04, of ATT&CK: the threat profile of the site, or all that its rules were written for, and what of it can fire."""
    site = round_.site
    able: set[str] = set()
    written: set[str] = set()
    for _, rule, verdict in reach(site, site.content()):
        named = {technique_of(tag) for tag in rule.tags} - {""}
        written |= named
        able |= named if verdict.fires else set()
    return technique_counts(
        able, {technique_of(f"attack.{each}") for each in site.config.iso.threat_profile} or written
    )


def _models(round_: Round) -> list[Count]:
    """MON-05, of models' alerts of the last days: how many of those decided on turned out to be nothing."""
    records = round_.site.projections.rule_records(round_.now - timedelta(days=RECORD_DAYS))
    return model_counts([record for rule, record in records.items() if rule.startswith("model:")])


def _records(round_: Round) -> list[Count]:
    """Entries of the ledger that verify, and how old its backup is, if the site names one that continues in this ledger."""
    verdict = round_.verdict
    wrong = len({fault.seq for fault in verdict.faults if fault.seq is not None}) + verdict.more
    gone = max(0, max((head.size for head in [round_.site.ledger.last_head()] if head), default=0) - verdict.size)
    numbers = {
        "records": verdict.size,
        "records_verified": verdict.size if verdict.sound else max(0, verdict.size - max(1, wrong)),
        "deleted_before_due": gone,
        "ledger_backup_age_h": _backup_age_h(round_),
    }
    query = f"verify {verdict.size} entries; entries that the last head has beyond them; the last head of the copy that iso.backup names"
    return [Count("REC-01", numbers, verdict.size, query)]


def _backup_age_h(round_: Round) -> float | None:
    """None where no backup is named, it cannot be read, or it is of another ledger."""
    path, ledger = round_.site.config.iso.backup, round_.site.ledger
    if path is None:
        return None
    try:
        with Ledger.open(path, read_only=True) as copy:
            head = copy.last_head()
    except IsoError as error:
        _log.warning("the backup of the ledger cannot be read", extra={"error": str(error)})
        return None
    if head is None or head.size > ledger.size or ledger.root_at(head.size) != head.root:
        return None
    return round((round_.now - head.time) / timedelta(hours=1), 2)


def _register(round_: Round) -> list[Count]:
    return register_counts(round_.status.register, round_.now)


def _evaluated(round_: Round) -> list[Count]:
    return status_counts(round_.status)


Giver = tuple[frozenset[str], Callable[[Round], list[Count]]]

_GIVERS: Sequence[Giver] = (
    (frozenset({"LOG-01", "LOG-03"}), _flow),
    (frozenset({"LOG-02"}), _retention),
    (frozenset({"CLK-01"}), _clocks),
    (frozenset({"MON-01", "MON-05"}), _engine),
    (frozenset({"MON-02"}), _canaries),
    (frozenset({"CAP-01"}), _capacity),
    (frozenset({"MON-03", "INC-01", "LOG-05", "UTL-01", "DLP-01", "IAM-02"}), _triage),
    (frozenset({"TI-01"}), _intelligence),
    (frozenset({"INC-02"}), _response),
    (frozenset({"INC-03"}), _notices),
    (frozenset({"INC-04"}), _reviews),
    (frozenset({"INC-05"}), _custody),
    (frozenset({"INC-06"}), _playbooks),
    (frozenset({"AUD-01", "INC-04", "INC-06", "TI-01", "REP-01", "BAK-01", "IAM-01", "MON-04", "LOG-06"}), _register),
    (frozenset({"REC-01"}), _records),
    (frozenset({"MAL-01"}), measured_events.protection),
    (frozenset({"IAM-01"}), measured_events.grants),
    (frozenset({"IAM-02"}), measured_events.logins),
    (frozenset({"IAM-03"}), measured_events.accounts),
    (frozenset({"CHG-01"}), measured_events.changes),
    (frozenset({"NET-01"}), measured_events.network),
    (frozenset({"WEB-01"}), measured_events.filters),
    (frozenset({"BAK-01"}), measured_events.backups),
    (frozenset({"PHY-01"}), measured_events.doors),
    (frozenset({"MON-04"}), _techniques),
    (frozenset({"MON-05"}), _models),
)
"""The measures that a function counts something of."""

_AFTERWARDS: Sequence[Giver] = ((frozenset({"CMP-01"}), _evaluated),)
"""Likewise, of what all others left."""
