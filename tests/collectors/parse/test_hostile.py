"""Hostile input: mutated golden lines and long runs of one character. Only ParseError comes out, soon, and what comes out can be stored."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from collectors.errors import ParseError
from collectors.parse import Format, formats, parse
from collectors.parse.ecs import INT64_MAX, INT64_MIN, INTEGERS
from tests.collectors.parse.golden import CONTEXT, pairs, record, records

PAIRS = pairs()
MUTATIONS = 2_000
SLOWEST_S = 0.010
RUNS = (
    b"A", b"A=", b"[", b'"', b"(", b"<", b"\\", b"9", b" ", b"<a>", b'{"a":', b"[1,", b'"\\"', b": ",
    b" from ", b"\xc3\xa9", b'="', b";", b"&lt;",
)  # fmt: skip
TOKENS = (
    b"<999>", b"<34>1 ", b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"Feb 29 10:00:00", b"Xyz 99 99:99:99", b"[", b"]",
    b'"', b"\\", b"\0", b"\xff", b"\xef\xbb\xbf", b"{", b"}", b"null", b"1e999", b"-1", b"99999999999999999999999", b"\\ud800", b"]]>",
    b"<!DOCTYPE a>", b"&x;", b" from ", b" port ", b" for ",
    b"COMMAND=", b"pam_unix(", b"%n%s", b"\xd9\xa3", b"\xc2\xb2", b":::", b"\r\n", b",,,,,,,,,,,,",
)  # fmt: skip


def refused(reason: str) -> None:
    """A reason is short and harmless to print."""
    assert 0 < len(reason) < 400
    assert reason.isprintable()


def check(form: Format, data: bytes, header: bytes = b"") -> float:
    """Parse; returns the seconds it took. The parser itself is called, not the door with its net for faults."""
    asked = replace(record(data), header=header)
    begun = time.thread_time()
    try:
        parsed = form.parse(asked, CONTEXT)
    except ParseError as error:
        took = time.thread_time() - begun
        refused(error.reason)
        return took
    took = time.thread_time() - begun
    if parsed.time is not None:
        assert parsed.time.tzinfo is UTC
        assert datetime.min.replace(tzinfo=UTC) <= parsed.time <= datetime.max.replace(tzinfo=UTC)
    msgspec.json.encode(parse(asked, form, CONTEXT).document())  # no lone surrogates, no endless numbers
    for name, value in parsed.fields.items():
        for each in value if isinstance(value, list) else [value]:
            assert isinstance(each, str | int | float | bool), name
            assert not isinstance(each, int) or INT64_MIN <= each <= INT64_MAX, name
        if name in INTEGERS:
            assert type(value) is int, name
    return took


def mutated(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """One to four flips, cuts, doublings, splices and hostile tokens."""
    line = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(line) + 1)
        match dice.randrange(6):
            case 0 if line:
                line[min(at, len(line) - 1)] = dice.randrange(256)
            case 1:
                del line[at : at + dice.choice((1, 2, 8, 60))]
            case 2:
                line[at:at] = dice.choice(TOKENS)
            case 3:
                line[at:at] = line[at : at + dice.randrange(1, 40)] * dice.randrange(1, 4)
            case 4:
                other = dice.choice(others)
                line[at:] = other[dice.randrange(len(other) + 1) :]
            case _:
                end = at + dice.randrange(1, 9)
                line[at:end] = dice.choice(TOKENS)
    return bytes(line)


@pytest.mark.parametrize("name", PAIRS)
def test_mutated_lines_raise_only_parse_errors_and_none_is_slow(name: str) -> None:
    form, path = PAIRS[name]
    true = records(form, path)
    lines = [each.data for each in true]
    dice = random.Random(f"{name} 2026")
    slow = []
    for _ in range(MUTATIONS):
        one = dice.choice(true)
        data = mutated(one.data, lines, dice)
        header = mutated(one.header, lines, dice) if one.header and dice.random() < 0.2 else one.header
        if check(form, data, header) > SLOWEST_S and min(check(form, data, header) for _ in range(3)) > SLOWEST_S:
            slow.append(data)
    assert slow == []


@pytest.mark.parametrize("name", PAIRS)
def test_every_prefix_of_a_line_raises_only_parse_errors(name: str) -> None:
    form, path = PAIRS[name]
    for each in records(form, path)[:12]:
        for end in range(0, len(each.data), max(1, len(each.data) // 60)):
            check(form, each.data[:end], each.header)


def fastest(form: Format, data: bytes) -> float:
    return min(check(form, data) for _ in range(4))


def head_of(form: Format, name: str) -> Callable[[bytes], list[bytes]]:
    """Where a run of characters may do harm: alone, after the start of a true line, and amid one."""
    line = PAIRS[name][1].read_bytes().split(b"\n")[0]
    cuts = [line[: len(line) * part // 4] for part in (1, 2, 3, 4)]
    return lambda run: [run, *(cut + run for cut in cuts), line[: len(line) // 2] + run + line[len(line) // 2 :]]


@pytest.mark.parametrize("name", PAIRS)
def test_time_is_linear_in_long_runs(name: str) -> None:
    form = PAIRS[name][0]
    place = head_of(form, name)
    for run in RUNS:
        once, twice = place(run * (32_768 // len(run))), place(run * (65_536 // len(run)))
        for short, long in zip(once, twice, strict=True):
            took = fastest(form, long)
            if took > 0.02:  # what is faster than that is not quadratic, and its ratio is noise
                ratios = (fastest(form, long) / fastest(form, short) for _ in range(3))  # a busy machine spoils one
                assert any(ratio < 3.2 for ratio in ratios), (run, long[:80])
            assert took < 0.25, (run, long[:80])


@pytest.mark.parametrize("name", formats())
def test_sniffing_is_linear_too(name: str) -> None:
    form = formats()[name]
    for run in RUNS:
        begun = time.thread_time()
        form.sniff(run * (65_536 // len(run)))
        assert time.thread_time() - begun < 0.25, run


@pytest.mark.parametrize("digits", [19, 20, 40, 4_299, 4_301, 60_000])
def test_a_number_of_any_length_is_bounded(digits: int) -> None:
    number = b"9" * digits
    for name, line in (
        ("json", b'{"n": %s, "process": {"pid": %s}, "list": [%s, 1]}'),
        ("json", b'{"@timestamp": %s, "EventID": %s, "Channel": %s}'),
        ("json", b'{"EventID": %s, "Channel": "Security", "Level": %s, "Task": %s}'),
        (
            "windows-json",
            b'{"Event": {"System": {"Provider": null, "EventID": %s, "EventRecordID": %s}, "EventData": {"a": %s}}}',
        ),
        (
            "windows-json",
            b'{"Event": {"System": {"Provider": null, "EventID": 1}, "EventData": {"a": {"b": %s}}, "UserData": {"x": %s, "y": %s}}}',
        ),
        ("rfc3164", b"<%s>Nov 22 10:00:00 a b[%s]: x %s"),
        (
            "rfc3164",
            b"Nov 22 10:00:00 a sshd[1]: message repeated %s times: [ PAM %s more authentication failures; %s]",
        ),
        ("web-access", b'192.0.2.7 - - [22/Nov/2026:10:00:00 +0700] "GET / HTTP/1.1" 200 %s "-" "-" %s.%s'),
        ("nginx-error", b"2026/11/22 10:00:00 [error] %s#%s: *%s open()"),
    ):
        check(formats()[name], line % ((number,) * line.count(b"%s")))


@pytest.mark.parametrize("depth", [20, 40, 70, 1_000, 30_000])
def test_deep_nesting_is_read_or_refused(depth: int) -> None:
    for data in (
        b'{"a":' * depth + b"1" + b"}" * depth,
        b'{"a":' + b"[" * depth + b"]" * depth + b"}",
        b'{"Event":' * depth + b"1" + b"}" * depth,
    ):
        check(formats()["json"], data)
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    check(
        formats()["windows-json"],
        b'{"Event": {"System": {"Provider": null, "EventID": 1}, "UserData": %s, "EventData": %s}}' % (nested, nested),
    )
    check(
        formats()["windows-xml"],
        b"<Event><System/><UserData>" + b"<a>" * depth + b"</a>" * depth + b"</UserData></Event>",
    )
