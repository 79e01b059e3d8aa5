"""The terminal UI, what an analyst opens at three in the morning: alerts and incidents from the desk in, decisions to the desk out.

The door is `run`; `Desk`, `Boards`, `Hunting` and `Tuner` are the ports that the application implements. Textual is imported when
`run` is called and not before.
"""

from __future__ import annotations

import os
import sys
from datetime import tzinfo
from pathlib import Path

from soc.errors import EXIT_USAGE
from soc.tui.boards import BOARDS, Boards, Cell, Item, Section, Tone
from soc.tui.desk import Desk
from soc.tui.hunting import Found, Hunting
from soc.tui.messages import LANGUAGES, text
from soc.tui.rows import Locale
from soc.tui.tuner import Preview, Tuner

__all__ = [
    "BOARDS",
    "LANGUAGES",
    "Boards",
    "Cell",
    "Desk",
    "Found",
    "Hunting",
    "Item",
    "Locale",
    "Preview",
    "Section",
    "Tone",
    "Tuner",
    "run",
]


def run(
    desk: Desk,
    boards: Boards,
    hunting: Hunting,
    tuner: Tuner,
    *,
    read_only: bool = False,
    language: str = "en",
    zone: tzinfo | None = None,
    preferences: Path | None = None,
) -> int:
    """Show the desk on this terminal until the analyst leaves, and give the exit code.

    `language`: one of LANGUAGES (others read English). `zone`: what times are shown in (default: the machine's). `preferences`: the
    analyst's own file (soc.tui.preferences), which need not be there.

    A terminal that cannot place a cursor (TERM=dumb) or none at all is refused with a sentence and EXIT_USAGE.
    Raises: SocError for preferences that cannot be understood.
    """
    if os.environ.get("TERM", "dumb") in ("dumb", "") or not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write(f"{text('no_terminal', language)}\n")
        return EXIT_USAGE
    from soc.tui.app import start
    from soc.tui.preferences import Preferences
    from soc.tui.session import Session

    own = Preferences.load(preferences) if preferences else Preferences()
    return start(Session(desk, boards, hunting, tuner, Locale(language, zone), own, read_only=read_only))
