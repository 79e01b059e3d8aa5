"""A service's API over real HTTP: pages, cursors, what is asked again after a crash, and services that misbehave."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from collectors.errors import SourceError
from collectors.record import Mark
from collectors.sources import PollConfig, open_source
from collectors.sources.poll_page import at, page_of, text_at, with_parameter

Answer = tuple[int, dict[str, str], bytes]
AT_ONCE = timedelta(milliseconds=50)


@contextmanager
def service(answer: Callable[[str, dict[str, str]], Answer]) -> Iterator[str]:
    """A server that answers each path with what the function gives; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that the base gives it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def body(*numbers: int) -> bytes:
    return json.dumps([{"n": number, "at": f"2026-11-22T03:00:{number:02}Z"} for number in numbers]).encode()


def taken(config: PollConfig, marks: dict[str, Mark], until: int, *, crash_after: int = 0) -> list[int]:
    """The numbers of the records as they come, the marks kept as a journal keeps them; `crash_after`: batches whose marks are kept."""
    source, stop = open_source(config, marks), threading.Event()
    found: list[int] = []
    end = time.monotonic() + 10
    try:
        for batches, batch in enumerate(source.batches(stop), 1):
            if crash_after and batches > crash_after:
                break
            found += [json.loads(record.data)["n"] for record in batch.records]
            marks.update({key: mark for key, mark in batch.marks.items() if mark is not None})
            if len(found) >= until or time.monotonic() > end:
                break
    finally:
        source.close()
    return found


def test_pages_follow_the_link_header_and_a_restart_goes_on_where_the_journal_is() -> None:
    def answer(path: str, _: dict[str, str]) -> Answer:
        page = int(parse_qs(urlsplit(path).query).get("after", ["0"])[0])
        follows = (
            {"Link": f'</logs?after={page}>; rel="self", </logs?after={page + 1}>; rel="next"'} if page < 3 else {}
        )
        return 200, follows, body(page * 2, page * 2 + 1)

    marks: dict[str, Mark] = {}
    with service(answer) as url:
        config = PollConfig("api", f"{url}/logs", AT_ONCE, next=("link",))
        assert taken(config, marks, 99, crash_after=2) == [0, 1, 2, 3]
        assert taken(config, marks, 4) == [4, 5, 6, 7]
    [mark] = marks.values()
    assert (mark.offset, mark.path) == (8, f"{url}/logs?after=3")


def test_the_last_page_is_read_again_and_what_is_new_in_it_is_taken_once() -> None:
    asked = []

    def answer(path: str, _: dict[str, str]) -> Answer:
        asked.append(path)
        return 200, {}, body(*range(min(len(asked) + 1, 6)))

    with service(answer) as url:
        assert taken(PollConfig("api", f"{url}/logs", AT_ONCE), {}, 6) == [0, 1, 2, 3, 4, 5]
    assert set(asked) == {"/logs"}


def test_since_asks_from_the_greatest_moment_and_takes_no_record_twice() -> None:
    asked = []

    def answer(path: str, _: dict[str, str]) -> Answer:
        since = parse_qs(urlsplit(path).query)["from"][0]
        asked.append(since)
        return 200, {}, body(*[n for n in range(len(asked) * 2) if n < 8 and f"2026-11-22T03:00:{n:02}Z" >= since])

    marks: dict[str, Mark] = {}
    with service(answer) as url:
        config = PollConfig(
            "api", f"{url}/logs?kind=a", AT_ONCE, since="from", since_field="at", start=timedelta(days=36_500)
        )
        assert taken(config, marks, 4) == [0, 1, 2, 3]
        assert taken(config, marks, 4) == [4, 5, 6, 7]
    assert asked[1:4] == ["2026-11-22T03:00:01Z", "2026-11-22T03:00:03Z", "2026-11-22T03:00:05Z"]


