"""What a person can do to an alert or an incident, as data: name, arguments, role. The commands, the desk and the UI read the same tables.

An action's `decide` is pure: the nouns as they stand, the values and who acts in, the facts that say so out. `each` and `whole` make one of
a function on a single noun, or on several that are decided on together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from iso27001.ledger import Fact
from soc.binding import duration_of
from soc.errors import SocError

N = TypeVar("N")


class Role(StrEnum):
    """Who may do what; an admin may what a lead may, a lead what an analyst may. An auditor reads everything and changes nothing."""

    AUDITOR = "auditor"
    ANALYST = "analyst"
    LEAD = "lead"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Whether this role is enough."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class RolesConfig:
    """Who has which role: names of users, and of groups with an "@" before them. Where nobody is named, everybody may do everything."""

    auditor: tuple[str, ...] = ()
    analyst: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        """Whether anybody is named."""
        return any((self.auditor, self.analyst, self.lead, self.admin))


class Kind(StrEnum):
    """What a value is. The desk makes more of some: of a FILE's path a `KeptFile` of the vault, of an ALERT's or INCIDENT's id the noun.

    MEMBER: alerts of the incident, made `soc.incident.actions.Members`. ITEM: an evidence item's id, made `soc.incident.actions.Held`.
    """

    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    DURATION = "duration"
    MOMENT = "moment"
    FILE = "file"
    ALERT = "alert"
    INCIDENT = "incident"
    MEMBER = "member"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Argument:
    """One value that an action takes; `many`: any number of them. `about` is what help shows."""

    name: str
    about: str
    kind: Kind = Kind.TEXT
    required: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()

    def read(self, text: str) -> str | int | timedelta | datetime:
        """The value of what was typed. Raises: SocError."""
        if self.choices and text not in self.choices:
            raise SocError(f'{self.name}: "{text}" is not one of {", ".join(self.choices)}')
        if self.kind is Kind.NUMBER:
            return self._number(text)
        if self.kind is Kind.DURATION:
            span = duration_of(text)
            if span is None:
                raise SocError(f'{self.name}: "{text}" is not a duration; write "90s", "15m", "8h" or "30d"')
            return span
        if self.kind is Kind.MOMENT:
            return self._moment(text)
        return text

    def _number(self, text: str) -> int:
        try:
            return int(text)
        except ValueError as error:
            raise SocError(f'{self.name}: "{text}" is not a whole number') from error

    def _moment(self, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise SocError(f'{self.name}: "{text}" is not a moment such as "2026-11-23T08:00+07:00"') from error
        if moment.tzinfo is None:
            raise SocError(f'{self.name}: "{text}" names no time zone; write "{text}+07:00"')
        return moment


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts, and when."""

    actor: str
    now: datetime

    def after(self, last: datetime | None) -> datetime:
        """A moment after the last decision: two within the clock's tick keep their order."""
        return self.now if last is None else max(self.now, last + timedelta(microseconds=1))


@dataclass(frozen=True, slots=True)
class Decided:
    """What an action comes to: facts by the id of the noun that they change, and why others are left as they are."""

    facts: Mapping[str, Sequence[Fact]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


Values = Mapping[str, Any]
"""By an argument's name what was given: as Argument.read makes it, True for a flag, a tuple where there may be many."""

Decide = Callable[[Sequence[N], Values, Who], Decided]


@dataclass(frozen=True, slots=True)
class Action(Generic[N]):
    """One thing that can be done to nouns: the help, the role that it takes, its values, what comes of it. `one`: to one at a time."""

    name: str
    about: str
    role: Role
    decide: Decide[N]
    arguments: tuple[Argument, ...] = ()
    one: bool = False


def each(decide: Callable[[N, Values, Who], Fact], id_of: Callable[[N], str]) -> Decide[N]:
    """Every noun is decided on for itself; where `decide` raises SocError that one is left as it is."""

    def decided(nouns: Sequence[N], values: Values, who: Who) -> Decided:
        facts: dict[str, Sequence[Fact]] = {}
        refused: dict[str, str] = {}
        for noun in nouns:
            try:
                facts[id_of(noun)] = [decide(noun, values, who)]
            except SocError as error:
                refused[id_of(noun)] = str(error)
        return Decided(facts, refused)

    return decided


def whole(decide: Callable[[Sequence[N], Values, Who], Mapping[str, Sequence[Fact]]]) -> Decide[N]:
    """All nouns are decided on together. Raises SocError where that cannot be."""

    def decided(nouns: Sequence[N], values: Values, who: Who) -> Decided:
        return Decided(decide(nouns, values, who))

    return decided


def place(last: datetime | None) -> str:
    """The end of a fact's id that says which decision it follows: of two after the same, a ledger takes one."""
    return "first" if last is None else f"after {last.isoformat()}"
