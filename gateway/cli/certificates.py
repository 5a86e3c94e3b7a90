"""`holdwatch tls request`, `accept` and `renew`: certificates from a company's authority."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.asking import DEFAULT, REFUSED, SettingsPath, errors, fail, out
from gateway.clock import Clock
from gateway.listener.addresses import own_names
from gateway.settings import load
from gateway.settings.secret import secret_variables

_REQUEST = """\
{key_told}
Wrote the request {request}, for the names {names}.

Hand it to your company's authority, as a certificate of a web server. What comes back, with the
chain of those who signed it, goes into: holdwatch tls accept FILE --folder {folder}
Until then the certificate in use stays as it is.
"""
_ACCEPTED = """\
Took in the certificate of {name}, signed by {issuer}, good until {until}{key_told}.
It is in {folder}/server.pem, with all that leads to its authority: {chain}.

A running gateway takes it up within a minute, listener and page, and nobody is disconnected.
Devices and browsers must trust {root}.
"""

Folder = Annotated[
    Path, typer.Option(help="Where the authority and the certificates are.", show_default=True)
]
FOLDER = Path("tls")


def request(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAMES]",
            help="Further names and addresses by which devices and people reach this gateway, "
            "besides the machine's own.",
            show_default=False,
        ),
    ] = None,
    folder: Folder = FOLDER,
    new_key: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--new-key", help="With a new key, in place of the one in use.")
    ] = False,
    rsa: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--rsa", help="An RSA key, for authorities that sign no EC keys.")
    ] = False,
) -> None:
    """Make a key and a request for a certificate, to hand to your company's authority."""
    # Here, because a running gateway has no need of it, and it takes 11 MB.
    from gateway.certificates.request import request as make  # noqa: PLC0415 - as above
    from gateway.listener.authority import certified_names  # noqa: PLC0415 - as above

    with told(folder):
        earlier = certified_names(folder / "server.pem")
        wanted = list(dict.fromkeys([*(names or ()), *earlier, *own_names()]))
        made = make(folder, wanted, new_key=new_key, as_rsa=rsa)
    say(
        _REQUEST.format(
            key_told=f"Made a key, {made.key}: it is secret, and never leaves this machine."
            if made.made
            else f"Took the key that is there, {made.key}.",
            request=made.request,
            names=", ".join(wanted),
            folder=folder,
        )
    )


def accept(
    file: Annotated[Path, typer.Argument(help="What came back: PEM, DER or PKCS #7.")],
    chain: Annotated[
        list[Path] | None,
        typer.Option(help="Those who signed it, where they are in files of their own. Repeatable."),
    ] = None,
    folder: Folder = FOLDER,
    fewer_names: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--fewer-names", help="Take it though it lacks names of the request.")
    ] = False,
) -> None:
    """Check a certificate that your company's authority has signed, and put it in its place."""
    from cryptography import x509  # noqa: PLC0415 - see request

    from gateway.certificates.accepting import Place  # noqa: PLC0415 - see request
    from gateway.certificates.accepting import accept as take  # noqa: PLC0415 - as above
    from gateway.certificates.chain import names_in  # noqa: PLC0415 - as above
    from gateway.listener.authority import AuthorityError  # noqa: PLC0415 - as above

    with told(folder):
        asked = folder / "server.request.pem"
        if not asked.exists():
            raise AuthorityError(
                f"There is no request in {folder}. Begin with: holdwatch tls request --folder "
                f"{folder}"
            )
        wanted = x509.load_pem_x509_csr(asked.read_bytes()).extensions
        names = wanted.get_extension_for_class(x509.SubjectAlternativeName).value
        accepted = take(
            Place.of(folder),
            [(read(one), str(one)) for one in (file, *(chain or ()))],
            names=[str(one.value) for one in names],
            roots=(),
            now=now(),
            fewer=fewer_names,
        )
    found = accepted.chain
    say(
        _ACCEPTED.format(
            name=names_in(found.certificate)[0],
            issuer=found.certificate.issuer.rfc4514_string(),
            until=f"{found.certificate.not_valid_after_utc:%Y-%m-%d}",
            key_told=", with its new key" if accepted.new_key else "",
            folder=folder,
            chain=", ".join(one.subject.rfc4514_string() for one in (*found.between, found.root)),
            root=found.root.subject.rfc4514_string(),
        )
    )


def renew(config: SettingsPath = DEFAULT) -> None:
    """Renew the certificate now, as [renewal] says, though it need not be yet."""
    from gateway.certificates.renewal import RenewalError, Renewer  # noqa: PLC0415 - see request

    with errors():
        settings = load(config)
        if settings.renewal is None:
            raise fail("There is no [renewal] in the settings, so nothing can be renewed.", REFUSED)
        moment = int(now().timestamp() * 1000)
        try:
            file = asyncio.run(Renewer(settings.renewal, secret_variables(settings)).renew(moment))
        except (RenewalError, ValueError) as error:
            raise fail(f"{str(error).rstrip('.')}. The old certificate stays.", REFUSED) from error
    say(f"Renewed {file}. A running gateway takes it up within a minute.\n")


def read(file: Path) -> bytes:
    """Return what is in a file. AuthorityError if it cannot be read."""
    from gateway.listener.authority import AuthorityError  # noqa: PLC0415 - see request

    try:
        return file.read_bytes()
    except OSError as error:
        raise AuthorityError(f"Cannot read {file}: {error.strerror}") from error


def now() -> datetime:
    """Return the time, if this machine's clock is right enough to sign by."""
    clock = Clock()
    moment = datetime.fromtimestamp(clock.now() / 1000, UTC)
    if not clock.trusted():
        raise fail(
            f"This machine's clock says {moment:%Y-%m-%d}, and a certificate that begins then "
            "would end too early. Set the clock, then try again.",
            REFUSED,
        )
    return moment


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn what can go wrong into a sentence and an exit code."""
    from gateway.listener.authority import AuthorityError  # noqa: PLC0415 - see request

    with errors():
        try:
            yield
        except AuthorityError as error:
            raise fail(f"{error}.", REFUSED) from error
        except PermissionError:
            raise
        except OSError as error:
            raise fail(f"Cannot write to {folder}: {error.strerror}.", REFUSED) from error


def say(text: str) -> None:
    """Print a text as it is."""
    out.print(text, soft_wrap=True, highlight=False, markup=False, end="")
