"""Lines that are written as usual are read at one look; what they say is what the reading part by part says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct

from collectors.errors import ParseError
from collectors.event import Event
from collectors.parse import Context, Format, parse, parse_batch, usual
from collectors.parse.parsers import rfc3164, rfc5424, syslog
from collectors.parse.registry import messages
from collectors.record import RawRecord
from tests.collectors.parse.golden import record

CONTEXT = Context(timezone=ZoneInfo("Asia/Ho_Chi_Minh"))
RECEIVED = datetime(2026, 11, 22, 10, 1, tzinfo=UTC)

_PRIORITIES = ("<38>", "<0>", "<191>", "<192>", "<038>", "")
_STAMPS = (
    "Nov 22 10:00:00", "Nov  2 10:00:00", "Feb 30 10:00:00", "Foo 12 10:00:00", "Nov 22 10:00:60", "Nov 22 2026 10:00:00",
    "2026-11-22T10:00:00.123456+07:00", "2026-11-22T10:00:00Z", "2026-11-22T10:00:61Z", "0001-01-01T00:00:00+23:59", "*Nov 22 10:00:00",
)  # fmt: skip
_HOSTS = (
    "web01", "-", "", "web-01.tinh.example", "-web", "web01:", "web]", "%web", "2001:db8::7", "máy-chủ", ":", "w:eb",
)  # fmt: skip
_TAGS = (
    "sshd[871]:", "sshd:", "sshd[871]", "sshd", "sshd(pam_unix)[871]:", "/usr/sbin/cron[1]:", "a/:", "(x):", "()[1]:", "kernel:", "rtr:ap:",
    "s[12345678901]:", "s[٣]:", "s[]:", "[9]:", ":", "thư[1]:", "%ASA-6-302013:", "-", "a b:",
)  # fmt: skip
_MESSAGES = (
    "Failed password for invalid user an from 192.0.2.7 port 40022 ssh2", "%SYS-5-CONFIG_I: Configured", "x: %SYS-5-A: b", "",
    "message repeated 3 times: [ session opened for user an]", "pam_unix(sshd:session): session closed for user an", " two blanks",
    "IN=eth0 OUT= SRC=192.0.2.66 DST=10.20.5.11 PROTO=TCP", "CEF:0|a|b|1|2|c|3|rt=Nov 22 2026 09:00:00", "two\nlines", "blanks \t",
    "date=2026-11-22 time=10:00:00 a=b", "CEF: 0|a", "CEF:0|a|b: %SYS-5-A: b", "LEEF:1.0|a|b|1|2|x=y",
    "1,2026/11/22 10:00:00,0", "check pass; user unknown", "'\x01\x7f'", "tiếng Việt: %",
)  # fmt: skip


def mostly(*parts: str) -> st.SearchStrategy[str]:
    """The first of these in five lines of six: an oddity is best met alone."""
    return st.sampled_from((parts[0],) * 5 * len(parts) + parts)


_HEADS = (
    "<38>1 2026-11-22T10:00:00.123456Z web01 sshd 871 - - ", "<38>1 2026-11-22T10:00:00+07:00 web01 CRON - - - ",
    "<38>1 2026-11-22T10:00:60Z web01 sshd 871 - - ", "<38>1 Nov 22 10:00:00 web01 sshd[871]: ", "<192>1 2026-11-22T10:00:00Z a b 1 - - ",
    "<38>1 2026-11-22T10:00:00Z web01 sshd[871]: ", "<38>2026-11-22T10:00:00Z web01 sshd 871 - - ", "2026-11-22T10:00:00Z a sshd 1 - - ",
    "<38>1 2026-11-22T10:00:00Z web01 sshd(pam_unix) 871 - - ", "<38>1 2026-11-22T10:00:00Z web01 - 871 - - ",
    "<38>1 2026-11-22T10:00:00Z web01 /usr/sbin/cron 1 - - ", '<38>1 2026-11-22T10:00:00Z web01 sshd 871 ID1 [a@1 b="c"] ',
    "<38>1 2026-11-22T10:00:00Z web01 sshd 12345678901 - - ", "<38>1 - web01 sshd 871 - - ", "<38>Nov 22 10:00:00 fw01 ",
    "<38>", "", "<192>", "<38>2026-11-22T10:00:00Z fw01 ", "<38>Nov 22 10:00:00 ",
    "<38>Nov 22 10:00:00 fw01: ", "Nov 22 10:00:61 fw01 ", "<38>1  web01 sshd 871 - - ",
)  # fmt: skip
_TAILS = ("", "", "", " ", "\r", "\0", " \t", "\ufeff")
_BLANK = mostly(" ", "  ", "\t", "")
old = st.tuples(
    mostly(*_PRIORITIES), mostly(*_STAMPS), _BLANK, mostly(*_HOSTS), _BLANK, mostly(*_TAGS), _BLANK
).map("".join)  # fmt: skip
lines = st.tuples(
    old | st.sampled_from(_HEADS), st.sampled_from(("", "", " ", "\ufeff", "\ufeff ", "  ")),
    st.sampled_from(_MESSAGES) | st.text(max_size=20), st.sampled_from(_TAILS),
).map("".join)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Parsers of messages are loaded once, which takes longer than one example may."""
    messages()


