"""What an analyst types after `:` in, the view that is meant out: `:sources`, `:hunt user.name:lan`, `:al status:all`. No terminal here."""

from __future__ import annotations

from collections.abc import Mapping

from soc.tui.boards import BOARDS
from soc.tui.filter import FilterError
from soc.yaml_file import nearest

VIEWS = ("alerts", "incidents", "hunt", *BOARDS)
"""In the order in which the palette offers them."""

TAKES_TEXT = frozenset({"alerts", "hunt"})
"""Views that a text narrows; what follows the name of any other is a mistake."""


def meant(typed: str, own: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The view's name and what follows it. `own`: views that the analyst saved, by name.

    The start of a view's name will do where it is the only one; the name of one's own must be whole. Raises: FilterError.
    """
    typed = (own or {}).get(typed.strip(), typed)
    word, _, rest = typed.strip().partition(" ")
    begun = [name for name in VIEWS if word and name.startswith(word.casefold())]
    if len(begun) != 1:
        raise FilterError("command.unknown", value=word, nearest=nearest(word, VIEWS), known=", ".join(VIEWS))
    if rest.strip() and begun[0] not in TAKES_TEXT:
        raise FilterError("command.no_text", value=begun[0])
    return begun[0], rest.strip()
