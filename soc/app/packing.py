"""A site and a period in, an evidence pack out: ledger, raw events, documents, time stamps and reports; told in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from iso27001.catalogue import load
from iso27001.errors import PackError
from iso27001.evidence import Evidence
from iso27001.language import Language
from iso27001.ledger import Fact
from iso27001.ledger.signing import Signer
from iso27001.packing import Made, PackFile, write_pack
from iso27001.register.reading import KINDS
from iso27001.report.data import render_json
from iso27001.report.kinds import compose
from iso27001.report.oscal import assessment_results
from iso27001.report.writers import Format, write
from iso27001.status import Status
from soc.app.anchoring import stamps, write_heads
from soc.app.assurance import referred_events, report_input, retold
from soc.app.site import Site

PACKED = "pack.made"
"""The kind of the fact that a pack was made: what left the house, and for whom."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What was packed, and what should have been in and is not, in words."""

    made: Made
    missing: tuple[str, ...]


def pack(
    site: Site, path: Path, since: datetime, until: datetime, controls: Sequence[str], actor: str, *, everything: bool
) -> Packed:
    """Write the pack of a period. `controls`: of these alone (none: of all). `everything`: all entries, else those that it rests on.

    Raises: PackError, IsoError, SocError; then there is no pack, as there is none that the ledger does not tell of.
    """
    catalogue = load()
    wanted = {catalogue.control(each).id for each in controls}
    now, last = site.clock(), site.ledger.last_head()
    if last is None or last.size < site.ledger.size:
        write_heads(site, [site.ledger.sign(max(now, last.time) if last else now)])
    report = report_input(site, since, until, generated=now)
    evidence = [each for each in report.status.evidence if not wanted or wanted & {c.control_id for c in each.controls}]
    missing: list[str] = []
    files = [*_events(site, evidence, missing), *_documents(site, evidence, missing)]
    files += [PackFile(f"anchors/{token.name}", token.read_bytes()) for token in stamps(site)]
    reported = [f"reports/report.{suffix}" for suffix in ("en.html", "vi.html", "json", "oscal.json")]
    contents = [
        *(write(compose(retold(site, report, each), catalogue, each), Format.HTML) for each in Language),
        render_json(report, catalogue),
        assessment_results(report, catalogue),
    ]
    files += [PackFile(name, content) for name, content in zip(reported, contents, strict=True)]
    disclosed = None if everything else _rests_on(site, report.status, evidence, wanted)
    scope = " ".join(sorted(wanted)) or "all controls"
    signer = Signer.load_or_create(site.config.data / "keys" / "ledger.key")
    told = [each.id for each in evidence]
    untold = path.with_name(f"{path.name}.untold")
    try:
        made = write_pack(
            untold, site.ledger, signer, files, scope=scope, since=since, until=until, disclose=disclosed, evidence=told
        )
        _tell(site, made, scope, since, until, len(missing), actor)
        untold.replace(path)
    except OSError as error:
        raise PackError(f"{path}: cannot be written: {error}") from error
    finally:
        with suppress(OSError):
            untold.unlink(missing_ok=True)
    return Packed(made, tuple(missing))


def _tell(site: Site, made: Made, scope: str, since: datetime, until: datetime, missing: int, actor: str) -> None:
    body = {
        "manifest": made.manifest,
        "scope": scope,
        "period": [since, until],
        "size": made.size,
        "disclosed": made.disclosed,
        "files": made.files,
        "missing": missing,
    }
    site.ledger.append([Fact(f"{PACKED}/{made.manifest}", PACKED, site.clock(), actor, body)])


def _events(site: Site, evidence: Iterable[Evidence], missing: list[str]) -> Iterator[PackFile]:
    """The raw bytes behind evidence, each once, named by its hash."""
    by_hash = {event.sha256: (event, each.revision) for each in evidence for event in each.events}
    revisions = {event.event_id: revision for event, revision in by_hash.values()}
    for event, found in referred_events(site, [event for event, _ in by_hash.values()]):
        if isinstance(found, str):
            missing.append(found)
        elif sha256(found.raw).hexdigest() != event.sha256:
            missing.append(f"the raw bytes of {event.event_id} were changed")
        else:
            yield PackFile(f"events/{event.sha256}", found.raw, revisions[event.event_id])


def _documents(site: Site, evidence: Iterable[Evidence], missing: list[str]) -> Iterator[PackFile]:
    """The files that people handed in, named by their hash."""
    for each in {item.result_hash: item for item in evidence if item.file_name}.values():
        if fault := site.vault.fault(each.result_hash):
            missing.append(f"{each.id}: {fault}")
        else:
            yield PackFile(
                f"evidence/{each.result_hash}", site.vault.path(each.result_hash).read_bytes(), each.revision
            )


def _rests_on(site: Site, status: Status, evidence: Iterable[Evidence], wanted: set[str]) -> set[int]:
    """The entries that the report of the period rests on: records, samples, evidence and what that rests on."""
    found = {entry.seq for entry in site.ledger.entries(kinds=KINDS)} if not wanted else set()
    for each in evidence:
        found |= {each.revision, *each.ledger_seqs}
    for state in status.measures:
        if state.newest is not None and (not wanted or wanted & set(state.measure.controls)):
            found.add(state.newest.seq)
    return found
