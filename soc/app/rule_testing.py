"""Rule files in, their tests run with what they need from the rest of the site: what `soc rules test` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from soc.app.site import Site
from soc.detect import rule_tests
from soc.detect.rule_tests import Result
from soc.detect.sigma.load import linked, read
from soc.detect.sigma.references import Loaded
from soc.errors import FaultsError


def run(site: Site, paths: Sequence[Path]) -> list[Result]:
    """The verdict on every sample beside the rules under the paths (default: the site's).

    Raises: FaultsError with every fault of the tests, or of the rules.
    """
    tests = rule_tests.discover(paths or site.config.rules)
    return rule_tests.run(tests, content(site, paths))


def content(site: Site, paths: Sequence[Path]) -> list[Loaded]:
    """The rules under the paths (default: the site's); with the site's where they cannot stand alone, as a correlation over its rules.

    A rule under the paths stands in for the site's of the same id. Raises: FaultsError.
    """
    if not paths:
        return site.content()
    named = read(paths, cache=site.config.data / "cache", placeholders=site.placeholders)
    try:
        return linked(named)
    except FaultsError:
        if not site.path.is_file():
            raise
    known = {each.id for _, each in named}
    return linked([*(pair for pair in site.content() if pair[1].id not in known), *named])
