"""The shipped content (soc.yaml, inventory, rules, playbooks): where it is, and a new site made of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from soc.errors import SocError

PARTS = ("soc.yaml", "inventory.yml", "rules", "playbooks")


def shipped() -> Path:
    """The folder with the shipped content: inside the installed package, or the root of a checkout. Only `init` and the demo look here."""
    installed = Path(__file__).parents[1] / "content"
    return installed if installed.is_dir() else Path(__file__).parents[2]


def make_site(folder: Path) -> Path:
    """Copy the shipped content into a new or empty folder; the path of its soc.yaml.

    Raises: SocError where the folder holds anything of a site already; nothing is overwritten.
    """
    source = shipped()
    there = [part for part in PARTS if (folder / part).exists()]
    if there:
        raise SocError(f"{folder} already has {', '.join(there)}; nothing was changed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            if (source / part).is_dir():
                shutil.copytree(source / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source / part, folder / part)
    except OSError as error:
        raise SocError(f"{folder} cannot be made a site: {error.strerror}: {error.filename}") from error
    return folder / "soc.yaml"
