"""Makes what compose.yml needs to be secret: passwords, tokens, keys and certificates.

    sudo deploy/secrets gateway.example.org     the names by which others reach this machine
    sudo deploy/secrets --sensor fridge-7       a password of a sensor that uses Mosquitto

What is there already stays as it is; only a name that no certificate holds yet is added to them.
All lies in secrets.d, a folder for each container. It belongs to root, and the group that the
container alone runs as may read it: nobody else can put a link there that root would follow. It
needs Python 3.11 and openssl, and nothing of Holdwatch.
"""

# ruff: noqa: INP001, T201 - a script: it is run, nobody imports it, and it prints

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import secrets
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from ipaddress import ip_address
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "secrets.d"
GROUPS = {"holdwatch": 78470, "mosquitto": 78471, "influxdb": 78472, "grafana": 78473}
"""Each container, and the number of its group: as compose.yml says. On the machine itself nobody
has these: Debian gives people numbers below 60000. The containers' users may be people's numbers,
as InfluxDB's 1000 is, since its image has folders of that one: nothing here belongs to them."""
AUTHORITY = "authority"
DAYS = "3650"
ITERATIONS = 101
"""Mosquitto's own. These passwords are 128 random bits: nobody finds one by trying."""

Give = Callable[[Path, int], None]
"""Lets a group read a file or folder."""


class RefusedError(Exception):
    """It cannot be done. The text says why and what to do."""


def give_group(path: Path, group: int) -> None:
    """Let a group read a file or folder, which stays root's. Only root may."""
    os.chown(path, 0, group, follow_symlinks=False)


def own_folder(path: Path, mode: int) -> None:
    """Make a folder, or take one that is ours, so that nobody else can put anything into it.

    Raises RefusedError where it is no folder, or somebody else's.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        raise foreign(path, "is a link, or no folder") from None
    try:
        if os.fstat(folder).st_uid != os.geteuid():
            raise foreign(path, "belongs to somebody else")
        os.fchmod(folder, mode)
    finally:
        os.close(folder)


def look_through(folder: Path, *, but: Collection[str] = ()) -> None:
    """Look whether all in a folder of ours is ours, before it is read, written or given away.

    Raises RefusedError at what somebody else may have put there, while it was not closed: a link
    of either kind, or a file of theirs.
    """
    for path in folder.iterdir():
        if path.name in but:
            continue
        told = path.lstat()
        if not stat.S_ISREG(told.st_mode) or told.st_nlink != 1:
            raise foreign(path, "is no file of its own")
        if told.st_uid != os.geteuid():
            raise foreign(path, "belongs to somebody else")


def foreign(path: Path, why: str) -> RefusedError:
    """Return what refuses a path that is not ours."""
    return RefusedError(
        f"{path} {why}: nothing was changed. Remove it if you do not know it; if it is yours, "
        f"make it root's (sudo chown -h root {path}). Then again"
    )


def write(path: Path, text: str, *, mode: int = 0o640) -> None:
    """Write a file so that nobody can read it before it has its mode, and all of it or nothing."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:  # mkstemp makes it 0600
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).chmod(mode)
    Path(name).replace(path)


def password_of(path: Path, given: str = "") -> str:
    """Return the password in a file. Where there is none it is made now, or the one `given`."""
    if not path.exists():
        write(path, given or secrets.token_hex(16))
    return path.read_text(encoding="utf-8")


# --- passwords


def mosquitto_hash(password: str) -> str:
    """Return a password as Mosquitto's password file wants it: PBKDF2 of SHA-512."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    salt_text, digest_text = (base64.b64encode(one).decode() for one in (salt, digest))
    return f"$7${ITERATIONS}${salt_text}${digest_text}"


def add_user(file: Path, name: str, password: str) -> None:
    """Add a user to Mosquitto's password file, unless it knows that name."""
    lines = file.read_text(encoding="utf-8") if file.exists() else ""
    if not re.search(rf"^{re.escape(name)}:", lines, re.MULTILINE):
        write(file, f"{lines}{name}:{mosquitto_hash(password)}\n")


