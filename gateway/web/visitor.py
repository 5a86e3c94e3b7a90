"""Who is asking: a person with a login, a wall screen, or a program with an API key.

A login is a random token in a cookie; what is stored is its digest. Whoever changes anything
with a cookie shows also that our own page asked: by the Origin that the browser names, and by
a token that only our pages hold.
"""

from __future__ import annotations

import asyncio
import hmac
from base64 import b64decode
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

import msgspec
import structlog
from fastapi import Depends, Request

from gateway.commands.control import NotRunningError
from gateway.listener.attempts import origin_of
from gateway.people.api_keys import PUSH, ApiKey, find_key
from gateway.people.audit import Who
from gateway.people.person import Login, Person, Role, at_least, find_login
from gateway.refusal import ControlError
from gateway.web.connections import now_known
from gateway.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devices.reading import DeviceKey
    from gateway.web.site import Site

log = structlog.get_logger()

SAFE = {"GET", "HEAD", "OPTIONS"}
TOUCH = 60_000
"""That a login is in use is told to the gateway every so many ms."""
_touching: set[asyncio.Task[None]] = set()


class Visitor(msgspec.Struct, frozen=True):
    """Whoever asks, and what they may."""

    name: str
    address: str
    person: Person | None = None
    login: Login | None = None
    digest: bytes = b""
    """Of the login's token."""
    csrf: str = ""
    """What our pages show when they change anything."""
    key: ApiKey | None = None

    @property
    def who(self) -> Who:
        """Return them as the audit trail names them."""
        return Who(self.name, "api" if self.key else "page", self.address)

    @property
    def role(self) -> Role:
        """A person's role; a key that may act is an operator."""
        if self.person is not None:
            return self.person.role
        return "operator" if self.key and "act" in self.key.scopes else "viewer"

    @property
    def screen(self) -> bool:
        """Whether it is a wall screen."""
        return self.person is not None and self.person.screen

    def sees(self, device: DeviceKey) -> bool:
        """Whether they may know of this device. People see all."""
        return self.key is None or self.key.allows(device)

    def may(self, role: Role) -> bool:
        """Whether they may do what needs this role."""
        return at_least(self.role, role)


def cookie_name(site: Site) -> str:
    """Return the cookie's name: gateways on other ports of this machine share its cookies."""
    plain = f"holdwatch-{site.web.port}"
    return f"__Host-{plain}" if site.web.tls else plain


def site_of(request: Request) -> Site:
    """Return the site that a request came to."""
    site: Site = request.app.state.site
    return site


def address_of(request: Request) -> str:
    """Return where a request came from."""
    return request.client.host if request.client else ""


def csrf_of(token: str) -> str:
    """Return what a page shows to prove that it is ours: nobody else knows the token."""
    return hmac.new(token.encode(), b"csrf", sha256).hexdigest()


