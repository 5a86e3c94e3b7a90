"""What the page asks when people sign in with their company's account: out, and back.

The client's secret and what is between the provider and us stay in this process; the page leads the
browser. A signature is begun by who is logged in, waits here while the provider asks again who that
is, and is then made of exactly what was asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gateway.commands.people import digest_of, text_of, whole_number
from gateway.commands.verdict import asked_of, signed_as
from gateway.oidc.trip import LASTS
from gateway.people.audit import who_of
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from gateway.app import Gateway
    from gateway.consignments.signing import Asked
    from gateway.oidc.identity import Identity
    from gateway.oidc.sign_in import SignIn
    from gateway.people.audit import Who
    from gateway.settings.oidc import Oidc

MOST_WAITING = 100
"""Signatures that wait for the provider's word."""


class Waiting(NamedTuple):
    """A signature that waits."""

    asked: Asked
    who: Who
    until: int


class OidcCommands:
    """The commands of OpenID Connect, by name: a part of Commands."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._made: tuple[Oidc, SignIn] | None = None
        self._waiting: dict[str, Waiting] = {}
        self.by_name: dict[str, Callable[[Mapping[str, Any], object], Awaitable[Any]]] = {
            "oidc-begin": self.begin,
            "oidc-sign": self.sign,
            "oidc-finish": self.finish,
        }

    async def begin(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Begin to sign in: where the browser is to go, and what it keeps."""
        return (await self._sign_in().begin())._asdict()

    async def sign(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Begin to sign: the provider asks again who this is, then it is signed."""
        asked, who = asked_of(request, ""), who_of(request)
        person = self._gateway.people.person(asked.login)
        if not person.issuer or who.via != "page" or who.name != asked.login:
            raise ControlError(f"{asked.login} does not sign in at a provider", "Sign by password")
        now = self._gateway.clock.now()
        self._waiting = {key: one for key, one in self._waiting.items() if one.until > now}
        if len(self._waiting) >= MOST_WAITING:
            raise ControlError("too many are signing at once", "Wait a moment, then retry")
        begun = await self._sign_in().begin(again=True)
        self._waiting[begun.token] = Waiting(asked, who, now + LASTS)
        return begun._asdict()

    async def finish(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Let in who comes back, or have signed what waited for that.

        `digest` is that of the login's token, `expires` (ms) when it ends if nobody uses it;
        `login` is who is logged in in that browser now.
        """
        from gateway.oidc.sign_in import Back  # noqa: PLC0415 - see _sign_in

        token = text_of(request, "token")
        back = Back(*(text_of(request, one) for one in ("state", "code", "issuer", "error")))
        waiting = self._waiting.pop(token, None)
        identity = await self._sign_in().finish(token, back, again=waiting is not None)
        if waiting is not None:
            return await self._signed(waiting, identity, request)
        gateway, address = self._gateway, text_of(request, "address")
        person = await gateway.people.signed_in(identity, address)
        await gateway.logins.open(
            digest_of(request, "digest"),
            person.name,
            whole_number(request, "expires", 0),
            address,
            latest=gateway.clock.now() + self._settings().longest,
        )
        return {"person": person.name}

    async def _signed(
        self, waiting: Waiting, identity: Identity, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        asked, gateway = waiting.asked, self._gateway
        person = gateway.people.of_subject(identity.issuer, identity.subject)
        if person is None or person.name != asked.login or request.get("login") != asked.login:
            raise ControlError(
                f"it is {asked.login} who signs, and somebody else signed in at the provider",
                f"Sign in there as {asked.login}",
            )
        # A role that was taken away there meanwhile is taken away here.
        await gateway.people.signed_in(identity, waiting.who.address)
        version = await gateway.desk.signing.sign(asked, waiting.who, proven=True)
        return {"signed": msgspec.to_builtins(signed_as(asked, version))}

    def _settings(self) -> Oidc:
        web = self._gateway.settings.web
        if web is None or web.oidc is None:
            raise ControlError(
                "nobody signs in here with a company's account", "Set up [web.oidc] first"
            )
        return web.oidc

    def _sign_in(self) -> SignIn:
        # Here, because a gateway without [web.oidc] need not load what asks a provider.
        from gateway.oidc.sign_in import SignIn  # noqa: PLC0415 - as above

        settings = self._settings()
        if self._made is None or self._made[0] is not settings:
            self._made = (settings, SignIn(settings, self._gateway.clock))
        return self._made[1]
