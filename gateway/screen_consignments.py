"""What the command line shows about consignments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.consignments.fields import place_text
from gateway.screen import counted, foreign, minute, print_rows, sentence, when
from gateway.screen_consignment_facts import described
from rules.cargo.consignment import Place
from rules.duration import format_duration

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings

STAGES = {
    "planned": "planned",
    "in_transit": "[cyan]in transit[/]",
    "delivered": "delivered",
    "released": "[green]✓ released[/]",
    "rejected": "[red]✗ rejected[/]",
    "under_review": "[yellow]! under review[/]",
}
"""How each stage is said."""
SHOWN = 20
"""Lines of a kind that are listed; --json has all of them."""
LENGTHS = ("carried", "ignore", "wait")


def show_all(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List consignments."""
    if not answer:
        console.print("No consignments: holdwatch consignment add ID --goods …")
        return
    rows = [
        (
            escape(one["id"]),
            _goods(one),
            STAGES[one["stage"]],
            minute(settings, one["since"]),
            foreign(one["custodian"]) + ("" if one["confirmed"] else " [yellow]! unconfirmed[/]"),
            f"{one['leg']} of {one['legs']}" if one["leg"] else f"{one['legs'] or ''}",
            str(len(one["sensors"])) if one["sensors"] else "none",
            f"[red]{counted(one['alerts'], 'alert')}[/]" if one["alerts"] else "",
        )
        for one in answer
    ]
    headings = ("consignment", "goods", "stage", "since", "custodian", "leg", "sensors", "")
    print_rows(console, headings, rows)


def _goods(one: dict[str, Any]) -> str:
    return " ".join(part for part in (foreign(one["goods"]), _amount(one)) if part)


def _amount(one: dict[str, Any]) -> str:
    return "" if one["quantity"] is None else foreign(f"{one['quantity']:g} {one['unit']}".strip())


# -- one -------------------------------------------------------------------------------------


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
    _show_doubts(console, answer["doubts"])
    _show_facts(console, settings, answer["facts"])


