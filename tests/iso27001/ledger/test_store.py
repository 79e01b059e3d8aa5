"""The ledger on disk: append-only, all or nothing, and shared by processes."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iso27001.errors import LedgerError, ProofError, SigningError
from iso27001.ledger import Entry, Fact, encode
from iso27001.ledger.anchor import read_anchor, write_anchor
from iso27001.ledger.signing import Signer, public_path
from iso27001.ledger.store import Ledger
from iso27001.ledger.verify import verify
from iso27001.verifier import merkle
from iso27001.verifier.notes import PublicKey, read_note
from iso27001.verifier.verdict import Completeness, Integrity

NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)


def fact(number: int, kind: str = "note", prefix: str = "note") -> Fact:
    return Fact(
        f"{prefix}/{number}", kind, NOON + timedelta(seconds=number), "engine", {"number": number, "text": "Ghi chú"}
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(
        tmp_path / "ledger.db", signer=Signer.load_or_create(tmp_path / "ledger.key"), origin="test/ledger"
    ) as opened:
        yield opened


def test_facts_come_back_in_order_with_their_place(ledger: Ledger) -> None:
    entries = ledger.append(fact(n) for n in range(5))
    assert entries == [Entry(n, fact(n)) for n in range(5)]
    assert list(ledger.entries()) == entries
    assert list(ledger.entries(after=2)) == entries[3:]
    assert ledger.entry(3) == ledger.by_id("note/3") == entries[3]
    assert ledger.entry(5) is ledger.by_id("note/5") is None
    assert ledger.size == 5


def test_known_facts_are_left_out(ledger: Ledger) -> None:
    ledger.append([fact(0), fact(1)])
    assert ledger.append([fact(1), fact(2), fact(2), fact(0)]) == [Entry(2, fact(2))]
    assert ledger.known(["note/1", "note/9"]) == {"note/1"}
    assert ledger.append([]) == ledger.append([fact(0)]) == []


def test_the_first_fact_of_one_id_in_a_group_counts(ledger: Ledger) -> None:
    later = Fact("note/0", "note", NOON, "engine", {"number": "another"})
    assert [entry.fact for entry in ledger.append([fact(0), later])] == [fact(0)]


def test_a_group_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="not a JSON value"):
        ledger.append([fact(0), Fact("bad", "note", NOON, "engine", {"value": float("nan")})])
    assert ledger.size == 0


def test_a_full_disk_leaves_nothing_half_written(ledger: Ledger) -> None:
    ledger.append([fact(0)])
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match="full"):
        ledger.append(fact(n) for n in range(1, 500))
    assert ledger.size == 1
    ledger._connection.execute("PRAGMA max_page_count = 1000000")
    assert [entry.seq for entry in ledger.append([fact(1)])] == [1]
    assert ledger.root == merkle.node_hash(merkle.leaf_hash(encode(fact(0))), merkle.leaf_hash(encode(fact(1))))


def test_entries_are_found_by_kind_and_time(ledger: Ledger) -> None:
    ledger.append(fact(n, kind="even" if n % 2 == 0 else "odd") for n in range(10))
    numbers = [
        entry.seq
        for entry in ledger.entries(
            kinds=["even"], since=NOON + timedelta(seconds=2), until=NOON + timedelta(seconds=8)
        )
    ]
    assert numbers == [2, 4, 6]
    assert [entry.seq for entry in ledger.entries(after=6, kinds=["even", "odd"])] == [7, 8, 9]
    assert not list(ledger.entries(kinds=[]))


def test_what_is_appended_while_reading_is_read_too(ledger: Ledger) -> None:
    ledger.append(fact(n) for n in range(3))
    seen = 0
    for entry in ledger.entries():
        seen += 1
        if entry.seq == 0:
            ledger.append([fact(3)])
    assert seen == 4


@pytest.mark.parametrize("table", ["pages", "kinds", "ids", "nodes", "heads", "about"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
def test_nothing_can_be_updated_or_deleted(ledger: Ledger, tmp_path: Path, table: str, statement: str) -> None:
    ledger.append([fact(0)])
    ledger.sign(NOON)
    column = {"pages": "facts", "kinds": "kind", "ids": "seq", "nodes": "place", "heads": "note", "about": "origin"}[
        table
    ]
    other = sqlite3.connect(tmp_path / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(statement.format(table, column, column))
    other.close()


def test_proofs_from_disk_verify(ledger: Ledger) -> None:
    ledger.append(fact(n) for n in range(70))
    root, old_root = ledger.root, ledger.root_at(33)
    for seq in (0, 31, 32, 69):
        merkle.verify_inclusion(merkle.leaf_hash(encode(fact(seq))), seq, 70, ledger.inclusion(seq, 70), root)
    merkle.verify_consistency(33, 70, old_root, root, ledger.consistency(33, 70))
    with pytest.raises(ProofError):
        ledger.inclusion(70, 71)


def test_a_head_is_a_signed_note_that_its_key_bears_out(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append([fact(0), fact(1)])
    head = ledger.sign(NOON)
    assert head.note.splitlines()[:2] == ["test/ledger", "2"]
    assert head.note.splitlines()[3:5] == ["2026-11-22T05:00:00.000000Z", ""]
    assert read_note(head.note) == head
    key = PublicKey.load(public_path(tmp_path / "ledger.key"))
    assert key.signed(head)
    assert ledger.heads() == [head]
    assert ledger.last_head() == head


def test_signing_again_without_change_keeps_one_head_a_moment(ledger: Ledger) -> None:
    ledger.append([fact(0)])
    assert ledger.sign(NOON) == ledger.sign(NOON)
    assert len(ledger.heads()) == 1
    ledger.sign(NOON + timedelta(hours=1))
    assert [head.size for head in ledger.heads()] == [1, 1]


def test_a_clock_set_back_signs_nothing(ledger: Ledger) -> None:
    ledger.append([fact(0)])
    ledger.sign(NOON)
    with pytest.raises(LedgerError, match="clock runs backwards"):
        ledger.sign(NOON - timedelta(seconds=1))


def test_a_changed_history_is_not_signed_over(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(fact(n) for n in range(4))
    ledger.sign(NOON)
    other = sqlite3.connect(tmp_path / "ledger.db")
    other.execute("DROP TRIGGER nodes_update")
    other.execute("UPDATE nodes SET hashes = ? WHERE place = 0", (bytes(128),))
    other.commit()
    other.close()
    with pytest.raises(LedgerError, match="do not continue the head of size 4"):
        ledger.sign(NOON + timedelta(hours=1))


def test_a_crash_between_append_and_head_leaves_an_unsigned_tail(tmp_path: Path) -> None:
    signer = Signer.load_or_create(tmp_path / "key")
    with Ledger.open(tmp_path / "ledger.db", signer=signer) as ledger:
        ledger.append([fact(0)])
        ledger.sign(NOON)
    code = (
        "import os, sys; from pathlib import Path; from iso27001.ledger.store import Ledger\n"
        "from tests.iso27001.ledger.test_store import fact\n"
        "Ledger.open(Path(sys.argv[1])).append([fact(1), fact(2)]); os._exit(9)"
    )
    crash = subprocess.run([sys.executable, "-c", code, str(tmp_path / "ledger.db")])
    assert crash.returncode == 9
    verdict = verify(tmp_path / "ledger.db", signer.public)
    assert (verdict.integrity, verdict.completeness) == (Integrity.INTACT, Completeness.UNSIGNED_TAIL)
    assert (verdict.size, verdict.signed, verdict.sound, verdict.faults) == (3, 1, True, ())
    with Ledger.open(tmp_path / "ledger.db", signer=signer) as ledger:
        ledger.sign(NOON + timedelta(hours=1))
    assert verify(tmp_path / "ledger.db", signer.public).completeness is Completeness.COMPLETE


def _append(path: Path, prefix: str, gate: str) -> None:
    while not Path(gate).exists():
        pass
    with Ledger.open(path) as ledger:
        for start in range(0, 1000, 10):
            ledger.append(fact(n, prefix=prefix) for n in range(start, start + 10))


def test_two_processes_append_a_thousand_facts_each_to_a_new_ledger(tmp_path: Path) -> None:
    path, gate = tmp_path / "ledger.db", tmp_path / "gate"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_append, args=(path, prefix, str(gate))) for prefix in ("a", "b")]
    for worker in workers:
        worker.start()
    gate.touch()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    signer = Signer.load_or_create(tmp_path / "key")
    with Ledger.open(path, signer=signer) as ledger:
        assert ledger.size == 2000
        for prefix in ("a", "b"):
            mine = [entry.fact.body["number"] for entry in ledger.entries() if entry.fact.id.startswith(prefix)]
            assert mine == list(range(1000))
        ledger.sign(NOON)
    assert verify(path, signer.public).sound


def test_reading_needs_no_right_to_write(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append([fact(0)])
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as reader:
        assert [entry.fact for entry in reader.entries()] == [fact(0)]
        with pytest.raises(LedgerError, match="readonly"):
            reader.append([fact(1)])
        with pytest.raises(LedgerError, match="without a key"):
            reader.sign(NOON)


def test_what_is_no_ledger_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger here"):
        Ledger.open(tmp_path / "none.db", read_only=True)
    (tmp_path / "text.db").write_text("not a database at all, but a text of some length\n" * 40)
    with pytest.raises(LedgerError, match="cannot be opened as a ledger"):
        Ledger.open(tmp_path / "text.db")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE something (a)")
    other.close()
    for read_only in (True, False):
        with pytest.raises(LedgerError, match="not a ledger of version 2"):
            Ledger.open(tmp_path / "other.db", read_only=read_only)


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ledger.key"
    first = Signer.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Signer.load_or_create(path).public == first.public == PublicKey.load(public_path(path))
    assert [p.name for p in sorted(path.parent.iterdir())] == ["ledger.key", "ledger.pub"]
    path.chmod(0o640)
    with pytest.raises(SigningError, match="others may read this private key"):
        Signer.load_or_create(path)


@pytest.mark.parametrize("text", ["", "no key\n"])
def test_a_key_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ledger.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SigningError, match="private key"):
        Signer.load_or_create(path)
    with pytest.raises(SigningError, match="public key"):
        PublicKey.load(path)


@pytest.mark.parametrize("origin", ["two words", "a+b", "line\nbreak"])
def test_an_origin_that_would_break_the_note_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises((SigningError, LedgerError), match="cannot name a ledger"):
        Ledger.open(tmp_path / "ledger.db", signer=Signer.load_or_create(tmp_path / "key"), origin=origin)


def test_an_anchor_takes_each_head_once_and_keeps_what_it_has(ledger: Ledger, tmp_path: Path) -> None:
    anchor = tmp_path / "elsewhere" / "heads.txt"
    ledger.append([fact(0)])
    ledger.sign(NOON)
    assert write_anchor(ledger.heads(), anchor) == 1
    ledger.sign(NOON + timedelta(hours=1))
    assert write_anchor(ledger.heads(), anchor) == 1
    assert read_anchor(anchor) == (ledger.heads(), [])
    assert write_anchor(ledger.heads(), anchor) == 0


def test_two_ids_of_one_key_are_two_facts(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iso27001.ledger.schema.keys", lambda fact_ids: [7] * len(fact_ids))
    assert [entry.seq for entry in ledger.append([fact(0), fact(1)])] == [0, 1]
    assert [entry.seq for entry in ledger.append([fact(1), fact(2), fact(0)])] == [2]
    assert [ledger.by_id(f"note/{n}") for n in range(4)] == [
        Entry(0, fact(0)),
        Entry(1, fact(1)),
        Entry(2, fact(2)),
        None,
    ]


def test_ids_that_differ_in_their_unicode_form_only_are_one(ledger: Ledger) -> None:
    composed, decomposed = ("tỉnh/1", unicodedata.normalize("NFD", "tỉnh/1"))
    ledger.append([Fact(composed, "note", NOON, "engine", {})])
    assert ledger.append([Fact(decomposed, "note", NOON, "engine", {})]) == []
    assert ledger.known([decomposed, "other"]) == {decomposed}
    assert ledger.by_id(decomposed) == ledger.by_id(composed)


def test_long_groups_are_read_across_pages(ledger: Ledger) -> None:
    ledger.append(fact(n, kind=f"k{n % 3}") for n in range(1000))
    ledger.append([fact(1000, kind="k1")])
    assert [entry.seq for entry in ledger.entries(after=126)] == list(range(127, 1001))
    assert [entry.seq for entry in ledger.entries(after=126, kinds=["k1"])] == [127, *range(130, 1001, 3)]
    since, until = NOON + timedelta(seconds=300), NOON + timedelta(seconds=310)
    assert [entry.seq for entry in ledger.entries(kinds=["k0"], since=since, until=until)] == [300, 303, 306, 309]
    assert [entry.seq for entry in ledger.entries(since=since, until=until)] == list(range(300, 310))
    assert [ledger.last(kind).seq for kind in ("k0", "k1", "k2")] == [999, 1000, 998]
    assert ledger.last("k3") is None
    assert list(ledger.leaves(1001)) == [merkle.leaf_hash(ledger.raw(n)) for n in range(1001)]
    assert ledger.raw(1001) is ledger.raw(-1) is None


def test_a_rotation_of_keys_is_told_and_both_keys_are_believed_for_their_time(tmp_path: Path) -> None:
    old, new = Signer.load_or_create(tmp_path / "old.key"), Signer.load_or_create(tmp_path / "new.key")
    path = tmp_path / "ledger.db"
    with Ledger.open(path, signer=old, origin="test/ledger") as ledger:
        ledger.append([fact(0)])
        ledger.sign(NOON)
        closing = ledger.rotate(new, NOON + timedelta(hours=1))
        assert closing.size == 2
        ledger.append([fact(1)])
        ledger.sign(NOON + timedelta(hours=2))
        with pytest.raises(LedgerError, match="from the key that signs to another one"):
            ledger.rotate(new, NOON + timedelta(hours=3))
    for key in (old.public, new.public):
        verdict = verify(path, key)
        assert (verdict.sound, verdict.signed, verdict.heads, verdict.faults) == (True, 3, 3, ())
    assert verify(path, Signer.load_or_create(tmp_path / "else.key").public).integrity is Integrity.BROKEN
