"""A coverage-guided fuzzer (atheris, on libFuzzer) over the parsers: only ParseError comes out of anything, in bounded time and memory.

    .venv/bin/python -m tests.collectors.parse.fuzz [--runs 100000] [NAME...]

Each parser is fuzzed in a process of its own that begins with its golden lines and goes on with what reaches new branches. What `check` of
`tests.collectors.parse.test_hostile` asks holds of every input; the first that breaks it is printed with its bytes, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

LONGEST_BYTES = 4_096
SLOWEST_S = 2
MEMORY_MB = 2_048


def fuzz(name: str, folder: Path, runs: int, seed: int) -> None:
    """Never returns: libFuzzer ends the process, with 0 where nothing was found. `seed`: 0 for another one each time."""
    import atheris

    with atheris.instrument_imports(include=["collectors.parse"], enable_loader_override=False):
        from tests.collectors.parse.golden import pairs, records
        from tests.collectors.parse.test_hostile import TOKENS, check

        form, path = pairs()[name]
    true = records(form, path)
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, each in enumerate(true):
        (seeds / f"{number}").write_bytes(each.data)
    words = folder / "words"
    words.write_text("".join('"{}"\n'.format("".join(f"\\x{byte:02x}" for byte in token)) for token in TOKENS))
    header = true[-1].header

    def one(data: bytes) -> None:
        check(form, data, header)

    options = [
        f"-runs={runs}",
        f"-seed={seed}",
        f"-max_len={LONGEST_BYTES}",
        f"-timeout={SLOWEST_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-dict={words}",
    ]
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={folder}/", "-print_final_stats=0", "-verbosity=0", str(seeds)], one
    )
    atheris.Fuzz()


def found(name: str, runs: int, seed: int = 0) -> str:
    """What fuzzing one parser found, in a process of its own; "" for nothing."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-m", __spec__.name, "--folder", folder, "--runs", f"{runs}", "--seed", f"{seed}", name]
        ended = subprocess.run(argv, capture_output=True, check=False)
        if not ended.returncode:
            return ""
        inputs = [path.read_bytes() for path in sorted(Path(folder).glob("*-*"))]
        return f"{ended.stderr.decode(errors='replace')[-4_000:]}\nexit code {ended.returncode}; input: {inputs!r}"


def main() -> None:
    """Fuzz and tell."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*")
    arguments.add_argument("--runs", type=int, default=100_000)
    arguments.add_argument(
        "--seed", type=int, default=0, help="the same for the same inputs again; 0: others each time"
    )
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.folder:
        fuzz(given.names[0], given.folder, given.runs, given.seed)
    from tests.collectors.parse.golden import pairs

    broken = False
    for name in given.names or pairs():
        said = found(name, given.runs, given.seed)
        broken |= bool(said)
        print(f"{name}: {said or f'nothing in {given.runs:,} inputs'}", flush=True)
    sys.exit(broken)


if __name__ == "__main__":
    main()
