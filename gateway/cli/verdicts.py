"""`holdwatch consignment verdict`, `report`, `sign`, `reports`, `verify`: what becomes of goods.

The PDF is made here, of the report that the gateway sends: the gateway has other things to do.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from gateway.cli.asking import (
    DEFAULT,
    FILE,
    REFUSED,
    Json,
    SettingsPath,
    ask,
    ask_and_show,
    errors,
    fail,
    out,
    print_answer,
)
from gateway.cli.consignment_way import Id
from gateway.consignments.report import MEANINGS, WORDS, Decision, Report, Version, canonical, short
from gateway.screen import verdicts as screen
from gateway.settings import Settings, load

_DIGEST = re.compile(rb"sha256:([0-9a-f]{64})")


def verdict(id: Id, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: A002, FBT002 - the field's word; an option without a value
    """Judge a consignment by its goods: what is proposed, why, and what was measured."""
    request = {"do": "consignment-verdict", "id": id}
    ask_and_show(config, request, screen.show_verdict, json=json)


def reports(id: Id, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: A002, FBT002 - as above
    """List the reports that were signed: by whom, when, what it means, and their digests."""
    request = {"do": "consignment-reports", "id": id}
    ask_and_show(config, request, screen.show_reports, json=json)


def report(
    id: Id,  # noqa: A002 - the field's word
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Where to: report.pdf, or report.json.")
    ],
    version: Annotated[
        int | None,
        typer.Option(help="Which version; 0 is a draft. Otherwise the newest, or a draft."),
    ] = None,
    config: SettingsPath = DEFAULT,
) -> None:
    """Write a report as a PDF, or all that it is made of as JSON."""
    with errors():
        answer = ask(load(config), {"do": "consignment-report", "id": id, "version": version})
        found = _version(answer)
        body = answer["report"].encode() if output.suffix == ".json" else _pdf(found)
    try:
        output.write_bytes(body)
    except OSError as error:
        raise fail(f"{output}: {error.strerror}.", FILE) from error
    what = f"report version {found.number}" if found.number else "draft, not signed"
    out.print(f"{output}: {what}, {short(found.digest)}", highlight=False, markup=False)


def sign(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    meaning: Annotated[
        str, typer.Option(help=f"What your signature means: {', '.join(MEANINGS)}.")
    ],
    login: Annotated[str, typer.Option("--as", help="Who signs: a person of `user list`.")],
    name: Annotated[
        str, typer.Option(help="Your name as it is printed; otherwise as you signed last.")
    ] = "",
    reason: Annotated[
        str, typer.Option(help="Why; needed where the proposal is not followed.")
    ] = "",
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Show the verdict, ask for your password, and sign what was shown.

    The password is read from the terminal, or else from the first line of standard input.
    """
    if meaning not in WORDS:
        raise fail(f"--meaning {meaning}: use one of {', '.join(MEANINGS)}.", REFUSED)
    with errors():
        settings = load(config)
        seen = ask(settings, {"do": "consignment-verdict", "id": id})
        if not json:
            screen.show_verdict(out, settings, seen)
        request = {
            "do": "consignment-sign",
            "id": id,
            "login": login,
            "password": _password(login, meaning),
            "meaning": meaning,
            "name": name,
            "reason": reason,
            **{key: seen[key] for key in ("made", "head", "digest")},
        }
        answer = ask(settings, request)
    print_answer(answer, screen.show_signed, settings, json=json)


def verify(
    file: Annotated[Path, typer.Argument(help="A report: a PDF, or JSON.")],
    id: Id,  # noqa: A002 - the field's word
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Check that a report is what was signed; exit code 1 if it is not."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise fail(f"{file}: {error.strerror}.", FILE) from error
    with errors():
        settings = load(config)
        answer = _checked(settings, id, file.name, content)
    print_answer(answer, screen.show_checked, settings, json=json)
    if not answer["same"]:
        raise typer.Exit(REFUSED)


def add_to(app: typer.Typer) -> None:
    """Add these commands to those about consignments."""
    for command in (verdict, report, reports, sign, verify):
        app.command()(command)


def _password(login: str, meaning: str) -> str:
    if sys.stdin.isatty():
        words = f"Password of {login}, to sign: {WORDS[meaning]}"  # type: ignore[index] # it was checked
        return str(typer.prompt(words, hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _version(answer: dict[str, Any]) -> Version:
    """Return a report as the gateway sent it."""
    decision = answer["decision"]
    return Version(
        number=answer["version"],
        report=msgspec.json.decode(answer["report"], type=Report),
        digest=answer["digest"],
        decision=None if decision is None else msgspec.convert(decision, Decision),
    )


def _pdf(version: Version) -> bytes:
    # Loaded only now: no other command needs it.
    from gateway.consignments.report_pdf.document import make_pdf  # noqa: PLC0415 - as above

    return make_pdf(version)


def _checked(settings: Settings, identity: str, name: str, content: bytes) -> dict[str, Any]:
    """Return whether a file is a signed report, and what is to be said of it."""
    is_pdf = content.startswith(b"%PDF")
    digest = _told_digest(content) if is_pdf else _json_digest(content)
    found = next(
        (
            one
            for one in ask(settings, {"do": "consignment-reports", "id": identity})
            if one["digest"] == digest
        ),
        None,
    )
    if found is None:
        told = f"{name} is no report on {identity} that was signed here"
        return {"same": False, "version": None, "digest": digest, "told": told}
    number, decision = found["version"], found["decision"]
    signed = f"report version {number} on {identity}, {WORDS[decision['meaning']]} by "
    signed += f"{decision['name']} ({decision['login']})"
    same = True
    if is_pdf:
        request = {"do": "consignment-report", "id": identity, "version": number}
        same = _pdf(_version(ask(settings, request))) == content
    told = (
        f"{name} is {signed}: byte by byte"
        if same
        else f"{name} says that it is {signed}, but its bytes are others: it was changed, or "
        "another version of Holdwatch made it. Make it again: "
        f"holdwatch consignment report {identity} --version {number} -o FILE.pdf"
    )
    return {"same": same, "version": number, "digest": digest, "told": told}


def _told_digest(pdf: bytes) -> str:
    """Return the digest that a PDF of ours names, "" if it names none."""
    found = _DIGEST.search(pdf)
    return found[1].decode() if found else ""


def _json_digest(content: bytes) -> str:
    try:
        plain = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise fail(f"This is neither a PDF nor JSON: {error}.", FILE) from error
    return hashlib.sha256(canonical(plain)).hexdigest()
