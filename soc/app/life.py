"""The life of what runs until it is stopped, whole or one role of it: begun and ended as a context, with metrics and what went wrong."""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType
from typing import Self

from soc.app.loops import Loops
from soc.metrics import MetricsServer


class Life:
    """What the running SOC and each of its roles have in common. A subclass sets `_loops` and `_server` (None: no metrics are served)."""

    _loops: Loops
    _server: MetricsServer | None

    @abstractmethod
    def start(self) -> None:
        """Begin."""

    @abstractmethod
    def stop(self) -> None:
        """Finish what is under way."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def metrics_port(self) -> int:
        """Where /metrics is served; 0 where it is not."""
        return self._server.port if self._server else 0

    def failures(self) -> list[str]:
        """Sources that could not be read and loops that failed, in words."""
        return list(self._loops.failed)
