"""What is found by folder: every `FORMAT` of collectors/parse/parsers and every `MESSAGE` of collectors/parse/messages.

There is no list to edit: a module is in when its file is there. The look-up runs once, on first use, not at import.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from datetime import datetime
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
def _by_program() -> dict[str, tuple[Message, ...]]:
    """Who reads a program's messages, those first that ask for a mark."""
    found: dict[str, tuple[Message, ...]] = {}
    for each in sorted(messages(), key=lambda each: not each.mark):
        for program in each.programs:
            found[program] = (*found.get(program, ()), each)
    return found


@cache
def _by_letter() -> dict[str, tuple[tuple[str, Message], ...]]:
    """Openings by their first character."""
    found: dict[str, tuple[tuple[str, Message], ...]] = {}
    for each in messages():
        for opening in each.openings:
            found[opening[0]] = (*found.get(opening[0], ()), (opening, each))
    return found


def opened_by(message: str) -> Message | None:
    """The message parser that the first words name, whatever program wrote them."""
    for opening, each in _by_letter().get(message[:1], ()):
        if message.startswith(opening):
            return each
    return None


def read_message(program: str, message: str, fields: dict[str, Value]) -> datetime | None:
    """Set `event.dataset` and what the program's message parser understands; a program without parser is plain "syslog".

    Returns the moment that the message itself says, where it does: aware, or local time of the site.
    """
    found = opened_by(message)
    if found is None:
        for each in _by_program().get(program, ()):
            if each.mark in message:
                found = each
                break
        else:
            fields["event.dataset"] = PLAIN.dataset
            return None
    fields["event.dataset"] = found.gives.dataset
    return found.parse(message, fields)
