"""What the command line shows about channels, messages, routes and mutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from gateway.notify.in_words import FATES, OCCASIONS
from gateway.screen.plain import STYLES, counted, foreign, minute, print_rows, when

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings

MARKS = {"ok": "[green]✓[/]", "pending": "…", "critical": "[red]✗[/]", "unknown": "-"}
LINES, ATTEMPTS = 5, 5
"""Of a message so many alerts and attempts are shown."""
BEGIN = """There is no channel: nobody is told of alerts. Add one to the settings, such as

  [[channels]]
  name = "office"
  kind = "email"
  host = "mail.example.org"
  username = "holdwatch"
  password_file = "mail.password"
  from = "holdwatch@example.org"
  to = ["office@example.org"]

Restart the gateway, then: holdwatch notify test office. More: docs/notifications.md"""


def show_channels(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List channels, those that fail first."""
    if not answer:
        console.print(BEGIN, highlight=False, markup=False)
        return
    rows = [
        (
            foreign(one["name"]),
            foreign(f"{one['kind']}: {one['where']}"),
            _fares(settings, one),
            str(one["waiting"] or ""),
            minute(settings, one["success"]) or "never",
            _tested(settings, one["tested"]),
        )
        for one in answer
    ]
    print_rows(console, ("channel", "reaches", "now", "waiting", "last sent", "last test"), rows)
    for one in answer:
        if one["problem"]:
            console.print(
                f"{foreign(one['name'])}: {foreign(one['problem'])}", soft_wrap=True, style="yellow"
            )
    console.print(f"Times are {settings.gateway.timezone}. A test: holdwatch notify test NAME")


def _fares(settings: Settings, one: dict[str, Any]) -> str:
    if one["failing"] is not None:
        return f"[red]✗ fails[/] since {minute(settings, one['failing'])}"
    if one["alert"] is not None:
        return "[yellow]! not all well[/]"
    return "[green]✓ well[/]" if one["success"] else "nothing sent yet"


def _tested(settings: Settings, test: dict[str, Any] | None) -> str:
    if test is None:
        return "never"
    fate = FATES[test["state"]][1] if test["state"] else ""
    return f"{minute(settings, test['at'])} by {foreign(test['who'])}, {fate}".removesuffix(", ")


