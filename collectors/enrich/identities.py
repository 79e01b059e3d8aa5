"""Who the people behind account names are: the `user.*` of an event in, name, department and criticality out.

Names as in ECS 8.17 (`user.full_name`, `user.email`); what ECS lacks goes into `labels.user_department`, `labels.user_title` and
`labels.user_criticality` (1 to 5). An account is found by its name in any case, without `DOMAIN\\` before it or `@realm` behind it, else
by its e-mail address. Two people of one name are refused when the table is made: an event would get whichever came last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from collectors.enrich.rows import refuse
from collectors.event import Value

_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Identity:
    """One person or service. `names`: of its accounts. `criticality`: 1 to 5, None where nobody says. `place`: where it is written."""

    names: tuple[str, ...]
    full_name: str = ""
    email: str = ""
    department: str = ""
    title: str = ""
    criticality: int | None = None
    place: str = ""

    def fields(self) -> dict[str, Value]:
        """What an event of this person gets."""
        said: dict[str, Value] = {
            "user.full_name": self.full_name,
            "user.email": self.email,
            "labels.user_department": self.department,
            "labels.user_title": self.title,
            "labels.user_criticality": self.criticality,
        }
        return {name: value for name, value in said.items() if value not in ("", None)}


class IdentityTable:
    """People by the names of their accounts."""

    def __init__(self, identities: Iterable[Identity]) -> None:
        """Raises: TableError where two have one name."""
        self._by_name: dict[str, Identity] = {}
        self._by_email: dict[str, Identity] = {}
        faults = []
        for each in identities:
            for name in each.names:
                other = self._by_name.setdefault(name.lower(), each)
                if other is not each:
                    faults.append(f'{each.place}: the account "{name}" is already that of {other.place}')
            if each.email:
                self._by_email.setdefault(each.email.lower(), each)
        refuse(faults)
        self._fields: dict[str, dict[str, Value]] = {}

    def __len__(self) -> int:
        return len({id(each) for each in self._by_name.values()})

    @property
    def accounts(self) -> list[tuple[str, ...]]:
        """Of each person or service the names of its accounts."""
        return [each.names for each in dict.fromkeys(self._by_name.values())]

    def adds(self, fields: Mapping[str, Value], time: datetime) -> Mapping[str, Value] | None:
        """What the table knows of the event's `user.name`, else of its `user.email`, and the event does not say itself."""
        del time
        said = fields.get("user.name") or fields.get("user.email")
        if said.__class__ is not str:
            return None
        known = self._fields.get(str(said))
        if known is None:
            if len(self._fields) >= _REMEMBERED:
                self._fields.clear()
            known = self._fields[str(said)] = self._find(str(said))
        if known and not known.keys().isdisjoint(fields):
            return {name: value for name, value in known.items() if name not in fields}
        return known or None

    def _find(self, text: str) -> dict[str, Value]:
        name = text.lower()
        bare = name.rpartition("\\")[2]
        found = self._by_name.get(name) or self._by_email.get(name) or self._by_name.get(bare)
        found = found or self._by_name.get(bare.partition("@")[0])
        return found.fields() if found else {}
