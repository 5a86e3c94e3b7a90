"""Renewing this gateway's own certificate before it ends, with nobody there.

By the authority that stays on the gateway (listener/renewing.py), or by a command that asks a
company's: an ACME, EST or step client. What it brings is checked as `tls accept` checks it, and
until it is good the old certificate stays. Where that fails it is tried again, and people are told,
more gravely as the end comes nearer.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import structlog

from gateway.listener.certificates import Fault, day, nearness
from rules.duration import DAY, HOUR, MINUTE, SECOND, format_duration

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from cryptography import x509

    from gateway.settings.renewal import Renewal

log = structlog.get_logger()

EARLIEST, PART = 90 * DAY, 3
"""It is renewed so many ms before its end, or a third of its life if that is less."""
AGAIN = HOUR
"""ms until it is tried again; sooner where little is left."""
SHOWN = 400
"""Characters of what a command said that stand in an alert."""
MOST = 1_000_000
"""Bytes that are kept of what a command prints."""
PIECE = 65_536


class RenewalError(Exception):
    """It was not renewed. The message says why."""


class Life(NamedTuple):
    """From when until when a certificate is good, in ms since 1970, UTC."""

    begins: int
    ends: int


class Renewer:
    """Renews one certificate. `look` again and again."""

    def __init__(self, settings: Renewal, secret: Collection[str] = ()) -> None:
        """`secret`: variables of the environment that no command is told."""
        self._settings = settings
        self._secret = frozenset(secret)
        self._next = 0
        self._problem: str | None = None
        self._limit = 0

    async def look(self, now: int) -> Fault | None:
        """Renew it if that is due at `now` (ms since 1970); return what is wrong, if anything."""
        try:
            life = await asyncio.to_thread(_life, self._settings.certificate)
            if now < life.ends - self._before(life) or life.ends == self._limit:
                self._problem = None
                return None
            if now >= self._next:
                self._next = now + min(AGAIN, max(MINUTE, (life.ends - life.begins) // 100))
                await self._try(life, now)
        except (OSError, ValueError, RenewalError) as error:
            self._problem = str(error).rstrip(".")
            log.warning("the certificate was not renewed", problem=self._problem)
            with suppress(OSError, ValueError):
                life = await asyncio.to_thread(_life, self._settings.certificate)
                return self._fault(life, now)
            return Fault(self._problem, "critical")
        return self._fault(life, now) if self._problem else None

    async def renew(self, now: int) -> Path:
        """Renew it now; return the file. Raises RenewalError, OSError, ValueError."""
        if self._settings.command:
            await self._by_command(now)
        else:
            await asyncio.to_thread(self._by_ourselves, now)
        log.info("the certificate is renewed", file=str(self._settings.certificate))
        return self._settings.certificate

    def _before(self, life: Life) -> int:
        third = (life.ends - life.begins) // PART
        return min(EARLIEST, third) if self._settings.before is None else self._settings.before

    async def _try(self, before: Life, now: int) -> None:
        await self.renew(now)
        self._problem = None
        after = await asyncio.to_thread(_life, self._settings.certificate)
        if after.ends - before.ends < (before.ends - before.begins) // 100:
            # Its authority ends: whoever watches certificates tells of that, and we wait for it.
            self._limit = after.ends

    def _fault(self, life: Life, now: int) -> Fault:
        left = life.ends - now
        severity = nearness(left, life.ends - life.begins) or "info"
        # The day, and not how many are left: the alert stands as it was told.
        ends = f"{'ends' if left > 0 else 'ended'} on {day(life.ends)}"
        return Fault(
            f"the certificate {self._settings.certificate} {ends}, and could not be renewed: "
            f"{self._problem}",
            severity,
        )

    def _by_ourselves(self, now: int) -> None:
        from gateway.listener.addresses import own_names  # noqa: PLC0415 - see certificates.py
        from gateway.listener.authority import (  # noqa: PLC0415 - as above
            AuthorityError,
            certified_names,
        )
        from gateway.listener.renewing import Renewing  # noqa: PLC0415 - as above

        moment = datetime.fromtimestamp(now / 1000, UTC)
        names = dict.fromkeys([*certified_names(self._settings.certificate), *own_names()])
        try:
            renewing = Renewing.open(self._settings.certificate.parent, moment)
            renewing.server(list(names), moment)
        except AuthorityError as error:
            raise RenewalError(str(error)) from error

    async def _by_command(self, now: int) -> None:
        from gateway.certificates.accepting import Place, accept  # noqa: PLC0415 - as above
        from gateway.certificates.chain import (  # noqa: PLC0415 - as above
            certificate_in,
            certificates_in,
            names_in,
            system_roots,
        )
        from gateway.certificates.request import (  # noqa: PLC0415 - as above
            read_any_key,
            request_pem,
        )
        from gateway.listener.authority import AuthorityError, write_file  # noqa: PLC0415 - as above

        settings = self._settings
        folder = settings.certificate.parent
        request, new = folder / ".renewal.request.pem", folder / ".renewal.new.pem"
        root = settings.authority or folder / "authority.pem"
        try:
            names = names_in(certificate_in(settings.certificate))
            if not names:
                raise RenewalError(f"{settings.certificate} names no host")
            write_file(request, request_pem(read_any_key(settings.key), names), 0o644, new=False)
            new.unlink(missing_ok=True)
            printed = await self._run(request, new)
            brought = new.read_bytes() if new.exists() else printed
            roots: list[x509.Certificate] = []
            if root.exists():
                roots = certificates_in(root.read_bytes(), str(root))
            # With nobody there, what comes must not say by itself whom to trust.
            trusted = roots if settings.authority is not None else [*roots, *system_roots()]
            await asyncio.to_thread(
                accept,
                Place(settings.certificate, settings.key),
                [(brought, "what the command brought")],
                names=names,
                roots=roots,
                now=datetime.fromtimestamp(now / 1000, UTC),
                trusted=trusted,
            )
        except AuthorityError as error:
            raise RenewalError(str(error)) from error
        finally:
            for file in (request, new):
                file.unlink(missing_ok=True)

    async def _run(self, request: Path, new: Path) -> bytes:
        """Run the command; return what it printed. RenewalError if it fails or takes too long."""
        settings = self._settings
        places = {
            "{request}": request,
            "{new}": new,
            "{certificate}": settings.certificate,
            "{key}": settings.key,
        }
        words = []
        for word in settings.command:
            for place, path in places.items():
                word = word.replace(place, str(path))  # noqa: PLW2901 - place by place
            words.append(word)
        known = {name: value for name, value in os.environ.items() if name not in self._secret}
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=known,
            start_new_session=True,
        )
        ended = False
        try:
            async with asyncio.timeout(settings.within / SECOND):
                printed, said = await asyncio.gather(_said(process.stdout), _said(process.stderr))
                await process.wait()
            ended = True
        except TimeoutError:
            raise RenewalError(
                f"{words[0]} took longer than {format_duration(settings.within)}, and was ended"
            ) from None
        finally:
            if not ended:
                await _end(process)
        if process.returncode:
            words_of = (said or printed).decode(errors="replace").split()
            told = " ".join(words_of)[-SHOWN:]
            raise RenewalError(f"{words[0]} ended with {process.returncode}: {told or 'no word'}")
        return printed


async def _said(stream: asyncio.StreamReader | None) -> bytes:
    """Return what a command says until it ends, the first of it where that is too much."""
    kept = bytearray()
    while stream is not None and (part := await stream.read(PIECE)):
        kept += part[: MOST - len(kept)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command, and whatever it has started, which may go on without it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _life(path: Path) -> Life:
    """Return how long our own certificate is good: the first of the file. OSError, ValueError."""
    from cryptography import x509  # noqa: PLC0415 - see certificates.py

    found = x509.load_pem_x509_certificates(path.read_bytes())[0]
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    return Life(int(begins.timestamp() * 1000), int(ends.timestamp() * 1000))
