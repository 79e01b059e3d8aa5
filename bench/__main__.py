"""`python -m bench [NAME...]`: run benchmarks by name, or list them."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import bench


def main() -> int:
    """Run what was named; 2 where a name is unknown."""
    names = sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if not m.name.startswith("_"))
    if len(sys.argv) == 1:
        for name in names:
            module = importlib.import_module(f"bench.{name}")
            print(f"{name:10} {(module.__doc__ or '').strip().splitlines()[0]}")
        return 0
    unknown = [name for name in sys.argv[1:] if name not in names]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    chosen, sys.argv[1:] = sys.argv[1:], []  # each reads its own defaults; with options: python -m bench.NAME
    for name in chosen:
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
