"""A file that came back (a STIX 2.1 bundle, a MISP event) in, what it says of our incident out: data, and bounded. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from soc.errors import SocError

MAX_BYTES = 16 << 20
MAX_TEXTS = 20
MAX_TEXT = 2_000
"""Texts that are taken over, and characters of each; the file itself is kept whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`sender`: who says so, by the file; `texts`: what it says in words; `indicators`, `sightings`: how many it has of each."""

    form: str
    sender: str
    texts: tuple[str, ...]
    indicators: int
    sightings: int


def read_answer(raw: bytes) -> Answer:
    """The answer of a file. Raises: SocError where it is neither."""
    if len(raw) > MAX_BYTES:
        raise SocError(f"an answer of {len(raw):,} bytes: {MAX_BYTES:,} are the most that is read")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SocError(f"not JSON: {error}") from error
    if isinstance(data, dict) and data.get("type") == "bundle":
        return _stix([each for each in _list(data.get("objects")) if isinstance(each, dict)])
    if isinstance(data, dict) and (event := _event(data)) is not None:
        return _misp(event)
    raise SocError("neither a STIX bundle nor a MISP event")


def _event(data: dict[str, Any]) -> dict[str, Any] | None:
    """The event of a file of MISP: alone, or the first of what a search of its interface answered (`response`)."""
    answered = data.get("response")
    for each in (data, answered, *_list(answered)):
        if isinstance(each, dict) and isinstance(each.get("Event"), dict):
            return dict(each["Event"])
    return answered if isinstance(answered, dict) and answered else None


def _stix(objects: list[dict[str, Any]]) -> Answer:
    def of(kind: str) -> list[dict[str, Any]]:
        return [each for each in objects if each.get("type") == kind]

    said = [
        *(_text(each, "abstract", "content") for each in of("note")),
        *(_text(each, "name", "description") for kind in ("report", "incident", "grouping") for each in of(kind)),
        *(_text(each, "opinion", "explanation") for each in of("opinion")),
    ]
    sender = next((str(each.get("name", "")) for each in of("identity")), "")
    return Answer("stix", sender, _bounded(said), len(of("indicator")), len(of("sighting")))


def _misp(event: dict[str, Any]) -> Answer:
    attributes = [each for each in _list(event.get("Attribute")) if isinstance(each, dict)]
    objects = [each for each in _list(event.get("Object")) if isinstance(each, dict)]
    attributes += [a for each in objects for a in _list(each.get("Attribute")) if isinstance(a, dict)]
    said = [str(event.get("info", ""))]
    said += [str(each.get("value", "")) for each in attributes if each.get("type") in ("text", "comment")]
    organisation = event.get("Orgc")
    sender = str(organisation.get("name", "")) if isinstance(organisation, dict) else ""
    seen = sum(len(_list(each.get("Sighting"))) for each in attributes)
    return Answer("misp", sender, _bounded(said), sum(bool(each.get("to_ids")) for each in attributes), seen)


def _text(found: dict[str, Any], *names: str) -> str:
    return ": ".join(str(found[name]) for name in names if found.get(name))


def _bounded(texts: list[str]) -> tuple[str, ...]:
    return tuple(text[:MAX_TEXT] for text in dict.fromkeys(texts) if text.strip())[:MAX_TEXTS]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def lines(answer: Answer) -> Iterator[str]:
    """What an incident's story says of it."""
    counts = f"{answer.indicators} indicators, {answer.sightings} sightings"
    yield f"{answer.sender or 'somebody'} answered ({answer.form}, {counts})"
    yield from answer.texts
