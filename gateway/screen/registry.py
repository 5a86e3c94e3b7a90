"""What the command line shows about what people stated of devices."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.registry.fields import shown_container
from gateway.screen.plain import counted, empty_table, foreign, last_day, print_rows, sentence, when
from rules.duration import format_duration

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings

CALIBRATIONS = ("no", "device", "channel", "since", "offset", "as found", "certificate", "")
SHOWN = 20
"""Alerts, mistakes and changes that are listed; --json has all of them."""


def show_device(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show all that is known of a device."""
    name = answer["card"]["name"]
    console.print(f"[bold]{escape(answer['device'])}[/] {foreign(name)}", highlight=False)
    for label, text in _sheet(settings, answer):
        if text:
            console.print(f"  {label:<13}{text}", soft_wrap=True, highlight=False)


def _sheet(settings: Settings, answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is known line by line, marked up; empty where nothing is."""
    card, quarantined = answer["card"], answer["quarantine"]
    rows = [
        ("what", _what(answer)),
        ("place", place(card)),
        ("position", ", ".join(f"{one}" for one in card["position"] or ())),
        ("sends", _interval(answer)),
        ("note", foreign(card["note"])),
        ("state", "; ".join(standing(settings, answer)) or "[green]✓[/] confirmed"),
        ("heard", _heard(settings, answer)),
        ("values", _values(answer)),
        ("rules", _rules(answer["rules"])),
    ]
    rows += [
        ("calibration", _calibration(settings, one))
        for one in answer["calibrations"]
        if one["in_force"]
    ]
    rows += [
        ("in place of", f"{escape(one['device'])}, until {when(settings, one['until'])}")
        for one in answer["line"][1:]
    ]
    if answer["quality"] is not None:
        rows.append(("quality", _quality(answer["quality"])))
    if quarantined:
        told = (
            f"[yellow]! {counted(quarantined, 'message')}[/]: holdwatch quarantine list --device "
            f"{escape(shlex.quote(answer['device']))}"
        )
        rows.append(("quarantine", told))
    return rows


def _interval(answer: dict[str, Any]) -> str:
    """Say how often a device sends, or that nobody knows and how often is assumed."""
    length = format_duration(answer["card"]["interval"])
    if answer["assumed"]:
        return f"not said how often; every {length} is assumed"
    return f"every {length}"


def _quality(quality: dict[str, Any]) -> str:
    """Say what was remarked on a device's readings in the last day, and what never came."""
    remarks = quality["remarks"].items()
    said = [
        f"{name} {one['last_day']:,} in a day" for name, one in sorted(remarks) if one["last_day"]
    ]
    if quality["missing"]:
        said.append(f"{counted(quality['missing'], 'message')} never came")
    return ", ".join(said)


def _what(answer: dict[str, Any]) -> str:
    """Say what a device is, and who says so."""
    model, recognised = answer["card"]["model"], answer["recognised"]
    seen = f"{foreign(recognised)}, since {foreign(answer['why'])}" if recognised else ""
    if not model:
        return seen
    return foreign(model) + (f" (recognised as {seen})" if seen and recognised != model else "")


def place(card: dict[str, Any]) -> str:
    """Say where a device is, marked up."""
    parts = [card["site"], card["zone"], shown_container(card["container"])]
    return foreign(" · ".join(one for one in parts if one))


def standing(settings: Settings, answer: dict[str, Any]) -> list[str]:
    """Say what there is to know of how a device stands, marked up; empty if it is as it should."""
    said = []
    if answer["unconfirmed"]:
        said.append("[yellow]! unconfirmed[/]")
    if answer["replaced_by"]:
        by, since = answer["replaced_by"]["device"], answer["replaced_by"]["since"]
        said.append(f"replaced by {escape(by)}, {when(settings, since)}")
    if answer["maintenance"]:
        until = when(settings, answer["maintenance"]["until"])
        reason = foreign(answer["maintenance"]["reason"])
        said.append(f"[cyan]in maintenance[/] until {until}: {reason}")
    if answer["expired"]:
        channels = foreign(", ".join(answer["expired"]))
        said.append(f"[yellow]! calibration expired[/]: {channels}")
    return said


def _heard(settings: Settings, answer: dict[str, Any]) -> str:
    if answer["first"] is None:
        return "it was, and was not understood" if answer["quarantine"] else "never"
    text = f"first {when(settings, answer['first'])}, last {when(settings, answer['at'])}"
    if answer["source"]:
        text += f"; {foreign(answer['source'])} brought it"
    return text + (". [yellow]! Its clock is wrong[/]" if answer["clock_wrong"] else "")


def _values(answer: dict[str, Any]) -> str:
    """Return the newest values, with what the sensor said where that is another."""
    said = answer["said"] if answer["said"].keys() == answer["values"].keys() else answer["values"]
    return ", ".join(
        f"{channel} {_value(value)}"
        + (f" (it said {_value(said[channel])})" if said[channel] != value else "")
        for channel, value in answer["values"].items()
    )


def _value(value: float | None) -> str:
    return "no usable value" if value is None else f"{value:g}"


def _rules(rules: list[dict[str, Any]]) -> str:
    return ", ".join(
        escape(f"{one['rule']} {one['channel']}".strip() + f": {one['state']}") for one in rules
    )


def show_set(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say what is stated of a device now, and what was before."""
    device = escape(answer["device"])
    if not answer["after"]:
        console.print(f"[green]✓[/] {device} was so already; nothing is changed.")
        return
    console.print(f"[green]✓[/] {device}, from {when(settings, answer['since'])} on:")
    for field, value in answer["after"].items():
        before = _field(field, answer["before"][field])
        was = f" (before: {before})" if before else ""
        console.print(f"  {field:<10} {_field(field, value) or 'removed'}{was}", highlight=False)
    if answer["hint"]:
        console.print(f"[yellow]![/] {foreign(answer['hint'])}", soft_wrap=True, highlight=False)
    _warn_unknown(console, answer)


def _field(field: str, value: Any) -> str:  # noqa: ANN401 - as JSON has it
    """Return a field of a card as people read it, marked up."""
    if value is None or value == "":
        return ""
    if field == "interval":
        return format_duration(value)
    if field == "position":
        return ", ".join(f"{one}" for one in value)
    return foreign(shown_container(value) if field == "container" else value)


def _warn_unknown(console: Console, answer: dict[str, Any]) -> None:
    if not answer["known"]:
        console.print(
            f"[yellow]! Nothing of the name {escape(answer['device'])} was ever heard.[/] It "
            "counts once it is.",
            soft_wrap=True,
        )


def show_calibrated(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say that a calibration is stated; and what is in doubt, where it found the sensor wrong."""
    device, one = answer["device"], answer["calibration"]
    console.print(f"[green]✓[/] {escape(device)}: {_calibration(settings, one)}", soft_wrap=True)
    _warn_unknown(console, answer)
    if answer["sent"] is False:
        console.print(
            f"[yellow]! Its newest reading has no {foreign(one['channel'])}.[/] If that is "
            f"mistyped: holdwatch device calibration {escape(device)} --withdraw {one['number']}",
            soft_wrap=True,
        )
    if answer["doubt"]:
        _show_doubt(console, settings, answer)


def _show_doubt(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    doubt, one = answer["doubt"], answer["calibration"]
    since = "which was never" if doubt["since"] is None else when(settings, doubt["since"])
    console.print(
        f"[bold red]The sensor was wrong[/] by more than {one['tolerance']:g}. What was judged on "
        f"it since its last good calibration, {since}, is in doubt:",
        soft_wrap=True,
        highlight=False,
    )
    if doubt["readings"]:
        span = f"{when(settings, doubt['first'])} to {when(settings, doubt['last'])}"
        console.print(f"  {counted(doubt['readings'], 'reading')}, {span}", highlight=False)
    else:
        console.print("  no readings")
    console.print(f"  {counted(len(doubt['alerts']), 'alert')}")
    if doubt["alerts"]:
        table = empty_table("alert", "rule", "severity", "from", "to", "worst")
        for alert in doubt["alerts"][:SHOWN]:
            table.add_row(
                alert["id"],
                escape(alert["rule"]),
                alert["severity"],
                when(settings, alert["began"]),
                when(settings, alert["ended"]) or "still open",
                "" if alert["worst"] is None else f"{alert['worst']:g}",
            )
        console.print(table)
        _more(console, len(doubt["alerts"]))


def _more(console: Console, number: int) -> None:
    if number > SHOWN:
        console.print(f"… and {number - SHOWN:,} more; --json has all of them")


def _calibration(settings: Settings, one: dict[str, Any]) -> str:
    """Say what a calibration is, marked up."""
    text = f"{foreign(one['channel'])} {one['offset']:+g} since {when(settings, one['since'])}"
    if one["certificate"]:
        text += f", certificate {foreign(one['certificate'])}"
    if one["expires"] is not None:
        text += f", good until {last_day(settings, one['expires'])}"
    return text + (" [yellow]! expired[/]" if one.get("expired") else "")


def show_calibrations(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """List calibrations."""
    if not answer["calibrations"]:
        console.print("Nothing was calibrated yet: holdwatch device calibrate")
        return
    rows = []
    for one in answer["calibrations"]:
        found = "" if one["as_found"] is None else f"{one['as_found']:+g}"
        rows.append(
            (
                str(one["number"]),
                escape(one["device"]),
                foreign(one["channel"]),
                when(settings, one["since"]),
                f"{one['offset']:+g}",
                found + ("" if one["good"] else " [red]! out of tolerance[/]"),
                foreign(one["certificate"]),
                _force(settings, one),
            )
        )
    print_rows(console, CALIBRATIONS, rows, key=1)


def _force(settings: Settings, one: dict[str, Any]) -> str:
    if not one["in_force"]:
        return "[dim]a later one counts[/]"
    if one["expires"] is None:
        return "counts"
    day = last_day(settings, one["expires"])
    return f"[yellow]! expired after {day}[/]" if one["expired"] else f"good until {day}"


def show_withdrawn(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say which calibration does not hold any more."""
    one = _calibration(settings, answer["withdrawn"])
    console.print(
        f"[green]✓[/] {escape(answer['device'])}: {one} is withdrawn. Its readings are judged "
        "again without it.",
        soft_wrap=True,
    )


def show_maintenance(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say until when a device is in maintenance, or that it is over."""
    device = escape(answer["device"])
    if answer["ended"] is not None:
        console.print(f"[green]✓[/] The maintenance of {device} is over; it is judged again.")
        return
    console.print(
        f"[green]✓[/] {device} is in maintenance until {when(settings, answer['until'])}: "
        f"{foreign(answer['reason'])}. What it says meanwhile is kept, and judged by no rule.",
        soft_wrap=True,
    )
    _warn_unknown(console, answer)


def show_replaced(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say who stands in for whom, and what was handed over."""
    old, new = escape(answer["old"]), escape(answer["new"])
    since = when(settings, answer["since"])
    if answer["undone"]:
        console.print(f"[green]✓[/] {new} does not stand in for {old}, and never did.")
        return
    console.print(f"[green]✓[/] {new} stands in for {old} since {since}: rules and past go on.")
    for field, value in answer["taken"].items():
        console.print(f"  {field:<10} {_field(field, value) or 'none'}", highlight=False)
    if not answer["known"]:
        console.print(f"[yellow]! {new} was not heard yet.[/]")


def show_forgotten(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say that a device is listed no more."""
    console.print(
        f"[green]✓[/] {escape(answer['device'])} is forgotten, as if it had never been named.",
        soft_wrap=True,
    )


def show_exported(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what was written."""
    told = f"{counted(answer['devices'], 'device')} to {escape(answer['file'])}"
    console.print(f"[green]✓[/] Wrote {told}.", soft_wrap=True)


def show_imported(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what a table has changed, or would; or which of its lines are wrong."""
    mistakes, changes = answer["mistakes"], answer["changes"]
    for one in mistakes:
        console.print(
            f"[red]line {one['line']}:[/] {foreign(one['problem'])}. "
            f"{foreign(sentence(one['cure']))}",
            soft_wrap=True,
            highlight=False,
        )
    if mistakes:
        console.print(f"Nothing is changed: {counted(len(mistakes), 'line')} cannot be taken.")
        return
    _warn_of_table(console, answer)
    if not changes:
        told = counted(answer["devices"], "device")
        console.print(f"[green]✓[/] {told}, all as they were: nothing is changed.")
        return
    rows = [
        (
            str(one["line"]),
            escape(one["device"]),
            field,
            foreign(one["before"][field]),
            foreign(after),
        )
        for one in changes[:SHOWN]
        for field, after in one["after"].items()
    ]
    print_rows(console, ("line", "device", "field", "before", "after"), rows, key=1)
    _more(console, len(changes))
    told = f"{counted(len(changes), 'device')} of {answer['devices']:,}"
    if answer["dry"]:
        console.print(f"{told} would change. Without --dry-run they do.")
    else:
        console.print(f"[green]✓[/] {told} changed.")


def _warn_of_table(console: Console, answer: dict[str, Any]) -> None:
    """Say which devices of a table were never heard, and which makes nobody knows."""
    for hint in list(answer["hints"].values())[:SHOWN]:
        console.print(f"[yellow]![/] {foreign(hint)}", soft_wrap=True, highlight=False)
    unheard = answer["unheard"]
    for one in unheard[:SHOWN]:
        meant = f" Did you mean {foreign(one['close'])}?" if one["close"] else ""
        console.print(
            f"[yellow]! line {one['line']}:[/] {escape(one['device'])} was never heard. "
            f"Mistyped?{meant}",
            soft_wrap=True,
            highlight=False,
        )
    _more(console, len(unheard))
    if unheard and not answer["dry"]:
        console.print("A mistyped one is removed with: holdwatch device forget ID", soft_wrap=True)
