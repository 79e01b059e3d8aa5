"""What a part of the running SOC (soc.app.part) does in its process: it opens the site, works as it is asked to, and says why it cannot."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from soc.app.part import COLLECT, Ready, encode
from soc.errors import SocError

if TYPE_CHECKING:
    from soc.app.site import Site


def main() -> None:
    """One part, until it is told to stop or its starter is gone."""
    role, config, *ends = sys.argv[1:]
    # signals are for the process that started us, which tells us what follows from them
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    from collectors.errors import CollectorError
    from soc.app.logs import to_stderr
    from soc.app.site import Site

    to_stderr()
    run: Callable[[Site, Connection, Connection], None]
    if role == COLLECT:
        from soc.app.collecting import run_part as run
    else:
        from soc.app.indexing import run_part as run
    work, orders = (Connection(int(end)) for end in ends)
    try:
        with Site.load(Path(config)) as site:
            run(site, work, orders)
    except (SocError, CollectorError) as error:
        work.send_bytes(encode(Ready(str(error))))
    except (EOFError, OSError):  # who started us is gone
        sys.exit(1)


if __name__ == "__main__":
    main()
