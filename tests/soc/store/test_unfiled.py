"""Events that stand in the journal alone: a search finds of them what it means, and goes on where files take over."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.event import Event, Value
from collectors.journal import JournalConfig, open_reader
from soc.store.config import StoreConfig
from soc.store.language import parse
from soc.store.local_events import LocalEventStore
from soc.store.meaning import AsDocument, holds
from soc.store.segments import building, writing
from soc.store.segments.looking import Look
from soc.store.segments.unfiled import meeting
from soc.store.segments.view import Asked
from tests.soc.store.material import Site, event

values: st.SearchStrategy[Value] = st.sampled_from(
    ["Lan", "lan", "10.0.0.5", "::ffff:10.0.0.5", "Đăng nhập", "", 22, 22.0, True, None, ["Lan", "x"], [22], []]
)
fields = st.dictionaries(st.sampled_from(["message", "user.name", "source.ip", "x"]), values)

QUERIES = """lan|"đăng nhập"|message:lan|event.original:line|user.name:lan|user.name:l*|source.ip:10.0.0.0/8|source.ip:10.0.0.5|source.ip:*
x:22|x >= 22
x:*|not x:lan|lan and user.name:lan|lan or x:22|not (lan or x:true)|soc.source:auth|log.offset >= 2|@timestamp >= 2026-10-14T00:00:02|"""


@given(st.lists(fields, max_size=6), st.sampled_from(QUERIES.replace("\n", "|").split("|")))
def test_what_meets_a_search_is_what_its_document_says(said: list[dict[str, Value]], text: str) -> None:
    events = [event(n, n, each) for n, each in enumerate(said)]
    query = parse(text)
    check = holds(query)
    assert meeting(Look(query, UTC), events).tolist() == [check(AsDocument(each)) for each in events]


def test_a_reader_goes_on_as_files_take_over_what_it_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "ROWS", 8)
    monkeypatch.setattr(writing, "GROUPS", 3)
    site, random = Site(tmp_path, StoreConfig()), Random(6)
    assert isinstance(site.store, LocalEventStore)
    sent: list[Event] = []

    def reader() -> LocalEventStore:
        return LocalEventStore(tmp_path / "events", open_reader(JournalConfig(tmp_path / "journal")))

    lasting, searched = reader(), 0
    while len(sent) < 70:
        again = random.sample(sent, min(len(sent), random.randrange(3)))
        batch = [event(n, n) for n in range(len(sent), len(sent) + random.randrange(1, 6))]
        sent += batch
        site.index([*again, *batch])
        found = [each["event.id"] for each in lasting.view().documents(Asked(parse("line")))]
        assert sorted(map(str, found)) == sorted(each.id for each in sent)
        assert lasting.view().tail == reader().view().tail
        searched += bool(lasting.view().tail)
    site.close()
    assert searched > 5
