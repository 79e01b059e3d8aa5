"""What is found by folder: every `FORMAT` of collectors/parse/parsers, every `MESSAGE` of collectors/parse/messages, the `SHAPES` of
collectors/parse/shapes, every description
(`collectors.parse.described`) in collectors/formats, and those of the site.

There is no list to edit: a module is in when its file is there. The look-up runs once, on first use, not at import. A format that is
asked for by name loads its own module only: the one that is called like it (`-` is `_`), or begins so (`json` is in json_lines).
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.format import SHORTEST_OPENING, Format, Gives, Message

if TYPE_CHECKING:
    from collectors.parse.described import Described
    from collectors.parse.shape import Shape

PARSERS, MESSAGES, SHAPES = "collectors.parse.parsers", "collectors.parse.messages", "collectors.parse.shapes"
DESCRIPTIONS = Path(__file__).parents[1] / "formats"
_PROGRAMS_KEPT = 1_000
"""Programs whose readers are remembered; who invents more takes no more memory."""

_Near = tuple[tuple[str, ...], Sequence[tuple[str, Message]]]
"""Openings that begin alike, and whose each is."""

_site: Callable[[], Sequence[Described]] = tuple


def use(site: Callable[[], Sequence[Described]]) -> None:
    """Have a site's own descriptions beside the shipped ones, instead of those of the site before; `site` is called on first use only."""
    global _site  # noqa: PLW0603  a process serves one site; the look-up is one for all that parses
    _site = site
    for known in (
        _of_site,
        formats,
        formats_at_hand,
        _messages,
        gives,
        known_format,
        _by_program,
        _by_start,
        reader_of,
    ):
        known.cache_clear()


@cache
def formats() -> dict[str, Format]:
    """Every format by name, in order of name."""
    described = (each.made for each in map(_shipped, _files()))
    found = formats_at_hand() | {form.name: form for form in described if isinstance(form, Format)}
    return dict(sorted(found.items()))


@cache
def formats_at_hand() -> dict[str, Format]:
    """Every format but our own descriptions, which take as long to read as a third of the others, in order of name."""
    modules = (importlib.import_module(f"{PARSERS}.{stem}") for stem in _stems(PARSERS))
    found: list[Format] = [module.FORMAT for module in modules]
    found += [each.made for each in _of_site() if isinstance(each.made, Format)]
    return {form.name: form for form in sorted(found, key=lambda form: form.name)}


def messages() -> tuple[Message, ...]:
    """Every message parser."""
    return tuple(_messages().values())


@cache
def _messages() -> dict[str, Message]:
    """Every message parser by the name of its module or description."""
    found: dict[str, Message] = {
        stem: importlib.import_module(f"{MESSAGES}.{stem}").MESSAGE for stem in _stems(MESSAGES)
    }
    return found | {each.name: each.made for each in _described() if isinstance(each.made, Message)}


def message_names() -> list[str]:
    """What message parsers are called."""
    return list(_messages())


@cache
def shapes() -> tuple[Shape, ...]:
    """Every shape of JSON objects, those that ask for more keys first."""
    found: list[Shape] = []
    for stem in shape_names():
        found += importlib.import_module(f"{SHAPES}.{stem}").SHAPES
    return tuple(sorted(found, key=lambda each: -len(each.keys.split())))


def shape_names() -> tuple[str, ...]:
    """The modules of shapes."""
    return _stems(SHAPES)


@cache
def known_format(name: str) -> Format | None:
    """The format of a name, or None; no more is loaded than that asks for."""
    found = _shipped_format(name)
    return found or next((_format_in(each) for each in _of_site() if each.name == name), None)


@cache
def _shipped_format(name: str) -> Format | None:
    stem = name.replace("-", "_")
    stems = _stems(PARSERS)
    for each in [found for found in stems if found == stem] + [
        found for found in stems if found.startswith(f"{stem}_")
    ]:
        form: Format = importlib.import_module(f"{PARSERS}.{each}").FORMAT
        if form.name == name:
            return form
    if (DESCRIPTIONS / f"{name}.yml") in _files():
        return _format_in(_shipped(DESCRIPTIONS / f"{name}.yml"))
    return None


def is_shipped(name: str) -> bool:
    """Whether a format or message parser of ours has this name."""
    return name in _stems(MESSAGES) or DESCRIPTIONS / f"{name}.yml" in _files() or _shipped_format(name) is not None


