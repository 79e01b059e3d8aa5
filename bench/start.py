"""Start-up: CPU milliseconds of `soc --help` and what a second start with all rules costs."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys


def cpu_ms(arguments: list[str]) -> float:
    """CPU milliseconds (user and system) of one run of the program in a fresh process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "soc", *arguments], check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    """Print the median of seven runs."""
    for arguments in (["--help"], ["config", "show"]):
        runs = sorted(cpu_ms(arguments) for _ in range(7))
        print(
            f"soc {' '.join(arguments)}: {statistics.median(runs):.0f} ms CPU (of 7: {runs[0]:.0f} to {runs[-1]:.0f})"
        )


if __name__ == "__main__":
    main()
