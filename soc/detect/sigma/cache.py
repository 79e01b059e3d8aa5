"""What files held when they were last read, by the hash of their content: a start with unchanged rules parses none of them.

One msgpack file (never a pickle: data, not code), written beside and renamed over. Anything about it that is not as expected (a foreign
file, another version, a bit that flipped) makes it worthless, never an error: the rules are read again.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from hashlib import blake2b
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import msgspec

from soc.detect.sigma.ir import Content

_MAKERS = (
    "chain",
    "check",
    "check_detection",
    "check_filter",
    "condition",
    "correlation_parse",
    "encoding",
    "expression",
    "ir",
    "leaf",
    "load",
    "logic",
    "parse",
    "text",
    "values",
    "weight",
)
"""The modules of this folder that decide what a file becomes: when one of them changes, no cache of before is used."""

_MAGIC = b"soc-sigma-rules\n"


class _File(msgspec.Struct, array_like=True, gc=False):
    made_by: str
    rules: dict[str, list[Content]]


def digest(content: bytes) -> str:
    """What a file is known by."""
    return blake2b(content, digest_size=16).hexdigest()


def maker(placeholders: Mapping[str, list[str]]) -> str:
    """What besides its content decides what a file becomes: our own code, pySigma's version, the placeholders' values."""
    given = msgspec.msgpack.encode(sorted((name, list(values)) for name, values in placeholders.items()))
    return f"{digest(_code())} pySigma {version('pysigma')} {digest(given)}"


def _code() -> bytes:
    folder = resources.files("soc.detect.sigma")
    sources = [folder / f"{name}.py" for name in _MAKERS] + [resources.files("soc") / "yaml_file.py"]
    return b"".join(source.read_bytes() for source in sources)


def read(path: Path, made_by: str) -> dict[str, list[Content]]:
    """The rules of each file by its digest; empty where the cache is absent, foreign, corrupt or of another maker."""
    try:
        data = path.read_bytes()
    except OSError:
        return {}
    head = len(_MAGIC) + 16
    body = data[head:]
    if data[:head] != _MAGIC + blake2b(body, digest_size=16).digest():
        return {}
    try:
        content = msgspec.msgpack.decode(body, type=_File)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return content.rules if content.made_by == made_by else {}


def write(path: Path, made_by: str, rules: Mapping[str, list[Content]]) -> None:
    """Replace the cache at once; a disk that is full or read-only leaves it as it was, for a cache is a convenience."""
    body = msgspec.msgpack.encode(_File(made_by, dict(rules)))
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_MAGIC + blake2b(body, digest_size=16).digest() + body)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
