"""Lines that are written as usual are read at one look; what they say is what the reading part by part says."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from collectors.errors import ParseError
from collectors.parse import Context, Parsed
from collectors.parse.format import text_of
from collectors.parse.parsers import rfc3164
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
    "date=2026-11-22 time=10:00:00 a=b", "check pass; user unknown", "'\x01\x7f'", "tiếng Việt: %",
)  # fmt: skip


def mostly(*parts: str) -> st.SearchStrategy[str]:
    """The first of these in five lines of six: an oddity is best met alone."""
    return st.sampled_from((parts[0],) * 5 * len(parts) + parts)


_BLANK = mostly(" ", "  ", "\t", "")
lines = st.tuples(
    mostly(*_PRIORITIES), mostly(*_STAMPS), _BLANK, mostly(*_HOSTS), _BLANK, mostly(*_TAGS), _BLANK,
    st.sampled_from(_MESSAGES) | st.text(max_size=20),
).map("".join)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Parsers of messages are loaded once, which takes longer than one example may."""
    messages()


def part_by_part(text: str, asked: RawRecord) -> Parsed | str:
    try:
        return rfc3164.any_line(text, asked, CONTEXT)
    except ParseError as error:
        return error.reason


@given(lines)
@example("<38>Nov 22 10:00:00 web01 sshd[871]: Accepted publickey for an from 192.0.2.7 port 50122 ssh2")
@example(
    "2026-11-22T10:00:00.123456+07:00 web01 sudo:       an : TTY=pts/0 ; PWD=/home/an ; USER=root ; COMMAND=/usr/bin/id"
)
def test_one_look_says_what_the_parts_say(line: str) -> None:
    asked = record(line.encode("utf-8", "replace"), received=RECEIVED)
    text = text_of(asked.data, CONTEXT)
    found = rfc3164.usual(text, asked, CONTEXT)
    event(f"usual: {found is not None}")
    if found is not None:
        assert found == part_by_part(text, asked)


def test_what_hosts_write_is_usual() -> None:
    for line in (
        "<38>Nov 22 10:00:00 web01 sshd[871]: Accepted publickey for an from 192.0.2.7 port 50122 ssh2",
        "Nov  2 10:00:00 web01 kernel: IN=eth0 OUT= SRC=192.0.2.66",
        "<38>2026-11-22T10:00:00.123456+07:00 web01 /usr/sbin/cron[12]: (root) CMD (id)",
        "<38>Nov 22 10:00:00 web01 sshd(pam_unix)[871]: check pass; user unknown",
    ):
        asked = record(line.encode(), received=RECEIVED)
        assert rfc3164.usual(line, asked, CONTEXT) is not None
