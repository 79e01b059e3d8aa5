"""Lines of a stream in, the directives in force out: those by which a log names the columns of the lines that follow. No I/O.

    #Fields: date time s-ip cs-method cs-uri-stem            (W3C: IIS, Windows Firewall)
    #fields	ts	uid	id.orig_h                                (Zeek)
    account-id action az-id bytes dstaddr dstport end            (AWS VPC flow logs: the first line, without a mark)

Sources of truth: W3C Extended Log File Format (working draft of 1996), "Directives"; Zeek's `Ascii.cc` (`WriteHeader`); Amazon VPC User
Guide, "Flow log records". A directive is a record like any other; what it says also goes, as `RawRecord.header`, with each record after it
in its stream, over restarts, as it stands in the stream's mark. A later directive of the same name takes the place of the one before; the
others stay.
"""

from __future__ import annotations

import re

_NAMES = (
    b"#Version: ", b"#Software: ", b"#Date: ", b"#Time Format: ", b"#Fields: ",
    b"#separator ", b"#set_separator\t", b"#empty_field\t", b"#unset_field\t", b"#path\t", b"#open\t", b"#fields\t", b"#types\t",
)  # fmt: skip
_MOST_BYTES = 8 * 1024
"""Of one directive; Zeek's widest logs have columns of 2 KiB."""
_COLUMNS = re.compile(
    rb"(?=[a-z0-9 -]{0,2000}\bdstaddr\b)[a-z][a-z0-9-]{1,40}(?: [a-z][a-z0-9-]{1,40}){2,63}\r?(?:\n|\Z)"
)
"""Names of columns that stand alone, one of which is an address."""


def first(line: bytes) -> bytes:
    """The header that the first line of a stream is, or the line that begins this data: empty where it is none."""
    found = _COLUMNS.match(line)
    return found[0].rstrip(b"\r\n") if found else b""


def after(header: bytes, line: bytes) -> bytes:
    """The directives in force after a line that begins with `#`, joined by newlines: the same object where it is none."""
    for name in _NAMES:
        if line.startswith(name) and len(line) <= _MOST_BYTES:
            kept = [each for each in header.split(b"\n") if each and not each.startswith(name)]
            return b"\n".join([*kept, line.rstrip(b"\r\n")])
    return header


def may_be_in(data: bytes) -> bool:
    """Whether any line of this data begins as directives do."""
    return data[:1] == b"#" or b"\n#" in data


def are_in(data: bytes) -> bool:
    """Whether any line of this data, with which a stream begins, is a directive."""
    return bool(first(data)) or (may_be_in(data) and any(after(b"", line) for line in data.split(b"\n")))
