"""A plan, what a description says, in; records and messages read as it says out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from collectors.errors import ParseError
from collectors.parse.described.giving import Fields, Giver
from collectors.parse.described.splitting import Parts, Splitter
from collectors.parse.described.timing import Reading
from collectors.parse.format import Context, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord

_LESS_SURE = 0.9
"""A parser written in Python, which knows its format better, names a file first."""
_CONTEXT = Context()
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""Of receipt, where only the form of a date is looked at."""
_ODD = re.compile(r"[^\w.-]|\.(?=\.)", re.ASCII)
_LONGEST_NAME = 128
_LONGEST_TIME = 80
"""Characters; moments are remembered by their text."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`constants`: of each way of the splitter. `empty`: texts that say nothing. `required`: parts without which a text is no record of
    this format. `rest`: the namespace of parts that have no field of their own, "" to leave them out.
    """

    name: str
    dataset: str
    splitter: Splitter
    constants: Sequence[Fields]
    givers: Mapping[str, Giver]
    empty: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    rest: str = ""
    time: Reading | None = None
    time_parts: Sequence[str] = ()


class Reader:
    """Reads texts as its plan says."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._put = {part: each.put for part, each in plan.givers.items()}
        self._required = plan.required | set(plan.time_parts)

    def parse(self, record: RawRecord, context: Context) -> Parsed:
        """One record. Raises: ParseError."""
        text = text_of(record.data, context)
        found = self._parts(text)
        if found is None:
            raise ParseError(f"not a record of {self._plan.name}: {excerpt(text)}")
        fields: Fields = {"event.dataset": self._plan.dataset}
        moment = self._moment(found[0], record.received, context.timezone)
        self._give(*found, fields)
        return Parsed(moment, fields)

    def read_message(self, message: str, fields: Fields) -> None:
        """What stands behind a syslog header; a message that does not fit adds nothing."""
        found = self._parts(message)
        if found is not None:
            self._give(*found, fields)

    def sniff(self, sample: bytes) -> float:
        """The share of lines that can be read."""
        return _LESS_SURE * share_of_lines(sample, self._fits)

    def _fits(self, line: bytes) -> bool:
        try:
            found = self._parts(text_of(line, _CONTEXT))
            if found is not None:
                self._moment(found[0], _SOME_DAY, _CONTEXT.timezone)
        except ParseError:
            return False
        return found is not None

    def _parts(self, text: str) -> tuple[Parts, int] | None:
        """The parts of a text, or None where it lacks one that is required."""
        found = self._plan.splitter.split(text)
        if found is None:
            return None
        parts, way = found
        if empty := self._plan.empty:
            parts = {name: value for name, value in parts.items() if type(value) is not str or value not in empty}
        return (parts, way) if self._required <= parts.keys() else None

    def _moment(self, parts: Parts, received: datetime, zone: ZoneInfo) -> datetime | None:
        plan = self._plan
        if plan.time is None:
            return None
        text = " ".join([str(parts[name]) for name in plan.time_parts])
        if len(text) > _LONGEST_TIME:
            raise ParseError(f"not a time: {excerpt(text)}")
        return plan.time(text, received, zone)

    def _give(self, parts: Parts, way: int, fields: Fields) -> None:
        fields.update(self._plan.constants[way])
        for name, value in parts.items():
            put = self._put.get(name)
            if put is not None:
                put(value, fields)
            elif self._plan.rest and name not in self._plan.time_parts:
                fields[f"{self._plan.rest}.{_plain_name(name)}"] = value  # type: ignore[assignment]  # text, or what flatten gave


def _plain_name(name: str) -> str:
    return _ODD.sub("_", name)[:_LONGEST_NAME].strip(".") or "_"
