"""Golden lines of a parser (tests/data/parse), over and over, for `python -m bench.parse`: those of one name are alike on every run.

Addresses and the minutes of clocks are others each time, so that no cache answers for a parser; all else comes again, as it does at a site.
"""

from __future__ import annotations

import importlib
import random
import re

import yaml
from msgspec.structs import replace

from collectors.parse import formats
from collectors.parse.registry import DESCRIPTIONS
from collectors.record import Position, RawRecord
from tests.collectors.parse.golden import pairs, records

_VARIED = re.compile(
    rb"(?<![\d.])(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}(?![\d.])|(?<!\d)(\d\d):[0-5]\d:[0-5]\d(?!\d)", re.ASCII
)
_IN = re.compile(r" in(?:[,;] | \()")
"""What comes in stands before it in a module's docstring."""

PAIRS = pairs()


def golden_records(name: str, count: int) -> list[RawRecord]:
    """`count` records of a parser that is named as its golden pair ("squid", "messages/fortigate", "shapes/okta_system")."""
    golden = records(*PAIRS[name])
    dice = random.Random(f"{name} 2026")

    def other(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return b"%b.%d.%d" % (found[1], dice.randrange(256), dice.randrange(256))
        return b"%b:%02d:%02d" % (found[2], dice.randrange(60), dice.randrange(60))

    made = []
    for n in range(count):
        each = golden[n % len(golden)]
        made.append(replace(each, data=_VARIED.sub(other, each.data), position=Position("/var/log/bench", "1f", n, n)))
    return made


def title_of(name: str) -> str:
    """What people call what a parser reads."""
    folder, slash, stem = name.rpartition("/")
    if not slash:
        return formats()[name].title
    if (DESCRIPTIONS / f"{stem}.yml").exists():
        return str(yaml.safe_load((DESCRIPTIONS / f"{stem}.yml").read_text())["title"])
    said = importlib.import_module(f"collectors.parse.{folder}.{stem}").__doc__ or ""
    return " ".join(_IN.split(said)[0].split())
