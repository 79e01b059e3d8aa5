"""The control tracker over a site: what the commands (and the terminal UI) decide in, one ledger fact out.

What can be decided is a table of `Act`s a kind of record (soc.app.tracking.acts), with the arguments that commands make options of.
Auditors write conclusions and nothing else; everybody else writes everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from iso27001.catalogue import Catalogue
from iso27001.catalogue import load as load_catalogue
from iso27001.ledger import Entry, Fact
from iso27001.register import By, write
from iso27001.register.reading import Register, read_register
from soc.action import Argument, Kind, Role
from soc.app.access import allow
from soc.app.site import Site
from soc.errors import SocError

Values = Mapping[str, Any]
"""By an argument's name what was given: text, a number, a moment, a path, True for a flag, a tuple where there may be many."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be decided. `role`: what it takes; AUDITOR means nobody else. `new`: it begins a record, whose id may be left out.

    `decide`: the tracker, the record's id, the values and who decides in, the fact out.
    """

    name: str
    about: str
    role: Role
    decide: Callable[[Tracking, str, Values, By], Fact]
    arguments: tuple[Argument, ...] = ()
    new: bool = False

    @property
    def takes(self) -> str:
        """The role that it takes, in words."""
        return "the role auditor and no other" if self.role is Role.AUDITOR else f"the role {self.role.value}"

    def may(self, role: Role) -> bool:
        """Whether a role is enough: no rank makes an auditor of anybody."""
        return role is Role.AUDITOR if self.role is Role.AUDITOR else role.may(self.role)


class Tracking:
    """The records of a site, and decisions on them in the name of `actor`."""

    def __init__(self, site: Site, actor: str) -> None:
        self.site = site
        self.actor = actor
        self.catalogue: Catalogue = load_catalogue()

    @cached_property
    def register(self) -> Register:
        """The records as they stood when they were first asked for."""
        return read_register(self.site.ledger)

    def act(self, act: Act, record_id: str, given: Mapping[str, Any]) -> Entry:
        """Decide. `given`: what was typed, by argument. Raises: SocError, IsoError; then nothing was written."""
        self.allow(act.name, [record_id] if record_id else [], act.takes, act.may)
        values = self._values(act, given)
        return self.write(lambda by: act.decide(self, record_id, values, by))

    def allow(self, name: str, on: list[str], takes: str, may: Callable[[Role], bool]) -> None:
        """Let the actor do this. Raises: SocError where their role is not enough, which is recorded."""
        allow(self.site, self.actor, name, on, takes, may)

    def write(self, decide: Callable[[By], Fact]) -> Entry:
        """Append what is decided now. Raises: RecordError where somebody was faster, SocError where nothing can be written, IsoError."""
        if self.site.read_only:
            raise SocError(f"{self.site.config.data} cannot be written; nothing was recorded")
        return write(self.site.ledger, decide(By(self.actor, self.site.clock())))

    def _values(self, act: Act, given: Mapping[str, Any]) -> Values:
        missing = [argument.name for argument in act.arguments if argument.required and not given.get(argument.name)]
        if missing:
            raise SocError(f"{act.name} needs {', '.join(missing)}")
        return {argument.name: self._value(argument, given.get(argument.name)) for argument in act.arguments}

    def _value(self, argument: Argument, given: Any) -> Any:
        if argument.many:
            return tuple(self._one(argument, each) for each in given or ())
        if given in (None, "", False):
            return {Kind.TEXT: "", Kind.FLAG: False}.get(argument.kind)
        return self._one(argument, given)

    def _one(self, argument: Argument, given: Any) -> Any:
        if argument.kind is Kind.FLAG:
            return True
        if argument.kind is Kind.FILE:
            return Path(given)
        if argument.kind is Kind.MOMENT:
            return self._moment(argument, given)
        return argument.read(given)

    def _moment(self, argument: Argument, given: str) -> datetime:
        """A moment; without a time zone it is one of the site's."""
        try:
            moment = datetime.fromisoformat(given)
        except ValueError as error:
            raise SocError(
                f'{argument.name}: "{given}" is no moment such as 2026-11-23 or 2026-11-23T08:00+07:00'
            ) from error
        return moment if moment.tzinfo else moment.replace(tzinfo=self.site.config.site.zone)