def part_by_part(asked: RawRecord, form: Format) -> Event | str:
    try:
        return parse(asked, replace(form, usual=None), CONTEXT)
    except ParseError as error:
        return error.reason


@given(lines, st.sampled_from((rfc3164.FORMAT, rfc5424.FORMAT, syslog.FORMAT)))
@example(
    "<38>Nov 22 10:00:00 web01 sshd[871]: Accepted publickey for an from 192.0.2.7 port 50122 ssh2", rfc3164.FORMAT
)
@example(
    "2026-11-22T10:00:00.123456+07:00 web01 sudo:       an : TTY=pts/0 ; PWD=/home/an ; USER=root ; COMMAND=/usr/bin/id",
    syslog.FORMAT,
)
def test_one_look_says_what_the_parts_say(line: str, form: Format) -> None:
    asked = record(line.encode("utf-8", "replace"), received=RECEIVED)
    assert form.usual is not None
    [found] = form.usual([asked], CONTEXT)
    event(f"usual: {found is not None}")
    if found is not None:
        other = part_by_part(asked, form)
        assert isinstance(other, Event)
        assert found == other
        assert list(found.fields) == list(other.fields), "their order makes the shape of a stored event"


def test_what_hosts_write_is_usual() -> None:
    for line in (
        "<38>Nov 22 10:00:00 web01 sshd[871]: Accepted publickey for an from 192.0.2.7 port 50122 ssh2",
        "Nov  2 10:00:00 web01 kernel: IN=eth0 OUT= SRC=192.0.2.66",
        "<38>2026-11-22T10:00:00.123456+07:00 web01 /usr/sbin/cron[12]: (root) CMD (id)",
        "<38>Nov 22 10:00:00 web01 sshd(pam_unix)[871]: check pass; user unknown",
        "<38>Nov 22 10:00:00 web01 sudo:       an : TTY=pts/0 ; PWD=/home/an ; USER=root ; COMMAND=/usr/bin/id",
        "<38>1 2026-11-22T10:00:00.123456+07:00 web01 sshd 871 - - Accepted publickey for an from 192.0.2.7 port 50122 ssh2",
        "<38>1 2026-11-22T10:00:00Z web01 sudo - - -   an : TTY=pts/0 ; PWD=/home/an ; USER=root ; COMMAND=/usr/bin/id",
        '<189>date=2026-11-22 time=10:00:00 devname="fw01" type="traffic"',
        "<14>Nov 22 10:00:00 pa01 1,2026/11/22 10:00:00,013101001305,TRAFFIC,end",
        "<14>2026-11-22T10:00:00Z waf01 CEF:0|a|b|1|2|c|3|src=192.0.2.7",
        "<6>1 2026-11-22T10:00:00Z web01 kernel - - - \ufeffIN=eth0 OUT= SRC=192.0.2.66",
    ):
        asked = record(line.encode(), received=RECEIVED)
        assert usual.read([asked], CONTEXT, usual.EITHER) != [None], line


def test_a_record_that_cannot_be_read_at_one_look_takes_no_other_with_it() -> None:
    good = b"<38>Nov 22 10:00:00 web01 sshd[871]: Accepted publickey for an from 192.0.2.7 port 50122 ssh2"
    bad = (
        b"\xff",
        b"<38>Feb 30 10:00:00 web01 sshd[871]: x",
        b"<38>1 0001-01-01T00:00:00+23:59 web01 sshd 871 - - x",
        b"",
    )
    asked = [record(data, received=RECEIVED) for each in bad for data in (each, good)]
    asked.append(replace_struct(record(good, received=RECEIVED), truncated=3))
    found = usual.read(asked, CONTEXT, usual.EITHER)
    assert [each is not None for each in found] == [False, True] * 4 + [False]
    events, dead = parse_batch(asked, syslog.FORMAT, CONTEXT)
    assert [each.raw for each in events if each.raw == good] == [good] * 5
    assert len(events) + len(dead) == len(asked)
    assert events[-1].fields["log.flags"] == ["truncated"]