def test_a_token_of_the_body_and_records_deep_in_it_compressed_with_a_secret_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "headers"
    secret.write_text("# of the reading account\nAuthorization: Bearer abc\n")

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if headers.get("authorization") != "Bearer abc":
            return 401, {}, b""
        page = int(parse_qs(urlsplit(path).query).get("token", ["0"])[0])
        reply = {"data": {"items": [{"n": page}]}, "@odata.nextLink": str(page + 1) if page < 3 else None}
        return 200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(reply).encode())

    with service(answer) as url:
        config = PollConfig(
            "api",
            f"{url}/logs",
            AT_ONCE,
            records="data.items",
            next=("body:@odata.nextLink",),
            parameter="token",
            headers_file=secret,
        )
        assert taken(config, {}, 4) == [0, 1, 2, 3]
    secret.write_text("Authorization Bearer abc\n")
    with pytest.raises(SourceError, match=r"headers:1: not a header"):
        open_source(config, {})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ((503, {"Retry-After": "0"}, b""), "HTTP 503"),
        ((302, {"Location": "http://192.0.2.7/"}, b""), "HTTP 302"),
        ((200, {}, b"<html>"), "is no list"),
        ((200, {}, b'{"error": "x"}'), "is no list"),
        ((200, {}, b"[" * 60_000), "is no list"),
        ((200, {}, b"[1" + b" " * 70_000 + b"]"), "more than 65,536 bytes"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 50_000_000)), "more than 65,536 bytes"),
        ((200, {"Link": '<http://192.0.2.7/steal>; rel="next"'}, b"[]"), "another server"),
    ],
)
def test_a_service_that_misbehaves_is_told_of_counted_and_asked_again(
    bad: Answer, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter([bad])

    def answer(path: str, _: dict[str, str]) -> Answer:
        return next(answers, (200, {}, body(7)))

    with service(answer) as url:
        config = PollConfig("api", f"{url}/logs", AT_ONCE, next=("link",), max_reply_bytes=65_536)
        source = open_source(config, {})
        [first] = [next(iter(source.batches(threading.Event())))]
        source.close()
    assert [record.data for record in first.records] == [b'{"n": 7, "at": "2026-11-22T03:00:07Z"}']
    assert source.counts.failed == 1
    assert why in str([getattr(record, "error", "") for record in caplog.records])


def test_it_ends_at_once_while_a_service_keeps_silent() -> None:
    silent = threading.Event()

    def answer(path: str, _: dict[str, str]) -> Answer:
        silent.wait(5)
        return 200, {}, b"[]"

    with service(answer) as url:
        source, stop = open_source(PollConfig("api", f"{url}/logs"), {}), threading.Event()
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        assert list(source.batches(stop)) == []
        assert time.monotonic() - began < 1
        source.close()
        silent.set()


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"url": "http://api.example/logs"}, "https"),
        ({"url": "http://127.0.0.1.example/logs"}, "https"),
        ({"url": "ftp://api.example"}, "http or https"),
        ({"url": "https://api.example", "next": ("cookie",)}, "body:PATH"),
        ({"url": "https://api.example", "since": "from"}, "go together"),
        ({"url": "https://api.example", "parameter": "token"}, "next"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(keys: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PollConfig("api", **keys)


def test_records_are_as_the_service_wrote_them_and_paths_may_have_dots() -> None:
    reply = b'{"a.b": {"c": [{"x":  1.0}, "\\u00e9"]}, "a": 1}'
    config = PollConfig("api", "https://api.example/x", records="a.b.c")
    assert page_of(config, config.url, reply, {}).records == [b'{"x":  1.0}', b'"\\u00e9"']
    assert text_at(b'{"a": {"b.c": "d"}}', "a.b.c") == "d"
    assert text_at(b"[1]", "a") == ""
    with pytest.raises(KeyError):
        at(b"{}", "a")
    assert with_parameter("https://a.example/x?t=1&k=%26", "t", "a b&") == "https://a.example/x?k=%26&t=a+b%26"
