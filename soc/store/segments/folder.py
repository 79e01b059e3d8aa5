"""A folder in, the files of the store that answer out: what stands twice after a crash, or after retention, is told apart by its name."""

from __future__ import annotations

from pathlib import Path

from soc.store.segments.files import ALL, Part, Segment


def file_of(path: Path) -> Part | Segment | None:
    """What a path is by its name; None for what is neither."""
    kind, _, offsets = path.stem.partition("-")
    numbers = offsets.split("-")
    if not all(map(str.isdigit, numbers)):
        return None
    match kind, path.suffix, list(map(int, numbers)):
        case "part", ".arrow", [first, end]:
            return Part(path, first, end)
        case "segment", ".parquet", [first, end]:
            return Segment(path, first, end)
        case "segment", ".parquet", [first, end, left]:
            return Segment(path, first, end, left)
    return None


def part_path(folder: Path, first: int, end: int) -> Path:
    """Where the part of these offsets stands."""
    return folder / f"part-{first:020d}-{end:020d}.arrow"


def segment_path(folder: Path, first: int, end: int, left: int | None = None) -> Path:
    """Where the segment of these offsets stands; `left`: rows that retention left in it."""
    return folder / f"segment-{first:020d}-{end:020d}{'' if left is None else f'-{left}'}.parquet"


def listed(folder: Path) -> list[Part | Segment]:
    """The files that answer, in the order of the journal: of what stands twice, the segment, and of two of them the one of fewer rows."""
    found = [file for path in folder.iterdir() if (file := file_of(path)) is not None]
    found.sort(key=lambda file: (file.first, -file.end, file.left if isinstance(file, Segment) else ALL))
    kept: list[Part | Segment] = []
    for file in found:
        if not kept or file.first >= kept[-1].end:
            kept.append(file)
    return kept
