"""What `holdwatch status` shows, for somebody who has ten seconds.

First a sentence: whether all is well, or who is needed. Then the alerts, the worst first, and what
is to be done. Then how everything else stands.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.markup import escape
from rich.text import Text

from gateway.own_alerts import GRAVITY, KIND
from gateway.screen.health_lines import ago, few, health_lines, named
from gateway.screen.plain import STYLES, amount, counted, foreign, muted, print_rows, sentence, when
from rules.duration import HOUR

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings

Json = dict[str, Any]

MOST = 10
"""Alerts, and values that may become one, that are shown; of others it is said how many."""
NAMED = 3
"""Devices that the first sentence names."""
SILENT = HOUR
"""ms without any reading that the first sentence does not call well."""
WRONG = ("[red]✗", "[yellow]!")
"""How lines begin about what somebody should see to."""
SHOWN_AS_LINES = frozenset(
    {"broker", "influxdb", "refused", "way", "disk", "channel", "heartbeat", "settings", "backup"}
)
"""Alerts about the gateway whose subject has a line that says how it is now."""
NOT_RUNNING = (
    "The gateway is not running: nothing is received, judged or told. Start it: holdwatch run, or "
    "as a service: systemctl start holdwatch"
)
GOOD, LOOK, BAD, WAIT = "[green]✓", "[yellow]!", "[red]✗", "[cyan]…"


class Verdict(NamedTuple):
    """The first sentence."""

    mark: str
    words: str


def show_status(console: Console, settings: Settings, answer: Json) -> None:
    """Show how everything stands, what is wrong first."""
    alerts = [one for one in answer["alerts"] if not one["retrospective"]]
    past = len(answer["alerts"]) - len(alerts)
    cargo = [one for one in alerts if one["kind"] != KIND]
    lines = health_lines(settings, answer)
    wrong = [one for one in lines if one.startswith(WRONG)]
    own = _own(alerts, wrong)
    first = verdict(answer, cargo, len(own) + len(wrong))
    console.print(
        Text.from_markup(f"{first.mark} [bold]{first.words}[/][/]"), soft_wrap=True, highlight=False
    )
    if cargo:
        _show_alerts(console, settings, answer, cargo)
    if past:
        console.print(f"{past} more from imported files were still open where the file ends.")
    if answer["pending"]:
        _show_pending(console, settings, answer)
    for line in (*own, *wrong, *(one for one in lines if one not in wrong)):
        console.print(Text.from_markup(line), soft_wrap=True)


def verdict(answer: Json, cargo: list[Json], to_do: int) -> Verdict:
    """Say in a sentence whether all is well, marked up.

    `cargo`: the open alerts about devices and consignments; `to_do`: how many lines about the
    gateway itself want to be seen to.
    """
    if answer.get("running") is False:
        return Verdict(BAD, NOT_RUNNING)
    if answer["unwell"]:
        why = escape(sentence(answer["unwell"]))
        return Verdict(BAD, f"The gateway does not do its work: {why}")
    if cargo:
        return _of_alerts(answer, cargo)
    more = f" {counted(to_do, 'thing')} to look at, below." if to_do else ""
    lacking = _lacking(answer)
    if lacking is not None:
        return Verdict(lacking.mark, lacking.words + more)
    last = ago(answer["now"] - answer["heard"])
    words = f"{counted(answer['devices'], 'sensor')}, the last reading came {last} ago."
    if to_do:
        return Verdict(LOOK, f"The cargo is well: {words}{more}")
    return Verdict(GOOD, f"All is well: {words}")


def _lacking(answer: Json) -> Verdict | None:
    """Say why no alert means little: nothing can come, or comes, or is judged yet."""
    if not answer["arrives"]:
        words = escape("Nothing can arrive: the settings have no [[listeners]] and no [[brokers]].")
        return Verdict(LOOK, f"{words} See: holdwatch check")
    if not answer["devices"]:
        return Verdict(WAIT, "No sensor was heard yet.")
    heard = counted(answer["devices"], "sensor")
    silence = answer["now"] - answer["heard"] if answer["heard"] is not None else None
    if silence is None or silence > SILENT:
        since = "since the start" if silence is None else f"for {ago(silence)}"
        return Verdict(LOOK, f"No alert is open, but none of {heard} was heard {since}.")
    if not answer["rules"] and not answer["judged"]:
        are = "is" if answer["devices"] == 1 else "are"
        return Verdict(LOOK, f"{heard} {are} heard, and nothing is judged: there are no rules.")
    if answer["unjudged"]:
        return Verdict(LOOK, _unjudged(answer))
    return None


def _unjudged(answer: Json) -> str:
    """Say of which sensors nobody knows yet whether they are well."""
    devices = answer["unjudged"]
    some = [named(answer, one) for one in devices][:NAMED]
    more = f" and {len(devices) - NAMED} more" if len(devices) > NAMED else ""
    are = "is" if len(devices) == 1 else "are"
    heard = counted(answer["devices"], "sensor")
    return (
        f"No alert is open, but {len(devices)} of {heard} {are} not judged yet by rules that are "
        f"new or were changed: {', '.join(some)}{more}."
    )


def _of_alerts(answer: Json, cargo: list[Json]) -> Verdict:
    """Say how many alerts are open, whom they are about, and whether somebody has them."""
    free = [one for one in cargo if not one["holder"]]
    if not free:
        holders = Counter(one["holder"] for one in cargo)
        names = escape(", ".join(few([foreign(name) for name in holders])))
        verb = "has it" if len(cargo) == 1 else "have them" if len(holders) > 1 else "has them"
        are = "is" if len(cargo) == 1 else "are"
        return Verdict(LOOK, f"{counted(len(cargo), 'alert')} {are} open; {names} {verb}.")
    devices = dict.fromkeys(_subject(one) for one in free)
    some = [named(answer, one) for one in devices][:NAMED]
    more = f" and {len(devices) - NAMED} more" if len(devices) > NAMED else ""
    critical = sum(one["severity"] == "critical" for one in free)
    grave = f", {critical} of them critical" if 0 < critical < len(free) else ""
    need = "needs" if len(free) == 1 else "need"
    mark = BAD if critical else LOOK
    held = len(cargo) - len(free)
    others = f" {held} more {'is' if held == 1 else 'are'} seen to." if held else ""
    return Verdict(
        mark,
        f"{counted(len(free), 'alert')} {need} somebody{grave}: {', '.join(some)}{more}.{others}",
    )


def _subject(alert: Json) -> str:
    return "/".join(part for part in alert["device"] if part)


def _own(alerts: list[Json], wrong: list[str]) -> list[str]:
    """Return a line for each alert about the gateway itself that no other line tells of."""
    told = " ".join(wrong)
    lines = []
    for one in sorted(alerts, key=lambda each: GRAVITY[each["severity"]]):
        if one["kind"] != KIND:
            continue
        subject = one["channel"]
        kind, _, name = subject.partition(" ")
        what = "InfluxDB" if kind in {"influxdb", "refused"} else kind
        if kind in SHOWN_AS_LINES and f"{what} {name}".strip() in told:
            continue
        mark = "[red]✗" if one["severity"] == "critical" else "[yellow]!"
        holder = f" {foreign(one['holder'])} has it." if one["holder"] else ""
        note = f" {escape(sentence(one['note']))}" if one["note"] else ""
        words = f"{escape(subject)}: {foreign(sentence(one['reason']))}"
        lines.append(f"{mark} {words}[/]{note}{holder}")
    return lines


def _show_alerts(console: Console, settings: Settings, answer: Json, alerts: list[Json]) -> None:
    """List alerts, and below what their rules say is to be done."""
    rows: list[tuple[str | Text, ...]] = []
    advice: dict[tuple[str, str], None] = {}
    for alert in alerts[:MOST]:
        what = f"{alert['channel']} {alert['limit']}".strip()
        if alert["note"]:
            advice[alert["rule"], alert["note"]] = None
        more = [f"{foreign(alert['holder'])} has it"] if alert["holder"] else []
        more += muted(settings, alert)
        rows.append(
            (
                Text(f" {alert['severity'].upper()} ", STYLES[alert["severity"]]),
                named(answer, _subject(alert)),
                "\n".join([f"{escape(what)} [dim]({alert['rule']})[/]", *more]),
                when(settings, alert["began"]),
                amount(alert["worst"], alert["unit"]),
                amount(alert["last"], alert["unit"]),
            )
        )
    print_rows(console, ("severity", "device", "what", "since", "worst", "now"), rows, key=1)
    if len(alerts) > MOST:
        console.print(f"… and {len(alerts) - MOST} more alerts. All of them: holdwatch alerts")
    for rule, note in advice:
        console.print(f"{rule}: {escape(note)}", soft_wrap=True, highlight=False)


def _show_pending(console: Console, settings: Settings, answer: Json) -> None:
    pending = answer["pending"]
    rows = [
        (
            named(answer, one["device"]),
            one["rule"],
            one["channel"],
            amount(one["value"], ""),
            when(settings, one["pending_until"]),
        )
        for one in pending[:MOST]
    ]
    print_rows(console, ("pending", "rule", "channel", "value", "fires at the earliest"), rows)
    if len(pending) > MOST:
        console.print(f"… and {len(pending) - MOST} more")
