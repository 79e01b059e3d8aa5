"""Who runs this process and what they want to do in; nothing out where their role allows it, else a refusal that is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iso27001.ledger import Fact
from soc.action import Role
from soc.app.roles import current_user, role_of
from soc.app.site import Site
from soc.errors import SocError

REFUSED = "access.refused"


def allow(site: Site, actor: str, action: str, on: Sequence[str], takes: str, may: Callable[[Role], bool]) -> None:
    """Let `actor` do an action on these ids. `takes`: the role that it takes, in words; `may`: whether a role is enough.

    Raises: SocError where it is not; the refusal is a fact. Where nobody has a role everybody may do everything.
    """
    config = site.config.roles
    if not config.given:
        return
    user = current_user()
    role = role_of(user, config)
    if role is not None and may(role) and actor == user.name:
        return
    has = "no role" if role is None else f"the role {role.value}"
    why = (
        f"{user.name} has {has}; {action} takes {takes}"
        if actor == user.name
        else f"{user.name} may not act as {actor}: roles are given to users of the operating system"
    )
    now = site.clock()
    body = {"action": action, "on": list(on), "as": actor, "role": role.value if role else "", "why": why}
    site.ledger.append([Fact(f"{REFUSED}:{user.name}:{now.isoformat()}", REFUSED, now, user.name, body)])
    raise SocError(f"{why}; the refusal is recorded")


def needs(site: Site, actor: str, action: str, on: Sequence[str], role: Role) -> None:
    """Let `actor` do what takes this role or a higher one. Raises: as `allow`."""
    allow(site, actor, action, on, role.value, lambda has: has.may(role))