def _format_in(described: Described) -> Format | None:
    return described.made if isinstance(described.made, Format) else None


def _described() -> Iterator[Described]:
    yield from map(_shipped, _files())
    yield from _of_site()


@cache
def _of_site() -> tuple[Described, ...]:
    return tuple(_site())


@cache
def _files() -> tuple[Path, ...]:
    return tuple(sorted(DESCRIPTIONS.glob("*.yml")))


@cache
def _shipped(path: Path) -> Described:
    """A description of ours; that each is without fault is held by a test (those of a site are read by soc.app.formats)."""
    from collectors.parse.described import describe

    described, wrong = describe(path.stem, _plain(path.read_bytes()))
    if described is None:
        raise ParseError(f"{path.name}: {wrong[0].message}")
    return described


def _plain(text: bytes) -> Any:
    import yaml

    loader = yaml.CSafeLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


@cache
def _stems(package: str) -> tuple[str, ...]:
    """The modules of a package in order of name."""
    paths = importlib.import_module(package).__path__
    return tuple(sorted(each.name for each in pkgutil.iter_modules(paths)))


_SYSLOG = "syslog"
PLAIN = Gives(_SYSLOG)
"""A line of a program whose messages nobody reads."""


@cache
def gives(name: str) -> tuple[Gives, ...]:
    """The datasets that the records of a format can become; none where there is no such format."""
    form = known_format(name)
    if form is None:
        return ()
    read = [PLAIN, *(message.gives for message in messages())] if form.header else []
    together: dict[str, Gives] = {}
    for each in (*form.gives, *read):
        known = together.get(each.dataset, Gives(each.dataset, "", form.header))
        together[each.dataset] = Gives(
            each.dataset, f"{known.categories} {each.categories}", f"{known.fields} {each.fields}"
        )
    return tuple(together.values())


def format_named(name: str) -> Format:
    """The format of a name. Raises: ParseError that names the nearest one."""
    form = known_format(name)
    if form is not None:
        return form
    known = formats()
    near = difflib.get_close_matches(name, known, 1, 0.6)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    raise ParseError(f'unknown format "{name[:40]}"{hint} (known: {", ".join(known)})')


@cache
def _by_program() -> dict[str, tuple[Message, ...]]:
    """Who reads a program's messages, those first that ask for a longer mark."""
    found: dict[str, tuple[Message, ...]] = {}
    for each in sorted(messages(), key=lambda each: -len(each.mark)):
        for program in each.programs:
            found[program] = (*found.get(program, ()), each)
    return found


@cache
def _by_start() -> dict[str, _Near]:
    """Openings by the characters that each has, longer ones first."""
    found: dict[str, list[tuple[str, Message]]] = {}
    openings = [(opening, each) for each in messages() for opening in each.openings]
    for opening, each in sorted(openings, key=lambda pair: -len(pair[0])):
        found.setdefault(opening[:SHORTEST_OPENING], []).append((opening, each))
    return {start: (tuple(opening for opening, _ in near), near) for start, near in found.items()}


def opened_by(message: str) -> Message | None:
    """The message parser that the first words name, whatever program wrote them."""
    near = _by_start().get(message[:SHORTEST_OPENING])
    return None if near is None else _opened(near, message)


def _opened(near: _Near, message: str) -> Message | None:
    openings, known = near
    if message.startswith(openings):
        for opening, each in known:
            if message.startswith(opening) and each.mark in message:
                return each
    return None


def read_message(program: str, message: str, fields: dict[str, Value]) -> datetime | None:
    """Set `event.dataset` and what the program's message parser understands; a program without parser is plain "syslog".

    Returns the moment that the message itself says, where it does: aware, or local time of the site.
    """
    return reader_of(program)(message, fields)


@lru_cache(_PROGRAMS_KEPT)
def reader_of(program: str) -> Callable[[str, dict[str, Value]], datetime | None]:
    """What `read_message` does with the messages of one program."""
    near_of, own = _by_start().get, _by_program().get(program, ())

    def read(message: str, fields: dict[str, Value]) -> datetime | None:
        near = near_of(message[:SHORTEST_OPENING])
        found = None if near is None else _opened(near, message)
        if found is None:
            for found in own:
                if found.mark in message:
                    break
            else:
                fields["event.dataset"] = _SYSLOG
                return None
        fields["event.dataset"] = found.gives.dataset
        return found.parse(message, fields)

    return read
