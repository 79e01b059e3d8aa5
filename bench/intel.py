"""Matching events against indicators: microseconds an event with none and with 1,000,000, its share of the pipeline, and memory.

    .venv/bin/python -m bench.intel [--indicators 1000000]

Events: the day of bench.engine (needs ../shared/corpus), and a flood in which each has a new URL, name and two addresses (a proxy at its
worst). The pipeline that the share is of: parse, systems, journal, and detection by all live SigmaHQ rules and ours, each measured here on
the same day, the second time it is seen. Then a look back over a history of such days.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.engine import NOW, ROOT, batches, mix
from bench.scan import CORPUS, FOLDERS
from collectors.choosing import ChoosingParser
from collectors.enrich import enrich
from collectors.enrich.intel.indicator import Indicator, Kind
from collectors.enrich.intel.matching import IndicatorMatcher
from collectors.enrich.intel.store import IndicatorStore
from collectors.event import Event, make_event
from collectors.journal import JournalConfig, open_journal
from collectors.parse import Context
from collectors.record import Position, RawRecord
from soc.app.history import Span
from soc.app.retro import look_back
from soc.app.site import Site
from soc.config import Config
from soc.detect.ruleset import load
from soc.inventory import load_inventory

BATCH = 500
FLOOD = 100_000
HISTORY = 300_000
"""Events that are looked back over."""
ROUNDS = 3
TARGET = 0.10
"""Of the pipeline, with 1,000,000 indicators."""


def indicators(count: int) -> Iterator[Indicator]:
    """As feeds have them: addresses, names, URLs and hashes in equal parts; one in a hundred addresses a network, one name in ten with
    those below it."""
    chance = random.Random(7)
    for number in range(count):
        kind = number % 4
        if kind == 0:
            octets = [chance.randrange(256) for _ in range(3)]
            last = "0/24" if number % 400 == 0 else str(chance.randrange(256))
            yield Indicator(
                Kind.IPV4, f"{chance.randrange(1, 224)}.{octets[0]}.{octets[1]}.{last}", name="Botnet", confidence=70
            )
        elif kind == 1:
            yield Indicator(Kind.DOMAIN, f"c{number}.bad{chance.randrange(5_000)}.example", subdomains=number % 40 == 1)
        elif kind == 2:
            yield Indicator(Kind.URL, f"http://h{chance.randrange(200_000)}.example/kit/{number}")
        else:
            yield Indicator(Kind.FILE, f"{chance.getrandbits(256):064x}", name="Loader")


def flood() -> list[Event]:
    """Lines of a proxy, no two with a value in common."""
    events = []
    for number in range(FLOOD):
        host = f"h{number}.shop{number % 977}.example"
        record = RawRecord(b"x", "proxy", Position("", "proxy", number, number), NOW)
        fields = {
            "event.dataset": "squid.access",
            "event.category": "web",
            "host.name": "proxy-01",
            "source.ip": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            "destination.ip": f"100.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            "url.full": f"https://{host}/{number}/index.html",
            "url.domain": host,
            "http.response.status_code": 200,
        }
        events.append(make_event(record, None, fields))
    return events


def per_event(step: Callable[[Sequence[Event]], object], events: Sequence[Event], rounds: int = ROUNDS) -> float:
    """CPU microseconds an event, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for batch in batches(events, BATCH):
            step(batch)
        best = min(best, time.process_time() - began)
    return best / len(events) * 1e6


def resident_mb() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def pipeline(events: Sequence[Event], folder: Path) -> dict[str, float]:
    """CPU microseconds an event of each stage beside the matching."""
    table = load_inventory(ROOT / "inventory.yml").table()
    rules = load([*(CORPUS / "sigmahq" / name for name in FOLDERS), ROOT / "rules"], cache=folder / "cache")
    parser = ChoosingParser("auto", Context())

    def parse(batch: Sequence[Event]) -> None:
        parser.parse([RawRecord(e.raw, e.source, e.position, e.ingested, e.peer) for e in batch])

    journal = open_journal(JournalConfig(folder / "journal"))
    stages: dict[str, Callable[[Sequence[Event]], object]] = {
        "parse": parse,
        "systems": lambda batch: enrich(batch, table),
        "journal": lambda batch: journal.append(batch, {}, []),
        "detect": rules.detect,
    }
    measured = {name: per_event(step, events, 2) for name, step in stages.items()}
    journal.close()
    return measured


def looked_back(events: Sequence[Event], folder: Path, store: IndicatorStore) -> str:
    """How fast a look back over a history goes, the days of which are alike, and what it takes of memory."""
    site = Site(Config(data=folder / "site", inventory=ROOT / "inventory.yml"), folder / "soc.yaml")
    target = folder / "site" / "intel" / "indicators.db"
    target.parent.mkdir(parents=True)
    store.path.rename(target)
    with site:
        for _ in range(HISTORY // len(events)):
            for batch in batches(events, BATCH):
                site.journal.append(batch, {}, [])
        before, began = resident_mb(), time.process_time()
        result = look_back(
            site, Span(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)), since_import=None
        )
        spent = time.process_time() - began
    figures = f"{result.events / spent:,.0f} a CPU second, {resident_mb() - before:.0f} MB; {len(result.findings)} indicators found"
    return f"looked back over {result.events:,} events: {figures}"


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--indicators", type=int, default=1_000_000)
    count = arguments.parse_args().indicators
    day, worst = mix(0), flood()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the app runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stages = pipeline(day, folder)
        whole = sum(stages.values())
        print(
            f"{len(day):,} events; the pipeline: "
            + ", ".join(f"{stage} {us:.1f}" for stage, us in stages.items())
            + f" = {whole:.1f} us/event"
        )
        share = 0.0
        for size in (0, count):
            store = IndicatorStore(folder / f"{size}" / "indicators.db")
            began = time.process_time()
            if size:
                store.merge(indicators(size), "bench", datetime.now(UTC))
                spent = time.process_time() - began
                disk = store.path.stat().st_size
                print(
                    f"imported {size:,} in {spent:.1f} CPU s, {size / spent:,.0f} a CPU second; {disk / size:.0f} bytes each on the disk"
                )
            before, began = resident_mb(), time.process_time()
            matcher = IndicatorMatcher(store)
            opened, held = time.process_time() - began, resident_mb() - before
            first = per_event(lambda batch: enrich(batch, matcher), day, 1)  # noqa: B023  called at once
            again = per_event(lambda batch: enrich(batch, matcher), day)  # noqa: B023
            new = per_event(lambda batch: enrich(batch, matcher), worst, 1)  # noqa: B023
            share = again / (whole + again)
            print(
                f"{size:>9,} indicators: opened in {opened:.2f} CPU s, {held:.0f} MB, {resident_mb() - before:.0f} MB after the flood; "
                f"{first:.2f} us/event at first, {again:.2f} then ({share:.1%} of the pipeline), "
                f"{new:.2f} of the flood ({new / (whole + new):.1%})"
            )
        print(looked_back(day, folder, store))
    print(f"bar: {TARGET:.0%} of the pipeline with {count:,}: {'held' if share <= TARGET else 'missed'}")


if __name__ == "__main__":
    main()
