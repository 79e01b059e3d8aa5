"""Append, proof and verification rates of the ledger and of a pack of it, in facts per CPU second; one line of result.

Run: .venv/bin/python -m bench.ledger [FACTS [LEAVES]]
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iso27001.ledger import Fact
from iso27001.ledger.anchor import write_anchor
from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger, _rows
from iso27001.ledger.verify import verify
from iso27001.packing import write_pack
from iso27001.verifier import merkle
from iso27001.verifier.pack import verify_pack

GROUP = 10_000


def alert_facts(count: int) -> Iterator[list[Fact]]:
    """Facts like those of an opened alert, group by group: 330 bytes in canonical form, ids that do not come in order."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    order = random.Random(1).sample(range(count), count)
    for first in range(0, count, GROUP):
        yield [
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
            for n in range(first, min(count, first + GROUP))
        ]


def _cpu() -> float:
    """CPU seconds of this process and of those that it has ended."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in spent)


def proofs(folder: Path, size: int) -> tuple[float, float]:
    """Seconds of CPU of an inclusion and of a consistency proof in a tree of so many leaves, which stand there without their facts."""
    with Ledger.open(folder / "tree.db") as ledger:
        connection, edge = ledger._connection, merkle.Frontier()
        connection.execute("BEGIN")
        for start in range(0, size, 4 * GROUP):
            runs = edge.extend([n.to_bytes(32, "big") for n in range(start, min(size, start + 4 * GROUP))])
            connection.executemany("INSERT INTO nodes VALUES (?, ?)", _rows(runs))
        connection.execute("INSERT INTO pages VALUES (?, 1, x'00')", (size - 1,))
        connection.execute("COMMIT")
        rng, took = random.Random(3), []
        for prove in (
            lambda: ledger.inclusion(rng.randrange(size), size),
            lambda: ledger.consistency(rng.randrange(1, size), size),
        ):
            cpu = time.process_time()
            for _ in range(500):
                prove()
            took.append((time.process_time() - cpu) / 500)
    return took[0], took[1]


def main(count: int = 100_000, leaves: int = 1_000_000) -> None:
    """Print the result."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        path, anchor = Path(folder) / "ledger.db", Path(folder) / "anchor.txt"
        signer = Signer.load_or_create(Path(folder) / "ledger.key")
        with Ledger.open(path, signer=signer) as ledger:
            append_cpu = append_wall = 0.0
            for facts in alert_facts(count):
                cpu, wall = time.process_time(), time.perf_counter()
                ledger.append(facts)
                append_cpu += time.process_time() - cpu
                append_wall += time.perf_counter() - wall

            wall = time.perf_counter()
            for fact in facts[:50]:
                ledger.append([replace(fact, id=f"single/{fact.id}")])
            single = (time.perf_counter() - wall) / 50

            cpu = time.process_time()
            ledger.sign(facts[-1].time)
            sign = time.process_time() - cpu
            write_anchor(ledger.heads(), anchor)

            size = ledger.size
        inclusion, consistency = proofs(Path(folder), leaves)
        cpu = time.process_time()
        verdict = verify(path, signer.public, anchors=[anchor])
        verify_cpu = time.process_time() - cpu
        assert verdict.sound, verdict
        with Ledger.open(path, signer=signer) as ledger:
            write_pack(
                Path(folder) / "pack.zip", ledger, signer, [], scope="all", since=facts[0].time, until=facts[-1].time
            )
        before, wall = _cpu(), time.perf_counter()
        assert verify_pack(Path(folder) / "pack.zip", signer.public, anchors=[anchor.read_text()]).sound
        pack_cpu, pack_wall = _cpu() - before, time.perf_counter() - wall
        packed = (Path(folder) / "pack.zip").stat().st_size
        stored = sum(file.stat().st_size for file in Path(folder).glob("ledger.db*"))
    print(
        f"ledger: {count} facts in groups of {GROUP}: append {count / append_cpu:,.0f} facts/CPU-s"
        f" ({count / append_wall:,.0f}/s of wall, one fsync a group), one fact {single * 1e3:.1f} ms, head {sign * 1e3:.1f} ms,"
        f" in a tree of {leaves:,} leaves inclusion proof {inclusion * 1e3:.2f} ms, consistency proof {consistency * 1e3:.2f} ms,"
        f" verify {size / verify_cpu:,.0f} facts/CPU-s, {stored / size:.0f} B/fact;"
        f" soc-verify of a pack {size / pack_cpu:,.0f} facts/CPU-s, on all cores, {pack_wall:.1f} s of wall, {packed / size:.0f} B/fact"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
