"""What the command line shows about devices and the credentials they connect with."""

from __future__ import annotations

import shlex
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.listener.addresses import host_name, own_names
from gateway.screen.plain import counted, foreign, print_rows, when
from gateway.screen.registry import place, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gateway.settings import Settings
    from gateway.settings.listener import Listener, ListenerTls
    from gateway.settings.web import Web

EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - what a person wrote, and nothing is bound to it


def show_devices(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List devices: what and where each is, its last values, and how it stands."""
    if not answer:
        console.print("No device was heard yet.")
        return
    rows = []
    for one in answer:
        name = f" [dim]{foreign(one['name'])}[/]" if one["name"] else ""
        mark = ["[yellow]! unconfirmed[/]"] if one["unconfirmed"] else []
        rows.append(
            (
                "\n".join([escape(one["device"]) + name, *mark]),
                foreign(one["model"] or one["recognised"]),
                place(one),
                when(settings, one["at"]) + (" (its clock is wrong)" if one["clock_wrong"] else ""),
                _values(one),
                _rules(one["rules"]),
            )
        )
    print_rows(console, ("device", "what", "place", "last reading", "values", "rules"), rows)
    for one in answer:
        for said in standing(settings, one | {"unconfirmed": False}):
            console.print(f"{escape(one['device'])}: {said}", soft_wrap=True, highlight=False)
    if any(one["unconfirmed"] for one in answer):
        console.print(
            "Unconfirmed: nobody has named it. If it is yours: holdwatch device confirm ID",
            soft_wrap=True,
        )


def _values(one: dict[str, Any]) -> str:
    if not one["heard"]:
        return (
            f"heard, not understood ({one['quarantined']:,})"
            if one["quarantined"]
            else ("never heard")
        )
    return ", ".join(
        f"{channel} {'no usable value' if value is None else f'{value:g}'}"
        for channel, value in one["values"].items()
    )


def _rules(rules: list[dict[str, Any]]) -> str:
    names = [rule["rule"] for rule in rules]
    return ", ".join(
        f"{rule['rule']}"
        + (f" {rule['channel']}" if rule["channel"] and names.count(rule["rule"]) > 1 else "")
        + f": {rule['state']}"
        for rule in rules
    )


def show_added(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show a new credential with its token, and how a device or a screen uses it."""
    console.print(f"[green]✓[/] {_rights(answer)}.", soft_wrap=True)
    warn_of_patterns(console, [*answer["speaks_for"], *answer["sees"]])
    listener = _listener(settings, answer)
    for label, value in _sheet(settings, listener, answer):
        console.print(f"  {label:<12}{value}", soft_wrap=True, highlight=False, markup=False)
    if answer["token"] is not None:
        console.print(
            "[bold]The password is shown now and never again[/]: put it into the device, or keep "
            "it safe. Lost, it is replaced: revoke it, then add it again.",
            soft_wrap=True,
        )
    if listener is None:
        needed = " with tls and authority" if answer["certificate"] else ""
        console.print(
            f"[yellow]! The settings have no \\[\\[listeners]]{needed} that would let it in.[/] "
            "Add one and restart the gateway.",
            soft_wrap=True,
        )
        return
    console.print("Try it:")
    line = shlex.join(_command(settings, listener, answer))
    console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)


def _rights(credential: dict[str, Any]) -> str:
    """Say what a credential may."""
    may = [
        f"{verb} {escape(', '.join(patterns))}"
        for verb, patterns in (
            ("speak for", credential["speaks_for"]),
            ("see the alerts of", credential["sees"]),
        )
        if patterns
    ]
    return f"{credential['name']} may {' and '.join(may) or 'do nothing'}"


def _sheet(
    settings: Settings, listener: Listener | None, answer: dict[str, Any]
) -> list[tuple[str, str]]:
    """Return what is typed into the device, line by line."""
    name = answer["name"]
    rows: list[tuple[str, str]] = []
    if listener is not None:
        rows += [("host", host_for_others(listener)), ("port", _port(listener))]
    if answer["token"] is None:
        rows.append(("certificate", f"holdwatch tls certificate {name} makes it, and its key"))
        if answer["not_before"]:
            since = when(settings, answer["not_before"])
            rows.append(("", f"those made before {since} were revoked, and stay so"))
    else:
        rows += [("user", name), ("password", answer["token"])]
    if answer["speaks_for"]:
        topic = _topic(answer["speaks_for"])
        rows.append(("topic", f"{topic}, with QoS 1; SITE is where it is"))
    if answer["sees"]:
        rows.append(("subscribe", f"{settings.gateway.prefix}/alerts/+, open alerts as JSON"))
    if "*" in answer["sees"]:
        rows.append(("", f"{settings.gateway.prefix}/status, how many are open"))
    return rows


