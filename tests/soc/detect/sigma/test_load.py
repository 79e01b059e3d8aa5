"""What is loaded, from where, and when the cache may answer instead of the parser."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from soc.detect import Level
from soc.detect.ruleset import RuleSet, load
from soc.errors import FaultsError
from tests.soc.detect.sigma.material import RULE_ID, event, fires, rule, write

OTHER_ID = "5e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e11"
DETECTION = {"s": {"a|contains": "x"}, "condition": "s"}


def parsed_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are parsed from now on, as they are."""
    from soc.detect.ruleset import load as _  # noqa: F401
    from soc.detect.sigma import parse

    seen: list[str] = []
    real = parse.content

    def counted(document: Any, content: bytes, placeholders: Any) -> Any:
        seen.append(Path(document.path).name)
        return real(document, content, placeholders)

    monkeypatch.setattr(parse, "content", counted)
    return seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    write(rules, rule(DETECTION, tags=["attack.t1110"], description="Why", falsepositives=["None"]), name="a.yml")
    write(rules, rule(DETECTION, id=OTHER_ID, title="Other", level="low"), name="b.yaml")
    return rules


def test_rule_says_what_it_is(folder: Path) -> None:
    found = load([folder]).rule(RULE_ID.upper())
    assert found is not None
    assert (found.title, found.level, found.tags, found.logsource) == (
        "A rule of a test",
        Level.HIGH,
        ("attack.t1110",),
        "product:test",
    )
    assert (found.description, found.falsepositives, found.path) == ("Why", ("None",), str(folder / "a.yml"))
    assert len(found.version) == 64
    assert load([folder]).rule("nothing") is None


def test_test_files_and_other_files_are_not_rules(folder: Path) -> None:
    (folder / "a.test.yml").write_text("match: [x]\n")
    (folder / "README.md").write_text("# rules\n")
    (folder / "sub").mkdir()
    write(folder / "sub", rule(DETECTION, id="5e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e12"), name="c.yml")
    assert len(load([folder])) == 3


def test_same_file_named_twice_is_loaded_once(folder: Path) -> None:
    assert len(load([folder, folder / "a.yml"])) == 2


def test_unchanged_rules_are_not_parsed_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    first = load([folder], cache=cache)
    seen = parsed_files(monkeypatch)
    second = load([folder], cache=cache)
    assert seen == []
    assert second.rules == first.rules
    assert fires(second, [event({"a": "axb"})]) == [(0, RULE_ID), (0, OTHER_ID)]


def test_changed_file_alone_is_parsed_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    load([folder], cache=cache)
    seen = parsed_files(monkeypatch)
    write(folder, rule({"s": {"a": "y"}, "condition": "s"}, id=OTHER_ID), name="b.yaml")
    assert fires(load([folder], cache=cache), [event({"a": "y"})]) == [(0, OTHER_ID)]
    assert seen == ["b.yaml"]


