"""Text in, the same without personal data out: each person is one stand-in throughout, and what was replaced is counted. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from soc.alert import Entity
from soc.share import Config

MIN_NAME = 3
"""Characters of a value that is looked for in text: a shorter one would take letters out of other words."""


class Redactor:
    """Replaces the persons among these entities, and what the site's patterns find; `counts`: how often, by what it was."""

    def __init__(self, config: Config, entities: Iterable[Entity], people: Iterable[str] = ()) -> None:
        """`people`: names of our own, such as who wrote a line."""
        self.counts: Counter[str] = Counter()
        self._patterns = [(name, re.compile(pattern)) for name, pattern in config.patterns.items()]
        named: dict[str, str] = {}
        for entity in entities:
            if entity.kind in config.redact:
                for name in (entity.value, entity.value.split("@")[0]):
                    named.setdefault(name.casefold(), f"person-{len(named) + 1}")
        for name in people:
            named.setdefault(name.casefold(), f"person-{len(named) + 1}")
        self._stand_ins = named
        longest = sorted((name for name in named if len(name) >= MIN_NAME), key=len, reverse=True)
        self._names = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest), re.IGNORECASE)
        if not longest:
            self._names = re.compile(r"(?!)")

    def text(self, text: str) -> str:
        """The text without what is personal."""
        text = self._names.sub(self._person, text)
        for name, pattern in self._patterns:
            text, count = pattern.subn(f"[{name}]", text)
            self.counts[name] += count
        return text

    def _person(self, match: re.Match[str]) -> str:
        self.counts["person"] += 1
        return self._stand_ins[match[0].casefold()]
