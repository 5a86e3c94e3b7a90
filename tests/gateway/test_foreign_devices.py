"""A whole gateway, and a source that speaks for a device for which it may not speak."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from devices.device import Origin
from devices.reading import DeviceKey
from gateway.second_try import retry
from tests.gateway.asked import Asked
from tests.gateway.parts import publish

EUI = "a840410000000001"


async def test_it_changes_nothing_of_what_the_device_is_and_is_told_once(ask: Asked) -> None:
    gateway = ask.gateway
    gateway.admission.grant("main", ("*",))
    gateway.admission.grant("http:partner", ("partner-*",))
    running = asyncio.create_task(gateway.ingest.run())

    async def sent(source: str, profile: str) -> int:
        info = {"devEui": EUI, "deviceProfileName": profile}
        event = {"deviceInfo": info, "fCnt": 1, "fPort": 2, "data": "y6QGIgHAAX//f/8="}
        message = publish(json.dumps(event), 0, topic=f"application/1/device/{EUI}/event/up")
        return (await gateway.ingest.deliver(Origin("acme", source), [message])).readings

    device = DeviceKey("acme", EUI)
    assert await sent("main", "LHT65") == 1
    for profile in ("Oyster", "LDS02", "LHT65"):
        assert await sent("http:partner", profile) == 0
    assert gateway.recognition.recognised(device) == gateway.admission.known_as[device]
    assert gateway.admission.known_as[device][0] == "dragino-lht65"
    assert [one.channel for one in gateway.own_alerts.open_alerts] == ["identity http:partner"]
    # Tried again later, what lies in the quarantine is no new attempt.
    gateway.own_alerts.report("identity http:partner", None)
    await retry(gateway.ingest)
    assert gateway.own_alerts.open_alerts == []
    assert gateway.admission.known_as[device][0] == "dragino-lht65"
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
