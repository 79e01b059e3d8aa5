"""Golden pairs: lines as devices write them (tests/data/parse/*.log) and what they become (*.json, one object a record).

`python -m tests.collectors.parse.golden` writes the .json files anew; the diff is what one reviews.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from collectors.parse import Context, Format, formats
from collectors.parse.registry import message_names, shape_names
from collectors.record import Position, RawRecord
from collectors.sources import directives
from collectors.sources.lines import LineCutter

DATA = Path(__file__).parents[2] / "data" / "parse"
CONTEXT = Context(ZoneInfo("Asia/Ho_Chi_Minh"))
RECEIVED = datetime(2026, 11, 22, 3, 0, 30, tzinfo=UTC)


def record(data: bytes, *, path: str = "", received: datetime = RECEIVED, index: int = 1) -> RawRecord:
    """A record as a source hands it over."""
    return RawRecord(data, "test", Position(path, "0", index, index), received)


def records(form: Format, path: Path) -> list[RawRecord]:
    """The records of a golden file, each with the header that its place in the file gives it."""
    made: list[RawRecord] = []
    header = b""
    for index, data in enumerate(joined(path.read_bytes().removesuffix(b"\n").split(b"\n"), form), 1):
        made.append(RawRecord(data, "test", Position("", "0", index, index), RECEIVED, header=header))
        header = (
            directives.after(header, data) if made[1:] else directives.first(data) or directives.after(header, data)
        )
    return made


def joined(lines: list[bytes], form: Format) -> list[bytes]:
    """Records of a file's lines, as a file source joins them."""
    if form.continues is None:
        return lines
    cutter = LineCutter(1_000_000, continues=form.continues)
    cutter.feed(b"".join(line + b"\n" for line in lines))
    records = cutter.take(len(lines) + 1, "test", "", "0", RECEIVED)
    return [each.data for each in records + cutter.finish("test", "", "0", RECEIVED)]


def pairs() -> dict[str, tuple[Format, Path]]:
    """Every golden pair by name: the formats' own, the shapes' as JSON lines, and the message parsers' as RFC 3164 lines."""
    own = {name: (form, DATA / f"{name}.log") for name, form in formats().items()}
    own |= {f"shapes/{name}": (formats()["json"], DATA / "shapes" / f"{name}.log") for name in shape_names()}
    return own | {
        f"messages/{name}": (formats()["rfc3164"], DATA / "messages" / f"{name}.log")
        for name in sorted(message_names())
    }


def read(form: Format, path: Path) -> list[dict[str, object]]:
    """What the lines of a .log file become."""
    made: list[dict[str, object]] = []
    for each in records(form, path):
        parsed = form.parse(each, CONTEXT)
        made.append({"time": parsed.time.isoformat() if parsed.time else None, "fields": parsed.fields})
    return made


def main() -> None:
    for form, path in pairs().values():
        lines = [json.dumps(each, ensure_ascii=False, sort_keys=True) for each in read(form, path)]
        path.with_suffix(".json").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
