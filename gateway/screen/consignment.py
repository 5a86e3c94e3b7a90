"""All of one consignment, as the command line shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.consignments.fields import place_text
from gateway.screen.consignment_words import STAGES, amount, described, place_of, show_doubts
from gateway.screen.plain import counted, foreign, minute, print_rows, when
from rules.cargo.consignment import Place
from rules.duration import format_duration

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings

SHOWN = 20
"""Facts that are listed; --json has all of them."""


def show_one(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show all that is known of a consignment."""
    one = answer["consignment"]
    console.print(
        f"[bold]{escape(one['id'])}[/] {foreign(one['description'])}".rstrip(), highlight=False
    )
    for label, text in _sheet(settings, answer):
        if text:
            console.print(f"  {label:<12}{text}", soft_wrap=True, highlight=False)
    _show_way(console, settings, one)
    _show_custody(console, settings, answer)
    _show_sensors(console, settings, answer)
    for alert in answer["alerts"]:
        console.print(
            f"[red]! {escape(alert['severity'])}[/] {escape(alert['rule'])} since "
            f"{when(settings, alert['began'])}, alert {escape(alert['id'])}",
            highlight=False,
        )
    show_doubts(console, answer["doubts"])
    _show_facts(console, settings, answer["facts"])


def _sheet(settings: Settings, answer: dict[str, Any]) -> list[tuple[str, str]]:
    one = answer["consignment"]
    worth = "" if one["value"] is None else f"{one['value']:,.2f} {one['currency']}".strip()
    places = [place_text(place_of(one[name])) for name in ("origin", "destination")]
    stages = ", ".join(
        f"{STAGES[each['stage']]} {minute(settings, each['since'])}" for each in one["stages"]
    )
    parts = "split into" if answer["over"] is not None else "parts"
    return [
        ("goods", f"{foreign(answer['title'] or one['goods'])}, {escape(one['version'])}"),
        ("quantity", amount(one) + (f", worth {foreign(worth)}" if worth else "")),
        ("way", foreign(" ▸ ".join(each for each in places if each))),
        ("stage", stages),
        ("custodian", foreign(answer["custodian"])),
        ("counts", foreign(one["counts"])),
        ("carried", format_duration(one["carried"]) if one["carried"] else ""),
        ("frozen", f"{counted(one['cycles'], 'time')} before" if one["cycles"] else ""),
        ("left out", f"{format_duration(one['ignore'])} of each sensor" if one["ignore"] else ""),
        ("made of", escape(", ".join(one["parents"]))),
        (parts, escape(", ".join(one["parts"]))),
        ("note", foreign(one["note"])),
    ]


def _show_way(console: Console, settings: Settings, one: dict[str, Any]) -> None:
    if not one["legs"]:
        return
    real = {each["leg"]: each for each in one["travelled"]}
    rows = []
    for leg in one["legs"]:
        known = real.get(leg["number"], {})
        places = [place_text(Place(leg[name]["name"])) for name in ("origin", "destination")]
        rows.append(
            (
                str(leg["number"]),
                f"{leg['mode']} {foreign(leg['vehicle'])}".strip(),
                foreign(" ▸ ".join(places)) + ("" if leg["heard"] else " [dim](nobody hears)[/]"),
                foreign(leg["custodian"]),
                _time(settings, known.get("departed"), leg["departs"]),
                _time(settings, known.get("arrived"), leg["arrives"]),
            )
        )
    print_rows(console, ("leg", "by", "way", "custodian", "departed", "arrived"), rows)


def _time(settings: Settings, real: int | None, planned: int | None) -> str:
    """Return when it was, else when it is planned."""
    if real is not None:
        return minute(settings, real)
    return f"[dim]planned {minute(settings, planned)}[/]" if planned is not None else ""


def _show_custody(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    rows = [
        (
            foreign(each["custodian"]),
            "" if each["leg"] is None else str(each["leg"]),
            minute(settings, each["since"]),
            minute(settings, each["until"]) or "still",
            "" if each["confirmed"] else "[yellow]! a handover is not confirmed[/]",
        )
        for each in answer["consignment"]["custody"]
    ]
    print_rows(console, ("custody", "leg", "from", "to", ""), rows)
    for claim in answer["claims"]:
        console.print(
            f"[yellow]![/] Handed over to {foreign(claim['fact']['to'])} at "
            f"{minute(settings, claim['at'])}, says {foreign(claim['who'])}; not confirmed: "
            f"holdwatch consignment confirm {escape(answer['consignment']['id'])} --number "
            f"{claim['number']}",
            soft_wrap=True,
            highlight=False,
        )


def _show_sensors(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    rows = []
    for each in answer["consignment"]["assignments"]:
        key = "/".join(filter(None, each["sensor"]))
        known = answer["sensors"].get(key, {"name": "", "at": None, "values": {}})
        values = ", ".join(
            f"{channel} {value:g}"
            for channel, value in known["values"].items()
            if value is not None
        )
        rows.append(
            (
                f"{escape(key)} {foreign(known['name'])}".strip(),
                foreign(each["where"])
                + (f" of {escape(each['origin'])}" if each["origin"] else ""),
                minute(settings, each["since"]),
                minute(settings, each["until"]) or "still",
                (minute(settings, known["at"]) or "[yellow]! never heard[/]"),
                escape(values),
            )
        )
    if rows:
        print_rows(console, ("sensor", "where", "from", "to", "heard", "says"), rows)


def _show_facts(console: Console, settings: Settings, facts: list[dict[str, Any]]) -> None:
    rows = [
        (
            str(each["number"]),
            minute(settings, each["at"]),
            ("[dim]withdrawn:[/] " if each["withdrawn"] else "")
            + described(settings, each["kind"], each["fact"]),
            minute(settings, each["entered"]),
            foreign(each["who"]),
            foreign(each["reason"]),
        )
        for each in facts[-SHOWN:]
    ]
    if len(facts) > SHOWN:
        console.print(f"{counted(len(facts) - SHOWN, 'earlier fact')}; --json has all of them")
    print_rows(console, ("no", "when", "what was stated", "entered", "by", "reason"), rows)
