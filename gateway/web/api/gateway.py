"""How the gateway itself stands, and whether it answers at all."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from devices.reading import DeviceKey
from gateway import __version__
from gateway.commands.control import NotRunningError
from gateway.web.api import gateway_models as models
from gateway.web.api.access import Whole
from gateway.web.api.alert_models import Alert
from gateway.web.api.answers import answer
from gateway.web.visitor import site_of

router = APIRouter()


@router.get("/health", response_model=models.Health)
async def health(request: Request) -> Response:
    """Whether the gateway answers. Anybody may ask."""
    standing = site_of(request).standing
    good = standing.complete and standing.told is not None
    return answer({"status": "ok" if good else "waiting", "version": __version__})


@router.get("/gateway", response_model=models.Gateway)
async def gateway(request: Request, _visitor: Whole) -> Response:
    """How the gateway stands: who waits for whom, disk, clock, ways in, codecs."""
    status = await site_of(request).health()
    if status is None:
        raise NotRunningError
    told = {name: status[name] for name in models.Gateway.model_fields}
    return answer({**told, "problems": [_own(one) for one in status["problems"]]})


def _own(alert: dict[str, Any]) -> dict[str, Any]:
    """Return an alert about the gateway as the model Alert has it."""
    known = {name: alert[name] for name in Alert.model_fields}
    return {**known, "device": str(DeviceKey(*alert["device"]))}
