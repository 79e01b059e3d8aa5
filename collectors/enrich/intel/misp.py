"""MISP's JSON in, its indicators out: one event, the answer of a search, or an event of a feed. Source of truth: MISP core format
(draft-dulaunoy-misp-core-format §2), MISP taxonomies `tlp` and `misp:confidence-level`.

    {"Event": {"uuid": "...", "info": "Phishing", "Tag": [{"name": "tlp:amber"}], "Attribute": [{"type": "ip-dst", "value": "203.0.113.7",
     "to_ids": true, "uuid": "..."}], "Object": [{"name": "file", "Attribute": [{"type": "sha256", ...}]}]}}

Only attributes that their authors meant for detection (`to_ids`) count. Types with no value of ours are skipped and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from collectors.enrich.intel.indicator import Indicator, Kind, kind_of, moment, spelled, tlp_of
from collectors.enrich.intel.told import BAD_JSON, IndicatorError, Told, checked


class _Tag(msgspec.Struct):
    name: str = ""


class _Attribute(msgspec.Struct):
    type: str = ""
    value: str = ""
    uuid: str = ""
    comment: str = ""
    to_ids: bool = False
    deleted: bool = False
    first_seen: str | None = None
    last_seen: str | None = None
    Tag: list[_Tag] = []


class _Object(msgspec.Struct):
    name: str = ""
    deleted: bool = False
    Attribute: list[_Attribute] = []


class _Event(msgspec.Struct):
    info: str = ""
    uuid: str = ""
    Tag: list[_Tag] = []
    Attribute: list[_Attribute] = []
    Object: list[_Object] = []


class _Wrapped(msgspec.Struct):
    Event: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()


_KINDS: dict[str, tuple[Kind | None, ...]] = {
    "ip-src": (Kind.IPV4,),
    "ip-dst": (Kind.IPV4,),
    "ip-src|port": (Kind.IPV4, None),
    "ip-dst|port": (Kind.IPV4, None),
    "domain": (Kind.DOMAIN,),
    "hostname": (Kind.DOMAIN,),
    "hostname|port": (Kind.DOMAIN, None),
    "domain|ip": (Kind.DOMAIN, Kind.IPV4),
    "url": (Kind.URL,),
    "email": (Kind.EMAIL,),
    "email-src": (Kind.EMAIL,),
    "email-dst": (Kind.EMAIL,),
    **dict.fromkeys(("md5", "sha1", "sha256", "sha512"), (Kind.FILE,)),
    **dict.fromkeys(("filename|md5", "filename|sha1", "filename|sha256", "filename|sha512"), (None, Kind.FILE)),
    **dict.fromkeys(("malware-sample",), (None, Kind.FILE)),
}
"""Types of attributes -> what each of their values (between `|`) is; None for what is not looked up."""

_CONFIDENCE = {
    "completely-confident": 100,
    "usually-confident": 75,
    "fairly-confident": 50,
    "rarely-confident": 25,
    "unconfident": 0,
}


def read(data: bytes, path: str, told: Told) -> Iterator[Indicator]:
    """The indicators of all events in a document. Raises: IndicatorError where it holds none."""
    events = list(_events(data, path, "", told))
    if not events and not told.faulty:
        raise IndicatorError(f"{path} is neither a STIX 2.1 bundle nor a MISP event")
    for place, raw in events:
        try:
            event = msgspec.json.decode(raw, type=_Event, strict=False)
        except BAD_JSON as error:
            told.fault(f"{path}: {place}", str(error))
            continue
        for where, attribute in _attributes(event, place):
            yield from _indicators(event, attribute, f"{path}: {where}", told)


def _events(data: bytes | msgspec.Raw, path: str, place: str, told: Told) -> Iterator[tuple[str, msgspec.Raw]]:
    """Each event with its place, of a document, a list of such, or the answer of a search."""
    try:
        found = msgspec.json.decode(data, type=_Wrapped | list[msgspec.Raw])
    except BAD_JSON as error:
        told.fault(f"{path}: {place}" if place else path, str(error))
        return
    if isinstance(found, list):
        if place.count("[") > 1:
            told.fault(f"{path}: {place}", "lists in lists are no events of MISP")
            return
        for number, each in enumerate(found):
            yield from _events(each, path, f"{place}[{number}]", told)
    elif bytes(found.Event):
        yield f"{place}.Event".lstrip("."), found.Event
    elif bytes(found.response) and not place:
        yield from _events(found.response, path, "response", told)


def _attributes(event: _Event, place: str) -> Iterator[tuple[str, _Attribute]]:
    for number, attribute in enumerate(event.Attribute):
        yield f"{place}.Attribute[{number}]", attribute
    for at, each in enumerate(event.Object):
        if not each.deleted:
            for number, attribute in enumerate(each.Attribute):
                yield f"{place}.Object[{at}].Attribute[{number}]", attribute


def _indicators(event: _Event, attribute: _Attribute, place: str, told: Told) -> Iterator[Indicator]:
    kinds = _KINDS.get(attribute.type)
    if attribute.deleted or not attribute.to_ids or kinds is None:
        why = "deleted" if attribute.deleted else "not meant for detection (to_ids)"
        told.skipped[why if attribute.deleted or not attribute.to_ids else f"type {attribute.type[:40]}"] += 1
        return
    values = attribute.value.split("|")
    if len(values) != len(kinds):
        told.fault(place, f"a value of type {attribute.type} has {len(kinds)} parts, not {len(values)}")
        return
    tags = [*attribute.Tag, *event.Tag]
    for kind, text in zip(kinds, values, strict=True):
        if kind is None:
            continue
        try:
            found, value = spelled(kind_of(text) if kind is Kind.IPV4 else kind, text)
            yield checked(
                Indicator(
                    found,
                    value,
                    attribute.uuid,
                    event.info if not attribute.comment else f"{event.info}: {attribute.comment}",
                    confidence=_confidence(tags),
                    tlp=_tlp(tags),
                    valid_from=moment(attribute.first_seen) if attribute.first_seen else None,
                )
            )
        except ValueError as error:
            told.fault(place, str(error))


def _tlp(tags: Sequence[_Tag]) -> str:
    """The first marking; an attribute's own come before its event's. Raises: ValueError for one that is none."""
    return next((tlp_of(tag.name) for tag in tags if tag.name.lower().startswith("tlp:")), "")


def _confidence(tags: Sequence[_Tag]) -> int | None:
    for tag in tags:
        name, _, value = tag.name.partition("=")
        if name == "misp:confidence-level":
            return _CONFIDENCE.get(value.strip('"'))
    return None
