"""Rule files in, their tests run with what they need from the rest of the site: what `soc rules test` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from soc.app.site import Site
from soc.detect import rule_tests
from soc.detect.rule_tests import Result
from soc.detect.sigma import ir
from soc.errors import FaultsError


def run(site: Site, paths: Sequence[Path]) -> list[Result]:
    """The verdict on every sample beside the rules under the paths (default: the site's).

    Raises: FaultsError with every fault of the tests, or of the rules.
    """
    tests = rule_tests.discover(paths or site.config.rules)
    return rule_tests.run(tests, content(site, paths))


def content(site: Site, paths: Sequence[Path]) -> list[tuple[str, ir.Content]]:
    """The rules under the paths (default: the site's); with the site's where they cannot stand alone, as a correlation over its rules.

    Raises: FaultsError.
    """
    try:
        return site.content(paths)
    except FaultsError as alone:
        folders = [folder.resolve() for folder in site.config.rules]
        others = [path for path in paths if not any(path.resolve().is_relative_to(folder) for folder in folders)]
        if not paths or not site.path.is_file():
            raise
        try:
            return site.content([*site.config.rules, *others])
        except FaultsError:
            raise alone from None
