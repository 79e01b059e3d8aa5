"""Sealed segments of the embedded store in, a ledger fact each out, with the hashes of their files; and which are not as they were."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from iso27001.ledger import Fact
from soc.app.site import Site
from soc.store.config import StoreKind

KIND = "store.sealed"


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
    """How many sealed segments were hashed anew, and what of them is not as the ledger has it, in words."""
    wrong: list[str] = []
    count = 0
    for entry in site.ledger.entries(kinds=[KIND]):
        count += 1
        for name, told in entry.fact.body["sha256"].items():
            path = _folder(site) / name
            if not path.is_file():
                wrong.append(f"{name}: is not there any more")
            elif _hash(path) != told:
                wrong.append(f"{name}: is not as it was sealed on {entry.fact.time:%Y-%m-%d %H:%M} UTC")
    return count, wrong


def _folder(site: Site) -> Path:
    return site.config.data / "store" / "events"


def _segments(site: Site) -> list[Path]:
    folder = _folder(site)
    return (
        sorted(folder.glob("segment-*.parquet"))
        if site.config.store.kind is StoreKind.LOCAL and folder.is_dir()
        else []
    )


def _fact(site: Site, path: Path) -> Fact:
    from soc.store.segments.files import Segment

    _, first, end = path.stem.split("-")
    header = Segment(path, int(first), int(end)).header
    hashes = {each.name: _hash(each) for each in (path, path.with_suffix(".index"))}
    body = {
        "segment": path.stem,
        "from": int(first),
        "to": int(end),
        "events": sum(about.rows for about in header.groups),
        "conflicts": sum(about.conflicts for about in header.groups),
        "sha256": hashes,
    }
    return Fact(f"{KIND}:{path.stem}:{hashes[path.name]}", KIND, site.clock(), "engine", body)


def _hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
