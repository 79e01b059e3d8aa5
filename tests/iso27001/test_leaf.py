"""The package stands alone: it can be installed, read and audited without the rest of the toolkit."""

from __future__ import annotations

import subprocess
import sys


def test_importing_everything_touches_nothing_of_the_trunk_and_nothing_heavy() -> None:
    code = (
        "import importlib, pkgutil, sys, iso27001\n"
        "for module in pkgutil.walk_packages(iso27001.__path__, 'iso27001.'): importlib.import_module(module.name)\n"
        "heavy = {'soc', 'collectors', 'elasticsearch', 'sklearn', 'sigma', 'textual', 'numpy', 'jinja2', 'typst', 'cryptography'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
