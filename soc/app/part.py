"""A part of the running SOC in a process of its own: one Python process uses one core, and collecting, detecting and indexing need more.

The process that was started stays the only one that writes the journal and the ledger, and the parts are its hands: one parses and packs
(soc.app.collecting), one fills the event store (soc.app.indexing). They speak over a socket pair, msgpack either way. A part ends with
the process that started it, however that ended: its socket then reads as closed.

    python -m soc.app.part_main collect|index SOC_YAML FD FD
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Pipe
from pathlib import Path

import msgspec

from soc.errors import SocError

COLLECT, INDEX = "collect", "index"

END_S = 30.0
"""How long a part that was told to stop may take for the batch that it is at."""

encode = msgspec.msgpack.Encoder().encode


class Ready(msgspec.Struct, array_like=True):
    """A part's first word: all is built; or why it cannot be, in words."""

    fault: str = ""


class Part:
    """The process that was started, and the way to it."""

    def __init__(self, role: str, config: Path) -> None:
        """Starts the process, which builds its part; see `ready`. Raises: SocError."""
        self.role = role
        self.connection, work = Pipe()
        self._orders, orders = Pipe()
        ends = [work.fileno(), orders.fileno()]
        argv = [sys.executable, "-m", "soc.app.part_main", role, str(config), *map(str, ends)]
        try:
            self._process = subprocess.Popen(argv, pass_fds=ends)
        except OSError as error:
            raise SocError(f"the process that shall {role} cannot be started: {error}") from error
        finally:
            work.close()
            orders.close()

    def ready(self) -> None:
        """Wait until it has built its part. Raises: SocError where it cannot."""
        try:
            fault = msgspec.msgpack.decode(self.connection.recv_bytes(), type=Ready).fault
        except (EOFError, OSError):
            fault = self.ended()
        if fault:
            self.close()
            raise SocError(fault)

    def tell(self, order: bytes) -> None:
        """Send an order; that the process is gone is seen where its answers are read."""
        with suppress(OSError):
            self._orders.send_bytes(order)

    def ask(self, order: bytes) -> bytes:
        """Send an order and wait for its answer. Raises: EOFError, OSError where the process is gone."""
        self._orders.send_bytes(order)
        return self._orders.recv_bytes()

    def ended(self) -> str:
        """What to say of a part that went away by itself."""
        return f"the process that shall {self.role} ended by itself with {self._process.wait()}"

    def close(self) -> None:
        """Close the way to it and wait for its end; a second time changes nothing."""
        self.connection.close()
        self._orders.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
