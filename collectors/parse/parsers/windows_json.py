"""A Windows event as JSON of the `evtx` package in, flat ECS out; what it becomes is in `collectors.parse.windows`.

    {"Event": {"System": {"Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}}, "EventID": 1, "TimeCreated":
    {"#attributes": {"SystemTime": "2026-11-22T03:00:00.123456Z"}}, ...}, "EventData": {"Image": "C:\\\\notepad.exe", ...}}}

Source of truth: `evtx.PyEvtxParser.records_json` 0.14.
"""

from __future__ import annotations

import re

from collectors.parse import windows_event
from collectors.parse.format import ANY, Context, Format, Gives, Parsed, share_of_lines
from collectors.record import RawRecord

_EVTX_MAGIC = b"ElfFile\x00"
_SNIFFED = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"Event"\s*:\s*\{')


def parse(record: RawRecord, context: Context) -> Parsed:
    """One event. Raises: ParseError."""
    return windows_event.read(windows_event.decode(record.data), context)


def _sniff(sample: bytes) -> float:
    if sample.startswith(_EVTX_MAGIC):  # the EVTX source hands each record over in this format
        return 1.0
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "windows-json",
    "Windows event as JSON (EVTX records, evtx_dump -o jsonl)",
    parse,
    _sniff,
    gives=(Gives("windows", ANY, ANY),),
)
