"""A real provider of OpenID Connect on a loopback port, and who signs in there.

It is `oidc-provider`, which the OpenID Foundation has certified; scripts/setup.sh fetches it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.broker import free_port
from tests.e2e.gateway_process import until

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).resolve().parent / "node"
FOLDER = Path(__file__).resolve().parents[3] / ".venv" / "oidc-provider"
CLIENT, SECRET = "holdwatch-dock", "a secret: of 20+ signs"

needs_provider = pytest.mark.skipif(
    shutil.which("node") is None or not (FOLDER / "node_modules" / "oidc-provider").is_dir(),
    reason="needs node, and the provider that scripts/setup.sh fetches",
)


def new_key(algorithm: str) -> dict[str, Any]:
    """A key of the provider's, with its private half."""
    if algorithm == "ES256":
        told = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    else:
        told = RSAAlgorithm.to_jwk(rsa.generate_private_key(65_537, 2048), as_dict=True)
    told.pop("key_ops", None)
    return {**told, "alg": algorithm, "use": "sig"}


class RunningProvider:
    """A provider, with a client for a gateway's page, until the block ends."""

    def __init__(
        self, log: Path, page: str, people: Mapping[str, object], *, algorithm: str = "RS256"
    ) -> None:
        self.port = free_port()
        self.issuer = f"http://localhost:{self.port}"
        self.people = people
        self.algorithm = algorithm
        self.apart = True
        """Whether what it knows of a person is to be asked for apart from the ID token."""
        self._page = page
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with new keys."""
        told = {
            "issuer": self.issuer,
            "port": self.port,
            "keys": [new_key(self.algorithm)],
            "apart": self.apart,
            "people": self.people,
            "client": {
                "client_id": CLIENT,
                "client_secret": SECRET,
                "redirect_uris": [f"{self._page}/login/oidc/back"],
                "id_token_signed_response_alg": self.algorithm,
            },
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["node", HERE / "provider.mjs", FOLDER, json.dumps(told)], stdout=log, stderr=log
            )
        until(self._answers, f"the provider answers, see {self._log}")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            url = f"{self.issuer}/.well-known/openid-configuration"
            return httpx.get(url, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End it: from now on it cannot be reached."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def sign_in(self, browser: httpx.Client, url: str, login: str) -> str:
        """Sign in there as somebody, from the address we sent to; return where it sends us back."""
        back = f"{self._page}/login/oidc/back"
        answer = browser.get(url)
        for _ in range(10):
            if answer.is_redirect:
                there = urljoin(str(answer.url), answer.headers["location"])
                if there.startswith(back):
                    return there
                answer = browser.get(there)
                continue
            form = re.search(r'<form[^>]*action="([^"]*)"', answer.text)
            assert form is not None, answer.text
            hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text)
            given = {**dict(hidden), "login": login, "password": "whatever"}
            there = urljoin(str(answer.url), form[1])
            answer = browser.post(there, data=given, headers={"Origin": self.issuer})
        raise AssertionError("it never came to an end")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
