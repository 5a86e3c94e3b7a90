"""What the command line shows about consignments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.consignments.fields import place_text
from gateway.screen.consignment_words import STAGES, amount, place_of, show_doubts, standing
from gateway.screen.plain import counted, foreign, minute, print_rows, sentence, when
from rules.duration import format_duration

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings

SHOWN = 20
"""Lines of a kind that are listed; --json has all of them."""
LENGTHS = ("carried", "ignore", "wait")


def show_open(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List consignments that are not decided."""
    if not answer:
        console.print(
            "No consignment is open. Those that are decided: holdwatch consignment list --all. "
            "A new one: holdwatch consignment add ID --goods …",
            soft_wrap=True,
        )
        return
    show_all(console, settings, answer)


def show_all(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List consignments."""
    if not answer:
        console.print("No consignments: holdwatch consignment add ID --goods …")
        return
    rows = [
        (
            escape(one["id"]),
            _goods(one),
            standing(one),
            minute(settings, one["since"]),
            foreign(one["custodian"]) + ("" if one["confirmed"] else " [yellow]! unconfirmed[/]"),
            f"{one['leg']} of {one['legs']}" if one["leg"] else "",
            str(len(one["sensors"])) if one["sensors"] else "none",
            f"[red]{counted(one['alerts'], 'alert')}[/]" if one["alerts"] else "",
        )
        for one in answer
    ]
    headings = ("consignment", "goods", "stage", "since", "custodian", "leg", "sensors", "")
    print_rows(console, headings, rows)


def _goods(one: dict[str, Any]) -> str:
    return " ".join(part for part in (foreign(one["goods"]), amount(one)) if part)


# -- what was done ---------------------------------------------------------------------------


def show_check(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what a consignment lacks."""
    if not answer["doubts"]:
        console.print(
            f"[green]✓[/] {escape(answer['id'])} has all that {escape(answer['version'])} asks for."
        )
        return
    console.print(f"{escape(answer['id'])}, by {escape(answer['version'])}:", highlight=False)
    show_doubts(console, answer["doubts"])


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
        return foreign(place_text(place_of(value)))
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
    show_doubts(console, answer.get("doubts", []))


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
        console.print(f"[green]✓[/] {escape(one['id'])}: {amount(one) or 'split off'}")
        if not one["sensors"]:
            console.print(
                "  No sensor speaks for it from now on: holdwatch consignment assign "
                f"{escape(one['id'])} SENSOR",
                highlight=False,
                soft_wrap=True,
            )
    left = "nothing" if answer["over"] else amount(answer)
    console.print(f"Of {escape(answer['id'])} {left} is left.", highlight=False)


def show_merged(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say of what it is made."""
    told = f"{escape(answer['id'])} is made of {escape(', '.join(answer['from']))}"
    console.print(f"[green]✓[/] {told}: {amount(answer) or 'all of them'}.", highlight=False)
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
