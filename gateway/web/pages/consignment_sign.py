"""Signing a consignment: a person chooses what becomes of it, and signs in again.

What is signed is the draft that the page showed: the form names it, and the gateway refuses where
anything has changed since.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from gateway.consignments.report import WORDS
from gateway.web.look import address, show
from gateway.web.pages.consignment import show_consignment
from gateway.web.pages.login import LONGEST
from gateway.web.pages.oidc import keep_trip
from gateway.web.visitor import Quality, Visitor, site_of

router = APIRouter()

Text = Annotated[str, Form(max_length=2_000)]


@router.post("/consignment/{identity}/sign")
async def sign(  # noqa: PLR0913 - what the form sends
    request: Request,
    visitor: Quality,
    identity: str,
    *,
    meaning: Text = "",
    reason: Text = "",
    name: Text = "",
    password: Annotated[str, Form()] = "",
    made: Annotated[int, Form()] = 0,
    head: Annotated[int, Form()] = 0,
    digest: Text = "",
) -> Response:
    """Sign what was looked at, by password; else lead to the provider, who asks who this is."""
    if visitor.person is not None and visitor.person.issuer:
        return await _elsewhere(
            request,
            visitor,
            id=identity,
            meaning=meaning,
            reason=reason,
            name=name or visitor.person.full_name,
            made=made,
            head=head,
            digest=digest,
        )
    told = await site_of(request).ask(
        "consignment-sign",
        id=identity,
        login=visitor.name,
        password=password[: LONGEST + 1],
        meaning=meaning,
        reason=reason,
        name=name,
        made=made,
        head=head,
        digest=digest,
        who=msgspec.to_builtins(visitor.who),
    )
    if "hx-request" not in request.headers:
        return RedirectResponse(address("consignment", identity), 303)
    answer = await show_consignment(request, visitor, identity)
    said = f"Signed as version {told['version']}: {WORDS[told['decision']['meaning']]}"
    answer.headers["HX-Trigger"] = json.dumps({"say": said, "acted": {}})
    return answer


async def _elsewhere(request: Request, visitor: Visitor, **asked: Any) -> Response:  # noqa: ANN401 - what the form sends
    """Lead a browser to where this person signs in; it comes back to pages/oidc.py."""
    site = site_of(request)
    who = msgspec.to_builtins(visitor.who)
    begun = await site.ask("oidc-sign", login=visitor.name, who=who, **asked)
    answer: Response
    if "hx-request" in request.headers:
        answer = Response(status_code=204, headers={"HX-Redirect": begun["url"]})
    else:
        # A form may not lead to another site (form-action): a link may.
        answer = show(request, "sign_again.html", visitor, url=begun["url"])
    keep_trip(site, answer, begun["token"], address("consignment", asked["id"]))
    return answer
