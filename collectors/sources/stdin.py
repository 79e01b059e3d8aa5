"""Standard input in, lines out.

Delivery: once, while this process lives: what a pipe gave us and was not journalled yet is gone with the process.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from collectors.errors import SourceError
from collectors.record import RawRecord
from collectors.sources.lines import Continues, LineCutter
from collectors.sources.source import BATCH_RECORDS, Batch, Counts

_CHUNK_BYTES = 256 * 1024
_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class StdinConfig:
    """`format`: the parser, "auto" to recognise it line by line."""

    id: str = "stdin"
    format: str = "auto"
    max_line_bytes: int = 64 * 1024
    kind: Literal["stdin"] = "stdin"


class StdinSource:
    """Reads a descriptor, 0 as a rule, to its end. Lines are given as soon as they are there, also to a slow typist."""

    def __init__(self, config: StdinConfig, continues: Continues | None = None, *, fd: int = 0) -> None:
        self._config = config
        self._continues = continues
        self._fd = fd
        self._stream = os.urandom(8).hex()
        self.counts = Counts()

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._config.id

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until the end of the input or `stop`. Raises: SourceError when the input cannot be read."""
        cutter = LineCutter(self._config.max_line_bytes, continues=self._continues)
        place = (self.id, "", self._stream)
        chunk = b"-"
        while chunk and not stop.is_set():
            try:
                if not select.select([self._fd], [], [], _WAIT_S)[0]:
                    continue
                chunk = os.read(self._fd, _CHUNK_BYTES)
            except OSError as error:
                raise SourceError(f"standard input cannot be read: {error.strerror}") from error
            cutter.feed(chunk)
            while cutter.more:
                yield from self._batch(cutter.take(BATCH_RECORDS, *place, _now()))
            self.counts.blank = cutter.blank
        if not chunk:
            yield from self._batch(cutter.finish(*place, _now()))

    def _batch(self, records: list[RawRecord]) -> Iterator[Batch]:
        if records:
            self.counts.add(records)
            yield Batch(records)

    def close(self) -> None:
        """Nothing to release: the descriptor is not ours."""


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  sources say when a record was received
