"""The first bytes of a file in, whether it is a log of text lines out. Pure.

Signatures: file(1)'s magic for what lies about in log folders (compressed rotations, journald and EVTX files, databases, programs).
"""

from __future__ import annotations

import re

SAMPLE_BYTES = 4_096
_SIGNATURES = {
    b"ElfFile\x00": "a Windows event file (EVTX)",
    b"LPKSHHRH": "a systemd journal",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "a zip archive",
    b"\x7fELF": "a program",
    b"MZ\x90\x00": "a program",
    b"%PDF-": "PDF",
    b"\x89PNG": "an image",
    b"SQLite format 3\x00": "an SQLite database",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1b")) + b"\x7f"
_MOST_CONTROL = 0.1
"""Share of control bytes above which nobody would call it text; a hole of NULs, as a crashed host leaves it, counts as one."""
_FEW_CONTROL = 8
"""So many are never too many: in a file of one short line a single NUL is no sign."""


def binary_kind(sample: bytes) -> str:
    """What this file is ("gzip", "a systemd journal", "binary data"), or "" for text in any encoding based on ASCII."""
    for signature, kind in _SIGNATURES.items():
        if sample.startswith(signature):
            return kind
    squeezed = re.sub(rb"\0+", b"\0", sample)
    control = len(squeezed) - len(squeezed.translate(None, _CONTROL))
    return "binary data" if control > max(_FEW_CONTROL, _MOST_CONTROL * len(squeezed)) else ""


def looks_binary(sample: bytes) -> bool:
    """Whether this is no log of text lines; an empty sample is one."""
    return bool(binary_kind(sample))
