"""What the command line shows of what was learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.learn.proposal import legible, quoted
from gateway.screen.plain import counted, empty_table, foreign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from devices.learn.draft import Unplaced
    from devices.learn.proposal import Proposal, Refused, Understood, UnknownMake


def show_learnt(
    console: Console, proposal: Proposal, subscribe: Sequence[str], broker: str
) -> None:
    """Show what is understood, what would decode the rest, and what has no place.

    `subscribe`: topic filters that `broker` (a name of the settings, "" for none) lacks.
    """
    heard = f"{counted(proposal.messages, 'message')} on {counted(proposal.seen_topics, 'topic')}"
    _say(console, f"Heard {heard}.")
    if proposal.understood:
        _understood(console, proposal.understood)
    if proposal.unknown_makes:
        _unknown_makes(console, proposal.unknown_makes)
    if proposal.refused:
        _refused(console, proposal.refused)
    if proposal.toml:
        _block(console, proposal)
    if proposal.unplaced:
        _unplaced(console, proposal.unplaced)
    if proposal.left:
        _say(
            console,
            f"\n{counted(proposal.left, 'topic')} more, all of other kinds, were not looked at: "
            "learn from fewer with --topic.",
        )
    _topics(console, subscribe, broker)
    _say(console, f"\n{verdict(proposal)}")


def verdict(proposal: Proposal) -> str:
    """Return in one sentence how much is decoded."""
    before = sum(one.messages for one in proposal.understood)
    after = before + proposal.decoded
    if after == before == proposal.messages:
        return "Everything that was heard is understood already."
    if not proposal.blocks:
        return (
            f"Of {counted(proposal.messages, 'message')} {before:,} can be decoded, and for the "
            "others there is nothing to propose."
        )
    return (
        f"Of {counted(proposal.messages, 'message')} {after:,} can be decoded with the proposal, "
        f"and {before:,} without it."
    )


def _say(console: Console, text: str) -> None:
    console.print(legible_lines(text), soft_wrap=True, highlight=False, markup=False)


def legible_lines(text: str) -> str:
    """Return a text whose lines stay lines, and of which a terminal obeys nothing else."""
    return "\n".join(map(legible, text.split("\n")))


def _understood(console: Console, understood: Sequence[Understood]) -> None:
    console.print("\n[bold]Understood already[/]")
    table = empty_table("by", "messages", "devices", "recognised as", "for example")
    for one in understood:
        known = ", ".join(f"{count} {what}" for what, count in one.recognised.items())
        table.add_row(
            foreign(one.envelope),
            f"{one.messages:,}",
            f"{one.devices:,}",
            foreign(known),
            foreign(one.topic),
        )
    console.print(table)


def _unknown_makes(console: Console, makes: Sequence[UnknownMake]) -> None:
    console.print("\n[bold]Nobody has said what these are[/], so their bytes cannot be read")
    table = empty_table("device", "its server says", "messages", "say it")
    for one in makes:
        model = one.near[0] if one.near else "…"
        others = f" (or {', '.join(one.near[1:])})" if one.near[1:] else ""
        table.add_row(
            foreign(one.device),
            foreign(one.called),
            f"{one.messages:,}",
            foreign(f"holdwatch device set {one.device} --model {model}{others}"),
        )
    console.print(table)
    _say(console, "All models: holdwatch device catalogue. Others are read by a vendor's codec.")


def _refused(console: Console, refused: Sequence[Refused]) -> None:
    console.print("\n[bold]Known topics, and yet wrong[/]")
    for one in refused:
        _say(
            console,
            f"  {one.topic} and the like ({one.envelope}, {counted(one.messages, 'message')}): "
            f"{one.reason}: {one.detail}. {one.cure}.",
        )


def _block(console: Console, proposal: Proposal) -> None:
    console.print("\n[bold]For the settings[/]" if proposal.blocks else "\n[bold]Not decoded[/]")
    console.print()
    _say(console, proposal.toml)


def _unplaced(console: Console, unplaced: Sequence[Unplaced]) -> None:
    console.print("[bold]No place for these[/]")
    table = empty_table("topic", "key", "such as", "why")
    for one in unplaced:
        table.add_row(*map(foreign, (one.topic, one.key, one.example, one.hint)))
    console.print(table)


def _topics(console: Console, subscribe: Sequence[str], broker: str) -> None:
    if not subscribe:
        return
    line = f"topics = [{', '.join(map(quoted, subscribe))}]"
    where = f"broker {broker}, beside what its topics hold" if broker else "a [[brokers]] section"
    _say(console, f"\nWhat subscribes to all that, for {where}:\n\n{line}")
