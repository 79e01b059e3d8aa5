"""The operating system's user in, the role that soc.yaml gives it out. Names of the environment count for nothing: anybody can set them."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass

from soc.action import Role, RolesConfig


@dataclass(frozen=True, slots=True)
class User:
    """Who runs this process, and the groups of the operating system that it is in."""

    name: str
    groups: frozenset[str]


def current_user() -> User:
    """The user that this process acts as; one that the system has no name for is called by its number."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        return User(f"uid {os.geteuid()}", frozenset())
    groups = set()
    for number in os.getgrouplist(entry.pw_name, entry.pw_gid):
        try:
            groups.add(grp.getgrgid(number).gr_name)
        except KeyError:  # a group without a name can be in no configuration
            continue
    return User(entry.pw_name, frozenset(groups))


def role_of(user: User, config: RolesConfig) -> Role | None:
    """The highest role that the user has by name or by group; None: none. Without any configuration everybody is an admin."""
    if not config.given:
        return Role.ADMIN
    names = {user.name, *(f"@{group}" for group in user.groups)}
    for role in reversed(Role):
        if names.intersection(getattr(config, role.value)):
            return role
    return None