def test_removed_and_renamed_files_are_no_cause_to_parse(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    load([folder], cache=cache)
    seen = parsed_files(monkeypatch)
    (folder / "a.yml").rename(folder / "z.yml")
    (folder / "b.yaml").unlink()
    found = load([folder], cache=cache)
    assert [each.path for each in found.rules] == [str(folder / "z.yml")]
    assert seen == []


def test_other_placeholders_are_another_cache(tmp_path: Path) -> None:
    path = write(tmp_path, rule({"s": {"a|expand": "%who%"}, "condition": "s"}))
    for name in ("an", "binh", "an"):
        rules = load([path], cache=tmp_path / "cache", placeholders={"who": [name]})
        assert fires(rules, [event({"a": name})]) == [(0, RULE_ID)]


@pytest.mark.parametrize("damage", [b"", b"foreign", b"soc-sigma-rules\n" + b"\0" * 40, None])
def test_damaged_cache_is_ignored_and_made_anew(folder: Path, tmp_path: Path, damage: bytes | None) -> None:
    cache = tmp_path / "cache"
    good = load([folder], cache=cache)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    file.write_bytes(bytes(flipped) if damage is None else damage)
    assert load([folder], cache=cache).rules == good.rules
    assert file.read_bytes() == whole


def test_cache_of_another_version_is_ignored(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    load([folder], cache=cache)
    monkeypatch.setattr("soc.detect.sigma.cache._code", lambda: b"other code")
    seen = parsed_files(monkeypatch)
    load([folder], cache=cache)
    assert sorted(seen) == ["a.yml", "b.yaml"]


def test_faulty_file_is_no_cause_to_parse_the_others_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "c.yml").write_text("title: x\n")
    seen = parsed_files(monkeypatch)
    for _ in range(2):
        with pytest.raises(FaultsError):
            load([folder], cache=tmp_path / "cache")
    assert sorted(seen) == ["a.yml", "b.yaml"]


def test_cache_that_cannot_be_written_is_no_fault(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert len(load([folder], cache=tmp_path / "cache")) == 2


def test_faulty_file_stops_a_start_from_the_cache_too(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    load([folder], cache=cache)
    (folder / "c.yml").write_text("title: x\n")
    for _ in range(2):
        with pytest.raises(FaultsError, match=r"c\.yml"):
            load([folder], cache=cache)


def test_file_of_several_documents_holds_several_rules(tmp_path: Path) -> None:
    path = write(tmp_path, rule(DETECTION), rule({"s": {"a": "y"}, "condition": "s"}, id=OTHER_ID))
    assert fires(load([path]), [event({"a": "x"}, number=1), event({"a": "y"}, number=2)]) == [
        (0, RULE_ID),
        (1, OTHER_ID),
    ]


def test_fault_in_a_second_document_has_its_own_line(tmp_path: Path) -> None:
    path = write(tmp_path, rule(DETECTION), rule({"s": {"a|contian": "y"}, "condition": "s"}, id=OTHER_ID))
    with pytest.raises(FaultsError) as caught:
        load([path])
    line = caught.value.faults[0].line
    assert path.read_text().splitlines()[line - 1].strip() == "a|contian: y"


def test_global_document_is_part_of_those_that_follow(tmp_path: Path) -> None:
    whole = rule(DETECTION)
    shared = {
        "action": "global",
        "title": whole["title"],
        "status": "test",
        "level": "low",
        "detection": {"condition": "s"},
    }
    one = {"id": RULE_ID, "logsource": {"product": "test"}, "detection": {"s": {"a": "x"}}}
    two = {"id": OTHER_ID, "logsource": {"product": "other"}, "detection": {"s": {"a": "y"}}, "level": "high"}
    rules = load([write(tmp_path, shared, one, two)])
    assert [(each.id, each.level, each.logsource) for each in rules.rules] == [
        (RULE_ID, Level.LOW, "product:test"),
        (OTHER_ID, Level.HIGH, "product:other"),
    ]


def test_repeat_document_changes_the_one_before(tmp_path: Path) -> None:
    again = {"action": "repeat", "id": OTHER_ID, "detection": {"s": {"b": "y"}}}
    rules = load([write(tmp_path, rule({"s": {"a": "x"}, "condition": "s"}), again)])
    assert fires(rules, [event({"a": "x", "b": "y"})]) == [(0, RULE_ID), (0, OTHER_ID)]
    assert fires(rules, [event({"a": "x"})]) == [(0, RULE_ID)]


def test_rule_without_id_gets_the_same_one_each_time(tmp_path: Path) -> None:
    nameless = {key: value for key, value in rule(DETECTION).items() if key not in ("id", "level")}
    first, second = (load([write(tmp_path, nameless)]).rules[0] for _ in range(2))
    assert first.id == second.id
    assert first.level is Level.MEDIUM


def test_no_rules_are_no_fault() -> None:
    assert RuleSet([]).detect([event({"a": "x"})]) == []


def test_nothing_of_a_rule_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(builtins, "eval", lambda *args: ran.append(str(args)))
    path = write(tmp_path, "title: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(FaultsError):
        load([path])
    assert ran == []
