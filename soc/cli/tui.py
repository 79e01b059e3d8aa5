"""`soc tui`: the terminal UI over the site's alerts and incidents."""

from __future__ import annotations

import os
from pathlib import Path

import click

from soc.cli._shared import actor_option, config_option, open_site


@click.command(short_help="Triage in the terminal.")
@click.option("--read-only", is_flag=True, help="Look, change nothing.")
@actor_option
@config_option
def command(read_only: bool, actor: str, config_path: Path) -> int:
    """Triage in the terminal: j/k move, enter opens, a acknowledges, c closes, : goes to a view, ? shows the keys.

    Who has the role of an auditor in soc.yaml, or none, looks and changes nothing. Keys, colours and saved views are yours:
    ~/.config/soc/tui.yml, such as
    {keys: {ack: "a,x"}, theme: soc-light, views: {night: "alerts since:12h"}}.
    """
    from soc.action import Role
    from soc.app.boards import SiteBoards
    from soc.app.desk import SiteDesk, actor_name
    from soc.app.hunts import SiteHunting
    from soc.app.roles import current_user, role_of
    from soc.app.tuner import SiteTuner
    from soc.tui import run

    with open_site(config_path) as site:
        site.catch_up()
        who, shown = actor_name(actor), site.config.site
        ports = SiteDesk(site, who), SiteBoards(site, who), SiteHunting(site), SiteTuner(site, who)
        own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "soc" / "tui.yml"
        role = role_of(current_user(), site.config.roles)
        read_only = read_only or role is None or role is Role.AUDITOR
        return run(*ports, read_only=read_only, language=shown.language, zone=shown.zone, preferences=own)
