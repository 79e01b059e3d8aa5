"""The words of a report in one language."""

from __future__ import annotations

from functools import lru_cache

from iso27001.catalogue.reading import parse
from iso27001.language import Language


class Messages:
    """The words of one language: `messages("period")`, `messages("samples_line", met=3, all=4)`."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._words = {key: texts[language] for key, texts in _all().items()}

    def __call__(self, key: str, **facts: object) -> str:
        """The text of a key, with its braces filled."""
        return self._words[key].format(**facts) if facts else self._words[key]

    def word(self, text: str) -> str:
        """A word of the field in this language ("high", "not met", "learn-lessons"); as it is where it is not known."""
        return self._words.get(text) or self._words.get(text.replace(" ", "_"), text)


@lru_cache(maxsize=1)
def _all() -> dict[str, dict[str, str]]:
    from importlib import resources

    text = resources.files("iso27001").joinpath("report", "messages.yaml").read_text(encoding="utf-8")
    words: dict[str, dict[str, str]] = parse(text, "messages.yaml")["messages"]
    return words
