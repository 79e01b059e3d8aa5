"""All live SigmaHQ rules and ours at work, one rule file changed; CPU of the reload, of the first batch after it, and of metering a batch.

.venv/bin/python -m bench.reload
"""

from __future__ import annotations

import itertools
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from bench.scan import CORPUS, FOLDERS, records
from collectors.event import Event
from collectors.parse import Context, parse_batch
from soc.app.memory import settle
from soc.app.rule_files import RuleFiles
from soc.detect.ruleset import RuleSet
from soc.detect.sigma.meter import Meter

EVENTS = 20_000
BATCH = 1_000
"""What a step of `soc run` takes where it keeps up, or more than that."""
ROUNDS = 7


def events() -> list[Event]:
    """Windows events of the corpus."""
    source = (record for path in sorted(CORPUS.rglob("*.evtx")) for record in records(path, 0))
    return parse_batch(list(itertools.islice(source, EVENTS)), "windows-json", Context())[0]


def detected(rules: RuleSet, batches: list[list[Event]]) -> float:
    """CPU seconds over all batches."""
    began = time.process_time()
    for batch in batches:
        rules.detect(batch)
    return time.process_time() - began


def main() -> None:
    """Measure and print."""
    clock, ours = time.process_time, Path(__file__).parents[1] / "rules"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "rules"
        for name in FOLDERS:
            shutil.copytree(CORPUS / "sigmahq" / name, place / name)
        changed = place / "rules" / "windows" / "process_creation" / "proc_creation_win_whoami_execution.yml"
        if not changed.exists():
            changed = min((place / "rules" / "windows" / "process_creation").glob("*.yml"))
        files = RuleFiles([place, ours], Path(folder) / "cache", {})
        rules = RuleSet(files.load(files.stamps()))
        seen = events()
        batches = [seen[at : at + BATCH] for at in range(0, len(seen), BATCH)]
        detected(rules, batches)
        settle()
        steady = min(detected(rules, batches) for _ in range(3)) / len(batches)
        parts: dict[str, list[float]] = {"stat": [], "load": [], "build": [], "adopt": [], "first": [], "all": []}
        for number in range(ROUNDS):
            changed.write_text(changed.read_text(encoding="utf-8") + f"# {number}\n", encoding="utf-8")
            times = [clock()]
            stamps = files.stamps()
            times.append(clock())
            content = files.load(stamps)
            times.append(clock())
            new = RuleSet(content, after=rules)
            times.append(clock())
            new.adopt(rules)
            times.append(clock())
            new.detect(batches[0])
            times.append(clock())
            rules = new
            spent = [1000 * (after - before) for before, after in itertools.pairwise(times)]
            for name, value in zip(parts, [*spent, sum(spent[:4])], strict=True):
                parts[name].append(value)
        again = min(detected(rules, batches) for _ in range(3)) / len(batches)
        rules.meter = Meter()
        metered = min(detected(rules, batches) for _ in range(3)) / len(batches)
    print(f"{len(rules):,} rules, {len(seen):,} events in batches of {BATCH:,}")
    for name, values in parts.items():
        print(f"{name:6} {statistics.median(values):7.1f} ms CPU (worst of {ROUNDS}: {max(values):.1f})")
    print(f"a batch {1000 * steady:.1f} ms before, {1000 * again:.1f} ms after, {1000 * metered:.1f} ms metered")
    print(f"metering one batch in 256 costs {100 * (metered / again - 1) / 256:.2f} %")


if __name__ == "__main__":
    main()
