"""YAML text in, plain data out: the catalogue's own files and the few that a site writes for this package.

The C loader, with duplicate keys refused and every fault naming file:line. Dates stay the text that their author wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from iso27001.errors import CatalogueError


class _Loader(yaml.CSafeLoader):
    """The C loader with YAML's own scalars but for timestamps."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read(name: str, schema: str) -> dict[str, Any]:
    """A file of the catalogue. Raises: CatalogueError where it is of another schema."""
    text = resources.files("iso27001").joinpath("catalogue", name).read_text(encoding="utf-8")
    data = parse(text, name)
    if not isinstance(data, dict) or data.get("schema") != schema:
        raise CatalogueError(f"{name}: not a file of schema {schema}")
    return data


def read_file(path: Path, schema: str) -> dict[str, Any]:
    """A file of a site that is written as one of the catalogue. Raises: CatalogueError."""
    try:
        data = parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: cannot be read: {error}") from error
    if not isinstance(data, dict) or data.get("schema") != schema:
        raise CatalogueError(f"{path}: not a file of schema {schema}")
    return data


def parse(text: str, name: str) -> Any:
    """The data of one YAML document. Raises: CatalogueError with the place of each fault."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        faults = list(_duplicates(node, name))
        if faults:
            raise CatalogueError("\n".join(faults))
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise CatalogueError(f"{name}:{line}: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CatalogueError(f"{name}: {error}") from error
    finally:
        loader.dispose()


def _duplicates(node: yaml.Node, name: str) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield f'{name}:{key.start_mark.line + 1}: duplicate key "{key.value}"'
                seen.add(key.value)
            yield from _duplicates(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item, name)
