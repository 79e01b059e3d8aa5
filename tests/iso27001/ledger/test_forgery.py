"""The forgery list: whatever is done to a ledger gets its own name, and what was not done is not named."""

from __future__ import annotations

import json
import shutil
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iso27001.ledger import Fact, encode
from iso27001.ledger.anchor import write_anchor
from iso27001.ledger.schema import changed, key, kinds_of, place
from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger
from iso27001.ledger.verify import verify
from iso27001.verifier import merkle
from iso27001.verifier.rotation import body_of
from iso27001.verifier.verdict import Completeness, FaultKind, Integrity, Verdict

NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)
SIZE = 60
TRIGGERS = [
    f"{table}_{verb}" for table in ("about", "pages", "kinds", "ids", "nodes", "heads") for verb in ("update", "delete")
]


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

    def entries(self, connection: sqlite3.Connection) -> list[bytes]:
        """The bytes of all entries."""
        return b"\n".join(row[0] for row in connection.execute("SELECT facts FROM pages ORDER BY first")).split(b"\n")

    def put(self, connection: sqlite3.Connection, raws: list[bytes], seqs: Sequence[int] | None = None) -> None:
        """These entries in place of all, and all by which they are found; the tree stays."""
        for table in ("pages", "kinds", "ids"):
            connection.execute(f"DELETE FROM {table}")
        seqs = seqs or range(len(raws))
        for start in range(0, len(raws), 20):
            page = raws[start : start + 20]
            connection.execute("INSERT INTO pages VALUES (?, ?, ?)", (seqs[start], len(page), b"\n".join(page)))
            facts = [json.loads(raw) for raw in page]
            for kind, span in kinds_of([each["kind"] for each in facts], [each["time"] for each in facts]).items():
                connection.execute("INSERT INTO kinds VALUES (?, ?, ?, ?)", (kind, seqs[start], *span))
            for n, each in enumerate(facts):
                connection.execute("INSERT INTO ids VALUES (?, ?)", (key(each["id"]), seqs[start] + n))

    def rebuild(self, connection: sqlite3.Connection) -> None:
        """All hashes anew over the entries as they are now."""
        connection.execute("DELETE FROM nodes")
        leaves = [merkle.leaf_hash(raw) for raw in self.entries(connection)]
        nodes = merkle.Frontier().extend(leaves)
        rows = [(place(level, number), b"".join(hashes)) for level, number, hashes in nodes]
        connection.executemany("INSERT INTO nodes VALUES (?, ?)", rows)

    def sign_anew(self, connection: sqlite3.Connection, signer: Signer) -> None:
        """All heads anew over the tree as it is now."""
        connection.execute("DELETE FROM heads")
        for size in (20, 40, 60):
            note = signer.sign("test/ledger", size, self.root(connection, size), NOON + timedelta(hours=size)).note
            connection.execute("INSERT INTO heads (note) VALUES (?)", (note,))

    def root(self, connection: sqlite3.Connection, size: int) -> bytes:
        return merkle_root([merkle.leaf_hash(raw) for raw in self.entries(connection)[:size]])

    def verify(self, *, anchored: bool = False) -> Verdict:
        return verify(self.path, self.signer.public, anchors=[self.anchor] if anchored else [])


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


def merkle_root(leaves: list[bytes]) -> bytes:
    edge = merkle.Frontier()
    edge.extend(leaves)
    return edge.root()


def _edit(site: Site, c: sqlite3.Connection) -> None:
    raws = site.entries(c)
    site.put(c, [*raws[:25], encode(replace(fact(25), body={"number": 99})), *raws[26:]])


def _reorder(site: Site, c: sqlite3.Connection) -> None:
    raws = site.entries(c)
    site.put(c, [*raws[:10], raws[11], raws[10], *raws[12:]])


def _insert(site: Site, c: sqlite3.Connection) -> None:
    raws = site.entries(c)
    site.put(c, [*raws[:30], encode(fact(1000)), *raws[30:]])


def _delete_inside(site: Site, c: sqlite3.Connection) -> None:
    raws = site.entries(c)
    site.put(c, [*raws[:30], *raws[31:]])


def _delete_a_page_inside(site: Site, c: sqlite3.Connection) -> None:
    raws = site.entries(c)
    site.put(c, [*raws[:20], *raws[40:]], [*range(20), *range(40, SIZE)])


def _cut_entries(site: Site, c: sqlite3.Connection) -> None:
    site.put(c, site.entries(c)[:50])


def _cut_entries_and_tree(site: Site, c: sqlite3.Connection) -> None:
    _cut_entries(site, c)
    site.rebuild(c)


def _empty(site: Site, c: sqlite3.Connection) -> None:
    site.put(c, [])


def _empty_with_the_tree(site: Site, c: sqlite3.Connection) -> None:
    site.put(c, [])
    c.execute("DELETE FROM nodes")


def _rebuild_with_other_hashes(site: Site, c: sqlite3.Connection) -> None:
    _edit(site, c)
    site.rebuild(c)