def make_passwords(folder: Path) -> None:
    """Make what people and programs log in with."""
    influxdb, grafana, ours = (folder / one for one in ("influxdb", "grafana", "holdwatch"))
    mosquitto = folder / "mosquitto"
    password_of(influxdb / "operator-password")
    password_of(grafana / "admin-password")
    password_of(grafana / "secret-key")
    password_of(ours / "influxdb-token", password_of(influxdb / "operator-token"))
    password_of(grafana / "influxdb-password", password_of(influxdb / "grafana-password"))
    add_user(mosquitto / "passwords", "holdwatch", password_of(ours / "broker-password"))
    add_user(mosquitto / "passwords", "health", password_of(mosquitto / "health-password"))


def add_sensor(folder: Path, name: str) -> str:
    """Make a user of Mosquitto, and return its password. It is kept nowhere."""
    file = folder / "mosquitto/passwords"
    if not file.exists():
        raise RefusedError("There are no secrets yet. First: sudo deploy/secrets")
    close(folder)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name):
        raise RefusedError(f"{name!r} is no name of a sensor: use letters, digits, - and _")
    if re.search(rf"^{name}:", file.read_text(encoding="utf-8"), re.MULTILINE):
        raise RefusedError(f"There is a user {name} already. Remove its line in {file}, then again")
    password = secrets.token_hex(16)
    add_user(file, name, password)
    return password


# --- certificates


