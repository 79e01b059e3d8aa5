"""A description in plain data in, what it makes out: a `Format` or `Message` that a Python parser could have given, or all its faults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from collectors.parse.described import timing
from collectors.parse.described.asking import Asking
from collectors.parse.described.description import Described, Path, Sample, Wrong
from collectors.parse.described.giving import Fields, Giver, constants, giver
from collectors.parse.described.reader import Plan, Reader
from collectors.parse.described.splitting import WAYS, Splitter, splitter
from collectors.parse.format import SHORTEST_OPENING, Format, Gives, Message

_KEYS = (
    *("title", "about", "dataset", "behind", "head", *WAYS, "required", "empty", "time", "fields", "rest", "set"),
    *("samples", "refused"),
)
_NEEDED = ("title", "about", "dataset", "samples")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_DATASET = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")


def describe(name: str, data: object) -> tuple[Described | None, list[Wrong]]:
    """What a description makes (`name`: of its file, without suffix), and all that is wrong with it; where anything is, nothing is made."""
    asking = Asking()
    maker = _Maker(asking, name, asking.keys((), data, _KEYS, _NEEDED))
    described = maker.described()
    return (None if asking.wrong else described), asking.wrong


class _Maker:
    """Reads one description."""

    def __init__(self, asking: Asking, name: str, data: Mapping[str, Any]) -> None:
        self._asking = asking
        self._name = name
        self._data = data
        if not _NAME.fullmatch(name):
            asking.refuse((), f"the file's name is the format's: \"{name}\" has other than small letters, digits and -")

    def described(self) -> Described:
        """What was read; of no use where anything was wrong."""
        asking, data = self._asking, self._data
        for key in ("title", "about"):
            asking.text((key,), data.get(key, "?"))
        dataset = asking.text(("dataset",), data.get("dataset", "x"))
        if not _DATASET.fullmatch(dataset):
            asking.refuse(("dataset",), f'"{dataset}" is no dataset as vsftpd.xferlog')
        parted, of_pattern = self._splitter()
        read, time_parts = timing.reading(asking, ("time",), data.get("time"))
        givers = {
            part: giver(asking, ("fields", part), target)
            for part, target in asking.mapping(("fields",), data.get("fields", {})).items()
        }
        of_all = constants(asking, ("set",), data.get("set", {}))
        rest = asking.text(("rest",), data["rest"]) if "rest" in data else ""
        required = frozenset(asking.texts(("required",), data.get("required", [])))
        self._names(parted, givers, time_parts, required, rest=rest)
        all_constants = [of_all | more for more in of_pattern]
        empty = frozenset(asking.texts(("empty",), data.get("empty", [])))
        plan = Plan(self._name, dataset, parted, all_constants, givers, empty, required, rest, read, time_parts)
        return Described(self._name, self._made(plan), self._samples())

    def _splitter(self) -> tuple[Splitter, list[Fields]]:
        """The way in which records are taken apart, and the constants of each pattern."""
        asking, data = self._asking, self._data
        ways = [way for way in WAYS if way in data]
        if len(ways) != 1:
            asking.refuse((), f"one of {', '.join(WAYS)} is needed, not {' and '.join(ways) or 'none'}")
            return Splitter(lambda _: None, None), [{}]
        [way] = ways
        written = data[way]
        of_pattern: list[Fields] = [{}]
        if way == "patterns" and isinstance(written, list):
            of_pattern = [
                constants(asking, (way, number, "set"), each["set"]) if isinstance(each, dict) and "set" in each else {}
                for number, each in enumerate(written)
            ]
        head = asking.text(("head",), data["head"]) if "head" in data else ""
        if head and way != "patterns":
            asking.refuse(("head",), '"head" is what each of the patterns begins with', on_key=True)
        return splitter(asking, way, written, head), of_pattern

    def _names(
        self,
        parted: Splitter,
        givers: Mapping[str, Giver],
        time_parts: Sequence[str],
        required: frozenset[str],
        *,
        rest: str,
    ) -> None:
        """Parts that are named and do not exist, and parts that exist and are used nowhere."""
        if parted.names is None or self._asking.wrong:
            return
        named: list[tuple[Path, str, bool]] = [(("fields", part), part, True) for part in givers]
        named += [(("time", "from"), part, False) for part in time_parts]
        named += [(("required",), part, False) for part in required]
        for at, part, on_key in named:
            self._asking.known(at, part, sorted(parted.names), "a part of the record", on_key=on_key)
        unused = parted.names - givers.keys() - set(time_parts) - required if not rest else ()
        for part in sorted(unused):
            way = next(way for way in WAYS if way in self._data)
            self._asking.refuse((way,), f'the part "{part}" is used nowhere: name its field, or leave its name out')

    def _made(self, plan: Plan) -> Format | Message:
        gives, reader = _gives(plan), Reader(plan)
        if "behind" not in self._data:
            return Format(self._name, str(self._data.get("title")), reader.parse, reader.sniff, gives=(gives,))
        asking, at = self._asking, ("behind",)
        asked = asking.keys(at, self._data["behind"], ("programs", "openings", "mark"))
        programs = asking.texts((*at, "programs"), asked.get("programs", []))
        openings = asking.texts((*at, "openings"), asked.get("openings", []))
        mark = asking.text((*at, "mark"), asked["mark"]) if "mark" in asked else ""
        for short in (each for each in openings if len(each) < SHORTEST_OPENING):
            asking.refuse((*at, "openings"), f'"{short}" is too short to tell a message by: two characters at least')
        if not programs and not openings:
            asking.refuse(at, "the programs that write it, or the words that it opens with, are needed")
        if "time" in self._data:
            asking.refuse(("time",), "a message behind a syslog header has the header's time", on_key=True)
        return Message(gives, reader.read_message, frozenset(programs), openings, mark)

    def _samples(self) -> tuple[Sample, ...]:
        found = []
        for number, each in enumerate(self._list("samples")):
            at: Path = ("samples", number)
            asked = self._asking.keys(at, each, ("line", "time", "fields"), ("line", "fields"))
            line = self._asking.text((*at, "line"), asked.get("line", "?"))
            fields = self._asking.mapping((*at, "fields"), asked.get("fields", {}))
            found.append(Sample(at, line, fields, self._moment((*at, "time"), asked.get("time"))))
        if not found:
            self._asking.refuse(("samples",), "at least one sample is needed: a line, and the fields that it becomes")
        for number, line in enumerate(self._list("refused")):
            at = ("refused", number)
            found.append(Sample(at, self._asking.text(at, line), None))
        return tuple(found)

    def _list(self, key: str) -> list[Any]:
        data = self._data.get(key, [])
        if isinstance(data, list):
            return data
        self._asking.refuse((key,), "a list is expected")
        return []

    def _moment(self, at: Path, data: object) -> datetime | None:
        if data is None:
            return None
        try:
            moment = datetime.fromisoformat(str(data))
        except ValueError:
            moment = datetime.min  # noqa: DTZ901  as good as none: it has no zone
        if moment.tzinfo is None:
            self._asking.refuse(at, "a time with its zone is expected, as 2026-11-22T10:00:00+07:00")
            return None
        return moment.astimezone(UTC)


def _gives(plan: Plan) -> Gives:
    """What rules can be about."""
    categories = {str(each["event.category"]) for each in plan.constants if "event.category" in each}
    names = {name for each in plan.constants for name in each}
    for each in plan.givers.values():
        categories |= each.categories
        names |= each.names
    names |= {f"{plan.rest}.*"} if plan.rest else set()
    return Gives(plan.dataset, " ".join(sorted(categories)), " ".join(sorted(names - {"event.category"})))
