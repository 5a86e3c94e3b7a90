"""What every answer tells the browser: trust nothing but us, and show us in nobody's frame."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.settings.web import Web

YEAR = 365 * 24 * 3600


def policy(web: Web) -> str:
    """Return the content security policy: no script, style or data but our own files."""
    tiles = urlsplit(web.tiles)
    # A host such as {s}.tiles.example.org stands for all its subdomains.
    host = tiles.netloc.replace("{s}", "*")
    images = f" {tiles.scheme}://{host}" if web.tiles else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data:{images}",
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class Headers:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp, web: Web) -> None:
        self._app = app
        headers = {
            "content-security-policy": policy(web),
            "x-content-type-options": "nosniff",
            # Not no-referrer: browsers would then name no Origin with a form.
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=()",
        }
        if web.tls is not None:
            headers["strict-transport-security"] = f"max-age={YEAR}"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.setdefault("headers", [])
                names = {name.lower() for name, _ in given}
                given.extend(self._headers)
                if b"cache-control" not in names:
                    given.append((b"cache-control", b"no-store"))
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
