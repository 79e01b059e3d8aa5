"""What can be done to alerts and incidents alike: assign, comment, label, and say with whom they may be shared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from iso27001.ledger import Fact
from soc.action import Action, Argument, Role, Values, Who, each
from soc.alert import Tlp
from soc.errors import SocError

N = TypeVar("N")
N_contra = TypeVar("N_contra", contravariant=True)


class Decisions(Protocol[N_contra]):
    """The facts of one noun: what soc.alert.decisions and soc.incident.decisions have in common."""

    def assigned(self, noun: N_contra, to: str, who: Who, /) -> Fact:
        """Whose it is."""
        ...

    def commented(self, noun: N_contra, text: str, who: Who, /) -> Fact:
        """What somebody said."""
        ...

    def labelled(self, noun: N_contra, add: Sequence[str], remove: Sequence[str], who: Who, /) -> Fact:
        """Labels that came and went."""
        ...

    def shared_with(self, noun: N_contra, tlp: Tlp, why: str, who: Who, /) -> Fact:
        """With whom it may be shared."""
        ...


def common(
    noun: str, decisions: Decisions[N], id_of: Callable[[N], str], whose: Argument, tags: str, tlp_role: Role
) -> tuple[Action[N], ...]:
    """The actions. `noun`: "these alerts"; `whose`: the argument of `assign`; `tags`: what `tag` does; `tlp_role`: what `tlp` takes."""

    def assign(one: N, values: Values, who: Who) -> Fact:
        return decisions.assigned(one, values.get("to", who.actor), who)

    def comment(one: N, values: Values, who: Who) -> Fact:
        return decisions.commented(one, values["text"], who)

    def tag(one: N, values: Values, who: Who) -> Fact:
        add, remove = values.get("add", ()), values.get("remove", ())
        if not add and not remove:
            raise SocError("no label is named: add or remove at least one")
        return decisions.labelled(one, add, remove, who)

    def tlp(one: N, values: Values, who: Who) -> Fact:
        return decisions.shared_with(one, Tlp(values["label"]), values.get("note", ""), who)

    added, removed = Argument("add", "A label to add.", many=True), Argument("remove", "A label to remove.", many=True)
    label = Argument("label", "How far, and no further.", required=True, choices=tuple(Tlp))
    said = Argument("text", "What there is to say.", required=True)
    shared = f"Say with whom {noun} may be shared (Traffic Light Protocol 2.0)."
    return (
        Action("assign", f"Say whose {noun} are.", Role.ANALYST, each(assign, id_of), (whose,)),
        Action("comment", "Add a comment.", Role.ANALYST, each(comment, id_of), (said,)),
        Action("tag", tags, Role.ANALYST, each(tag, id_of), (added, removed)),
        Action("tlp", shared, tlp_role, each(tlp, id_of), (label, NOTE)),
    )


NOTE = Argument("note", "In your words, for the next analyst and the auditor.")
"""What every decision may say."""
