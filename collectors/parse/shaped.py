"""A decoded JSON object in, out what its shape says (collectors.parse.shape), which its keys tell.

The answer is remembered for each set of keys, so telling costs one look into a dictionary.
"""

from __future__ import annotations

from collectors.parse import registry
from collectors.parse.format import Parsed
from collectors.parse.shape import Document, Shape

_KEYS_KEPT = 10_000
"""Sets of keys remembered; a stream of invented ones must not fill the memory."""


class _ByKeys(dict[tuple[str, ...], tuple[Shape, ...]]):
    """The keys of an object in their order -> the shapes that it may have."""

    def __missing__(self, keys: tuple[str, ...]) -> tuple[Shape, ...]:
        if len(self) >= _KEYS_KEPT:
            self.clear()
        held = frozenset(keys)
        self[keys] = found = tuple(each for each in registry.shapes() if held.issuperset(each.keys.split()))
        return found


_BY_KEYS = _ByKeys()


def read_shaped(document: Document) -> Parsed | None:
    """What an object of a known shape says; None for any other. Raises: ParseError; ValueError as `ecs.plain`."""
    for shape in _BY_KEYS[tuple(document)]:
        if shape.fits(document):
            return shape.read(document)
    return None
