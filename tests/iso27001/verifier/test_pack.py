"""Evidence packs and the auditor's program: whatever is done to a pack gets its own name; it runs with nothing but `cryptography`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from iso27001.errors import PackError
from iso27001.ledger import Fact, encode
from iso27001.ledger.anchor import write_anchor
from iso27001.ledger.signing import Signer, public_path
from iso27001.ledger.store import Ledger
from iso27001.packing import Made, PackFile, write_pack
from iso27001.verifier import merkle
from iso27001.verifier.__main__ import as_json, main
from iso27001.verifier.notes import read_notes
from iso27001.verifier.pack import verify_pack
from iso27001.verifier.verdict import Completeness, FaultKind, Integrity, Verdict

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)
RAW = b"<38>Nov 22 12:00:00 web1 sshd[1]: Failed password for root"
SIZE = 60


def fact(number: int) -> Fact:
    body = {"number": number, "text": "Đăng nhập thất bại", "sha256": sha256(RAW).hexdigest() if number == 7 else ""}
    return Fact(f"note/{number}", "note", NOON + timedelta(seconds=number), "engine", body)


class Site:
    """A ledger of 60 entries under heads at 20, 40 and 60, an anchor with those up to 40, and a pack of it all."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ledger, self.anchor, self.pack = root / "ledger.db", root / "anchor.txt", root / "pack.zip"
        self.key = public_path(root / "ledger.key")
        self.signer = Signer.load_or_create(root / "ledger.key")

    @classmethod
    def make(cls, root: Path) -> Site:
        site = cls(root)
        with Ledger.open(site.ledger, signer=site.signer, origin="test/ledger") as ledger:
            for end in (20, 40, 60):
                ledger.append(fact(n) for n in range(end - 20, end))
                ledger.sign(NOON + timedelta(hours=end))
                if end == 40:
                    write_anchor(ledger.heads(), site.anchor)
        site.write(site.pack)
        return site

    def write(self, path: Path, disclose: list[int] | None = None, ledger: Path | None = None) -> Made:
        files = [PackFile(f"events/{sha256(RAW).hexdigest()}", RAW, 7), PackFile("reports/report.json", b"{}")]
        with Ledger.open(ledger or self.ledger, signer=self.signer) as opened:
            return write_pack(
                path,
                opened,
                self.signer,
                files,
                scope="all",
                since=NOON,
                until=NOON + timedelta(days=3),
                disclose=disclose,
            )

    def verify(self, *, anchored: bool = False) -> Verdict:
        return verify_pack(self.pack, self.signer.public, anchors=[self.anchor.read_text()] if anchored else [])

    def rewrite(self, change: Callable[[dict[str, bytes]], None], *, honest: bool) -> None:
        """The pack with other files; `honest`: with a manifest that lists them, signed by the site's own key."""
        with zipfile.ZipFile(self.pack) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        change(files)
        if honest:
            manifest = json.loads(files["manifest.json"])
            for each in manifest["files"]:
                if each["path"] in files:
                    content = files[each["path"]]
                    each |= {"bytes": len(content), "sha256": sha256(content).hexdigest()}
            files["manifest.json"] = json.dumps(manifest).encode()
            digest = sha256(files["manifest.json"]).hexdigest()
            files["manifest.note"] = self.signer.sign_manifest("test/ledger", digest, NOON).note.encode()
        with zipfile.ZipFile(self.pack, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Site.make(tmp_path_factory.mktemp("site")).root


@pytest.fixture
def site(template: Path, tmp_path: Path) -> Site:
    shutil.copytree(template, tmp_path / "site")
    return Site(tmp_path / "site")


def kinds(verdict: Verdict) -> set[FaultKind]:
    return {fault.kind for fault in verdict.faults}


def test_an_untouched_pack_is_sound_and_its_ranges_are_told_apart(site: Site) -> None:
    alone, anchored = site.verify(), site.verify(anchored=True)
    assert (alone.sound, alone.integrity, alone.completeness) == (True, Integrity.INTACT, Completeness.COMPLETE)
    assert (alone.size, alone.disclosed, alone.signed, alone.anchored) == (60, 60, 60, None)
    assert (anchored.anchored, anchored.sound) == (40, True)
    assert "signed but not anchored: entries 40 to 59" in anchored.lines()
    assert dict(alone.checked) == {"files": 5, "raw events and documents held against their entries": 1}


def test_the_same_ledger_gives_the_same_bytes(site: Site) -> None:
    made = site.write(site.root / "again.zip")
    assert (site.root / "again.zip").read_bytes() == site.pack.read_bytes()
    assert made.manifest == sha256(zipfile.ZipFile(site.pack).read("manifest.json")).hexdigest()
    assert (made.size, made.disclosed, made.files) == (60, 60, 5)


def test_a_pack_of_some_entries_proves_them_and_hides_the_others(site: Site) -> None:
    site.write(site.pack, disclose=[5, 6, 7, 30])
    verdict = site.verify(anchored=True)
    assert (verdict.sound, verdict.size, verdict.disclosed, verdict.anchored) == (True, 60, 4, 40)
    assert "disclosed: 4; of the others the hashes alone" in verdict.lines()
    lines = zipfile.ZipFile(site.pack).read("entries.ndjson").splitlines()
    assert lines == [encode(fact(n)) for n in (5, 6, 7, 30)]
    assert b"note/8" not in b"".join(zipfile.ZipFile(site.pack).read(n) for n in zipfile.ZipFile(site.pack).namelist())


def _lines(files: dict[str, bytes], change: Callable[[list[bytes]], list[bytes]]) -> None:
    files["entries.ndjson"] = b"".join(line + b"\n" for line in change(files["entries.ndjson"].splitlines()))


def _edit(files: dict[str, bytes]) -> None:
    _lines(files, lambda raws: [*raws[:25], encode(replace(fact(25), body={"number": 99})), *raws[26:]])


def _reorder(files: dict[str, bytes]) -> None:
    _lines(files, lambda raws: [*raws[:10], raws[11], raws[10], *raws[12:]])


def _insert(files: dict[str, bytes]) -> None:
    _lines(files, lambda raws: [*raws[:30], encode(fact(1000)), *raws[30:]])


def _delete_inside(files: dict[str, bytes]) -> None:
    _lines(files, lambda raws: [*raws[:30], *raws[31:]])


def _cut(files: dict[str, bytes]) -> None:
    _lines(files, lambda raws: raws[:50])


def _cut_with_the_tree(files: dict[str, bytes]) -> None:
    _cut(files)
    files["leaves.bin"] = files["leaves.bin"][: 32 * 50]
    _disclose(files, [[0, 50]])


def _empty(files: dict[str, bytes]) -> None:
    files["entries.ndjson"] = b""


def _empty_with_the_tree(files: dict[str, bytes]) -> None:
    files["entries.ndjson"] = files["leaves.bin"] = b""
    _disclose(files, [])


def _rebuild(files: dict[str, bytes]) -> None:
    _edit(files)
    files["leaves.bin"] = b"".join(map(merkle.leaf_hash, files["entries.ndjson"].splitlines()))


def _spoil_a_signature(files: dict[str, bytes]) -> None:
    files["heads.txt"] = files["heads.txt"].replace(b"2026-11-23", b"2026-11-24", 1)


def _scribble_on_the_heads(files: dict[str, bytes]) -> None:
    files["heads.txt"] += b"all is well\n"


def _change_a_report(files: dict[str, bytes]) -> None:
    files["reports/report.json"] = b"[]"


def _another_raw_event(files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.startswith("events/"))
    files[name] = RAW.replace(b"root", b"minh")


def _another_entry_for_the_event(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    next(each for each in manifest["files"] if "entry" in each)["entry"] = 8
    files["manifest.json"] = json.dumps(manifest).encode()


def _drop_a_file(files: dict[str, bytes]) -> None:
    del files["reports/report.json"]


def _smuggle_a_file(files: dict[str, bytes]) -> None:
    files["reports/other.json"] = b"{}"


def _drop_the_signature(files: dict[str, bytes]) -> None:
    del files["manifest.note"]


def _nfd(files: dict[str, bytes]) -> None:
    import unicodedata

    _lines(files, lambda raws: [unicodedata.normalize("NFD", raws[0].decode()).encode(), *raws[1:]])
    files["leaves.bin"] = b"".join(map(merkle.leaf_hash, files["entries.ndjson"].splitlines()))


def _disclose(files: dict[str, bytes], ranges: list[list[int]]) -> None:
    files["manifest.json"] = json.dumps({**json.loads(files["manifest.json"]), "disclosed": ranges}).encode()


K = FaultKind
AS_SIGNED = [
    (_edit, {K.FILE_CHANGED, K.EDITED}),
    (_change_a_report, {K.FILE_CHANGED}),
    (_another_raw_event, {K.FILE_CHANGED}),
    (_drop_a_file, {K.FILE_MISSING}),
    (_smuggle_a_file, {K.FILE_UNKNOWN}),
    (_drop_the_signature, {K.FILE_MISSING}),
    (_another_entry_for_the_event, {K.MANIFEST_CHANGED, K.FILE_NOT_BORNE_OUT}),
]
BY_THE_SITE_ITSELF = [
    (_edit, {K.EDITED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_reorder, {K.REORDERED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_insert, {K.INSERTED}, Integrity.BROKEN, Completeness.COMPLETE),
    (_delete_inside, {K.DELETED_INSIDE}, Integrity.BROKEN, Completeness.CUT),
    (_cut, {K.TAIL_CUT}, Integrity.INTACT, Completeness.CUT),
    (_cut_with_the_tree, {K.TAIL_CUT}, Integrity.INTACT, Completeness.CUT),
    (_empty, {K.EMPTIED, K.FILE_NOT_BORNE_OUT}, Integrity.BROKEN, Completeness.CUT),
    (_empty_with_the_tree, {K.EMPTIED, K.FILE_NOT_BORNE_OUT}, Integrity.BROKEN, Completeness.CUT),
    (_rebuild, {K.REWRITTEN}, Integrity.BROKEN, Completeness.COMPLETE),
    (_spoil_a_signature, {K.BAD_SIGNATURE}, Integrity.BROKEN, Completeness.COMPLETE),
    (_scribble_on_the_heads, {K.HEAD_UNREADABLE}, Integrity.BROKEN, Completeness.COMPLETE),
    (_another_raw_event, {K.FILE_NOT_BORNE_OUT}, Integrity.BROKEN, Completeness.COMPLETE),
    (_nfd, {K.NOT_CANONICAL, K.REWRITTEN}, Integrity.BROKEN, Completeness.UNPROVEN),
]


@pytest.mark.parametrize(("forge", "named"), AS_SIGNED, ids=lambda case: getattr(case, "__name__", ""))
def test_a_pack_that_was_changed_on_the_way_is_named(
    site: Site, forge: Callable[[dict[str, bytes]], None], named: set[FaultKind]
) -> None:
    site.rewrite(forge, honest=False)
    assert kinds(site.verify()) == named
    assert not site.verify().sound


@pytest.mark.parametrize(
    ("forge", "named", "integrity", "completeness"), BY_THE_SITE_ITSELF, ids=lambda case: getattr(case, "__name__", "")
)
def test_a_pack_that_its_own_site_forged_is_named(
    site: Site,
    forge: Callable[[dict[str, bytes]], None],
    named: set[FaultKind],
    integrity: Integrity,
    completeness: Completeness,
) -> None:
    site.rewrite(forge, honest=True)
    verdict = site.verify()
    assert kinds(verdict) == named
    if forge is not _rebuild:
        assert (verdict.integrity, verdict.completeness) == (integrity, completeness)
    assert not verdict.sound


def test_a_file_that_is_there_twice_is_named(site: Site) -> None:
    with zipfile.ZipFile(site.pack, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("reports/report.json", b"{}")
    assert kinds(site.verify()) == {K.FILE_UNKNOWN}


def test_a_pack_of_an_older_ledger_is_caught_by_the_anchor_and_by_paper(site: Site) -> None:
    old = site.root / "old.db"
    with Ledger.open(old, signer=site.signer, origin="test/ledger") as ledger:
        ledger.append(fact(n) for n in range(20))
        ledger.sign(NOON + timedelta(hours=20))
    site.write(site.pack, ledger=old)
    assert site.verify().sound
    assert kinds(site.verify(anchored=True)) == {K.ROLLED_BACK}
    head = read_notes(site.anchor.read_text())[0][1]
    assert kinds(verify_pack(site.pack, site.signer.public, printed=[(head.size, head.root)])) == {K.ROLLED_BACK}


def test_another_history_under_the_same_key_is_a_split_view(site: Site) -> None:
    other = site.root / "other.db"
    with Ledger.open(other, signer=site.signer, origin="test/ledger") as ledger:
        for end in (20, 40, 60):
            ledger.append(fact(n + 1000 if n == 15 else n) for n in range(end - 20, end))
            ledger.sign(NOON + timedelta(hours=end))
    site.write(site.pack, ledger=other)
    assert site.verify().sound
    assert kinds(site.verify(anchored=True)) == {K.SPLIT_VIEW}


def test_the_burglars_key_is_foreign(site: Site) -> None:
    burglar = Signer.load_or_create(site.root / "burglar.key")
    verdict = verify_pack(site.pack, burglar.public)
    assert kinds(verdict) == {K.FOREIGN_KEY}
    assert (verdict.integrity, verdict.completeness) == (Integrity.BROKEN, Completeness.UNPROVEN)


def test_a_pack_after_a_rotation_is_believed_by_either_key(site: Site) -> None:
    successor = Signer.load_or_create(site.root / "next.key")
    with Ledger.open(site.ledger, signer=site.signer) as ledger:
        ledger.rotate(successor, NOON + timedelta(hours=70))
        ledger.append([fact(61)])
        ledger.sign(NOON + timedelta(hours=80))
        write_pack(site.pack, ledger, successor, [], scope="", since=NOON, until=NOON, disclose=[3])
    for key in (site.signer.public, successor.public):
        verdict = verify_pack(site.pack, key)
        assert (verdict.faults, verdict.sound, verdict.disclosed) == ((), True, 2)


def test_what_is_no_pack_is_refused_by_name(site: Site, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(PackError, match="cannot be read as a pack"):
        verify_pack(tmp_path / "text.zip", site.signer.public)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(PackError, match=r"manifest\.json is no manifest"):
        verify_pack(tmp_path / "empty.zip", site.signer.public)
    with (
        Ledger.open(tmp_path / "new.db", signer=site.signer) as ledger,
        pytest.raises(PackError, match="no signed head"),
    ):
        write_pack(tmp_path / "x.zip", ledger, site.signer, [], scope="", since=NOON, until=NOON)
    assert not list(tmp_path.glob("x.zip*"))


def test_a_pack_is_written_whole_or_not_at_all(site: Site) -> None:
    twice = [PackFile("reports/a", b"1"), PackFile("reports/a", b"2")]
    with (
        Ledger.open(site.ledger, signer=site.signer) as ledger,
        pytest.raises(PackError, match="two files of one name"),
    ):
        write_pack(site.root / "x.zip", ledger, site.signer, twice, scope="", since=NOON, until=NOON)
    with Ledger.open(site.ledger, signer=site.signer) as ledger, pytest.raises(PackError, match="cannot be written"):
        write_pack(site.root / "none" / "x.zip", ledger, site.signer, [], scope="", since=NOON, until=NOON)
    assert not list(site.root.glob("x.zip*"))


def test_the_program_says_what_it_found(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(site.pack), "--key", str(site.key), "--anchor", str(site.anchor)]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("integrity: intact\ncompleteness: complete\n")
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(as_json(site.verify(anchored=True))))
    assert main([*arguments, "--printed", f"60:{bytes(32).hex()}"]) == 1
    assert "split view" in capsys.readouterr().out
    assert main([*arguments, "--printed", "sixty"]) == 2
    assert "is no printed root" in capsys.readouterr().err


def test_the_program_needs_nothing_but_the_standard_library_and_cryptography(site: Site, tmp_path: Path) -> None:
    for name in ("__init__.py", "errors.py", "verifier"):
        source, target = ROOT / "iso27001" / name, tmp_path / "alone" / "iso27001" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    code = """
import importlib.abc, sys
alone, site, *arguments = sys.argv[1:]
sys.path[:0] = [alone]
sys.path.append(site)
class Door(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names | {"iso27001", "cryptography", "cffi", "_cffi_backend", "typing_extensions"}:
            raise ImportError(f"{name} is not the standard library or cryptography")
sys.meta_path.insert(0, Door())
from iso27001.verifier.__main__ import main
import iso27001
assert iso27001.__file__.startswith(alone)
sys.exit(main(arguments))
"""
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-S", "-c", code),
            *(str(tmp_path / "alone"), sysconfig.get_path("platlib"), str(site.pack), "--key", str(site.key)),
        ],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("integrity: intact")


def test_a_large_pack_is_checked_on_all_cores_to_the_same_verdict(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.rewrite(_edit, honest=True)
    alone = site.verify()
    monkeypatch.setattr("iso27001.verifier.pack.MANY", 10)
    assert site.verify() == alone
