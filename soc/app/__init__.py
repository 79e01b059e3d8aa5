"""Wiring: builds every room from soc.yaml, owns the loops and the clock. The faces (cli, tui) call this and decide nothing themselves."""
