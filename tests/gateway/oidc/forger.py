"""A provider that says and signs whatever a test wants: for what an honest one never does."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gateway.oidc.sign_in import Back, SignIn
from gateway.settings.oidc import Oidc

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.oidc.identity import Identity

RSA = rsa.generate_private_key(65_537, 2048)
OTHER = rsa.generate_private_key(65_537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
PAGE = "http://127.0.0.1:8470"
CLIENT = "holdwatch"


def jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str) -> dict[str, Any]:
    """A public key as providers publish it."""
    if isinstance(key, rsa.RSAPrivateKey):
        told: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        told = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {key: value for key, value in told.items() if key != "key_ops"} | {
        "kid": kid,
        "use": "sig",
    }


class Forger:
    """Answers on a loopback port until the block ends; what it answers may be changed."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.keys = [jwk(RSA, "rsa"), jwk(EC, "ec")]
        self.metadata: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/me",
        }
        self.token: Callable[[], Any] = dict
        """What the token endpoint answers."""
        self.userinfo: dict[str, Any] = {}
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.status = 200

    def settings(self, **more: Any) -> Oidc:  # noqa: ANN401 - keys of the settings
        """Settings of a gateway that trusts it."""
        base = {"issuer": self.issuer, "page": PAGE, "client_id": CLIENT, "role": "viewer"}
        return Oidc.model_validate_json(json.dumps({**base, **more}))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        forger = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                forger.asked.append(self.path)
                found = {
                    "/.well-known/openid-configuration": forger.metadata,
                    "/keys": {"keys": forger.keys},
                    "/me": forger.userinfo,
                }
                self._answer(found[self.path])

            def do_POST(self) -> None:
                forger.asked.append(self.path)
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(text).items()}
                forger.forms.append({**form, "auth": self.headers.get("Authorization", "")})
                self._answer(forger.token())

            def _answer(self, told: object) -> None:
                body = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(forger.status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


class Journey:
    """One sign-in at a forger, step by step."""

    def __init__(self, forger: Forger, clock: Clock, **settings: Any) -> None:  # noqa: ANN401 - keys of the settings
        self.forger = forger
        self.clock = clock
        self.sign_in = SignIn(forger.settings(**settings), clock)
        self.begun_at = 0

    async def begin(self, *, again: bool = False) -> dict[str, str]:
        """Set out; return what the provider is asked."""
        self.begun_at = self.clock.now()
        begun = await self.sign_in.begin(again=again)
        self.token = begun.token
        self.asked = {one: values[0] for one, values in parse_qs(urlsplit(begun.url).query).items()}
        return self.asked

    def claims(self, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - claims
        """What an honest ID token says; None leaves a claim out."""
        now = self.clock.now() // 1000
        honest = {
            "iss": self.forger.issuer,
            "aud": CLIENT,
            "sub": "248289761001",
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": self.asked["nonce"],
            "preferred_username": "anna",
        }
        return {name: value for name, value in {**honest, **changed}.items() if value is not None}

    def signed(
        self,
        claims: dict[str, Any] | None = None,
        key: Any = RSA,  # noqa: ANN401 - of whatever algorithm
        algorithm: str = "RS256",
        **header: str,
    ) -> str:
        """An ID token."""
        named = {"kid": "rsa", **header}
        named = {name: value for name, value in named.items() if value}
        return jwt.encode(claims or self.claims(), key, algorithm, headers=named)

    async def finish(
        self,
        token: object = None,
        *,
        again: bool = False,
        changed: dict[str, str] | None = None,
    ) -> Identity:
        """Come back, with an ID token of this kind."""
        given = self.signed() if token is None else token
        self.forger.token = lambda: {"id_token": given, "access_token": "a"}
        back = {
            "state": self.asked["state"],
            "code": "c",
            "issuer": "",
            "error": "",
            **(changed or {}),
        }
        return await self.sign_in.finish(self.token, Back(**back), again=again)
