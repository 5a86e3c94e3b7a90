"""What the command line shows of profiles of goods, and the guide to goods in its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from devices.reading import QUANTITIES
from gateway.screen.plain import counted, print_rows
from rules.duration import YEAR, format_duration
from rules.profile import channels_of
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gateway.goods_files import Shelf
    from rules.profile import Profile, Range
    from rules.rehearsal import Rehearsed
    from rules.rule import Rule

HEADINGS = ("name", "goods", "range", "of", "basis")
WIDTH = 14
SHOWN = 20
"""Lines of what failed in one test: an alert that comes each hour would fill the screen."""


def show_goods(console: Console, profiles: Sequence[Profile]) -> None:
    """List profiles."""
    print_rows(console, HEADINGS, [[escape(cell) for cell in cells(one)] for one in profiles])
    console.print(
        f"{counted(len(profiles), 'profile')}. All of one: holdwatch goods show NAME. Begin your "
        "own with: holdwatch goods show NAME --toml"
    )


def show_own_goods(console: Console, shelf: Shelf) -> None:
    """Say which profiles stand beside ours, if any."""
    names = [path.stem for path in shelf.files()]
    if names:
        console.print(f"Profiles of goods beside ours: {escape(', '.join(names))}", soft_wrap=True)


def cells(profile: Profile) -> tuple[str, ...]:
    """Return what stands in a profile's line, under HEADINGS."""
    return (
        profile.name,
        profile.title,
        "; ".join(_short(one) for one in profile.ranges) or "by its rules alone",
        profile.measures,
        profile.basis,
    )


def range_words(meant: Range) -> str:
    """Return a range in words: "temperature 2 to 8 °C, aim 5 °C"."""
    unit = QUANTITIES[meant.channel.partition(".")[0]].unit
    aim = "" if meant.aim is None else f", aim {meant.aim:g} {unit}".rstrip()
    return f"{meant.channel} {meant.words()} {unit}".rstrip() + aim


def _short(meant: Range) -> str:
    """Return a range for a table; what has no place is told by its unit alone."""
    channel = f"{meant.channel} "
    words = range_words(meant)
    plain = channel.strip() in QUANTITIES and QUANTITIES[channel.strip()].unit
    return words.removeprefix(channel) if plain else words


def show_profile(console: Console, profile: Profile) -> None:
    """Show all of a profile."""
    console.print(f"[bold]{escape(profile.title)}[/] ({profile.version()})", highlight=False)
    for label, value in _lines(profile):
        console.print(f"  {label:<{WIDTH}}{value}", soft_wrap=True, highlight=False, markup=False)
    console.print("  when something is wrong", highlight=False)
    for line in profile.instructions.strip().splitlines():
        console.print(f"    {line}", soft_wrap=True, highlight=False, markup=False)


def _lines(profile: Profile) -> Iterator[tuple[str, str]]:
    yield "source", f"{profile.source} ({profile.basis})"
    if profile.extends:
        yield "extends", profile.extends
    for index, one in enumerate(profile.ranges):
        yield "" if index else "range", f"{range_words(one)} ({profile.measures})"
    yield "needs", needs(profile)
    label = "rules"
    for rule in profile.rules:
        about = ", ".join((rule.severity, *sorted(channels_of(rule))))
        yield label, f"{rule.name} ({about}): {limits(rule)}"
        label = ""
        for line in conditions(rule):
            yield "", f"  {line}"
        if rule.note:
            yield "", f"  {rule.note}"
    yield "proposes", criteria(profile)
    if profile.energy is not None:
        yield "energy", f"{profile.energy:g} kJ/mol, for the mean kinetic temperature"
    yield "kept", years(profile.keep)
    yield "tests", counted(len(profile.tests), "test")


def needs(profile: Profile) -> str:
    """Return what must be measured, and how often at least."""
    channels = ", ".join(profile.channels())
    often = (
        "" if profile.interval is None else f", at least every {format_duration(profile.interval)}"
    )
    return channels + often


def limits(rule: Rule) -> str:
    """Return what a rule does not allow, in words."""
    return "; ".join(part.limit() for part in rule.parts())


def conditions(rule: Rule) -> Iterator[str]:
    """Yield when a rule applies, what excuses it and where it becomes graver, in words."""
    only = rule.only
    if only is not None:
        where = (*only.stages, *only.modes, *(f"leg {number}" for number in only.legs))
        words = [f"while {', '.join(where).replace('_', ' ')}"] if where else []
        if only.schedule is not None:
            when = only.schedule
            words.append(f"{', '.join(when.days)} from {when.start} to {when.end} {when.timezone}")
        yield f"only {', '.join(words)}"
    for part in rule.parts():
        if not isinstance(part, SampleRule):
            continue
        for step in part.steps:
            place = (
                f"after {format_duration(step.after)}"
                if step.after is not None
                else f"{step.beyond:g} beyond the limit"
            )
            yield f"{step.severity} {place}"
    if isinstance(rule, SampleRule) and rule.grace is not None:
        yield f"excused: {rule.grace.words()}"


def criteria(profile: Profile) -> str:
    """Return how a verdict is proposed, in words."""
    told = profile.criteria
    words = []
    if told.reject:
        words.append(f"reject after {', '.join(told.reject)}")
    if told.accept:
        words.append(f"release in spite of {', '.join(told.accept)}")
    words.append(f"hold after any {'other ' * bool(words)}alert")
    unknown = format_duration(told.unknown) if told.unknown else "any time"
    words.append(f"indeterminate where nobody knows of {unknown}{' or more' * bool(told.unknown)}")
    return "; ".join(words)


def years(length: int) -> str:
    """Return how long something is kept."""
    whole, rest = divmod(length, YEAR)
    return format_duration(length) if rest or not whole else counted(whole, "year")


def show_rehearsed(
    console: Console, name: str, tests: Sequence[Rehearsed], mistakes: str = ""
) -> None:
    """Say in a line how a profile's tests went; below it what failed."""
    failed = [one for one in tests if not one.well]
    well = not failed and not mistakes
    count = (
        counted(len(tests), "test") if well else f"{len(failed)} of {counted(len(tests), 'test')}"
    )
    told = "cannot be read" if mistakes else (count if tests else "has no tests")
    style = "green" if well else "bold red"
    word = "ok" if well else "FAILED"
    console.print(f"[{style}]{word:<7}[/]{escape(name)}  {told}", highlight=False, soft_wrap=True)
    if mistakes:
        for line in mistakes.splitlines():
            console.print(f"    {line}", highlight=False, soft_wrap=True, markup=False)
    for one in failed:
        console.print(f"    {one.name}:  - expected, + came", highlight=False, markup=False)
        lines = one.difference()
        if len(lines) > SHOWN:
            lines = [*lines[:SHOWN], f"… and {len(lines) - SHOWN} more"]
        for line in lines:
            console.print(f"      {line}", highlight=False, soft_wrap=True, markup=False)