def _sent_key(request: Request, *, basic: bool) -> tuple[str, str | None] | None:
    """Return the API key that a request shows, and the name with it; None where it shows none.

    `basic`: it may be shown as a password too. A browser that was once given one sends it by
    itself, whoever's page asks, so that opens nothing but the way in for readings.
    """
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip(), None
    if not basic or scheme.lower() != "basic":
        return None
    try:
        name, _, password = b64decode(credentials.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", None
    return password, name


def find_visitor(request: Request, *, basic: bool = False) -> Visitor | None:
    """Return who asks, None if nobody that is known. Raises Problem for a key that is not good.

    `basic`: a key may be shown as a password too, with its name.
    """
    site = site_of(request)
    address = address_of(request)
    sent = _sent_key(request, basic=basic)
    if sent is not None:
        token, name = sent
        key = find_key(site.files.state, token, site.clock.now())
        if key is None or name not in {None, key.name}:
            raise Problem(
                401,
                "this API key is unknown, revoked or expired"
                + (", or has another name" if name is not None else ""),
                "Make one with: holdwatch key add NAME",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        return Visitor(key.name, address, key=key)
    token = request.cookies.get(cookie_name(site), "")
    if not token:
        return None
    digest = sha256(token.encode()).digest()
    found = find_login(site.files.state, digest)
    now = site.clock.now()
    if found is None or (found[0].expires is not None and found[0].expires <= now):
        return None
    login, person = found
    if now - login.seen >= TOUCH:
        _touch(site, digest, login, now)
    return Visitor(person.name, address, person, login, digest, csrf_of(token))


def still_in(site: Site, visitor: Visitor) -> bool:
    """Whether a visitor who was let in would be let in now: for streams, which last."""
    if visitor.key is not None:
        return True
    found = find_login(site.files.state, visitor.digest)
    return found is not None and (found[0].expires is None or found[0].expires > site.clock.now())


def _touch(site: Site, digest: bytes, login: Login, now: int) -> None:
    """Tell the gateway that a login is in use; nobody waits for that."""

    async def tell() -> None:
        expires = None if login.expires is None else now + site.web.idle
        try:
            await site.ask("login-seen", digest=digest.hex(), expires=expires)
        except (ControlError, NotRunningError, OSError) as error:
            log.info("a login could not be moved on", problem=str(error))

    task = asyncio.get_running_loop().create_task(tell())
    _touching.add(task)
    task.add_done_callback(_touching.discard)


async def _prove(request: Request, visitor: Visitor) -> None:
    """Hold a change that comes with a cookie against our own page. Raises Problem."""
    if visitor.key is not None or request.method in SAFE:
        return
    check_origin(request)
    shown = request.headers.get("x-csrf-token", "")
    if not shown:
        form = await request.form()
        field = form.get("csrf", "")
        shown = field if isinstance(field, str) else ""
    if not hmac.compare_digest(shown.encode(), visitor.csrf.encode()):
        raise Problem(403, "this did not come from our page", "Load the page again, then retry")


def check_origin(request: Request) -> None:
    """Refuse a change that another site's page asked for. Raises Problem."""
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if origin != own:
        raise Problem(403, "another site's page asked for this", "Open the page at its own address")


def _count(request: Request, visitor: Visitor | None, *, pushes: bool = False) -> None:
    """Hold a request against what one asker may. Raises Problem."""
    site = site_of(request)
    limits, rate, name = site.limits, site.web.rate, "rate"
    if pushes and visitor is not None:
        limits, rate, name = site.push_limits, site.web.push_rate, "push_rate"
    loop = asyncio.get_running_loop()
    if visitor is None:
        origin = origin_of(address_of(request))
        allowed = limits.allow(origin, loop.time(), stranger=True)
    else:
        asker = f"key {visitor.name}" if visitor.key else visitor.digest
        allowed = limits.allow(asker, loop.time())
    if not allowed:
        raise Problem(
            429,
            f"more than {rate} requests a second, which `{name}` in [web] allows",
            "Ask less often",
            headers={"Retry-After": "1"},
        )


def visitor_for(role: Role, scope: str | None = None) -> Callable[[Request], Awaitable[Visitor]]:
    """Return the dependency that lets in people of a role, and keys with a scope, if one is given.

    A key may be for some devices only: what lets keys in has to look at that.
    """
    pushes = scope == PUSH

    async def let_in(request: Request) -> Visitor:
        try:
            visitor = find_visitor(request, basic=pushes)
        except Problem:
            _count(request, None)
            log.warning("an API key was refused", address=address_of(request))
            raise
        _count(request, visitor, pushes=pushes)
        if visitor is None:
            raise Problem(
                401,
                "nobody is logged in here",
                "Log in, or send an API key: Authorization: Bearer hw_…",
                headers={"WWW-Authenticate": 'Bearer, Basic realm="push"' if pushes else "Bearer"},
            )
        now_known(request)
        if visitor.key is not None and scope is None:
            raise Problem(
                403, "this view is for people who log in", "Programs ask the API, /api/v1"
            )
        if visitor.key is not None and scope not in visitor.key.scopes:
            raise Problem(
                403,
                f"the key {visitor.name} may not do this: it needs the scope {scope}",
                "Make one with: holdwatch key add NAME "
                + ("--push PATTERN" if pushes else f"--scope {scope}"),
            )
        if visitor.key is None and pushes:
            raise Problem(
                403,
                "people have no devices to speak for",
                "Make a key with: holdwatch key add NAME --push PATTERN",
            )
        if visitor.key is None and not visitor.may(role):
            raise Problem(
                403,
                f"{visitor.name} is {visitor.role}: this needs {role} or more",
                "Ask an administrator for the role: holdwatch user role",
            )
        await _prove(request, visitor)
        return visitor

    return let_in


Viewer = Annotated[Visitor, Depends(visitor_for("viewer"))]
Operator = Annotated[Visitor, Depends(visitor_for("operator"))]
Quality = Annotated[Visitor, Depends(visitor_for("quality"))]
Administrator = Annotated[Visitor, Depends(visitor_for("administrator"))]
"""For views: people alone."""
Reader = Annotated[Visitor, Depends(visitor_for("viewer", "read"))]
Actor = Annotated[Visitor, Depends(visitor_for("operator", "act"))]
Manager = Annotated[Visitor, Depends(visitor_for("quality", "manage"))]
"""For the API: keys as well."""
Pusher = Annotated[Visitor, Depends(visitor_for("viewer", PUSH))]
"""For what devices said: keys alone."""
