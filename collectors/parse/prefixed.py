"""A decoded JSON object in, fields out: what has an ECS name under that, all else under the producer's prefix, as text.

For producers whose own names would clash with ECS (`host`, `http.status`) and whose integrations in Elastic have such a prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from collectors.event import Value
from collectors.parse.ecs import CONVERT, plain
from collectors.parse.flat import flatten

_NAMES_KEPT = 20_000
"""Names remembered; a stream of invented ones must not fill the memory."""


class Prefixed:
    """`names`: a producer's dotted name -> the ECS field that its value becomes, or "" for one that a parser reads itself."""

    def __init__(self, prefix: str, names: Mapping[str, str]) -> None:
        self._prefix = prefix
        self._names = names
        self._places: dict[str, tuple[str, Callable[[object], Value] | None]] = {}

    def read(self, document: dict[str, object]) -> tuple[dict[str, Value], dict[str, Value]]:
        """The fields, and the leaves by their own names. Empty texts are absent. Raises: ParseError as `flatten`."""
        said = flatten(document)
        fields: dict[str, Value] = {}
        places = self._places
        for name, value in said.items():
            if value == "":
                continue
            place, convert = places[name] if name in places else self._place(name)
            if not place:
                continue
            if convert is not None and (typed := convert(value)) is not None:
                fields.setdefault(place, typed)
            elif convert is not None:
                fields[f"{self._prefix}{name}"] = _text(value)
            elif type(value) is str:
                fields[place] = value
            else:
                fields[place] = _text(value)
        return fields, said

    def _place(self, name: str) -> tuple[str, Callable[[object], Value] | None]:
        if len(self._places) >= _NAMES_KEPT:
            self._places.clear()
        field = self._names.get(name)
        found = (f"{self._prefix}{name}", None) if field is None else (field, CONVERT.get(field))
        self._places[name] = found
        return found


def _text(value: Value) -> Value:
    return [plain(each) for each in value] if isinstance(value, list) else plain(value)


def text(said: Mapping[str, Value], name: str) -> str:
    """A leaf that is text; "" for any other."""
    value = said.get(name)
    return value if isinstance(value, str) else ""