def _sheet(settings: Settings, answer: dict[str, Any]) -> list[tuple[str, str]]:
    one = answer["consignment"]
    worth = "" if one["value"] is None else f"{one['value']:,.2f} {one['currency']}".strip()
    places = [place_text(Place(**_place(one[name]))) for name in ("origin", "destination")]
    stages = ", ".join(
        f"{STAGES[each['stage']]} {minute(settings, each['since'])}" for each in one["stages"]
    )
    parts = "split into" if answer["over"] is not None else "parts"
    return [
        ("goods", f"{foreign(answer['title'] or one['goods'])}, {escape(one['version'])}"),
        ("quantity", _amount(one) + (f", worth {foreign(worth)}" if worth else "")),
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


def _place(one: dict[str, Any]) -> dict[str, Any]:
    return {"name": one["name"], "position": one["position"] and tuple(one["position"])}


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
        key = "/".join(each["sensor"])
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
        console.print(f"{len(facts) - SHOWN:,} earlier facts; --json has all of them")
    print_rows(console, ("no", "when", "what was stated", "entered", "by", "reason"), rows)


# -- what was done ---------------------------------------------------------------------------


def show_check(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what a consignment lacks."""
    if not answer["doubts"]:
        console.print(
            f"[green]✓[/] {escape(answer['id'])} has all that {escape(answer['version'])} asks for."
        )
        return
    console.print(f"{escape(answer['id'])}, by {escape(answer['version'])}:", highlight=False)
    _show_doubts(console, answer["doubts"])


def _show_doubts(console: Console, said: list[str]) -> None:
    for one in said:
        console.print(f"[yellow]![/] {foreign(one)}", soft_wrap=True, highlight=False)


def show_added(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say that there is a consignment, and by what it is judged."""
    console.print(
        f"[green]✓[/] {escape(answer['id'])} is entered, and judged by "
        f"{escape(answer['version'])}.",
        highlight=False,
        soft_wrap=True,
    )
    show_sensors(console, settings, answer, quiet=not answer["sensors"])


def show_changed(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what is otherwise, and what was before."""
    one = escape(answer["id"])
    if not answer["after"]:
        console.print(f"[green]✓[/] {one} was so already; nothing is changed.")
        return
    console.print(f"[green]✓[/] {one}:")
    for field, value in answer["after"].items():
        before = _field(field, answer["before"][field])
        was = f" (before: {before})" if before else ""
        console.print(f"  {field:<12}{_field(field, value) or 'removed'}{was}", highlight=False)


def _field(field: str, value: Any) -> str:  # noqa: ANN401 - as JSON has it
    if value is None or value == "":
        return ""
    if field in LENGTHS:
        return format_duration(value)
    if isinstance(value, dict):
        return foreign(place_text(Place(**_place(value))))
    return foreign(f"{value:g}" if isinstance(value, float) else str(value))


def show_leg(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say that the way is planned otherwise."""
    word = "is taken out" if answer["removed"] else "is planned"
    console.print(f"[green]✓[/] {escape(answer['id'])}: leg {answer['leg']} {word}.")


def show_sensors(
    console: Console, _settings: Settings, answer: dict[str, Any], *, quiet: bool = False
) -> None:
    """Say who speaks for it now."""
    one, sensors = escape(answer["id"]), ", ".join(map(escape, answer["sensors"]))
    if not quiet:
        told = (
            f"{sensors} speak" + "s" * (len(answer["sensors"]) == 1)
            if sensors
            else "no sensor speaks"
        )
        console.print(f"[green]✓[/] {one}: {told} for it now.", soft_wrap=True, highlight=False)
    for sensor in answer.get("unheard", ()):
        console.print(
            f"[yellow]! Nothing of the name {escape(sensor)} was ever heard.[/] It counts once it "
            "is.",
            soft_wrap=True,
        )


def show_moved(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say where a sensor is now, and where it was."""
    show_sensors(console, settings, answer)
    if answer["left"]:
        console.print(f"  It left {escape(', '.join(answer['left']))}.", highlight=False)


def show_moving(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say that a leg began or ended."""
    word = "departed on" if "doubts" in answer else "arrived from"
    console.print(
        f"[green]✓[/] {escape(answer['id'])} {word} leg {answer['leg']}, "
        f"{when(settings, answer['at'])}. In the custody of {foreign(answer['custodian'])}.",
        soft_wrap=True,
        highlight=False,
    )
    _show_doubts(console, answer.get("doubts", []))


def show_handed_over(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say to whom it went, and whether that is confirmed."""
    one, to = escape(answer["id"]), foreign(answer["to"])
    at = when(settings, answer["at"])
    if answer["confirmed"]:
        console.print(f"[green]✓[/] {one} is in the custody of {to} since {at}.", highlight=False)
        return
    console.print(
        f"[yellow]![/] {one} was handed over to {to} at {at}. Until the other side confirms it, "
        f"{foreign(answer['custodian'])} has it: holdwatch consignment confirm {one}",
        soft_wrap=True,
        highlight=False,
    )


def show_confirmed(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say since when another has it."""
    console.print(
        f"[green]✓[/] {escape(answer['id'])} is in the custody of {foreign(answer['to'])} since "
        f"{when(settings, answer['at'])}.",
        highlight=False,
    )


def show_delivered(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say that it is there, and who has it."""
    one, ended = escape(answer["id"]), answer["arrived"]
    leg = f" Leg {ended} ended with that." if ended else ""
    console.print(
        f"[green]✓[/] {one} is delivered, {when(settings, answer['at'])}.{leg} In the custody of "
        f"{foreign(answer['custodian'])}.",
        soft_wrap=True,
        highlight=False,
    )
    if answer["to"] and not answer["confirmed"]:
        console.print(
            f"[yellow]![/] {foreign(answer['to'])} has yet to confirm that it has it: holdwatch "
            f"consignment confirm {one}",
            soft_wrap=True,
            highlight=False,
        )


def show_stage(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say in which stage it is now."""
    console.print(f"{escape(answer['id'])}: {STAGES[answer['stage']]}", highlight=False)


def show_split(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what was split off, and what is left."""
    for one in answer["made"]:
        console.print(f"[green]✓[/] {escape(one['id'])}: {_amount(one) or 'split off'}")
        if not one["sensors"]:
            console.print(
                "  No sensor speaks for it from now on: holdwatch consignment assign "
                f"{escape(one['id'])} SENSOR",
                highlight=False,
                soft_wrap=True,
            )
    if answer["quantity"]:
        console.print(f"{escape(answer['id'])} has {_amount(answer)} left.", highlight=False)
    else:
        console.print(f"Nothing is left of {escape(answer['id'])}.", highlight=False)


def show_merged(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say of what it is made."""
    told = f"{escape(answer['id'])} is made of {escape(', '.join(answer['from']))}"
    console.print(f"[green]✓[/] {told}: {_amount(answer) or 'all of them'}.", highlight=False)
    show_sensors(console, settings, answer)


def show_withdrawn(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what does not hold any more."""
    one = escape(answer["id"])
    gone = ", ".join(f"{each['kind']} {each['number']}" for each in answer["withdrawn"])
    console.print(f"[green]✓[/] Withdrawn, and kept on record: {gone}.", soft_wrap=True)
    if not answer["left"]:
        console.print(f"There is no consignment {one} any more.")


def show_exported(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what was written."""
    told = f"{counted(answer['consignments'], 'consignment')} to {escape(answer['file'])}"
    console.print(f"[green]✓[/] Wrote {told}.", soft_wrap=True)


def show_imported(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what a table brought, or would, and which of its lines are wrong."""
    for one in answer["mistakes"]:
        console.print(
            f"[red]line {one['line']}:[/] {foreign(one['problem'])}. "
            f"{foreign(sentence(one['cure']))}",
            soft_wrap=True,
            highlight=False,
        )
    if answer["known"]:
        told = ", ".join(map(escape, answer["known"][:SHOWN]))
        console.print(
            f"{counted(len(answer['known']), 'consignment')} known already, left as they are: "
            f"{told}. To correct one: holdwatch consignment change",
            soft_wrap=True,
            highlight=False,
        )
    told = counted(len(answer["new"]), "consignment")
    if answer["dry"]:
        console.print(f"{told} would be entered. Without --check they are.")
    else:
        console.print(f"[green]✓[/] {told} entered.")
