"""On SigmaHQ's own rules and recordings: nothing is refused, nothing is skipped, every regression case fires its rule."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.event import Event
from collectors.parse import Context, parse
from collectors.record import Position, RawRecord
from soc import yaml_file
from soc.detect.ruleset import RuleSet, load
from soc.detect.sigma import condition
from soc.detect.sigma.ir import And, Leaf, Not, Or
from soc.detect.sigma.review import Kind, review
from tests.soc.detect.sigma.material import CORPUS, FOLDERS, NOW, SIGMAHQ
from tests.soc.detect.sigma.test_reasons import assert_reasons_are_the_leaves_that_hold

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="needs ../shared/corpus/sigmahq")]

FILES = sorted(path for folder in FOLDERS for path in (SIGMAHQ / folder).rglob("*.yml"))
PATHS = [SIGMAHQ / folder for folder in FOLDERS]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def rules(cache: Path) -> RuleSet:
    return load(PATHS, cache=cache)


def test_every_live_rule_is_loaded(rules: RuleSet) -> None:
    assert len(rules) == len(FILES) >= 3_780
    assert len({rule.id for rule in rules.rules}) == len(rules)


def test_only_unfilled_placeholders_are_warned_of(rules: RuleSet) -> None:
    assert len(rules.warnings) == 33
    assert all("has no values" in warning for warning in rules.warnings)


def test_no_live_rule_has_a_fault_and_the_few_notes_are_true() -> None:
    found = review(PATHS, by_convention=True)
    assert found.faults == []
    assert len(found.content) == len(FILES)
    kinds = Counter(note.kind for note in found.notes)
    # each was looked at: an image that ends with "/sh" and "-c"; six rules of exceptions only or of any value
    assert (kinds[Kind.NEVER], kinds[Kind.ALWAYS], kinds[Kind.DUPLICATE]) == (1, 6, 0)
    assert kinds[Kind.WARNING] == 33
    assert kinds[Kind.CONVENTION] < 30
    [never] = [note.fault for note in found.notes if note.kind is Kind.NEVER]
    assert never.path.endswith("cve_2025_55182_susp_nodejs_server_child_process.yml")


def test_check_of_all_rules_takes_no_more_than_four_times_the_yaml_parser_alone() -> None:
    """Measured: 2.6 CPU seconds, twice what PyYAML's C parser takes for its events; on a busy machine both take longer."""

    def seconds(work: Callable[[], object]) -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    texts = [path.read_bytes() for path in FILES]
    floor = min(seconds(lambda: [list(yaml.parse(text, yaml.CSafeLoader)) for text in texts]) for _ in range(2))
    assert min(seconds(lambda: review(PATHS)) for _ in range(2)) < 4 * floor


def test_conditions_mean_what_pysigma_says() -> None:
    from sigma.conditions import ConditionAND, ConditionIdentifier, ConditionNOT, ConditionSelector
    from sigma.conditions import condition as grammar
    from sigma.rule import SigmaDetections

    def theirs(item: Any, detections: Any) -> Any:
        if isinstance(item, ConditionIdentifier):
            return item.identifier
        if isinstance(item, ConditionSelector):
            names = [each.identifier for each in item.resolve_referenced_detections(detections)]
            return _flat("and" if item.cond_class is ConditionAND else "or", names)
        if isinstance(item, ConditionNOT):
            return ("not", theirs(item.args[0], detections))
        return _flat(
            "and" if isinstance(item, ConditionAND) else "or", [theirs(each, detections) for each in item.args]
        )

    seen = set()
    for path in FILES:
        detection = yaml_file.read(path)[0].data["detection"]
        names = tuple(name for name in detection if name != "condition")
        text = detection["condition"]
        if (text, names) in seen:
            continue
        seen.add((text, names))
        parsed = grammar.parse_string(text, parse_all=True)[0]
        detections = SigmaDetections.from_dict({**dict.fromkeys(names, "x"), "condition": text})
        mine = condition.parse(text, {name: Leaf(name, "", ()) for name in names})[0]
        assert _mine(mine) == theirs(parsed, detections), (path, text)
    assert len(seen) > 500