def openssl(*words: str | Path) -> str:
    """Run openssl, and return what it prints."""
    try:
        done = subprocess.run(  # noqa: S603 - openssl, with words of ours
            ["openssl", *map(str, words)],  # noqa: S607 - wherever the system has it
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise RefusedError("openssl is not installed: sudo apt-get install openssl") from None
    if done.returncode:
        raise RefusedError(f"openssl {words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def own_names() -> list[str]:
    """Return what others may call this machine."""
    host = socket.gethostname().lower()
    named = re.fullmatch(r"[a-z0-9_.-]+", host) is not None
    return [*([host, f"{host.partition('.')[0]}.local"] if named else []), "localhost"]


def alternative(name: str) -> str:
    """Return a name or an address as a certificate's subjectAltName has it."""
    try:
        return f"IP:{ip_address(name)}"
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9*_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?", name):
            raise RefusedError(f"{name!r} is neither a host name nor an address") from None
        return f"DNS:{name.lower()}"


def names_in(certificate: Path) -> list[str]:
    """Return the names in a certificate, none where there is none yet."""
    if not certificate.exists():
        return []
    told = openssl("x509", "-in", certificate, "-noout", "-ext", "subjectAltName")
    found = re.findall(r"(DNS|IP Address):([^,\s]+)", told)
    return [alternative(name) for _, name in found]


def new_key(path: Path, *, mode: int = 0o640) -> None:
    """Make an EC key, which small devices know too, unless there is one."""
    if not path.exists():
        text = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        write(path, text, mode=mode)


def make_authority(folder: Path) -> None:
    """Make the authority that signs the certificates, once."""
    key, certificate = folder / f"{AUTHORITY}.key", folder / f"{AUTHORITY}.pem"
    if certificate.exists():
        return
    new_key(key, mode=0o600)
    subject = f"/CN=Holdwatch authority {socket.gethostname()[:40]}"
    uses = ("basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign")
    added = [word for use in uses for word in ("-addext", use)]
    write(
        certificate,
        openssl("req", "-new", "-x509", "-key", key, "-subj", subject, "-days", DAYS, *added),
        mode=0o644,
    )


def make_certificate(folder: Path, service: str, names: Sequence[str]) -> bool:
    """Sign a certificate of a container, unless it holds all names; tell whether it was signed."""
    certificate, key = folder / service / "server.pem", folder / service / "server.key"
    held = names_in(certificate)
    wanted = [alternative(name) for name in names]
    if not held:
        wanted += map(alternative, [*own_names(), "127.0.0.1", "::1", service])
    if held and set(wanted) <= set(held):
        return False
    signer = folder / f"{AUTHORITY}.key"
    if not signer.exists():
        raise RefusedError(
            f"{signer} is not there, and nothing can be signed without it. Put it back from where "
            "you keep it, and take it away again afterwards"
        )
    new_key(key)
    with tempfile.TemporaryDirectory() as scratch:
        request, extensions = Path(scratch, "request"), Path(scratch, "extensions")
        request.write_text(openssl("req", "-new", "-key", key, "-subj", f"/CN={service}"))
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\n"
            "keyUsage=critical,digitalSignature\n"
            "extendedKeyUsage=serverAuth\n"
            "authorityKeyIdentifier=keyid\n"
            f"subjectAltName={','.join(dict.fromkeys([*held, *wanted]))}\n"
        )
        signed = openssl(
            *("x509", "-req", "-in", request, "-extfile", extensions, "-days", DAYS),
            *("-CA", folder / f"{AUTHORITY}.pem", "-CAkey", signer),
            *("-set_serial", f"0x{secrets.token_hex(16)}"),
        )
    write(certificate, signed, mode=0o644)
    return True


# --- all of it


def make(folder: Path, names: Sequence[str], give: Give) -> list[str]:
    """Make what is missing. Return the containers that got another certificate."""
    close(folder)
    make_authority(folder)
    signed = [service for service in GROUPS if make_certificate(folder, service, names)]
    authority = (folder / f"{AUTHORITY}.pem").read_text(encoding="utf-8")
    for service in GROUPS:
        if not (folder / service / f"{AUTHORITY}.pem").exists():
            write(folder / service / f"{AUTHORITY}.pem", authority, mode=0o644)
    make_passwords(folder)
    hand_over(folder, give)
    return signed


def close(folder: Path) -> None:
    """Let nobody else put anything here, then see that nobody did. Raises RefusedError."""
    own_folder(folder, 0o755)
    for service in GROUPS:
        own_folder(folder / service, 0o750)
        look_through(folder / service)
    look_through(folder, but=GROUPS)


def hand_over(folder: Path, give: Give) -> None:
    """Let each container read its files."""
    for service, group in GROUPS.items():
        for path in (*(folder / service).iterdir(), folder / service):
            give(path, group)


def main() -> None:
    """Run the command line."""
    told = argparse.ArgumentParser(
        prog="deploy/secrets", description="Passwords, tokens and certificates for compose.yml."
    )
    told.add_argument("names", nargs="*", help="names and addresses of this machine")
    told.add_argument("--sensor", help="make a password for a sensor that uses Mosquitto")
    words = told.parse_args()
    if os.geteuid() != 0:
        sys.exit("The files are root's, for the containers to read. Run: sudo deploy/secrets")
    try:
        if words.sensor:
            password = add_sensor(FOLDER, words.sensor)
            hand_over(FOLDER, give_group)
            print(f"User {words.sensor}, password {password}: shown once, and kept nowhere.")
            print("Then: docker compose -f deploy/compose.yml restart mosquitto")
            return
        signed = make(FOLDER, words.names, give_group)
    except RefusedError as refused:
        sys.exit(str(refused))
    if not signed:
        print(f"All is there already, in {FOLDER}. Nothing was changed.")
        return
    print(f"Signed certificates for {', '.join(signed)}. Whoever connects needs this file:")
    print(f"  {FOLDER}/{AUTHORITY}.pem")
    print("Secret, and needed only to sign: take it away, such as on a USB stick under lock:")
    print(f"  {FOLDER}/{AUTHORITY}.key")
    print(f"Grafana's user is admin; its password: sudo cat {FOLDER}/grafana/admin-password")


if __name__ == "__main__":
    main()
