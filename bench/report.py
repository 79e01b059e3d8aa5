"""What a full audit report costs in each format: 93 controls, 60 incidents, 2,000 pieces of evidence; one line of result.

Run: .venv/bin/python -m bench.report [EVIDENCE]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from iso27001.catalogue import load
from iso27001.language import Language
from iso27001.ledger.store import Ledger
from iso27001.report.data import render_json
from iso27001.report.kinds import Kind, compose
from iso27001.report.model import ReportInput
from iso27001.report.oscal import assessment_results
from iso27001.report.writers import Format, write
from iso27001.status import status
from tests.iso27001.material import SINCE, UNTIL, brute_force, month
from tests.iso27001.report.test_kinds import recorded

INCIDENTS = 60
ROUNDS = 3


def audit(root: Path, evidence: int) -> ReportInput:
    """A month with an audit, and as much evidence as is asked for, of one event each; every control shows some of it."""
    report = month(root, incidents=INCIDENTS, events=1)
    with Ledger.open(root / "ledger.db") as ledger:
        recorded(ledger)
        found = status(ledger, load(), since=SINCE, until=UNTIL)
    more = tuple(
        replace(brute_force(n % 28 + 1, 1), id=f"incident/{n:05d}") for n in range(evidence - len(found.evidence))
    )
    every = (*found.evidence, *more)
    controls = tuple(replace(state, evidence=every[n :: len(found.controls)]) for n, state in enumerate(found.controls))
    return replace(report, status=replace(found, evidence=every, controls=controls))


def best(make: Callable[[], bytes]) -> tuple[float, int]:
    """The CPU seconds of the best round, and the size."""
    took, size = [], 0
    for _ in range(ROUNDS):
        cpu = time.process_time()
        size = len(make())
        took.append(time.process_time() - cpu)
    return min(took), size


def main(evidence: int = 2_000) -> None:
    """Print the result."""
    catalogue = load()
    with tempfile.TemporaryDirectory() as folder:
        report = audit(Path(folder), evidence)

    def made(form: Format) -> bytes:
        document = compose(report, catalogue, Language.VIETNAMESE, Kind.AUDIT, "AU-2026")
        return write(document, form, {"report.json": render_json(report, catalogue)} if form is Format.PDF else None)

    told = [
        f"{form} {cost:.2f} s, {size / 1000:,.0f} kB"
        for form in Format
        for cost, size in [best(lambda f=form: made(f))]
    ]
    for name, make in (("json", render_json), ("oscal", assessment_results)):
        cost, size = best(lambda m=make: m(report, catalogue))
        told.append(f"{name} {cost:.2f} s, {size / 1000:,.0f} kB")
    print(
        f"report: an audit in Vietnamese, 93 controls, {len(report.incidents)} incidents,"
        f" {len(report.status.evidence):,} pieces of evidence, composed and written, CPU: {'; '.join(told)}"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
