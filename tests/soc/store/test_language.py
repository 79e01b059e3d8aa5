"""The text of a search and what it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from collectors.event import Value
from soc.errors import SocError
from soc.store.language import All, Any, Compares, Equals, Exists, Not, Query, QueryError, Text, parse
from soc.store.meaning import holds


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", All()),
        ("*", All()),
        ("failed password", All((Text(("failed",)), Text(("password",))))),
        ('"failed password"', Text(("failed password",))),
        ("refus*", Text(("refus", ""), ("*",))),
        ("a or b and c", Any((Text(("a",)), All((Text(("b",)), Text(("c",))))))),
        ("NOT a AND b", All((Not(Text(("a",))), Text(("b",))))),
        ("(a or b) c", All((Any((Text(("a",)), Text(("b",)))), Text(("c",))))),
        ("user.name:lan", Equals("user.name", ("lan",))),
        ("user.name: lan", Equals("user.name", ("lan",))),
        ("user.name:*", Exists("user.name")),
        ('user.name:"*"', Equals("user.name", ("*",))),
        (r"user.name:a\*b", Equals("user.name", ("a*b",))),
        (r'path:"C:\\Windows"', Equals("path", ("C:\\Windows",))),
        ("host.name:web?-**", Equals("host.name", ("web", "-", ""), ("?", "*"))),
        ("source.ip:2001:db8::7", Equals("source.ip", ("2001:db8::7",))),
        ("user.name:(lan or not hạnh)", Any((Equals("user.name", ("lan",)), Not(Equals("user.name", ("hạnh",)))))),
        ("message:failed", Text(("failed",), field="message")),
        ("event.severity >= 7", Compares("event.severity", ">=", "7")),
        ("event.severity<7", Compares("event.severity", "<", "7")),
        ('@timestamp > "2026-10-14T08:00"', Compares("@timestamp", ">", "2026-10-14T08:00")),
        ("\"and\" or 'x'", Any((Text(("and",)), Text(("'x'",))))),
    ],
)
def test_a_search_is_read_as_it_is_meant(text: str, tree: Query) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("(a or b", 1, "this bracket is not closed"),
        ("a )", 3, "is not expected here"),
        ("a and", 6, "is missing before the end"),
        ("or a", 1, "is missing before or"),
        ("user.name:", 11, "a value is missing before the end"),
        ("user.name:)", 11, r"a value is missing before \)"),
        ('a "b', 3, "this quote is not closed"),
        ("a\\", 2, "nothing stands behind this backslash"),
        ("us*r:lan", 1, "the name of a field has no wildcards"),
        (">5", 1, "is missing before >"),
        ("(" * 60 + "a" + ")" * 60, 52, "more than 50 brackets"),
        ("a " * 1_001, 2_001, "more than 1000 conditions"),
    ],
)
def test_a_search_that_cannot_be_understood_is_told_with_its_place(text: str, column: int, said: str) -> None:
    with pytest.raises(QueryError, match=said) as caught:
        parse(text)
    assert caught.value.column == column


DOCUMENT: dict[str, Value] = {
    "event.ingested": "2026-10-14T08:00:01.000000Z",
    "@timestamp": "2026-10-14T08:00:00.000000Z",
    "message": "Failed password for Lan from 10.0.0.5 port 22 on web1.example.vn",
    "event.original": "<38>sshd: Failed password for Lan from 10.0.0.5 port 22 on web1.example.vn",
    "user.name": "Lan",
    "user.roles": ["clerk", "Trưởng phòng"],
    "source.ip": "10.0.0.5",
    "source.port": 40022,
    "event.duration": 1.5,
    "egov.off_hours": True,
    "host.name": "web1",
}


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("failed PASSWORD", True),
        ("password failed", True),
        ('"password failed"', False),
        ('"for lan from"', True),
        ("fail", False),
        ("fail*", True),
        ("*sword", True),
        ("p?ssw?rd", True),
        ("pass*lan", False),  # a wildcard in a text ends at a space
        ("10.0.0.5", True),
        ("10.0.0", False),
        ("0.0.5", False),
        ("10.0.0.50", False),
        ("web1", True),
        ("example", True),
        ("web1.example", False),
        ("web1.example.vn", True),
        ("sshd", False),  # stands in event.original only, and there is a message
        ("event.original:sshd", True),
        ("user.name:lan", True),
        ("user.name:la", False),
        ("user.name:l*n", True),
        ("user.name:LAN*", True),
        ("user.roles:clerk", True),
        ('user.roles:"TRƯỞNG PHÒNG"', True),
        ("not user.roles:clerk", False),
        ("not user.email:x", True),
        ("user.email:*", False),
        ("source.ip:10.0.0.0/8", True),
        ("source.ip:10.0.0.0/30", False),
        ("source.ip:10.0.0.*", True),
        ("source.ip >= 10.0.0.5 and source.ip < 10.0.0.6", True),
        ("source.port:40022", True),
        ("source.port:400*", True),
        ("source.port > 40021 source.port <= 40022", True),
        ("source.port > 40022", False),
        ("event.duration >= 1.5", True),
        ("event.duration:1.5", True),
        ("egov.off_hours:true", True),
        ("user.name > 5", False),
        ('@timestamp >= "2026-10-14T08:00:00Z"', True),
        ("@timestamp < 2026-10-14T15:00", False),
        ("@timestamp <= 2026-10-14T15:00", True),
        ("event.ingested >= 2026-10-14T15:00:01", True),
        ("event.ingested < 2026-10-14T15:00:01", False),
        ("@timestamp:2026-10-14T08*", True),
    ],
)
def test_what_a_search_means(text: str, meets: bool) -> None:
    assert holds(parse(text), timezone(timedelta(hours=7)))(DOCUMENT) is meets


def test_an_event_without_a_message_is_searched_in_its_original() -> None:
    document = {name: value for name, value in DOCUMENT.items() if name != "message"}
    assert holds(parse("sshd"))(document)
    assert not holds(parse("message:*"))(document)


def test_letters_beyond_ascii_are_alike_in_both_cases_and_unicode_forms() -> None:
    document: dict[str, Value] = {"message": "Đăng nhập thất bại: hạnh"}  # composed
    for text in ("đăng NHẬP", '"thất bại"', "HẠNH", "hạnh", "thất*"):  # the fourth one decomposed
        assert holds(parse(text))(document), text
    assert not holds(parse("đăn"))(document)


@pytest.mark.parametrize("text", ["source.port > many", "@timestamp > soon", "source.ip > 7"])
def test_a_comparison_that_cannot_be_made_is_told(text: str) -> None:
    with pytest.raises(SocError, match="is no"):
        holds(parse(text))


def test_a_time_without_a_zone_is_of_the_site() -> None:
    at_seven = holds(parse("@timestamp < 2026-10-14T07:30"), UTC)
    assert not at_seven({"@timestamp": datetime(2026, 10, 14, 8, tzinfo=UTC).isoformat()})
