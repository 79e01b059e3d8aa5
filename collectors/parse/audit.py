r"""A record of Linux's audit system in, its type, names and values out: quotes, hexadecimal text and the enriched part read.

    type=SYSCALL msg=audit(1795316400.123:871): arch=c000003e syscall=59 success=yes exit=0 ... comm="id" exe="/usr/bin/id" key=(null)
    type=USER_AUTH msg=audit(1795316400.123:872): pid=871 uid=0 ... msg='op=PAM:authentication acct="an" addr=192.0.2.7 res=success'

Source of truth: the audit project's "Audit record fields" (field-dictionary.csv: which fields are "encoded") and auditd-3.0's
`format_event` (after 0x1D stand, with `log_format = ENRICHED`, the names of numbers: `UID="root"`). The kernel writes text that holds a
quote, a blank or what is no ASCII in hexadecimal. A value that says nothing ("?", "(null)", an id of 4294967295) is absent.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_HEAD = re.compile(
    r"(?:node=(\S{1,255}+) )?(?:type=([A-Z][A-Z0-9_]{1,40}+|UNKNOWN\[\d{1,5}+\]) msg=)?"
    r"audit\((\d{1,11}+)\.(\d{3}):(\d{1,18}+)\):? ?",
    re.ASCII,
)
_PAIR = re.compile(r'([A-Za-z][\w-]{0,63}+(?:\[\d{1,5}+\])?+)=(?:"([^"]*+)"|([^\s"]*+))')
_HEXADECIMAL = re.compile(r"(?:[0-9A-F]{2})++")
_ENCODED = frozenset({
    "acct", "cgroup", "cmd", "comm", "cwd", "data", "dir", "exe", "file", "grp", "hostname", "key", "name", "new-disk", "ocomm", "old-disk",
    "path", "proctitle", "vm", "watch",
})  # fmt: skip
_ARGUMENT = re.compile(r"a(\d{1,5})(?:\[\d{1,5}\])?", re.ASCII)
_ABSENT = frozenset({"", "?", "(null)", "(none)", "(unknown)", "unset", "4294967295"})
_ENRICHED = "\x1d"
_ENRICHED_BY_RSYSLOG = "#035"
_NO_PAIR = "", ""
_KNOWN: dict[str, tuple[str, str]] = {}
_PAIRS_KEPT, _LONGEST_KEPT = 4_096, 200
"""Pairs that are remembered with what they say, and of how many characters: of thirty in a record most come again in the next."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Record(NamedTuple):
    """One record: `sequence` and `milliseconds` (since 1970) are its whole event's; `values` by name, the enriched part in capitals."""

    node: str
    type: str
    milliseconds: int
    sequence: int
    values: dict[str, str]

    @property
    def time(self) -> datetime:
        """When it was, in UTC."""
        return _EPOCH + timedelta(milliseconds=self.milliseconds)


def read_record(text: str, kind: str = "") -> Record | None:
    """The record of a line; None where it is none. `kind`: its type, where the line does not say (a journal's entry)."""
    head = _HEAD.match(text)
    if head is None or not (head[2] or kind):
        return None
    body = text[head.end() :]
    if _ENRICHED_BY_RSYSLOG in body:
        body = body.replace(_ENRICHED_BY_RSYSLOG, _ENRICHED)
    node, said, seconds, milliseconds, sequence = head.groups()
    kind = said or kind
    return Record(node or "", kind, int(seconds + milliseconds), int(sequence), _values(body, kind))


def _values(body: str, kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    begins = body.find("msg='")
    if begins >= 0 and (ends := body.rfind("'")) > begins + 4:
        _put(body[begins + 5 : ends], kind, found, inner=True)
        body = f"{body[:begins]} {body[ends + 1 :]}"
    _put(body, kind, found, inner=False)
    return found


def _put(text: str, kind: str, found: dict[str, str], *, inner: bool) -> None:
    if inner or kind == "EXECVE":
        _put_pairs(text, kind, found, inner=inner)
        return
    known = _KNOWN.get
    for word in text.split():
        pair = known(word) or _read_word(word)
        if pair is None:
            _put_pairs(text, kind, found, inner=False)
            return
        name, value = pair
        if name and name not in found:
            found[name] = value


def _read_word(word: str) -> tuple[str, str] | None:
    """The pair that a word is, `_NO_PAIR` where it says nothing; None where only the whole text tells, as of a blank between quotes."""
    if not _PAIR.fullmatch(word) and ("=" in word or '"' in word):
        return None
    said: dict[str, str] = {}
    _put_pairs(word, "", said, inner=False)
    pair = next(iter(said.items()), _NO_PAIR)
    if len(word) < _LONGEST_KEPT:
        if len(_KNOWN) >= _PAIRS_KEPT:
            _KNOWN.clear()
        _KNOWN[word] = pair
    return pair


def _put_pairs(text: str, kind: str, found: dict[str, str], *, inner: bool) -> None:
    is_execve = kind == "EXECVE"
    for name, quoted, bare in _PAIR.findall(text):
        value = quoted or bare
        if value in _ABSENT:
            continue
        if bare:
            if name in _ENCODED or (is_execve and _ARGUMENT.fullmatch(name)):
                if _HEXADECIMAL.fullmatch(bare):
                    value = decoded(bare)
            elif inner and bare[-1] in ",)":  # "(hostname=?, addr=192.0.2.7, terminal=ssh res=failed)" of older daemons
                value = bare.rstrip(",)")
                if value in _ABSENT:
                    continue
        found.setdefault(name, value)


def decoded(value: str) -> str:
    """Text of hexadecimal digits; NUL bytes, which stand between the words of a command, are blanks."""
    return bytes.fromhex(value).rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "backslashreplace")


def arguments(values: Mapping[str, str]) -> list[str]:
    """The words of an EXECVE record in their order; long ones come in pieces (`a1[0]=`, `a1[1]=`)."""
    found: dict[int, str] = {}
    for name, value in values.items():
        if match := _ARGUMENT.fullmatch(name):
            number = int(match[1])
            found[number] = found.get(number, "") + value
    return [found[number] for number in sorted(found)]


def address(saddr: str) -> tuple[str, str, str]:
    """Family ("inet", "inet6", "unix" or its number), address or path, and port of a `saddr=`; "" where it has none."""
    if not _HEXADECIMAL.fullmatch(saddr) or len(saddr) < 4:
        return "", "", ""
    data = bytes.fromhex(saddr)
    family = int.from_bytes(data[:2], "little")
    if family == 2 and len(data) >= 8:
        return "inet", socket.inet_ntop(socket.AF_INET, data[4:8]), str(int.from_bytes(data[2:4]))
    if family == 10 and len(data) >= 24:
        return "inet6", socket.inet_ntop(socket.AF_INET6, data[8:24]), str(int.from_bytes(data[2:4]))
    if family == 1:
        path = data[2:].lstrip(b"\0").partition(b"\0")[0]
        return "unix", path.decode("utf-8", "backslashreplace"), ""
    return str(family), "", ""
