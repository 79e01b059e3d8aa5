"""Rule paths and the site in, all that `soc rules check` tells out: the review of the files, and what only the site knows.

The site knows the day (filters that have expired), the correlations (rules that no longer alert by themselves), and its sources (rules that
nothing collected can fire).
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from collectors.choosing import AUTO
from collectors.errors import ParseError
from collectors.parse import detect_format, formats
from collectors.sources import SourceConfig
from soc.app.memory import settle
from soc.app.site import Site
from soc.detect.sigma import ir
from soc.detect.sigma.producible import Output, Reach, Verdict, outputs_of
from soc.detect.sigma.review import Kind, Note, Review, review
from soc.errors import Fault

SAMPLE_BYTES = 65_536
MAX_SAMPLES = 20
"""Files of one source that are looked at for their format."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """A rule that does not alert by itself, and the titles of the correlations that say so."""

    id: str
    title: str
    path: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """The review, with the notes of the site among its own; and which rules are silenced by whom."""

    review: Review
    silenced: tuple[Silenced, ...]


def check_rules(site: Site, paths: Sequence[Path], moment: datetime, *, by_convention: bool = False) -> RuleCheck:
    """All that can be said of the rules under the paths (default: the site's)."""
    settle()
    found = review(paths or site.config.rules, placeholders=site.placeholders, by_convention=by_convention)
    found.notes += _expired(found.content, moment)
    return RuleCheck(found, () if found.faults else tuple(_silenced(found.content)))


def _expired(content: Sequence[tuple[str, ir.Content]], moment: datetime) -> Iterator[Note]:
    today = moment.date().isoformat()
    for path, each in content:
        if isinstance(each, ir.Filter) and each.expires and each.expires <= today:
            words = f'the filter "{each.title}" of {each.owner} has expired on {each.expires}: it hides nothing that happens now'
            yield Note(Kind.WARNING, Fault(path, each.line, 1, words))


def _silenced(content: Sequence[tuple[str, ir.Content]]) -> Iterator[Silenced]:
    from soc.detect.correlation import Network

    network = Network(content)
    by_id = {each.id: (path, each) for path, each in content}
    for rule_id, users in sorted(network.silenced.items()):
        path, rule = by_id[rule_id]
        yield Silenced(rule_id, rule.title, path, tuple(by_id[user][1].title for user in users))


# --- Sources ------------------------------------------------------------------------------------------------------------------------


def reach(
    site: Site, content: Sequence[tuple[str, ir.Content]]
) -> Iterator[tuple[str, ir.Rule | ir.Correlation, Verdict]]:
    """Whether each rule and correlation can fire on what soc.yaml collects; the content has no fault."""
    found = Reach(outputs(site.config.sources), content)
    for path, each in content:
        if not isinstance(each, ir.Filter):
            yield path, each, found.verdict(each)


def outputs(sources: Sequence[SourceConfig]) -> list[Output]:
    """What the parsers of these sources give. A source of format "auto" is looked at; where nothing is there yet, it may be anything."""
    named = {name: None for source in sources for name in _formats(source)}
    return [output for name in named for output in outputs_of(name)]


def _formats(source: SourceConfig) -> list[str]:
    if source.format != AUTO:
        return [source.format]
    samples = (_sample(Path(path)) for path in glob.iglob(getattr(source, "path", ""), recursive=True))  # noqa: PTH207  as the source reads it
    found = {
        detected for path, sample in islice(samples, MAX_SAMPLES) if sample and (detected := _detected(sample, path))
    }
    return sorted(found) or list(formats())


def _sample(path: Path) -> tuple[str, bytes]:
    try:
        with path.open("rb") as file:
            return str(path), file.read(SAMPLE_BYTES)
    except OSError:
        return str(path), b""


def _detected(sample: bytes, path: str) -> str:
    try:
        return detect_format(sample, path)
    except ParseError:
        return ""
