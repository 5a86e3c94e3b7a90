"""The demo's board: a function of what is known and of the room that the terminal gives.

Worst first, states by word and colour, and commands without a frame, so that they can be copied.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from rich.measure import Measurement
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gateway.own_alerts import KIND as OWN
from gateway.screen.plain import STYLES
from rules.duration import MINUTE, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from rich.console import Console, ConsoleOptions, RenderableType

    from rules.alert import Alert

WORDS = {"ok": "green", "pending": "black on yellow", "unknown": "dim"}
"""States besides the severities of alerts, and how they look."""
STEPS = "▁▂▃▄▅▆▇█"
TREND = 3 * 60 * MINUTE
"""How much of the past the small trends show."""
LEAST_SPAN = 2.0
"""Of a trend's values, in their unit: less than this is noise and looks flat."""
NARROW = 72
"""Columns from which on the title says what is shown."""
WIDE = 108
"""Columns from which on it is told where a thing is."""
FIXED = 4
"""Lines: three empty ones, and the headings of the table."""
LEAST_ROWS = 3
ALERTS = 4
"""Lines that are kept for alerts before things that are well give way."""


class Row(NamedTuple):
    """How it stands with one device.

    `state` is a severity while an alert is open, else a word of WORDS. `value` and `limit` are
    words; `trend` is times (ms since 1970, UTC) and values, oldest first, well between `low` and
    `high`. `since` is when a breach began, `fires` when an alert comes of it at the earliest.
    """

    device: str
    where: str
    state: str
    value: str
    limit: str
    trend: Sequence[tuple[int, float]]
    low: float
    high: float
    since: int | None
    fires: int | None


class Told(NamedTuple):
    """Something that happened to an alert: its number, when it was recorded, the alert after it."""

    number: int
    recorded: int
    alert: Alert


class View(NamedTuple):
    """All that the board shows at `now` (ms since 1970, UTC).

    `filled` is the share, 0 to 1, of the past that has been taken in; `messages` came in so far.
    `truth` says what the simulation does. `told` is oldest first. `page` is the address of the
    page, "" before it is known.
    """

    now: int
    zone: ZoneInfo
    filled: float
    messages: int
    truth: str
    rows: Sequence[Row]
    told: Sequence[Told]
    page: str
    commands: Sequence[str]
    advice: str


def clock(view: View, moment: int, form: str = "%H:%M:%S") -> str:
    """Return a time of day (ms since 1970, UTC) as people here read it."""
    return f"{datetime.fromtimestamp(moment / 1000, UTC).astimezone(view.zone):{form}}"


def sentence(alert: Alert) -> str:
    """Say in a line what is wrong, or that it is over."""
    if alert.kind == OWN:
        # A reason may hold words of strangers: a terminal must not obey them.
        return "".join(c if c.isprintable() else "?" for c in f"{alert.channel}: {alert.reason}")
    device = str(alert.device)
    if alert.ended is not None:
        length = (alert.ended - alert.began) // MINUTE
        worst = "" if alert.worst is None else f", at worst {alert.worst:g} {alert.unit}"
        return f"{device}: {alert.rule} is over after {length} min{worst}"
    if alert.last is None:
        return f"{device}: {alert.limit}"
    quantity, _, place = alert.channel.partition(".")
    what = (place or quantity).replace("_", " ")
    return f"{device}: {what} {alert.last:g} {alert.unit}, {alert.limit}"


def state_of(alert: Alert) -> str:
    """Return the severity while it is open, else that it is over."""
    return alert.severity.upper() if alert.ended is None else "OVER"


class Board:
    """A view as rich shows it, in the height that there is."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Yield every line; the commands stand at the foot of the screen."""
        view, width = self._view, options.max_width
        head = _head(view, console, width)
        foot = _foot(view)
        room = (options.height or console.height) - len(head) - len(foot) - FIXED
        shown = len(view.rows)
        space = room - min(len(_alerts(view)), ALERTS)
        if shown > space:
            shown = min(shown, max(LEAST_ROWS, space - 1))
        rest = len(view.rows) - shown
        yield from head
        yield ""
        yield _table(view, shown, wide=width >= WIDE)
        if rest:
            yield Text(f"… and {rest} more", "dim")
        yield ""
        yield from _alerts(view, max(0, room - shown - bool(rest)))
        yield ""
        yield from foot


