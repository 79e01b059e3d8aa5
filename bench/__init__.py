"""Runnable benchmarks, not timed tests: `python -m bench` lists them, `python -m bench scan` runs one."""
