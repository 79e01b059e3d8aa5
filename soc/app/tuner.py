"""The terminal UI's tuning from an alert over a site: what `soc rules tune` does, in two steps, with a person's look between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from soc.app.desk import SiteDesk
from soc.app.site import Site
from soc.errors import SocError
from soc.tui import Preview

if TYPE_CHECKING:
    from soc.app.backtesting import Backtest
    from soc.app.tuning import Proposal

WINDOW = timedelta(days=30)
"""Of the site's own history that a tuning is held against."""


class SiteTuner:
    """The Tuner of soc.tui.tuning. Keeps what was previewed last, so that what was seen is what is written."""

    def __init__(self, site: Site, actor: str) -> None:
        self._site = site
        self._actor = actor
        self._seen: dict[str, tuple[Proposal, Backtest]] = {}

    def choices(self, alert_id: str) -> Sequence[tuple[str, str]]:
        """Fields of the alert's events with their values, those that the rule looked at first. Raises: SocError."""
        from soc.app import tuning

        case = tuning.case_of(self._site, SiteDesk(self._site, self._actor).alert(alert_id))
        return [(field, ", ".join(map(str, values))) for field, values in case.choices]

    def preview(self, alert_id: str, fields: Sequence[str], reason: str, lasts: timedelta) -> Preview:
        """What a tuning of these fields would have hidden. Raises: SocError, FaultsError."""
        from soc.app import tuning
        from soc.app.backtesting import backtest
        from soc.app.history import Span

        site = self._site
        alert = SiteDesk(site, self._actor).alert(alert_id)
        now = site.clock()
        case = tuning.case_of(site, alert)
        proposal = tuning.propose(
            site, case, fields, reason=reason, owner=self._actor, expires=(now + lasts).date(), made=now.date()
        )
        result = backtest(site, proposal.change, Span(now - WINDOW, now))
        path = tuning.place(site, alert.id.lower())
        self._seen = {proposal.tuning.id: (proposal, result)}
        counts = result.total
        return Preview(
            proposal.tuning.id,
            proposal.text,
            str(path),
            result.events,
            counts.removed,
            counts.kept,
            tuple(result.objections()),
        )

    def write(self, preview: Preview) -> str:
        """Write what was previewed; why there is no test beside it, or "".

        Raises: SocError where the backtest objects, or another one was looked at since.
        """
        from soc.app import tuning

        if preview.id not in self._seen:
            raise SocError("look at the preview again first")
        proposal, result = self._seen[preview.id]
        if preview.objections:
            raise SocError(f"refused: {preview.objections[0]} (`soc rules tune --force` goes on all the same)")
        path = tuning.place(self._site, proposal.alert.id.lower())
        return tuning.write(self._site, proposal, result, path, self._actor)
