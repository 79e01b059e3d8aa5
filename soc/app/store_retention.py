"""Sealed segments in; the rows of each class of system whose time is over (soc.app.keeping) dropped, with a fact a segment.

What is left of one is a segment of fewer rows, which answers in its place. A segment's time begins when the last of its events came in;
evidence stays (soc.app.holding).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iso27001.ledger import Fact
from soc.app.holding import Evidence
from soc.app.keeping import Keeping, Looked, Plan
from soc.app.sealing import DROPPED, file_hashes, store_folder
from soc.app.site import Site

if TYPE_CHECKING:
    from soc.store.segments.files import Segment
    from soc.store.segments.lines import Mask

GRACE = timedelta(hours=1)
"""How long a segment stays when a narrower one answers: whoever began to read it ends meanwhile."""

OTHERS = "retention"
"""The class of events that no key of `retention_of` is for."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def store_plans(site: Site, keep: Keeping, now: datetime) -> Iterator[Plan]:
    """One plan a segment, from the oldest on to the first that is young. One that is damaged stays."""
    from soc.store.segments.files import DamagedFileError, Segment
    from soc.store.segments.folder import listed

    folder, evidence = store_folder(site), Evidence(site)
    files = listed(folder) if folder.is_dir() else []
    for file in files:
        if not isinstance(file, Segment):
            return
        received, why = now, "the newest file tells how far the journal is indexed"
        try:
            received = _received(file)
            if received > now - keep.shortest:
                return
            if file is not files[-1]:
                yield _plan(site, file, received, keep, evidence)
                continue
        except DamagedFileError as error:
            why = str(error)
        yield Plan(Looked("store", file.path.stem, sum(each.rows for each in file.header.groups), received, 0, why))


def _received(segment: Segment) -> datetime:
    """When the last of its events came in."""
    newest = max(about.received_us for about in segment.header.groups)
    if newest:
        return _EPOCH + timedelta(microseconds=newest)
    found: list[datetime] = [
        max(rows.read(["event.ingested"])["event.ingested"].to_pylist()) for rows in segment.groups()
    ]
    return max(found)


def _plan(site: Site, segment: Segment, received: datetime, keep: Keeping, evidence: Evidence) -> Plan:
    import numpy as np

    from soc.store.segments.counting import values_of
    from soc.store.segments.looking import Seen

    age = site.clock() - received
    dropped: Counter[str]
    kept: list[Mask]
    dropped, kept, stayed, rest = Counter[str](), [], 0, timedelta()
    for rows, starts in zip(segment.groups(), segment.id_starts(), strict=True):
        places, codes, names = values_of(Seen(rows, ["service.name"]), "service.name")
        systems = [*names.to_pylist(), ""]
        system = np.full(rows.about.rows, len(names))
        system[places] = codes
        over = np.array([age >= keep.of(name) for name in systems])[system]
        named = over & evidence.mask(rows, starts) if over.any() else over
        gone = over & ~named
        rest = max([rest, *(keep.of(systems[code]) for code in np.unique(system[~over]).tolist())])
        stayed += int(named.sum())
        for code, count in zip(*(each.tolist() for each in np.unique(system[gone], return_counts=True)), strict=True):
            dropped[keep.key(systems[code]) or OTHERS] += count
        kept.append(~gone)
    events = sum(len(mask) for mask in kept)
    why = "; ".join(
        [f"some are kept {rest.days}d"] * bool(rest) + [f"{stayed:,} are evidence or on hold"] * bool(stayed)
    )
    looked = Looked("store", segment.path.stem, events, received, dropped.total(), why)
    if not dropped:
        return Plan(looked)
    days = {name: keep.config.retention_of.get(name, keep.config.retention).days for name in dropped}
    said = [{"class": name, "days": days[name], "events": count} for name, count in sorted(dropped.items())]
    return Plan(looked, partial(_drop, site, segment, looked, kept, {"classes": said, "held": stayed}))


def _drop(site: Site, segment: Segment, looked: Looked, kept: Sequence[Mask], said: dict[str, Any]) -> None:
    from soc.store.segments.narrowing import narrow

    left = looked.events - looked.dropped
    body = {
        "segment": looked.file,
        "from": segment.first,
        "to": segment.end,
        "events": looked.events,
        "dropped": looked.dropped,
        "left": left,
        "received": looked.received.isoformat(),
        "sha256": file_hashes(segment.path),
        **said,
    }
    site.ledger.append([Fact(f"{DROPPED}:{looked.file}:{left}", DROPPED, site.clock(), "engine", body)])
    if left:
        narrow(segment, kept)
    else:
        _remove_all(segment.path)


def finish(site: Site) -> None:
    """Remove what facts say is dropped: segments whose narrower one has answered for a while, and what a run that died left."""
    from soc.store.segments.folder import segment_path

    folder = store_folder(site)
    for entry in site.ledger.entries(kinds=[DROPPED]):
        body = entry.fact.body
        path = folder / f"{body['segment']}.parquet"
        if not body["left"]:
            _remove_all(path)
        elif site.clock() >= entry.fact.time + GRACE and (
            segment_path(folder, body["from"], body["to"], body["left"]).exists()
        ):
            _remove(path)


def _remove_all(path: Path) -> None:
    """A segment and those of more rows that it answers for: they would answer in its place."""
    span = "-".join(path.stem.split("-")[:3])
    for each in [path, *path.parent.glob(f"{span}.parquet"), *path.parent.glob(f"{span}-*.parquet")]:
        _remove(each)


def _remove(path: Path) -> None:
    for each in (path, path.with_suffix(".index")):
        each.unlink(missing_ok=True)
