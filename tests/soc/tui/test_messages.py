"""soc.tui.messages: both languages say everything."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import soc.tui
from soc.alert import CloseReason, NoteKind
from soc.display import sanitise
from soc.incident.clocks import ClockState
from soc.tui import rows
from soc.tui.alert_screen import PAGES
from soc.tui.app import bindings
from soc.tui.boards import BOARDS
from soc.tui.filter import STATUSES
from soc.tui.messages import CATALOGUE, text


def places(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


@pytest.mark.parametrize("key", CATALOGUE)
def test_both_languages_have_the_same_places_for_values(key: str) -> None:
    english, vietnamese = CATALOGUE[key]
    assert places(english) == places(vietnamese)
    assert bool(english) == bool(vietnamese)
    assert sanitise(english + vietnamese) == english + vietnamese


def test_every_key_that_is_put_together_is_there() -> None:
    made = {
        *rows.catalogue_keys(),
        *(f"reason.{reason}" for reason in CloseReason),
        *(f"note.{kind}" for kind in NoteKind),
        *(f"clock.{state}" for state in ClockState),
        *(f"view.{board}" for board in BOARDS),
        *(f"column.{column.name}" for board in BOARDS.values() for column in board.columns),
        *(f"empty.{board}{why}" for board in BOARDS for why in ("", "_why")),
        *(f"shown.{status}" for status in STATUSES),
        *(f"page.{page}" for page in PAGES),
        *(f"help.{name}" for name in bindings()),
        *(f"key.{name}" for name in bindings() if not name.startswith("move.")),
    }
    assert made - set(CATALOGUE) == set()


def test_every_key_that_the_code_names_is_there() -> None:
    """Found by reading the sources: every literal that begins like a key."""
    begins = {key.partition(".")[0] for key in CATALOGUE if "." in key} - {"help", "key"}
    named = {
        key
        for path in Path(soc.tui.__file__).parent.glob("*.py")
        for key in re.findall(r'"([a-z_]+\.[a-z_]+)"', path.read_text("utf-8"))
        if key.partition(".")[0] in begins
    }
    assert len(named) > 30
    assert named - set(CATALOGUE) == set()


def test_an_unknown_language_reads_english() -> None:
    assert text("loading", "tlh") == text("loading", "en")
