"""A line of a report in; the same answer, computed again from what it rests on, or what differs, out; with the chain that leads there.

A line is a ledger entry by its number, a measure (its newest sample), a piece of evidence or a detection by its id. Its entry is proved
to be under the signed head; a detection's raw bytes are hashed and its rule is run on them again; a sample is counted again by a copy of
the site as the ledger stood then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from collectors.errors import JournalError
from collectors.event import Event
from iso27001.counting import ENGINE
from iso27001.errors import ProofError
from iso27001.evidence import EventRef, content_hash, read_evidence
from iso27001.ledger import Entry
from iso27001.ledger.store import Ledger
from iso27001.measures import SAMPLE, measures, read_sample
from iso27001.register.reading import read_register
from iso27001.verifier import merkle
from iso27001.verifier.custody import LINKED
from soc.alert.facts import DETECTION
from soc.app.assurance import referred_events
from soc.app.measuring import Measuring
from soc.app.rounds import MOMENTARY
from soc.app.site import Site
from soc.errors import SocError
from soc.store.config import StoreKind

AROUND = 50_000
"""Events of the journal that a correlation is run over again, at the most."""
NOT_AGAIN = MOMENTARY | {"LOG-04", "REC-01"}
"""Measures of a moment that has passed: the disk's fill, the ledger's verification (`soc iso verify` is that, now)."""
GROUP = 10_000


@dataclass(slots=True)
class Recomputed:
    """What came out. `same`: None where it cannot be computed again; the lines say why. `controls`: what it is evidence for."""

    entry: Entry
    same: bool | None = True
    lines: list[str] = field(default_factory=list)
    controls: tuple[str, ...] = ()

    def tell(self, line: str, holds: bool | None = True) -> None:
        """A step of the chain, and whether it holds (None: it cannot be said)."""
        self.lines.append(line)
        if holds is False or self.same is False:
            self.same = False
        elif holds is None:
            self.same = None


def recompute(site: Site, line: str) -> Recomputed:
    """Compute a line again. Raises: SocError for a line that is none, IsoError."""
    entry = _entry(site, line)
    found = Recomputed(entry)
    found.tell(f"entry {entry.seq}: {entry.fact.kind} of {entry.fact.time.isoformat()} by {entry.fact.actor}")
    _prove(site, entry, found)
    if entry.fact.kind == SAMPLE:
        _sample(site, entry, found)
    elif entry.fact.kind == LINKED:
        _evidence(site, entry, found)
    elif entry.fact.kind == DETECTION:
        _detections(site, [entry], found)
        _evidence_of(site, entry, found)
    else:
        found.tell("a decision of people or of the engine: there is nothing to compute again", None)
    return found


def _entry(site: Site, line: str) -> Entry:
    ledger = site.ledger
    found = None
    if line.isascii() and line.isdigit():
        found = ledger.entry(int(line))
    elif line.upper() in measures():
        samples = (e for e in ledger.entries(kinds=[SAMPLE]) if e.fact.body["measure"] == line.upper())
        found = max(samples, key=lambda entry: entry.seq, default=None)
    else:
        linked = (e for e in ledger.entries(kinds=[LINKED]) if e.fact.body["id"] == line)
        found = max(linked, key=lambda entry: entry.seq, default=None) or ledger.by_id(f"{DETECTION}:{line}")
    if found is None:
        raise SocError(
            f'"{line}" is no line of a report: the number of a ledger entry, a measure, evidence or a detection'
        )
    return found


def _prove(site: Site, entry: Entry, found: Recomputed) -> None:
    """Its inclusion under the last signed head (RFC 9162 section 2.1.3)."""
    head, ledger = site.ledger.last_head(), site.ledger
    if head is None or entry.seq >= head.size:
        found.tell("no signed head covers it yet", None)
        return
    raw = ledger.raw(entry.seq)
    assert raw is not None
    try:
        merkle.verify_inclusion(
            merkle.leaf_hash(raw), entry.seq, head.size, ledger.inclusion(entry.seq, head.size), head.root
        )
    except ProofError as error:
        found.tell(f"it is not under the signed head of size {head.size}: {error}", False)
    else:
        found.tell(f"it is under the signed head of size {head.size}, root {head.root.hex()}")


# --- a sample


def _sample(site: Site, entry: Entry, found: Recomputed) -> None:
    sample = read_sample(entry)
    found.controls = measures()[sample.measure_id].controls if sample.measure_id in measures() else ()
    if entry.fact.actor != ENGINE:
        found.tell(f"{entry.fact.actor} counted it; a person's count is not computed again", None)
        return
    if sample.measure_id in NOT_AGAIN:
        found.tell(f"{sample.measure_id} was read at a moment that has passed", None)
        return
    with as_of(site, _round(site, entry), sample.until) as then:
        before = then.ledger.size
        Measuring(then, site).take(frozenset({sample.measure_id}))
        again = next((read_sample(e) for e in then.ledger.entries(after=before - 1, kinds=[SAMPLE])), None)
    if again is None:
        found.tell(f"{sample.measure_id}: nothing is counted of it now", False)
        return
    same = again.numbers == sample.numbers
    found.tell(f"{sample.measure_id} counted then: {_numbers(sample.numbers)}, SHA-256 {sample.result_hash}")
    found.tell(f"{sample.measure_id} counted again: {_numbers(again.numbers)}, SHA-256 {again.result_hash}", same)


def _round(site: Site, entry: Entry) -> int:
    """The size of the ledger before the round of samples that this one was counted in: they were written together."""
    seq = entry.seq
    while (before := site.ledger.entry(seq - 1)) and (before.fact.kind, before.fact.time) == (SAMPLE, entry.fact.time):
        seq -= 1
    return seq


def _numbers(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in numbers.items())


@contextmanager
def as_of(site: Site, size: int, moment: datetime) -> Iterator[Site]:
    """A copy of the site as it stood with `size` ledger entries: its own ledger and projections, the same journal and files."""
    with TemporaryDirectory(prefix="soc-as-of-") as folder:
        data = Path(folder)
        for name in ("journal", "anchor", "vault", "models"):
            if (site.config.data / name).is_dir():
                (data / name).symlink_to((site.config.data / name).absolute())
        with Ledger.open(data / "ledger" / "ledger.db", origin=site.ledger.origin) as copy:
            entries = islice(site.ledger.entries(), size)
            while group := list(islice(entries, GROUP)):
                copy.append(entry.fact for entry in group)
        store = replace(site.config.store, kind=StoreKind.LOCAL)
        with Site(replace(site.config, data=data, store=store), site.path, clock=lambda: moment) as then:
            yield then


# --- evidence and detections


def _evidence(site: Site, entry: Entry, found: Recomputed) -> None:
    evidence = read_evidence(entry)
    found.controls = tuple(link.control_id for link in evidence.controls)
    if evidence.file_name:
        fault = site.vault.fault(evidence.result_hash)
        found.tell(fault or f"the file {evidence.file_name} has the SHA-256 {evidence.result_hash}", not fault)
        return
    again = content_hash(evidence.events, evidence.ledger_seqs)
    same = again == evidence.result_hash
    found.tell(
        f"what it rests on has the SHA-256 {again}" if same else f"SHA-256 {again} is not {evidence.result_hash}", same
    )
    rests = [site.ledger.entry(seq) for seq in evidence.ledger_seqs]
    detections = [each for each in rests if each is not None and each.fact.kind == DETECTION]
    if len(detections) < len(rests):
        found.tell("an entry that it rests on is no detection", False)
    _detections(site, detections, found)


def _evidence_of(site: Site, detection: Entry, found: Recomputed) -> None:
    """Forward from a detection: the evidence that rests on it, and its controls."""
    for held in read_register(site.ledger).evidence.values():
        if detection.seq in held.evidence.ledger_seqs:
            controls = tuple(link.control_id for link in held.evidence.controls)
            found.controls = tuple(dict.fromkeys((*found.controls, *controls)))
            found.tell(f"evidence {held.id} (entry {held.evidence.revision}) rests on it, for {', '.join(controls)}")


def _detections(site: Site, entries: Sequence[Entry], found: Recomputed) -> None:
    """Hash the raw bytes behind detections, and run their rules on them again: all in one pass over the journal."""
    rules = {rule.id: rule for rule in site.rules().rules}
    events: dict[int, Event] = {}
    for entry in entries:
        references = [EventRef(e["id"], e["sha256"], e["source"], e["journal"]) for e in entry.fact.body["events"]]
        for reference, event in referred_events(site, references):
            if isinstance(event, str):
                found.tell(event, False)
                continue
            digest = sha256(event.raw).hexdigest()
            same = digest == reference.sha256
            found.tell(f"event {reference.event_id} at {reference.offset} of the journal: SHA-256 {digest}", same)
            events[reference.offset] = event
    singles, others = _fired(site, events)
    for entry in entries:
        rule, name = entry.fact.body["rule"], entry.fact.id.removeprefix(f"{DETECTION}:")
        now = rules.get(rule["id"])
        if rule["id"].startswith("model:"):
            found.tell(
                f"entry {entry.seq}: a model scored it; models are trained anew, so it is not scored again", None
            )
        elif now is None or now.version != rule["version"]:
            what = "is not among the rules now" if now is None else f"has another version now ({now.version})"
            found.tell(f"entry {entry.seq}: rule {rule['id']} of version {rule['version']} {what}", None)
        elif name in singles or name in others:
            found.tell(f"entry {entry.seq}: rule {rule['id']}, run again on the same bytes, gives detection {name}")
        elif now.kind == "correlation":
            told = f"entry {entry.seq}: correlation {rule['id']} remembers more than {AROUND} events before it"
            found.tell(f"{told}; `soc rules explain` tells", None)
        else:
            found.tell(f"entry {entry.seq}: rule {rule['id']}, run again, does not fire on its event", False)


def _fired(site: Site, found: Mapping[int, Event]) -> tuple[set[str], set[str]]:
    """Ids of what the rules find in these events, by offset, and in all around them that the journal has, which correlations need."""
    if not found:
        return set(), set()
    journal = site.journal_reader
    offsets = sorted(found)
    named = [found[offset] for offset in offsets]
    try:
        around = [found[offset] for offset in offsets if offset < journal.start()]
        at, end = max(journal.start(), offsets[0] - AROUND), offsets[-1] + 1
        while at < end and len(around) < 2 * AROUND:
            events, at = journal.read(at, min(GROUP, end - at))
            if not events:
                break
            around += events
    except JournalError as error:
        raise SocError(f"the journal cannot be read: {error}") from error
    return {found.id for found in site.rules().detect(named)}, {found.id for found in site.rules().detect(around)}