def _head(view: View, console: Console, width: int) -> list[RenderableType]:
    about = "demo: a simulated fleet, a real gateway" if width >= NARROW else "demo"
    title = Text.assemble(("Holdwatch", "bold"), f"  {about}", no_wrap=True)
    time = clock(view, view.now, "%a %H:%M:%S %Z")
    title.append(time.rjust(width - title.cell_len), "bold")
    if view.filled < 1:
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(justify="right", no_wrap=True)
        line.add_row(
            "Taking in the last 24 hours, as fast as it can",
            ProgressBar(total=1, completed=view.filled),
            f"{view.messages:,} messages",
        )
        return [title, line]
    truth = Text(f"Simulated: {view.truth}", "italic")
    return [title, *truth.wrap(console, width)[:2]]


def _table(view: View, count: int, *, wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("state", no_wrap=True, min_width=15)
    table.add_column("device", no_wrap=True)
    if wide:
        table.add_column("where", no_wrap=True, style="dim")
    table.add_column("now", no_wrap=True, justify="right")
    table.add_column("alert if", no_wrap=True)
    table.add_column("3 hours", ratio=1, no_wrap=True)
    table.add_column("since", no_wrap=True)
    for row in view.rows[:count]:
        beyond = row.state not in {"ok", "unknown"}
        since = "" if row.since is None else clock(view, row.since, "%H:%M")
        cells: list[RenderableType] = [
            _state(view, row),
            Text(row.device, "bold" if beyond else ""),
            Text(row.value, "bold red" if beyond else ""),
            Text(row.limit),
            Trend(row, view.now),
            since,
        ]
        if wide:
            cells.insert(2, Text(row.where))
        table.add_row(*cells)
    return table


def _state(view: View, row: Row) -> Text:
    if row.state != "pending" or row.fires is None:
        style = STYLES.get(row.state) or WORDS[row.state]
        word = row.state.upper() if row.state in STYLES else row.state
        return Text.assemble((f" {word} ", style))
    left = max(0, row.fires - view.now)
    minutes, seconds = divmod(left // SECOND, 60)
    return Text.assemble((f" alert in {minutes}:{seconds:02} ", WORDS["pending"]))


class Trend:
    """Values over time in one line of blocks, as wide as there is room."""

    def __init__(self, row: Row, now: int) -> None:
        self._row, self._now = row, now

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return how narrow and how wide it may be."""
        return Measurement(8, 36)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Yield one line."""
        width = min(options.max_width, 36)
        means = bucketed(self._row.trend, self._now - TREND, self._now, width)
        known = [value for value in means if value is not None]
        if not known:
            return
        low = min(known)
        span = max(max(known) - low, LEAST_SPAN)
        text = Text(no_wrap=True)
        for value in means:
            if value is None:
                text.append(" ")
            else:
                step = STEPS[min(int((value - low) / span * len(STEPS)), len(STEPS) - 1)]
                well = self._row.low <= value <= self._row.high
                text.append(step, "cyan" if well else "bold red")
        yield text


def bucketed(
    values: Sequence[tuple[int, float]], begin: int, end: int, count: int
) -> list[float | None]:
    """Return the mean of each of `count` equal parts of a time, None where there is no value."""
    buckets: list[list[float]] = [[] for _ in range(count)]
    for at, value in values:
        place = (at - begin) * count // (end - begin)
        if 0 <= place < count:
            buckets[place].append(value)
    return [sum(each) / len(each) if each else None for each in buckets]


def _alerts(view: View, room: int | None = None) -> list[Text]:
    """Return the news, newest first, under their heading: so many lines, or all."""
    lines = [Text("Alerts as they come", "bold")]
    if not view.told:
        wait = "none yet" if view.filled < 1 else "none yet; watch the ones that count down"
        lines.append(Text(wait, "dim"))
    for number, told in enumerate(reversed(view.told), 1):
        alert = told.alert
        open_ = alert.ended is None
        word = Text(f" {state_of(alert)} ", STYLES[alert.severity] if open_ else "green")
        lines.append(Text.assemble(clock(view, told.recorded), " ", word, " ", sentence(alert)))
        # What to do stands below, where older alerts leave room for it.
        older = len(view.told) - number
        if open_ and alert.note and (room is None or len(lines) + older < room):
            lines.append(Text(f"         {alert.note}", "dim"))
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    if room is None:
        return lines
    return [*lines[:room], *[Text()] * (room - len(lines))]


def _foot(view: View) -> list[RenderableType]:
    head = Text.assemble(("Try next, in another terminal", "bold"), "   ", (view.advice, "dim"))
    head.no_wrap, head.overflow = True, "ellipsis"
    # Never cut off: whoever copies it must get all of it.
    commands = [Text(f"  {one}", overflow="fold") for one in view.commands]
    if not view.page:
        return [head, *commands]
    page = Text.assemble(("The page  ", "bold"), (view.page, "underline"), overflow="fold")
    return [page, head, *commands]
