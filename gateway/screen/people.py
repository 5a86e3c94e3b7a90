"""What the command line shows about people, wall screens, keys and the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from rich.markup import escape

from gateway.clock import RELEASED
from gateway.people.api_keys import PUSH
from gateway.screen.devices import host_for_others, warn_of_patterns
from gateway.screen.plain import empty_table, foreign, last_day, when
from gateway.settings.address import with_port

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings
    from gateway.settings.web import Web

ONCE = "is shown now and never again[/]"


def show_password(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show a person's new password, and where to use it."""
    role = f" as {answer['role']}" if "role" in answer else ""
    console.print(f"[green]✓[/] {answer['name']} logs in{role} with:")
    rows = [("user", answer["name"]), ("password", answer["password"])]
    _sheet(console, [*_page(settings), *rows])
    console.print(
        f"[bold]The password {ONCE}. Lost, it is replaced: holdwatch user reset {answer['name']}",
        soft_wrap=True,
    )
    _warn_without_page(console, settings)


def show_users(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List people."""
    if not answer:
        console.print("Nobody may use the page yet. Add somebody: holdwatch user add NAME")
        return
    table = empty_table("name", "role", "last seen", "added", "signs in")
    for one in answer:
        gone = one["removed"] is not None
        table.add_row(
            one["name"],
            f"[dim]removed {when(settings, one['removed'])}[/]" if gone else one["role"],
            when(settings, one["seen"]) or "never",
            when(settings, one["added"]),
            foreign(urlsplit(one["issuer"]).hostname or "") if one["issuer"] else "here",
        )
    console.print(table)


def show_role(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say which role a person has now."""
    console.print(
        f"[green]✓[/] {answer['name']} is {answer['role']}, and has to log in again.",
        soft_wrap=True,
    )


def show_removed(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say that a person or a screen is let in no more."""
    console.print(f"[green]✓[/] {answer['name']} is let in no more, and what was open ends.")


def show_admitted(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say that a person of a provider may sign in again."""
    console.print(f"[green]✓[/] {answer['name']} may sign in again.")


def show_screen(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show a wall screen's link."""
    name, web = answer["name"], settings.web
    console.print(f"[green]✓[/] Open this in the browser of the screen {name}, once:")
    if web is None:
        _sheet(console, [("token", answer["token"])])
    else:
        _sheet(console, [("link", f"{page_address(web)}/enter#{answer['token']}")])
    console.print(
        f"[bold]It {ONCE}, and whoever has it sees everything. Lost, it is replaced: holdwatch "
        f"screen revoke {name}, then holdwatch screen add {name}",
        soft_wrap=True,
    )
    if web is not None and web.loopback:
        console.print(
            "[yellow]! \\[web] listens on this machine alone:[/] a screen elsewhere cannot open "
            "it.",
            soft_wrap=True,
        )
    _warn_without_page(console, settings)


def show_screens(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List wall screens: which are connected, which should be."""
    if not answer:
        console.print("There is no wall screen yet. Add one: holdwatch screen add NAME")
        return
    table = empty_table("name", "now", "last seen", "added")
    for one in answer:
        if one["removed"] is not None:
            now = f"[dim]revoked {when(settings, one['removed'])}[/]"
        elif one["connected"]:
            now = "[green]✓ connected[/]"
        else:
            now = "not opened yet" if one["seen"] is None else "[yellow]! not connected[/]"
        table.add_row(
            one["name"], now, when(settings, one["seen"]) or "never", when(settings, one["added"])
        )
    console.print(table)


def show_key(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show a new key, and how a program uses it."""
    console.print(f"[green]✓[/] {answer['name']} may {', '.join(answer['scopes'])}, with:")
    pushes, path = ", ".join(answer["speaks_for"]), "/api/v1"
    rows = [("key", answer["token"]), ("sent as", "Authorization: Bearer KEY")]
    if pushes:
        rows += [("or as", f"Basic, user {answer['name']}, password KEY"), ("pushes", pushes)]
    if answer["scopes"] == [PUSH]:
        path += "/push"
    else:
        rows.append(("devices", ", ".join(answer["devices"])))
    rows.append(("until", when(settings, answer["expires"])))
    _sheet(console, [*_page(settings, path, "address"), *rows])
    warn_of_patterns(console, [*answer["speaks_for"], *answer["devices"]])
    console.print(
        f"[bold]The key {ONCE}. Lost, it is replaced: revoke it, then add it again.",
        soft_wrap=True,
    )
    _warn_without_page(console, settings)


def show_keys(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List keys: what each may, and until when."""
    if not answer:
        console.print("There is no API key yet. Add one: holdwatch key add NAME --scope read")
        return
    table = empty_table("name", "may", "devices", "until")
    for one in answer:
        until = when(settings, one["expires"])
        if one["revoked"] is not None:
            until = f"[dim]revoked {when(settings, one['revoked'])}[/]"
        elif not one["good"]:
            until = f"[yellow]! expired {until}[/]"
        devices = [] if one["scopes"] == [PUSH] else [", ".join(one["devices"])]
        if one["speaks_for"]:
            devices.append(f"pushes {', '.join(one['speaks_for'])}")
        table.add_row(one["name"], ", ".join(one["scopes"]), escape("; ".join(devices)), until)
    console.print(table)


def show_key_revoked(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say that a key is worth nothing any more."""
    console.print(f"[green]✓[/] {answer['name']} is revoked: whoever sends it is refused.")


def show_audit(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List what people did, newest first."""
    if not answer:
        console.print("Nobody has done anything yet.")
        return
    table = empty_table("number", "when", "who", "by", "what", "to", "")
    for one in answer:
        who = one["who"]
        by = f"{who['via']} {who['address']}".strip()
        reason = f"“{one['reason']}”" if one["reason"] else ""
        more = " ".join(part for part in (reason, _change(settings, one)) if part)
        table.add_row(
            str(one["number"]),
            when(settings, one["at"]),
            foreign(who["name"]),
            foreign(by),
            foreign(one["what"]),
            foreign(one["object"]),
            foreign(more),
        )
    console.print(table)
    if answer[-1]["number"] > 1:
        console.print(f"Those before: --before {answer[-1]['number']}")


def _change(settings: Settings, entry: dict[str, Any]) -> str:
    """Say what was before and what is now, as far as they differ."""
    before, after = entry["before"], entry["after"]
    old = before if isinstance(before, dict) else {"": before}
    new = after if isinstance(after, dict) else {"": after}
    told = []
    for name in old | new:
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        if name == "expires" and entry["what"] in {"device-calibrate", "device-withdraw"}:
            was, now = (_last_day(settings, one) for one in (was, now))
        if before is None:
            change = _said(settings, now)
        elif after is None:
            change = f"was {_said(settings, was)}"
        else:
            change = f"{_said(settings, was)} → {_said(settings, now)}"
        told.append(f"{name}: {change}" if name else change)
    return ", ".join(told)


def _last_day(settings: Settings, expires: object) -> object:
    """Return the last day on which a calibration is good; it ends with that day."""
    return last_day(settings, expires) if isinstance(expires, int) else expires


def _said(settings: Settings, fact: object) -> str:
    """Say a fact: a text as it is, a list by its items, anything else as JSON has it."""
    if isinstance(fact, str):
        return fact
    if isinstance(fact, list) and all(isinstance(one, str) for one in fact):
        return " ".join(fact)
    if isinstance(fact, int) and fact > RELEASED:
        return when(settings, fact)
    return "nothing" if fact is None else msgspec.json.encode(fact).decode()


def page_address(web: Web) -> str:
    """Return where others find the page, or, if they cannot, where this machine does."""
    if web.loopback:
        return web.url
    scheme = "https" if web.tls else "http"
    return f"{scheme}://{with_port(host_for_others(web), web.port)}"


def _page(settings: Settings, path: str = "/", label: str = "page") -> list[tuple[str, str]]:
    return [(label, page_address(settings.web) + path)] if settings.web is not None else []


def _sheet(console: Console, rows: list[tuple[str, str]]) -> None:
    for label, value in rows:
        console.print(f"  {label:<10}{value}", soft_wrap=True, highlight=False, markup=False)


def _warn_without_page(console: Console, settings: Settings) -> None:
    if settings.web is None:
        console.print(
            "[yellow]! The settings have no \\[web]: there is no page.[/] Add it, and restart the "
            "gateway.",
            soft_wrap=True,
        )