def _hide_under_another_kind(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE kinds SET kind = 'hidden' WHERE first = 20")


def _hide_from_a_search_by_time(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE kinds SET latest = earliest WHERE first = 20")


def _hide_from_a_search_by_id(site: Site, c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM ids WHERE seq = 5")


def _renumber(site: Site, c: sqlite3.Connection) -> None:
    site.put(c, site.entries(c), [*range(40), *range(1000, 1020)])


def _miscount_a_page(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE pages SET count = 7 WHERE first = 20")


def _spoil_a_node(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE nodes SET hashes = ? WHERE place = ?", (bytes(32), place(4, 1)))


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
    note = site.signer.sign("test/ledger", SIZE, site.root(c, SIZE), NOON).note
    c.execute("INSERT INTO heads (note) VALUES (?)", (note,))


def _sign_a_smaller_size(site: Site, c: sqlite3.Connection) -> None:
    note = site.signer.sign("test/ledger", 50, site.root(c, 50), NOON + timedelta(hours=99)).note
    c.execute("INSERT INTO heads (note) VALUES (?)", (note,))


def _drop_a_head(site: Site, c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM heads WHERE number = 2")


def _scribble_on_a_head(site: Site, c: sqlite3.Connection) -> None:
    c.execute("UPDATE heads SET note = 'all is well' WHERE number = 1")


def _write_it_another_way(site: Site, c: sqlite3.Connection) -> None:
    raws = site.entries(c)
    site.put(c, [*raws[:3], raws[3].replace(b":", b": "), *raws[4:]])
    site.rebuild(c)


def _write_it_in_another_unicode_form(site: Site, c: sqlite3.Connection) -> None:
    raws = site.entries(c)
    vietnamese = unicodedata.normalize("NFD", encode(replace(fact(3), body={"text": "Đã khóa tài khoản"})).decode())
    site.put(c, [*raws[:3], vietnamese.encode(), *raws[4:]])
    site.rebuild(c)
    site.sign_anew(c, site.signer)


K = FaultKind
CASES: list[tuple[Callable[[Site, sqlite3.Connection], None], set[FaultKind], Integrity, Completeness]] = [
    (_edit, {K.EDITED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_reorder, {K.REORDERED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_insert, {K.INSERTED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_delete_inside, {K.DELETED_INSIDE}, Integrity.BROKEN, Completeness.CUT),
    (_delete_a_page_inside, {K.DELETED_INSIDE}, Integrity.BROKEN, Completeness.CUT),
    (_cut_entries, {K.TAIL_CUT}, Integrity.INTACT, Completeness.CUT),
    (_cut_entries_and_tree, {K.TAIL_CUT}, Integrity.INTACT, Completeness.CUT),
    (_empty, {K.EMPTIED}, Integrity.INTACT, Completeness.CUT),
    (_empty_with_the_tree, {K.EMPTIED}, Integrity.UNPROVEN, Completeness.CUT),
    (_rebuild_with_other_hashes, {K.REWRITTEN}, Integrity.BROKEN, Completeness.UNSIGNED_TAIL),
    (_hide_under_another_kind, {K.COLUMN_CHANGED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_hide_from_a_search_by_time, {K.COLUMN_CHANGED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_hide_from_a_search_by_id, {K.COLUMN_CHANGED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_miscount_a_page, {K.COLUMN_CHANGED}, Integrity.BROKEN, Completeness.COMPLETE),
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
    (_write_it_in_another_unicode_form, {K.NOT_CANONICAL}, Integrity.BROKEN, Completeness.COMPLETE),
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
        connection.execute("DROP TRIGGER pages_delete")
    verdict = site.verify()
    assert kinds(verdict) == {K.SCHEMA_CHANGED}
    assert "pages_delete" in verdict.faults[0].text


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
        raws = site.entries(connection)
        site.put(connection, [*raws[:15], encode(replace(fact(15), body={"number": 99})), *raws[16:]])
        site.rebuild(connection)
        site.sign_anew(connection, site.signer)
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


def test_a_head_of_a_key_that_was_retired_is_named(site: Site) -> None:
    stolen, successor = site.signer, Signer.load_or_create(site.path.parent / "successor.key")
    with Ledger.open(site.path, signer=stolen) as ledger:
        ledger.rotate(successor, NOON + timedelta(hours=70))
        ledger.append([fact(61)])
        ledger.sign(NOON + timedelta(hours=80))
    assert site.verify().sound
    with closing(sqlite3.connect(site.path, isolation_level=None)) as connection:
        note = stolen.sign("test/ledger", 62, site.root(connection, 62), NOON + timedelta(hours=90)).note
        connection.execute("INSERT INTO heads (note) VALUES (?)", (note,))
    verdict = site.verify()
    assert kinds(verdict) == {K.RETIRED_KEY}
    assert verify(site.path, successor.public).faults == verdict.faults


def test_a_rotation_that_a_thief_made_up_is_named(site: Site) -> None:
    thief = Signer.load_or_create(site.path.parent / "thief.key")
    body = body_of(site.signer.public, thief.public, bytes(64), bytes(64))
    with Ledger.open(site.path) as ledger:
        ledger.append([Fact("ledger.key-rotated/x", "ledger.key-rotated", NOON, "engine", body)])
        root = ledger.root
    with closing(sqlite3.connect(site.path, isolation_level=None)) as connection:
        note = thief.sign("test/ledger", 61, root, NOON + timedelta(hours=90)).note
        connection.execute("INSERT INTO heads (note) VALUES (?)", (note,))
    assert kinds(site.verify()) == {K.BAD_ROTATION, K.FOREIGN_KEY}
    assert site.verify().signed == 60


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
        connection.execute("UPDATE ids SET key = -seq - 1")
    verdict = site.verify()
    assert (len(verdict.faults), verdict.more) == (20, 40)
    assert verdict.lines()[-1] == "fault: and 40 more"
