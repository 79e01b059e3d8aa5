"""Sealed segments of the embedded store in, a ledger fact each out, with the hashes of their files; and which are not as they were."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from iso27001.ledger import Fact
from soc.app.site import Site
from soc.store.config import StoreKind

KIND, DROPPED = "store.sealed", "store.dropped"


def tell_sealed(site: Site) -> list[Fact]:
    """Write a fact of each segment that has none yet; those facts. Raises: UnreachableError, IsoError."""
    new = {path.stem: path for path in _segments(site)}
    if not new:
        return []
    for entry in site.ledger.entries(kinds=[KIND]):
        new.pop(entry.fact.body["segment"], None)
    facts = [_fact(site, path) for path in new.values()]
    site.ledger.append(facts)
    return facts


def altered(site: Site) -> tuple[int, list[str]]:
    """How many sealed segments were hashed anew, and what of them is not as the ledger has it, in words; what was dropped is not missed."""
    wrong: list[str] = []
    count = 0
    dropped = {entry.fact.body["segment"] for entry in site.ledger.entries(kinds=[DROPPED])}
    for entry in site.ledger.entries(kinds=[KIND]):
        body = entry.fact.body
        paths = [store_folder(site) / name for name in body["sha256"]]
        if body["segment"] in dropped and not any(path.is_file() for path in paths):
            continue
        count += 1
        for path in paths:
            if not path.is_file():
                wrong.append(f"{path.name}: is not there any more")
            elif digest(path) != body["sha256"][path.name]:
                wrong.append(f"{path.name}: is not as it was sealed on {entry.fact.time:%Y-%m-%d %H:%M} UTC")
    return count, wrong


def store_folder(site: Site) -> Path:
    """Where the files of the embedded store are."""
    return site.config.data / "store" / "events"


def _segments(site: Site) -> list[Path]:
    folder = store_folder(site)
    return (
        sorted(folder.glob("segment-*.parquet"))
        if site.config.store.kind is StoreKind.LOCAL and folder.is_dir()
        else []
    )


def _fact(site: Site, path: Path) -> Fact:
    from soc.store.segments.folder import file_of

    segment = file_of(path)
    assert segment is not None
    header = segment.header
    hashes = file_hashes(path)
    body = {
        "segment": path.stem,
        "from": segment.first,
        "to": segment.end,
        "events": sum(about.rows for about in header.groups),
        "conflicts": sum(about.conflicts for about in header.groups),
        "sha256": hashes,
    }
    return Fact(f"{KIND}:{path.stem}:{hashes[path.name]}", KIND, site.clock(), "engine", body)


def file_hashes(segment: Path) -> dict[str, str]:
    """Of both files of a segment."""
    return {each.name: digest(each) for each in (segment, segment.with_suffix(".index"))}


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    found = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
