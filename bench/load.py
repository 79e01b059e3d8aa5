"""All live SigmaHQ rules in, CPU seconds out: a start cold (every file parsed), warm (none), after one changed file; and `soc rules check`.

    .venv/bin/python -m bench.load

Each start is a process of its own; the figures are of the whole process, interpreter and imports included.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.scan import CORPUS, FOLDERS

START = """
import sys, time
from pathlib import Path
from soc.detect.ruleset import load
rules = load([Path(sys.argv[2])], cache=Path(sys.argv[1]))
print(len(rules), time.process_time())
"""


CHECK = """
import sys, time
from pathlib import Path
from soc.app.hunting import site_or_default
from soc.app.rule_check import check_rules
from soc.app.clock import now
rules = [Path(sys.argv[2])]
found = check_rules(site_or_default(Path("none"), rules), rules, now()).review
assert not found.faults
print(len(found.content), time.process_time())
"""


def start(cache: Path, rules: Path, program: str = START) -> tuple[int, float]:
    """Rules loaded and CPU seconds of a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(cache), str(rules)], check=True, capture_output=True, text=True
    )
    count, seconds = done.stdout.split()
    return int(count), float(seconds)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        cache, rules = Path(folder) / "cache", Path(folder) / "rules"
        for name in FOLDERS:
            shutil.copytree(CORPUS / "sigmahq" / name, rules / name)
        count, cold = start(cache, rules)
        warm = sorted(start(cache, rules)[1] for _ in range(5))[2]
        check = min(start(cache, rules, CHECK)[1] for _ in range(3))
        changed = min(rules.rglob("*.yml"))
        changed.write_text(changed.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        one = start(cache, rules)[1]
        size = sum(file.stat().st_size for file in cache.iterdir())
    print(f"{count:,} rules; cache {size / 1e6:.1f} MB")
    print(f"cold             {cold:6.2f} CPU s")
    print(f"warm (median)    {warm:6.2f} CPU s")
    print(f"check (best)     {check:6.2f} CPU s")
    print(f"one file changed {one:6.2f} CPU s")


if __name__ == "__main__":
    main()
