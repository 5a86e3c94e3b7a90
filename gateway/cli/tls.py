"""`holdwatch tls`: certificates for the gateway and for devices, by an authority of one's own."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.asking import REFUSED, fail
from gateway.cli.certificates import FOLDER, Folder, accept, now, renew, request, say, told
from gateway.listener.addresses import host_name, own_names
from gateway.listener.principal import ANONYMOUS
from gateway.settings.values import slug

tls_app = typer.Typer(
    no_args_is_help=True,
    help="Certificates for the gateway and its devices, by an authority of your own.",
)

_INIT = """\
{authority} in {folder}, good until {until}.
Signed a certificate of this gateway, good until {signed_until}, for the names {names}.

authority.pem   Give it to every device, program and browser that connects. It is no secret. On a
                phone: open the file, and let it be installed as an authority (CA certificate).
authority.key   Secret: whoever has it can pass for this gateway and for any device. The gateway
                does not need it: keep it offline, such as on a USB stick under lock. Put it back
                only for the next holdwatch tls init or holdwatch tls certificate.
server.pem      Stays here; the gateway shows it.
server.key      Secret, stays here, and belongs to the user that the gateway runs as.
{renewing}
For the settings; paths count from the folder of the settings file:

  [[listeners]]
  host = "0.0.0.0"
  tls = {{ certificate = "{folder}/server.pem", key = "{folder}/server.key" }}

  [web]
  host = "0.0.0.0"
  tls = {{ certificate = "{folder}/server.pem", key = "{folder}/server.key" }}

Restart the gateway, open the page at https://{host}:8470, and make each device a token:
holdwatch device add NAME. To try it:

  mosquitto_pub --cafile {folder}/authority.pem -h {host} -p 8883 -u NAME -P TOKEN -q 1 \\
    -t cargo/SITE/NAME/readings -m '{{"temperature": 4.5}}'
"""
_RENEWING = """\
renewing.key    Secret, stays here: it signs this gateway's certificates, and nothing else.

For the settings, so that they are renewed before they end:

  [renewal]
  certificate = "{folder}/server.pem"
  key = "{folder}/server.key"
"""
_CERTIFICATE = """\
Signed a certificate of {name}, good until {until}.

{certificate}   To the device. It is no secret.
{key}   Secret: to the device, on a way that nobody else reads; then remove it here.
{folder}/authority.pem   To the device too: by it the device knows the gateway.

For the settings, so that devices may show certificates:

  tls = {{ certificate = "{folder}/server.pem", key = "{folder}/server.key", \
authority = "{folder}/authority.pem" }}

Then say what it may speak for: holdwatch device add {name} --certificate. If it is lost or \
stolen: holdwatch device revoke {name}; then make another, and add it again. To try it:

  mosquitto_pub --cafile {folder}/authority.pem --cert {certificate} --key {key} \\
    -h {host} -p 8883 -q 1 -t cargo/SITE/{name}/readings -m '{{"temperature": 4.5}}'
"""


@tls_app.command("init")
def tls_init(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAMES]",
            help="Further names and addresses by which devices reach this gateway, besides the "
            "machine's own.",
            show_default=False,
        ),
    ] = None,
    folder: Folder = FOLDER,
    renewing: Annotated[  # noqa: FBT002 - an option without a value
        bool,
        typer.Option(
            "--renewing",
            help="Make also what stays here and renews this gateway's certificate by itself.",
        ),
    ] = False,
) -> None:
    """Make a local authority, once, and a certificate of this gateway, each time anew."""
    # Here, because a running gateway has no need of it, and it takes 11 MB.
    from gateway.listener.authority import Authority, general_name  # noqa: PLC0415 - as above
    from gateway.listener.renewing import Renewing  # noqa: PLC0415 - as above

    with told(folder):
        moment = now()
        own = own_names()
        for name in names or ():
            general_name(name)  # before anything is written
        made = not (folder / "authority.pem").exists() and not (folder / "authority.key").exists()
        authority = (
            Authority.make(folder, moment, own[0], below=renewing)
            if made
            else Authority.open(folder, moment)
        )
        earlier = authority.server_names()
        # Whatever devices connect by today, they shall connect by tomorrow.
        wanted = list(dict.fromkeys([*(names or ()), *earlier, *own]))
        signing = Renewing.make(authority, wanted, moment) if renewing else authority
        issued = signing.server(wanted, moment)
    kept = [name for name in earlier if name not in {*(names or ()), *own}]
    if kept:
        say(
            f"Kept from the certificate before: {', '.join(kept)}. To leave a name out, remove "
            f"{folder}/server.pem and give tls init again, with the names that are wanted.\n\n"
        )
    say(
        _INIT.format(
            authority="Made an authority" if made else "Took up the authority",
            folder=folder,
            until=f"{authority.until:%Y-%m-%d}",
            signed_until=f"{issued.until:%Y-%m-%d}",
            names=", ".join(wanted),
            host=host_name(wanted) or wanted[0],
            renewing=_RENEWING.format(folder=folder) if renewing else "",
        )
    )


@tls_app.command("certificate")
def tls_certificate(
    name: Annotated[str, typer.Argument(help="The device's name: that of its credential.")],
    folder: Folder = FOLDER,
) -> None:
    """Make a certificate by which a device shows who it is, in place of a token."""
    from gateway.listener.authority import Authority  # noqa: PLC0415 - as above

    if name != slug(name) or not name or len(name) > 60 or name == ANONYMOUS:
        raise fail(
            f"{name!r} cannot be the name of a credential. Use up to 60 small letters, digits and "
            f"hyphens, and not {ANONYMOUS!r}.",
            REFUSED,
        )
    with told(folder):
        moment = now()
        authority = Authority.open(folder, moment)
        names = authority.server_names()
        issued = authority.client(name, moment)
    say(
        _CERTIFICATE.format(
            name=name,
            folder=folder,
            certificate=issued.certificate,
            key=issued.key,
            host=host_name(names) or next(iter(names), "localhost"),
            until=f"{issued.until:%Y-%m-%d}",
        )
    )


tls_app.command("request")(request)
tls_app.command("accept")(accept)
tls_app.command("renew")(renew)
