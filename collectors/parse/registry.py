"""What is found by folder: every `FORMAT` of collectors/parse/parsers and every `MESSAGE` of collectors/parse/messages.

There is no list to edit: a module is in when its file is there. The look-up runs once, on first use, not at import.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from types import ModuleType

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.format import Format, Gives, Message


@cache
def formats() -> dict[str, Format]:
    """Every format by name, in order of name."""
    found = [module.FORMAT for module in _modules("collectors.parse.parsers")]
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


@cache
def messages() -> tuple[Message, ...]:
    """Every message parser."""
    return tuple(module.MESSAGE for module in _modules("collectors.parse.messages"))


def _modules(package: str) -> list[ModuleType]:
    """The modules of a package in order of name."""
    paths = importlib.import_module(package).__path__
    return [
        importlib.import_module(f"{package}.{each.name}")
        for each in sorted(pkgutil.iter_modules(paths), key=lambda m: m.name)
    ]


PLAIN = Gives("syslog")
"""A line of a program whose messages nobody reads."""


@cache
def gives(name: str) -> tuple[Gives, ...]:
    """The datasets that the records of a format can become; none where there is no such format."""
    form = formats().get(name)
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
    known = formats()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1, 0.6)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    raise ParseError(f'unknown format "{name[:40]}"{hint} (known: {", ".join(known)})')


@cache
def _dispatch() -> tuple[dict[str, Message], tuple[str, ...], tuple[tuple[str, Message], ...]]:
    by_program = {program: each for each in messages() for program in each.programs}
    by_opening = tuple((opening, each) for each in messages() for opening in each.openings)
    return by_program, tuple(opening for opening, _ in by_opening), by_opening


def read_message(program: str, message: str, fields: dict[str, Value]) -> None:
    """Set `event.dataset` and what the program's message parser understands; a program without parser is plain "syslog"."""
    by_program, openings, by_opening = _dispatch()
    if message.startswith(openings):
        found = next(each for opening, each in by_opening if message.startswith(opening))
    elif program in by_program:
        found = by_program[program]
    else:
        fields["event.dataset"] = PLAIN.dataset
        return
    fields["event.dataset"] = found.gives.dataset
    found.parse(message, fields)
