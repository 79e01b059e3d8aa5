"""The forgery list: whatever is done to a ledger gets its own name, and what was not done is not named."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iso27001.ledger import Fact, encode, merkle
from iso27001.ledger.anchor import write_anchor
from iso27001.ledger.schema import changed, place
from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger
from iso27001.ledger.verdict import Completeness, FaultKind, Integrity, Verdict
from iso27001.ledger.verify import verify

NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)
SIZE = 60
TRIGGERS = [f"{table}_{verb}" for table in ("about", "entries", "nodes", "heads") for verb in ("update", "delete")]


def fact(number: int) -> Fact:
    return Fact(f"note/{number}", "note", NOON + timedelta(seconds=number), "engine", {"number": number})


class Site:
    """A ledger of 60 entries under heads at 20, 40 and 60; an anchor that holds the heads up to 40; and a burglar's tools."""

    def __init__(self, root: Path) -> None:
        self.path, self.anchor = root / "ledger.db", root / "elsewhere" / "anchor.txt"
        self.signer = Signer.load_or_create(root / "key")
        with Ledger.open(self.path, signer=self.signer, origin="test/ledger") as ledger:
            for end in (20, 40, 60):
                ledger.append(fact(n) for n in range(end - 20, end))
                ledger.sign(NOON + timedelta(hours=end))
                if end == 40:
                    write_anchor(ledger.heads(), self.anchor)

    @contextmanager
    def burglary(self) -> Iterator[sqlite3.Connection]:
        """A connection without the triggers; they are put back afterwards, as a careful burglar would."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            sql = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
            for name in TRIGGERS:
                connection.execute(f"DROP TRIGGER {name}")
            yield connection
            for name in TRIGGERS:
                connection.execute(sql[name])
            assert not changed(connection)

    def rebuild(self, connection: sqlite3.Connection) -> None:
        """All hashes anew over the entries as they are now."""
        connection.execute("DELETE FROM nodes")
        leaves = [merkle.leaf_hash(row[0]) for row in connection.execute("SELECT fact FROM entries ORDER BY seq")]
        nodes = merkle.Frontier().extend(leaves)
        connection.executemany("INSERT INTO nodes VALUES (?, ?)", [(place(*at), node) for *at, node in nodes])

    def verify(self, *, anchored: bool = False) -> Verdict:
        return verify(self.path, self.signer.public, anchor=self.anchor if anchored else None)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    Site(root)
    return root


@pytest.fixture
def site(template: Path, tmp_path: Path) -> Site:
    shutil.copytree(template, tmp_path / "site")
    copy = Site.__new__(Site)
    copy.path, copy.anchor = tmp_path / "site/ledger.db", tmp_path / "site/elsewhere/anchor.txt"
    copy.signer = Signer.load_or_create(tmp_path / "site/key")
    return copy


def kinds(verdict: Verdict) -> set[FaultKind]:
    return {fault.kind for fault in verdict.faults}


def _edit(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE entries SET fact = ? WHERE seq = 25", (encode(replace(fact(25), body={"number": 99})),))


def _reorder(site: Site, c: sqlite3.Connection) -> None:
    for old, new in ((10, -1), (11, 10), (-1, 11)):
        c.execute("UPDATE entries SET seq = ? WHERE seq = ?", (new, old))


def _insert(site: Site, c: sqlite3.Connection) -> None:
    for seq in range(SIZE - 1, 29, -1):
        c.execute("UPDATE entries SET seq = ? WHERE seq = ?", (seq + 1, seq))
    extra = fact(1000)
    c.execute(
        "INSERT INTO entries VALUES (30, ?, ?, ?, ?, ?)",
        (extra.id, extra.kind, "2026-11-22T05:16:40.000000Z", "engine", encode(extra)),
    )


def _delete_inside(site: Site, c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM entries WHERE seq = 30")


def _delete_inside_and_close_the_gap(site: Site, c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM entries WHERE seq = 30")
    for seq in range(31, SIZE):
        c.execute("UPDATE entries SET seq = ? WHERE seq = ?", (seq - 1, seq))


def _cut_entries(site: Site, c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM entries WHERE seq >= 50")


def _cut_entries_and_tree(site: Site, c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM entries WHERE seq >= 50")
    site.rebuild(c)


def _empty(site: Site, c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM entries")


def _empty_with_the_tree(site: Site, c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM entries")
    c.execute("DELETE FROM nodes")


def _rebuild_with_other_hashes(site: Site, c: sqlite3.Connection) -> None:
    _edit(site, c)
    site.rebuild(c)


def _hide_under_another_kind(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE entries SET kind = 'hidden' WHERE seq = 5")


def _renumber(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE entries SET seq = 1000 WHERE seq = 59")


def _spoil_a_node(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE nodes SET hash = ? WHERE place = ?", (bytes(32), place(4, 1)))


def _spoil_a_signature(site: Site, c: sqlite3.Connection) -> None:
    (note,) = c.execute("SELECT note FROM heads WHERE number = 2").fetchone()
    c.execute("UPDATE heads SET note = ? WHERE number = 2", (note.replace("2026-11-23", "2026-11-24"),))


def _sign_with_another_key(site: Site, c: sqlite3.Connection) -> None:
    forged = Signer.load_or_create(site.path.parent / "burglar.key").sign(
        "test/ledger", 60, bytes(32), NOON + timedelta(hours=60)
    )
    c.execute("UPDATE heads SET note = ? WHERE number = 3", (forged.note,))


def _bring_a_head_of_another_ledger(site: Site, c: sqlite3.Connection) -> None:
    c.execute(
        "INSERT INTO heads (note) VALUES (?)",
        (site.signer.sign("another/ledger", 60, bytes(32), NOON + timedelta(hours=99)).note,),
    )


def _sign_with_the_clock_set_back(site: Site, c: sqlite3.Connection) -> None:
    root = merkle.root(lambda level, first, count: _read(c, level, first, count), SIZE)
    c.execute("INSERT INTO heads (note) VALUES (?)", (site.signer.sign("test/ledger", SIZE, root, NOON).note,))


def _sign_a_smaller_size(site: Site, c: sqlite3.Connection) -> None:
    root = merkle.root(lambda level, first, count: _read(c, level, first, count), 50)
    c.execute(
        "INSERT INTO heads (note) VALUES (?)",
        (site.signer.sign("test/ledger", 50, root, NOON + timedelta(hours=99)).note,),
    )


def _drop_a_head(site: Site, c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM heads WHERE number = 2")


def _scribble_on_a_head(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE heads SET note = 'all is well' WHERE number = 1")


def _write_it_another_way(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE entries SET fact = ? WHERE seq = 3", (encode(fact(3)).replace(b":", b": "),))
    site.rebuild(c)


def _read(c: sqlite3.Connection, level: int, first: int, count: int) -> list[bytes]:
    rows = c.execute(
        "SELECT hash FROM nodes WHERE place BETWEEN ? AND ?", (place(level, first), place(level, first + count - 1))
    )
    return [row[0] for row in rows]


K = FaultKind
CASES: list[tuple[Callable[[Site, sqlite3.Connection], None], set[FaultKind], Integrity, Completeness]] = [
    (_edit, {K.EDITED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_reorder, {K.REORDERED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_insert, {K.INSERTED}, Integrity.BROKEN, Completeness.UNSIGNED_TAIL),
    (_delete_inside, {K.DELETED_INSIDE}, Integrity.BROKEN, Completeness.CUT),
    (_delete_inside_and_close_the_gap, {K.DELETED_INSIDE}, Integrity.BROKEN, Completeness.CUT),
    (_cut_entries, {K.TAIL_CUT}, Integrity.INTACT, Completeness.CUT),
    (_cut_entries_and_tree, {K.TAIL_CUT}, Integrity.INTACT, Completeness.CUT),
    (_empty, {K.EMPTIED}, Integrity.INTACT, Completeness.CUT),
    (_empty_with_the_tree, {K.EMPTIED}, Integrity.UNPROVEN, Completeness.CUT),
    (_rebuild_with_other_hashes, {K.REWRITTEN}, Integrity.BROKEN, Completeness.UNSIGNED_TAIL),
    (_hide_under_another_kind, {K.COLUMN_CHANGED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_renumber, {K.COLUMN_CHANGED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_spoil_a_node, {K.TREE_DAMAGED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_spoil_a_signature, {K.BAD_SIGNATURE}, Integrity.BROKEN, Completeness.COMPLETE),
    (_sign_with_another_key, {K.FOREIGN_KEY}, Integrity.BROKEN, Completeness.UNSIGNED_TAIL),
    (_bring_a_head_of_another_ledger, {K.OTHER_ORIGIN}, Integrity.BROKEN, Completeness.COMPLETE),
    (_sign_with_the_clock_set_back, {K.CLOCK_BACK}, Integrity.BROKEN, Completeness.COMPLETE),
    (_sign_a_smaller_size, {K.SIZE_BACK}, Integrity.BROKEN, Completeness.COMPLETE),
    (_drop_a_head, {K.HEAD_MISSING}, Integrity.BROKEN, Completeness.COMPLETE),
    (_scribble_on_a_head, {K.HEAD_UNREADABLE}, Integrity.BROKEN, Completeness.COMPLETE),
    (_write_it_another_way, {K.NOT_CANONICAL, K.REWRITTEN}, Integrity.BROKEN, Completeness.UNPROVEN),
]


@pytest.mark.parametrize(
    ("forge", "named", "integrity", "completeness"), CASES, ids=lambda case: getattr(case, "__name__", "")
)
def test_each_forgery_gets_its_own_name(
    site: Site,
    forge: Callable[[Site, sqlite3.Connection], None],
    named: set[FaultKind],
    integrity: Integrity,
    completeness: Completeness,
) -> None:
    with site.burglary() as connection:
        forge(site, connection)
    verdict = site.verify()
    assert kinds(verdict) == named
    assert (verdict.integrity, verdict.completeness) == (integrity, completeness)
    assert not verdict.sound
    assert any(line.startswith("fault: ") for line in verdict.lines())


def test_an_untouched_ledger_is_sound_and_its_ranges_are_told_apart(site: Site) -> None:
    alone, anchored = site.verify(), site.verify(anchored=True)
    assert alone.sound
    assert anchored.sound
    assert (alone.size, alone.signed, alone.anchored) == (60, 60, None)
    assert (anchored.size, anchored.signed, anchored.anchored) == (60, 60, 40)
    assert any("no anchor was given" in line for line in alone.lines())
    assert "anchored: entries 0 to 39" in anchored.lines()
    assert "signed but not anchored: entries 40 to 59" in anchored.lines()


def test_a_dropped_trigger_is_seen(site: Site) -> None:
    with closing(sqlite3.connect(site.path)) as connection:
        connection.execute("DROP TRIGGER entries_delete")
    verdict = site.verify()
    assert kinds(verdict) == {K.SCHEMA_CHANGED}
    assert "entries_delete" in verdict.faults[0].text


def test_history_rewritten_after_a_head_is_named_from_that_head_on(site: Site) -> None:
    with site.burglary() as connection:
        _rebuild_with_other_hashes(site, connection)
    verdict = site.verify()
    assert "from entry 20 on" in verdict.faults[0].text
    assert verdict.signed == 20


def _copy_at(site: Site, size: int, root: Path) -> None:
    """The ledger as it stood when it had `size` entries, made by its own key."""
    for path in site.path.parent.glob("ledger.db*"):
        path.unlink()
    with Ledger.open(site.path, signer=site.signer, origin="test/ledger") as ledger:
        for end in range(20, size + 1, 20):
            ledger.append(fact(n) for n in range(end - 20, end))
            ledger.sign(NOON + timedelta(hours=end))


def test_an_older_copy_passes_alone_and_is_caught_by_the_anchor(site: Site, tmp_path: Path) -> None:
    _copy_at(site, 20, tmp_path)
    assert site.verify().sound
    verdict = site.verify(anchored=True)
    assert kinds(verdict) == {K.ROLLED_BACK}
    assert (verdict.integrity, verdict.completeness, verdict.sound) == (Integrity.INTACT, Completeness.CUT, False)


def test_a_new_empty_ledger_in_place_of_the_old_is_caught_by_the_anchor(site: Site, tmp_path: Path) -> None:
    _copy_at(site, 0, tmp_path)
    alone = site.verify()
    assert (alone.integrity, alone.completeness, alone.sound) == (Integrity.UNPROVEN, Completeness.UNPROVEN, False)
    assert kinds(site.verify(anchored=True)) == {K.EMPTIED}


def test_two_histories_under_the_stolen_key_are_a_split_view(site: Site) -> None:
    with site.burglary() as connection:
        connection.execute(
            "UPDATE entries SET fact = ? WHERE seq = 15", (encode(replace(fact(15), body={"number": 99})),)
        )
        site.rebuild(connection)
        connection.execute("DELETE FROM heads")
        for size in (20, 40, 60):
            root = merkle.root(lambda level, first, count: _read(connection, level, first, count), size)
            note = site.signer.sign("test/ledger", size, root, NOON + timedelta(hours=size)).note
            connection.execute("INSERT INTO heads (note) VALUES (?)", (note,))
    assert site.verify().sound
    assert kinds(site.verify(anchored=True)) == {K.SPLIT_VIEW}


def test_heads_taken_out_of_the_ledger_are_missed_by_the_anchor(site: Site) -> None:
    with site.burglary() as connection:
        connection.execute("DELETE FROM heads")
    assert site.verify().integrity is Integrity.UNPROVEN
    verdict = site.verify(anchored=True)
    assert kinds(verdict) == {K.HEAD_MISSING}
    assert (verdict.signed, verdict.anchored, verdict.completeness) == (40, 40, Completeness.UNSIGNED_TAIL)


def test_a_scribbled_anchor_is_named(site: Site) -> None:
    with site.anchor.open("a") as file:
        file.write("test/ledger\n99\n")
    verdict = site.verify(anchored=True)
    assert kinds(verdict) == {K.ANCHOR_DAMAGED}
    assert verdict.anchored == 40


def test_an_anchor_of_the_burglars_key_is_foreign(site: Site) -> None:
    forged = Signer.load_or_create(site.path.parent / "burglar.key").sign(
        "test/ledger", 60, bytes(32), NOON + timedelta(hours=60)
    )
    write_anchor([forged], site.anchor)
    assert kinds(site.verify(anchored=True)) == {K.FOREIGN_KEY}


def test_a_file_with_torn_pages_is_named_unreadable(site: Site) -> None:
    with closing(sqlite3.connect(site.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = bytearray(site.path.read_bytes())
    raw[8192:] = b"\xff" * (len(raw) - 8192)
    site.path.write_bytes(raw)
    verdict = site.verify()
    assert kinds(verdict) == {K.UNREADABLE}
    assert verdict.integrity is Integrity.BROKEN


def test_long_lists_of_faults_are_cut_and_counted(site: Site) -> None:
    with site.burglary() as connection:
        connection.execute("UPDATE entries SET kind = 'hidden'")
    verdict = site.verify()
    assert (len(verdict.faults), verdict.more) == (20, 40)
    assert verdict.lines()[-1] == "fault: and 40 more"
