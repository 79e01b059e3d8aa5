"""`Route`: which events a rule reads, and by what ECS names it finds Sigma's fields in them. The noun of the taxonomy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ROUTING = (
    "event.dataset",
    "event.module",
    "winlog.channel",
    "winlog.provider_name",
    "event.code",
    "event.category",
    "host.os.type",
)
"""The fields that decide which rules see an event; low in distinct values, so rules are specialised for each combination.

`event.module` is the first word of `event.dataset` where an event has none ("zeek" of "zeek.dns").
"""


@dataclass(frozen=True, slots=True)
class Route:
    """Events whose routing fields have these values (lower case; all of them), and where in them Sigma's fields are.

    `fields`: Sigma name, lower case -> ECS names; any of them may hold it; "{}" is the name as the
    rule writes it. `otherwise`: templates for names that are not listed.
    `require`: further conditions that are not routing fields (the program behind a syslog line).
    """

    where: tuple[tuple[str, frozenset[str]], ...]
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    otherwise: tuple[str, ...] = ("{}",)
    require: tuple[tuple[str, frozenset[str]], ...] = ()
    _columns: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    def columns(self, name: str) -> tuple[str, ...]:
        """The event fields that hold the Sigma field `name`."""
        found = self._columns.get(name)
        if found is None:
            found = self.fields.get(name.lower())
            if found is not None:
                found = tuple(dict.fromkeys(column.replace("{}", name) for column in found))
            else:  # a dot: an ECS name, or a path into a JSON event
                found = (name,) if "." in name else tuple(template.replace("{}", name) for template in self.otherwise)
            self._columns[name] = found
        return found


WRITTEN: dict[str, str] = {}
"""Lower-cased values of routing conditions -> as their producers write them, for engines that compare case."""


def is_(name: str, *values: str) -> tuple[str, frozenset[str]]:
    """A routing condition: the field has one of these values, in any case."""
    WRITTEN.update((value.lower(), value) for value in values)
    return name, frozenset(value.lower() for value in values)
