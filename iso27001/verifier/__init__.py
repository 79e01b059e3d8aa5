"""`soc-verify`: an evidence pack and a public key in, a verdict out, offline. Needs the standard library and `cryptography` alone.

This folder with `iso27001/__init__.py` and `iso27001/errors.py` is the whole program: what an auditor has to read, and what the ledger
itself is built on (the tree, the signed notes), so that there is one reading of both.
"""