def _mine(node: Any) -> Any:
    if isinstance(node, Leaf):
        return node.where
    if isinstance(node, Not):
        return ("not", _mine(node.item))
    assert isinstance(node, And | Or)
    return _flat("and" if isinstance(node, And) else "or", [_mine(item) for item in node.items])


def _flat(join: str, items: list[Any]) -> Any:
    if len(items) == 1:
        return items[0]
    spread = [part for item in items for part in (item[1] if isinstance(item, tuple) and item[0] == join else [item])]
    return (join, spread)


# --- Recordings -----------------------------------------------------------------------------------------------------------------


def events_of(path: Path) -> Iterator[Event]:
    import evtx

    for number, record in enumerate(evtx.PyEvtxParser(str(path)).records_json(), 1):
        raw = RawRecord(record["data"].encode(), "test", Position(str(path), "test", number, number), NOW)
        yield parse(raw, "windows-json", Context())


CASES = sorted((SIGMAHQ / "regression_data").rglob("info.yml"))


@pytest.mark.parametrize("info", CASES, ids=[case.parent.name[:60] for case in CASES])
def test_regression_case_fires_its_rule(info: Path, rules: RuleSet) -> None:
    case = yaml.safe_load(info.read_text(encoding="utf-8"))
    wanted = {rule["id"] for rule in case["rule_metadata"]}
    for recording in case["regression_tests_info"]:
        events = list(events_of(SIGMAHQ / recording["path"]))
        fired = {found.rule.id for found in rules.detect(events)}
        assert wanted <= fired, "\n".join(str(rules.explain(each, events[0])) for each in wanted - fired)


@pytest.fixture(scope="module")
def recorded() -> list[Event]:
    return [event for info in CASES for path in info.parent.glob("*.evtx") for event in events_of(path)]


def test_batches_of_1_7_and_5000_give_the_same_detections(rules: RuleSet, recorded: list[Event], cache: Path) -> None:
    whole = [(found.rule.id, found.events[0].id, found.matched) for found in rules.detect(recorded)]
    assert len(whole) >= len(CASES)
    fresh = load(PATHS, cache=cache)
    for size in (1, 7, 5_000):
        batched = [found for at in range(0, len(recorded), size) for found in fresh.detect(recorded[at : at + size])]
        assert [(found.rule.id, found.events[0].id, found.matched) for found in batched] == whole


def test_explanation_agrees_with_detection_on_every_recorded_event(rules: RuleSet, recorded: list[Event]) -> None:
    fired = {(found.rule.id, found.events[0].id) for found in rules.detect(recorded)}
    some = [rule.id for rule in rules.rules if rule.logsource.startswith("product:windows")][::40]
    ids = {each for each, _ in fired} | set(some)
    for event in recorded[::5]:
        for each in ids:
            assert rules.explain(each, event).fires is ((each, event.id) in fired)


def test_every_detection_says_why_as_its_explanation_does(rules: RuleSet, recorded: list[Event]) -> None:
    assert all(found.matched for found in rules.detect(recorded))
    assert assert_reasons_are_the_leaves_that_hold(rules, recorded) >= len(CASES)


# --- Start from the cache -------------------------------------------------------------------------------------------------------

START = """
import sys, time
from pathlib import Path
from soc.detect.ruleset import load
rules = load([Path(path) for path in sys.argv[2:]], cache=Path(sys.argv[1]))
assert "sigma" not in sys.modules, "pySigma was imported"
assert not {"textual", "elasticsearch", "sklearn"} & set(sys.modules)
print(len(rules), time.process_time())
"""


def test_second_start_takes_less_than_a_second_and_imports_no_pysigma(rules: RuleSet, cache: Path) -> None:
    command = [sys.executable, "-c", START, str(cache), *map(str, PATHS)]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() for _ in range(3)]
    assert {int(count) for count, _ in runs} == {len(rules)}
    assert min(float(seconds) for _, seconds in runs) <= 1.0


def test_corpus_is_where_the_tests_look() -> None:
    assert (CORPUS / "MANIFEST.tsv").is_file()
