"""What the screens have in common: the first line (site, view, clock), the message line, the line of keys, and the way to the desk."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar, ParamSpec, TypeVar

from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from soc.errors import SocError
from soc.tui.paint import Bar
from soc.tui.session import Session, Shows
from soc.tui.span import Role, Span, cut, length
from soc.tui.triage import Refusal

P = ParamSpec("P")
T = TypeVar("T")


class DeskScreen(Screen[object]):
    """A full screen of the terminal UI."""

    VIEW: str = ""
    """Names the view in the catalogue: `view.<VIEW>`."""

    KEYS: ClassVar[tuple[str, ...]] = ()
    """Ids of the bindings that the last line shows, the most needed first."""

    AUTO_FOCUS = "PagedTable, Reader"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.seen = -1
        self.top = Bar(Role.BAR)
        self.message = Bar()
        self.keys = Bar(Role.BAR)

    @abstractmethod
    def body(self) -> Iterable[Widget]:
        """What stands between the first line and the message line."""

    def compose(self) -> ComposeResult:
        """First line, body, message, keys."""
        yield self.top
        yield from self.body()
        yield self.message
        yield self.keys

    def go_to(self, what: Shows, *of: object) -> None:
        """Over this screen, the one of something."""
        self.app.push_screen(self.session.screens[what](self.session, *of))

    def action_back(self) -> None:
        """Back to where one came from."""
        self.app.pop_screen()

    @property
    def typed(self) -> str:
        """What one would type after `:` for what is shown here; "" for what cannot be asked for so."""
        return ""

    def action_save(self) -> None:
        """Ask for a name, and keep this view under it."""
        from soc.tui.prompts import Write

        typed = self.typed
        self.app.push_screen(
            Write(self.session.locale.say("ask.view_name", typed=typed)), lambda name: self._save(name, typed)
        )

    def _save(self, name: str | None, typed: str) -> None:
        if not name:
            return
        try:
            self.session.own.save_view(name, typed)
        except SocError as error:
            self.say("error", Role.WARN, error=error)
        else:
            self.say("saved", name=name)

    async def note_version(self) -> None:
        """What is loaded from now on shows this version of the desk, or a later one."""
        version = await self.ask(self.session.desk.version)
        self.seen = self.seen if version is None else version

    def desk_changed(self, version: int) -> None:
        """The desk has another version than the one last seen here."""
        self.seen = version

    def title_spans(self) -> list[Span]:
        """What follows the view's name on the first line."""
        return []

    def place_spans(self) -> list[Span]:
        """What stands before the clock on the first line."""
        return []

    def tell(self) -> None:
        """Bring the first line up to date; where it is too long, the site's name is cut first."""
        locale, desk = self.session.locale, self.session.desk
        view = [Span(f" · {locale.say(f'view.{self.VIEW}')}", Role.KEY), *self.title_spans()]
        guard = [Span(f" {locale.say('read_only')} ", Role.NEWS), Span(" ")] if self.session.read_only else []
        place = [*guard, *self.place_spans(), Span(f"  {locale.clock(desk.now(), '%H:%M %Z')} ", Role.DIM)]
        room = max(0, self.size.width - length(view) - length(place) - 1)
        self.top.show(([*cut((Span(f" {desk.site}", Role.STRONG),), room), *view], place))

    @property
    def speaker(self) -> DeskScreen:
        """The screen whose message line is seen: the one on top, or this one under a question."""
        stack = self.app.screen_stack
        return stack[-1] if stack and isinstance(stack[-1], DeskScreen) else self

    def say(self, key: str, role: Role = Role.PLAIN, /, **values: object) -> None:
        """A message of the catalogue on the message line; it stays until the next one."""
        self.message.show(((Span(" "), Span(self.session.locale.say(key, **values), role)), ()))

    def hush(self) -> None:
        """No message."""
        self.message.show()

    async def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Ask the desk; a refusal or an error is said on the message line and gives None."""
        return await self.told(self.session.ask(call, *args, **kwargs))

    async def told(self, outcome: Awaitable[T]) -> T | None:
        """An outcome; a refusal or an error is said on the message line and gives None."""
        try:
            return await outcome
        except Refusal as refusal:
            self.speaker.say(refusal.key, Role.WARN, **refusal.values)
        except SocError as error:
            self.speaker.say("error", Role.WARN, error=str(error).partition("\n")[0])
        return None

    def on_mount(self) -> None:
        """Fill the lines that every screen has."""
        self.tell()
        self.show_keys()

    def on_screen_resume(self) -> None:
        """Something may have changed while another screen was shown."""
        self.seen = -1
        self.tell()

    def on_resize(self) -> None:
        """Another width has room for other keys, and for more or less of the site's name."""
        self.tell()
        self.show_keys()

    def show_keys(self) -> None:
        """Fill the line of keys as they are bound now, with as many as fit; the key that tells them all is always there."""
        keys = bound_keys(self.app, self)
        say = self.session.locale.say
        items = {
            name: (Span(f" {keys[name][0]} ", Role.KEY), Span(f"{say(f'key.{name}')} "))
            for name in self.KEYS
            if name in keys
        }
        always = items.pop("help", ())
        room = self.size.width - length(always)
        shown: list[Span] = []
        for item in items.values():
            room -= length(item)
            if room < 0:
                break
            shown += item
        self.keys.show((shown, always))


class LiveScreen(DeskScreen):
    """A screen that is loaded as a whole, and again when something changed: what it shows is short, and keeps its place."""

    @abstractmethod
    async def load(self) -> None:
        """Ask for what is shown, and show it."""

    def on_mount(self) -> None:
        """Load."""
        super().on_mount()
        self.action_refresh()

    def desk_changed(self, version: int) -> None:
        """Take the change in."""
        super().desk_changed(version)
        self.action_refresh()

    def action_refresh(self) -> None:
        """Load again."""
        self.run_worker(self._load(), group="load", exclusive=True)

    async def _load(self) -> None:
        await self.note_version()
        await self.load()


def bound_keys(app: App[object], screen: Screen[object]) -> dict[str, list[str]]:
    """Binding id to the keys that carry it out on this screen now, as people write them, in the order of the bindings."""
    keys: dict[str, list[str]] = {}
    for active in screen.active_bindings.values():
        if active.binding.id:
            keys.setdefault(active.binding.id, []).append(app.get_key_display(active.binding))
    return keys
