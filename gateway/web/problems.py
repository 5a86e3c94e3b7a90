"""Errors as problem documents (RFC 9457), or as a page for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the standard's word
    """What is wrong with a request, and what would be right: an answer, not a fault of ours."""

    def __init__(
        self,
        status: int,
        detail: str,
        cure: str = "",
        *,
        kind: str = "about:blank",
        headers: dict[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - further members, as the standard allows
    ) -> None:
        """`detail` says what is wrong, `cure` what to do; `more` are further members."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.cure = cure
        self.kind = kind
        self.headers = headers or {}
        self.more = more

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def document(self) -> dict[str, Any]:
        """Return the problem document's members."""
        cure = {"cure": self.cure} if self.cure else {}
        return {
            "type": self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **cure,
            **self.more,
        }

    def response(self) -> JSONResponse:
        """Return the answer for a program."""
        return JSONResponse(
            self.document(), self.status, headers=self.headers, media_type=MEDIA_TYPE
        )