def show_changed(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what a credential may now."""
    how = "certificate" if answer["certificate"] else "token"
    console.print(
        f"[green]✓[/] {_rights(answer)}. Its {how} stays; whoever subscribes connects anew.",
        soft_wrap=True,
    )
    warn_of_patterns(console, [*answer["speaks_for"], *answer["sees"]])


def warn_of_patterns(console: Console, patterns: Sequence[str]) -> None:
    """Say where a star was forgotten: a pattern that is a name means that one device alone."""
    for one in patterns:
        if one.endswith("-"):
            console.print(
                f"[yellow]! {escape(one)} is the name of one device.[/] For all that begin so: "
                f"{escape(shlex.quote(one + '*'))}",
                soft_wrap=True,
                highlight=False,
            )


def _listener(settings: Settings, credential: dict[str, Any]) -> Listener | None:
    """Return the first listener that lets such a credential in."""
    for one in settings.listeners:
        if credential["certificate"]:
            if one.tls is not None and one.tls.authority is not None:
                return one
        elif one.tls is None or not one.tls.require_certificate:
            return one
    return None


def host_for_others(listener: Listener | Web) -> str:
    """Return what others write as host: with TLS a name that is in the certificate."""
    if listener.tls is not None:
        # Here, because it takes 11 MB that a gateway has no use for.
        from gateway.listener.authority import certified_names  # noqa: PLC0415 - as above

        name = host_name(certified_names(listener.tls.certificate))
        if name is not None:
            return name
    return own_names()[0] if listener.host in EVERYWHERE else listener.host


def _port(listener: Listener) -> str:
    if listener.tls is None:
        here = ", on this machine alone" if listener.loopback else ""
        return f"{listener.port}, without TLS{here}"
    return f"{listener.port}, with TLS; the device trusts {_authority(listener.tls)}"


def _authority(tls: ListenerTls) -> str:
    """Return whom a device has to trust: what `tls init` wrote beside our certificate."""
    beside = tls.certificate.with_name("authority.pem")
    return str(beside) if beside.exists() else "AUTHORITY.pem"


def _command(settings: Settings, listener: Listener, credential: dict[str, Any]) -> list[str]:
    """Return a command that sends a first reading; or, where it sends none, waits for alerts."""
    sends = bool(credential["speaks_for"])
    words = ["mosquitto_pub" if sends else "mosquitto_sub"]
    words += ["-h", host_for_others(listener), "-p", str(listener.port)]
    name, tls = credential["name"], listener.tls
    if tls is not None:
        words += ["--cafile", _authority(tls)]
    if credential["token"] is not None:
        words += ["-u", name, "-P", credential["token"]]
    elif tls is not None:
        made = tls.certificate.with_name("clients") / name
        words += ["--cert", f"{made}.pem", "--key", f"{made}.key"]
    if sends:
        topic = _topic(credential["speaks_for"])
        return [*words, "-q", "1", "-t", topic, "-m", '{"temperature": 4.3}']
    return [*words, "-q", "1", "-v", "-t", f"{settings.gateway.prefix}/alerts/+"]


def _topic(patterns: Sequence[str]) -> str:
    """Return a topic for a device that the first pattern matches, where one is easily found."""
    found = patterns[0].replace("*", "1").replace("?", "1")
    device = found if fnmatchcase(found, patterns[0]) else "DEVICE"
    return f"cargo/SITE/{device}/readings"


def show_revoked(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say that a credential is worth nothing any more."""
    console.print(
        f"[green]✓[/] {answer['name']} is revoked: it cannot connect, and its connections end."
    )


def show_confirmed(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say which devices are confirmed, whether they ever came, and what of them waits."""
    left_out = answer["left_out"]
    if not answer["devices"]:
        console.print("No device was confirmed." if left_out else "No device is unconfirmed.")
    for one in answer["devices"]:
        _show_confirmed(console, settings, one)
    for one in left_out:
        console.print(
            f"[yellow]! {escape(one['device'])} was left out:[/] {escape(one['why'])}",
            soft_wrap=True,
            highlight=False,
        )
    if left_out:
        console.print("If one is yours all the same: holdwatch device confirm ID", soft_wrap=True)


def _show_confirmed(console: Console, settings: Settings, one: dict[str, Any]) -> None:
    device, count = one["device"], one["quarantined"]
    verb = "was confirmed already" if one["already"] else "is confirmed"
    text = f"[green]✓[/] {escape(device)} {verb}."
    if one["since"] is not None:
        text += f" {escape(one['source'])} brought it first, {when(settings, one['since'])}."
    if count:
        text += (
            f" Of it {counted(count, 'message')} may be taken in now: holdwatch quarantine retry"
        )
    elif one["since"] is None and not one["heard"]:
        text += (
            "\n[yellow]! Nothing of that name was ever heard or refused.[/] If it is mistyped: "
            f"holdwatch device confirm --undo {escape(shlex.quote(device))}"
        )
    console.print(text, soft_wrap=True, highlight=False)


def show_unconfirmed(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what a device is now whose confirmation was taken back."""
    now = "listed as unconfirmed" if answer["unconfirmed"] else "as if it had never been named"
    console.print(f"[green]✓[/] {escape(answer['device'])} is {now}.", soft_wrap=True)


def show_credentials(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """List credentials: what each may, and how it stands with the listener."""
    if not answer["credentials"]:
        console.print("There is no credential yet. Add one: holdwatch device add NAME")
        return
    rows = []
    for one in answer["credentials"]:
        owner = f"{one['owner']}/" if one["owner"] else ""
        rows.append(
            (
                one["name"],
                escape(", ".join(owner + pattern for pattern in one["speaks_for"])),
                escape(", ".join(owner + pattern for pattern in one["sees"])),
                "certificate" if one["certificate"] else "token",
                _standing(settings, one),
            )
        )
    print_rows(console, ("name", "may speak for", "may see", "by", "now"), rows)


def _standing(settings: Settings, one: dict[str, Any]) -> str:
    """Say how a credential is used, and how its last connection ended if that was no good-bye."""
    if one["revoked"] is not None:
        return f"[dim]revoked {when(settings, one['revoked'])}[/]"
    count, end = one["connections"], one["end"]
    now = "not connected"
    if count:
        now = "[green]✓ connected[/]" + (f", {count} times" if count > 1 else "")
    if end is None:
        return now
    will = f"; its will: {foreign(end['will'])}" if end["will"] is not None else ""
    return f"{now}; broken off {when(settings, end['at'])}: {foreign(end['why'])}{will}"
