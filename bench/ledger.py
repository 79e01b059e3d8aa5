"""Append, proof and verification rates of the ledger and of a pack of it, in facts per CPU second; one line of result.

Run: .venv/bin/python -m bench.ledger [FACTS]
"""

from __future__ import annotations

import gc
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iso27001.ledger import Fact
from iso27001.ledger.anchor import write_anchor
from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger
from iso27001.ledger.verify import verify
from iso27001.packing import write_pack
from iso27001.verifier.pack import verify_pack

GROUP = 10_000


def alert_facts(count: int) -> list[Fact]:
    """Facts like those of an opened alert: 330 bytes in canonical form, ids that do not come in order."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    order = random.Random(1).sample(range(count), count)
    return [
        Fact(
            f"alert.opened/{order[n]:032x}",
            "alert.opened",
            start + timedelta(milliseconds=n),
            "engine",
            {
                "alert": f"{order[n]:032x}",
                "rule": "sshd brute force",
                "level": "high",
                "entity": {"kind": "source.ip", "value": f"192.0.2.{n % 255}"},
                "count": n,
                "tags": ["attack.t1110.001", "attack.credential-access"],
            },
        )
        for n in range(count)
    ]


def main(count: int = 100_000) -> None:
    """Print the result."""
    facts = alert_facts(count)
    gc.collect()
    gc.freeze()  # the facts that wait here are the benchmark's, not the ledger's
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        path, anchor = Path(folder) / "ledger.db", Path(folder) / "anchor.txt"
        signer = Signer.load_or_create(Path(folder) / "ledger.key")
        with Ledger.open(path, signer=signer) as ledger:
            cpu, wall = time.process_time(), time.perf_counter()
            for start in range(0, count, GROUP):
                ledger.append(facts[start : start + GROUP])
            append_cpu, append_wall = time.process_time() - cpu, time.perf_counter() - wall

            wall = time.perf_counter()
            for fact in facts[:50]:
                ledger.append([Fact(f"single/{fact.id}", fact.kind, fact.time, fact.actor, fact.body)])
            single = (time.perf_counter() - wall) / 50

            cpu = time.process_time()
            ledger.sign(facts[-1].time)
            sign = time.process_time() - cpu
            write_anchor(ledger.heads(), anchor)

            rng, size = random.Random(2), ledger.size
            cpu = time.process_time()
            for _ in range(200):
                ledger.inclusion(rng.randrange(size), size)
            inclusion = (time.process_time() - cpu) / 200
            cpu = time.process_time()
            for _ in range(200):
                ledger.consistency(rng.randrange(1, size), size)
            consistency = (time.process_time() - cpu) / 200
        cpu = time.process_time()
        verdict = verify(path, signer.public, anchors=[anchor])
        verify_cpu = time.process_time() - cpu
        assert verdict.sound
        with Ledger.open(path, signer=signer) as ledger:
            write_pack(
                Path(folder) / "pack.zip", ledger, signer, [], scope="all", since=facts[0].time, until=facts[-1].time
            )
        wall = time.perf_counter()
        assert verify_pack(Path(folder) / "pack.zip", signer.public, anchors=[anchor.read_text()]).sound
        pack_wall = time.perf_counter() - wall
        packed = (Path(folder) / "pack.zip").stat().st_size
        stored = sum(file.stat().st_size for file in Path(folder).glob("ledger.db*"))
    print(
        f"ledger: {count} facts in groups of {GROUP}: append {count / append_cpu:,.0f} facts/CPU-s"
        f" ({count / append_wall:,.0f}/s of wall, one fsync a group), one fact {single * 1e3:.1f} ms, head {sign * 1e3:.1f} ms,"
        f" inclusion proof {inclusion * 1e3:.2f} ms, consistency proof {consistency * 1e3:.2f} ms,"
        f" verify {size / verify_cpu:,.0f} facts/CPU-s, {stored / size:.0f} B/fact;"
        f" soc-verify of a pack on {os.cpu_count()} cores {size / pack_wall:,.0f} facts/s of wall, {packed / size:.0f} B/fact"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
