"""Rules tried on the past, on a terminal: a chart, what would have fired, and what that changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
from rich.markup import escape
from rich.text import Text

from gateway.backtest.backtest import Trial
from gateway.backtest.braille import legend, plotted
from gateway.screen.plain import STYLES, counted, empty_table
from rules.backtest import within
from rules.duration import DAY, HOUR, MINUTE, SECOND, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gateway.settings import Settings
    from rules.alert import Alert
    from rules.alike import Both
    from rules.backtest import Tried

CHARTED = 3
"""Subjects whose charts are shown; of more there is a table."""
LISTED = 40
"""Alerts that are listed of one subject."""
WIDEST = 160
"""Characters of a chart: where a program reads along there is no end to a line."""


def trials_of(answer: dict[str, Any]) -> list[Trial]:
    """Take back what the command answered."""
    return msgspec.convert(answer["trials"], list[Trial])


def show_backtest(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Show each subject: of few with its chart and its alerts, of many a line."""
    trials = trials_of(answer)
    console.print(title(answer, trials), style="italic", highlight=False, markup=False)
    console.print(subtitle(answer, trials), style="dim", highlight=False, markup=False)
    _trials(console, trials, answer["zone"])


def show_diff(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Show what is otherwise in a profile, and what that would have changed."""
    trials = trials_of(answer)
    told = f"{answer['tried']}, held against {answer['against']}"
    console.print(told, style="italic", highlight=False, markup=False)
    for line in answer["changes"]:
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    if not answer["changes"]:
        console.print("  its rules are the same")
    if not trials:
        console.print(
            "Nothing was measured of such goods since "
            f"{_moment(answer['since'], answer['zone'])}. Try it on sensors: --device NAME"
        )
        return
    console.print(subtitle(answer, trials), style="dim", highlight=False, markup=False)
    _trials(console, trials, answer["zone"])
    if not any(trial.found.differs for trial in trials):
        console.print("Nobody would have noticed a difference.")


def _trials(console: Console, trials: Sequence[Trial], zone: str) -> None:
    if len(trials) > CHARTED:
        _table(console, trials)
        return
    for trial in trials:
        console.print()
        if len(trials) > 1:
            console.print(Text(trial.name, "bold"))
        _charts(console, trial, zone)
        _changes(console, trial, zone)
        _rules(console, trial)


def title(answer: dict[str, Any], trials: Sequence[Trial]) -> str:
    """Say what was tried, and on what."""
    on = trials[0].name if len(trials) == 1 else f"{len(trials)} subjects"
    against = answer.get("against") or trials[0].against
    return f"{answer['tried']} on {on}, held against {against}"


def subtitle(answer: dict[str, Any], trials: Sequence[Trial]) -> str:
    """Say of what time, and what it comes to."""
    zone = ZoneInfo(answer["zone"])
    first, last = (
        datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone).strftime("%d %b %Y")
        for moment in (
            min(one.found.start for one in trials),
            max(one.found.end for one in trials) - 1,
        )
    )
    days = first if first == last else f"{first} to {last}"
    readings = counted(sum(one.found.readings for one in trials), "reading")
    return f"{days} · {answer['zone']} · {readings}"


def _charts(console: Console, trial: Trial, zone: str) -> None:
    for chart in trial.charts:
        console.print(Text(f"{chart.channel} {chart.unit}".rstrip(), "bold"))
        for line in plotted(chart, min(console.width, WIDEST), zone):
            console.print(line, no_wrap=True, crop=True)
    words = legend([lane for chart in trial.charts for lane in chart.lanes])
    if words:
        console.print(Text(words, "dim"))


def _changes(console: Console, trial: Trial, zone: str) -> None:
    """List the alerts that would have fired, and those that would not any more."""
    found = trial.found
    rows: list[tuple[Alert, Text, str]] = [
        *((one, Text("+ new", "bold red"), "") for one in found.added),
        *((one, Text("x gone", "bold blue"), "") for one in found.gone),
        *(
            (one.now, Text("= same", "dim"), "")
            if one.same
            else (one.now, Text("~ changed", "bold yellow"), "; ".join(_moved(one)))
            for one in found.both
        ),
    ]
    if not rows:
        console.print("Nothing would have fired, and nothing did by the rules of now.")
        return
    rows.sort(key=lambda row: (row[0].fired, row[0].id))
    table = empty_table("", "severity", "rule", "fired", "ended", "for", "worst", "")
    for column in table.columns[:-1]:
        column.no_wrap = True
    year = _year(found.start, zone) != _year(found.end - 1, zone)
    for alert, what, moved in rows[:LISTED]:
        worst = "" if alert.worst is None else f"{alert.worst:g} {alert.unit}".rstrip()
        table.add_row(
            what,
            Text(f" {alert.severity.upper()} ", STYLES[alert.severity]),
            escape(alert.rule),
            _moment(alert.fired, zone, year=year),
            _moment(alert.ended, zone, year=year) if alert.ended is not None else "still fires",
            length(within(alert, alert.fired, found.end)),
            worst,
            escape(moved),
        )
    console.print(table)
    if len(rows) > LISTED:
        console.print(f"and {counted(len(rows) - LISTED, 'alert')} more: see all with --json")
    same = sum(one.same for one in found.both)
    console.print(
        f"[bold]{len(found.added)}[/] new, [bold]{len(found.gone)}[/] gone, "
        f"[bold]{len(found.both) - same}[/] changed, {same} as before",
        highlight=False,
    )


def _moved(both: Both) -> Iterator[str]:
    """Say what changes of an alert that both make."""
    now, before = both.now, both.before
    if now.rule != before.rule:
        yield f"was {before.rule}"
    if now.severity != before.severity:
        yield f"was {before.severity}"
    if both.fired:
        yield f"{length(abs(both.fired))} {'later' if both.fired > 0 else 'sooner'}"
    if both.ended:
        yield f"ends {length(abs(both.ended))} {'later' if both.ended > 0 else 'sooner'}"
    elif both.ended is None and now.ended != before.ended:
        yield "it did not end" if before.ended is None else "it had ended"


def _rules(console: Console, trial: Trial) -> None:
    """Show what each rule comes to, and say what it is."""
    table = empty_table("", "rule", "alerts", "firing", "in breach", "unknown")
    for column in table.columns[2:]:
        column.justify = "right"
    rules = [
        *(("tried", one) for one in trial.found.tried),
        *(("now", one) for one in trial.found.standing),
    ]
    for what, one in rules:
        table.add_row(Text(what, "dim"), escape(one.rule), *_account(one))
    console.print()
    console.print(table)
    if not trial.found.standing:
        console.print("No rule of now judges it: all that would have fired is new.")
    for line in dict.fromkeys(f"{one.rule}: {_limit(one)} ({one.severity})" for _, one in rules):
        console.print(line, style="dim", soft_wrap=True, highlight=False, markup=False)
    for line in dict.fromkeys(f"{one.rule}: {_unheard(one)}" for _, one in rules if not one.heard):
        console.print(f"[yellow]![/] {escape(line)}", soft_wrap=True, highlight=False)


def _limit(rule: Tried) -> str:
    return f"{rule.channel} {rule.limit}" if rule.channel not in {"", "*"} else rule.limit


def _account(rule: Tried) -> tuple[str, str, str, str]:
    def told(spent: int | None) -> str:
        return "" if spent is None else length(spent)

    return str(rule.alerts or "·"), length(rule.firing), told(rule.breach), told(rule.unknown)


def _unheard(rule: Tried) -> str:
    if rule.channel:
        return f"no {rule.channel} was heard, so it judges nothing"
    return "a file does not say when it was heard, so it judges nothing"


def _table(console: Console, trials: Sequence[Trial]) -> None:
    """Show many subjects, those with the most changes first."""
    table = empty_table("", "new", "gone", "changed", "as before", "firing", "of now")
    for column in table.columns[1:]:
        column.justify = "right"

    def changes(trial: Trial) -> tuple[int, int, int, int]:
        same = sum(one.same for one in trial.found.both)
        found = trial.found
        return len(found.added), len(found.gone), len(found.both) - same, same

    for trial in sorted(trials, key=lambda one: -sum(changes(one)[:3])):
        firing = sum(one.firing for one in trial.found.tried)
        now = sum(one.firing for one in trial.found.standing)
        counts = [str(number or "·") for number in changes(trial)]
        table.add_row(escape(trial.name), *counts, length(firing), length(now))
    console.print(table)


def _moment(moment: int, zone: str, *, year: bool = True) -> str:
    local = datetime.fromtimestamp(moment / 1000, UTC).astimezone(ZoneInfo(zone))
    return f"{local:%d %b %Y %H:%M}" if year else f"{local:%d %b %H:%M}"


def _year(moment: int, zone: str) -> int:
    return datetime.fromtimestamp(moment / 1000, UTC).astimezone(ZoneInfo(zone)).year


def length(spent: int) -> str:
    """Say how long, in at most two units; a dot for nothing."""
    step = SECOND if spent < MINUTE else MINUTE if spent < DAY else HOUR
    whole = spent // step * step
    return format_duration(whole) if whole else "·"
