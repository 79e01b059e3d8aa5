"""The configuration of a reader of systemd's journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class JournaldConfig:
    """`units`: only what these units wrote (`ssh.service`), where there are any. `directory`: of journal files of another machine.

    `from_start`: whether the very first start reads what the journal holds already. `follow`: whether it goes on when all is read.
    """

    id: str
    units: tuple[str, ...] = ()
    directory: Path | None = None
    from_start: bool = True
    follow: bool = True
    format: str = "journald"
    encoding: str = "utf-8"
    max_line_bytes: int = 1024 * 1024
    kind: Literal["journald"] = "journald"
