"""Records in, parsed events and dead letters out, with the format that each stream turned out to have.

A format that soc.yaml names is used as it is; "auto" is decided once for each stream (a file, a connection) by its first records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from collectors.errors import ParseError
from collectors.event import Event
from collectors.parse import Context, detect_format, known_format, parse_batch
from collectors.parse.bundle import unbundled
from collectors.parse.format import ANY
from collectors.parse.registry import gives
from collectors.record import DeadLetter, Lines, RawRecord, data_of
from collectors.sources.lines import Continues

AUTO = "auto"

RESERVED = ("soc.audit",)
"""Values of `event.dataset` that only the SOC itself may use: no line of a source can speak in its name."""

_BUNDLED = frozenset({"json", "json-pretty"})
"""Formats whose records may be lists of records."""
_SAMPLE_RECORDS = 50


def _unclaimed(events: list[Event]) -> list[Event]:
    """The events; a reserved dataset that a record claims is put aside as `producer.event.dataset`."""
    return [
        replace(each, fields={**each.fields, "event.dataset": "json", "producer.event.dataset": said})
        if (said := each.fields.get("event.dataset")) in RESERVED
        else each
        for each in events
    ]


def _may_claim(format_name: str) -> bool:
    """Whether a format's records name their dataset themselves (a parser's own is declared, and held to that by tests)."""
    return not {ANY, *RESERVED}.isdisjoint(each.dataset for each in gives(format_name))


class ChoosingParser:
    """Parses the records of one source; remembers what format each of its streams has."""

    def __init__(self, format_name: str, context: Context) -> None:
        self._format = format_name
        self._context = context
        self._formats: dict[str, str] = {}

    def continues(self, sample: Sequence[RawRecord] = ()) -> Continues | None:
        """For records that span lines, how they go on: of the format that is named, or that these first records have."""
        name = self._format
        if name == AUTO:
            if not sample:
                return None
            try:
                name = self._of_stream(sample[0].position.stream, sample)
            except ParseError:
                return None
        form = known_format(name)
        return form.continues if form else None

    def parse(self, records: Sequence[RawRecord]) -> tuple[list[Event], list[DeadLetter]]:
        """Events and dead letters; every record, or each record that it lists (`collectors.parse.bundle`), is in exactly one of the two.

        Raises: ParseError for a format that does not exist.
        """
        events: list[Event] = []
        dead: list[DeadLetter] = []
        for format_name, run in self.runs(records, dead):
            parsed, refused = self.parse_run(format_name, run)
            events += parsed
            dead += refused
        return events, dead

    def parse_run(self, format_name: str, run: Sequence[RawRecord]) -> tuple[list[Event], list[DeadLetter]]:
        """Events and dead letters of records in one format. Raises: ParseError for a format that does not exist."""
        records = unbundled(run) if format_name in _BUNDLED else run
        events, dead = parse_batch(records, format_name, self._context)
        return _unclaimed(events) if _may_claim(format_name) else events, dead

    def runs(self, records: Sequence[RawRecord], dead: list[DeadLetter]) -> Iterator[tuple[str, Sequence[RawRecord]]]:
        """Neighbouring records of one format, with its name; those of a stream that no format fits go to the dead letters."""
        if self._format != AUTO:
            yield self._format, records
            return
        for run in [records] if isinstance(records, Lines) and records else _by_stream(records):
            try:
                yield self._of_stream(run[0].position.stream, run), run
            except ParseError as error:
                reason = error.reason.removeprefix(f"{run[0].position.path[-200:]}: ")
                dead += [DeadLetter(record, AUTO, reason) for record in run]

    def _of_stream(self, stream: str, run: Sequence[RawRecord]) -> str:
        if stream not in self._formats:
            sample = b"".join(data + b"\n" for data in (run[0].header, *data_of(run[:_SAMPLE_RECORDS])) if data)
            self._formats[stream] = detect_format(sample, run[0].position.path)
        return self._formats[stream]


def _by_stream(records: Sequence[RawRecord]) -> Iterator[Sequence[RawRecord]]:
    """Neighbouring records of one stream each."""
    start = 0
    while start < len(records):
        stream = records[start].position.stream
        end = next((i for i in range(start, len(records)) if records[i].position.stream != stream), len(records))
        yield records[start:end]
        start = end