def show_messages(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List messages, newest first, each with its attempts."""
    if not answer:
        console.print("There is no such message.")
    for one in answer:
        _show_message(console, settings, one)


def _show_message(console: Console, settings: Settings, one: dict[str, Any]) -> None:
    look, fate = FATES[one["state"]]
    why = f", route {foreign(one['route'])}" if one["route"] else ""
    test = f"a test by {foreign(one['test'])}" if one["test"] else ""
    console.print(
        f"{MARKS[look]} {when(settings, one['made'])} [bold]{foreign(one['channel'])}[/]: "
        f"{test or counted(len(one['lines']), 'alert')}{why}, {fate} [dim]{one['id']}[/]",
        soft_wrap=True,
        highlight=False,
    )
    for line in one["lines"][:LINES]:
        text = Text("   ").append(f" {line['severity'].upper()} ", STYLES[line["severity"]])
        who = Text.from_markup(
            f" {foreign(line['name'] or line['device'])}: {foreign(line['what'])}"
        )
        text.append(who).append(f" ({OCCASIONS[line['occasion']]}) {line['alert']}", "dim")
        console.print(text, soft_wrap=True, highlight=False)
    if len(one["lines"]) > LINES:
        console.print(f"   and {len(one['lines']) - LINES} more")
    attempts = one["attempts"]
    if len(attempts) > ATTEMPTS:
        console.print(f"   {len(attempts) - ATTEMPTS} earlier attempts")
    for attempt in attempts[-ATTEMPTS:]:
        _show_attempt(console, settings, attempt)
    if one["state"] == "waiting" and attempts:
        console.print(f"   tried again {when(settings, one['due'])}")
    elif one["problem"] and not attempts:
        console.print(f"   {foreign(one['problem'])}", soft_wrap=True)


def _show_attempt(console: Console, settings: Settings, one: dict[str, Any]) -> None:
    mark = MARKS["ok" if one["outcome"] == "sent" else "critical"]
    took = f"{one['took'] / 1000:.1f} s"
    console.print(
        f"   {mark} {when(settings, one['at'])} ({took}) {foreign(one['detail'])}",
        soft_wrap=True,
        highlight=False,
    )


def show_test(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say what came of a test."""
    name, state = foreign(answer["channel"]), answer["state"]
    last = answer["attempts"][-1] if answer["attempts"] else None
    if state == "sent":
        said = f": {foreign(last['detail'])}" if last and last["detail"] else ""
        console.print(
            f"[green]✓[/] {name} has taken the test{said}. See that it arrived.", soft_wrap=True
        )
    elif last is None:
        why = foreign(answer["problem"]) or "others are before it, or it takes long"
        console.print(f"… The test waits: {why}. See: holdwatch notify messages", soft_wrap=True)
    else:
        again = "" if state != "waiting" else f" It is tried again {when(settings, answer['due'])}."
        console.print(f"[red]✗[/] {name}: {foreign(last['detail'])}.{again}", soft_wrap=True)


# -- routes -------------------------------------------------------------------------------------


def show_routes(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say which alerts are told to whom, or who would be told of one."""
    if answer["about"] is None:
        for one in answer["routes"]:
            console.print(
                f"[bold]{foreign(one['name'])}[/]  {foreign(one['sentence'])}", soft_wrap=True
            )
        console.print(foreign(answer["lapses"]), soft_wrap=True)
        for warning in answer["warnings"]:
            console.print(Text("Warning: ", "yellow").append(foreign(warning)), soft_wrap=True)
        return
    about = answer["about"]
    where = "".join(f", {foreign(one)}" for one in (*about["sites"], *about["goods"]))
    console.print(
        f"A {about['severity']} alert about [bold]{foreign(about['device'])}[/]{where}, "
        f"{when(settings, about['at'])}:",
        soft_wrap=True,
        highlight=False,
    )
    if answer["muted"] is not None:
        muted = answer["muted"]
        console.print(
            f"[yellow]Muted[/] until {when(settings, muted['until'])} by {foreign(muted['who'])}, "
            f"mute {muted['number']} ({foreign(muted['reason'])}): told only if it stands then.",
            soft_wrap=True,
            highlight=False,
        )
    if not answer["told"]:
        console.print(f"[yellow]Nobody is told[/]: {foreign(answer['why'])}", soft_wrap=True)
        return
    rows = [
        (when(settings, one["at"]), foreign(", ".join(one["channels"])), one["route"], one["why"])
        for one in answer["told"]
    ]
    print_rows(console, ("when", "who", "route", "why"), rows, key=1)


# -- mutes --------------------------------------------------------------------------------------


def show_mutes(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List standing mutes."""
    if not answer:
        console.print("Nothing is muted. Single alerts may be: see holdwatch alerts")
        return
    rows = [
        (
            str(one["number"]),
            foreign(one["what"]),
            _until(settings, one),
            foreign(one["who"]),
            foreign(one["reason"]),
        )
        for one in answer
    ]
    print_rows(console, ("number", "alerts", "until", "by", "why"), rows)
    console.print(
        f"Times are {settings.gateway.timezone}. To end one: holdwatch mute end NUMBER --reason WHY"
    )


def _until(settings: Settings, one: dict[str, Any]) -> str:
    if one["ended"] is not None:
        return f"ended {minute(settings, one['ended'])} by {foreign(one['ended_by'])}"
    end = minute(settings, one["until"])
    return end if one["stands"] else f"{end}, over"


def show_mute(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say what is muted now."""
    console.print(
        f"[green]✓[/] Nobody is told of alerts {foreign(answer['what'])} until "
        f"{when(settings, answer['until'])}. They stand on the board all the same. To end it: "
        f"holdwatch mute end {answer['number']} --reason WHY",
        soft_wrap=True,
        highlight=False,
    )


def show_mute_ended(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say that it is over."""
    console.print(
        f"[green]✓[/] Alerts {foreign(answer['what'])} are told again, those that stand as well.",
        soft_wrap=True,
    )
