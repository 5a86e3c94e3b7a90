"""A message as a JSON document, for programs: what webhooks and MQTT carry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from gateway.notify.message import Line, Message
    from gateway.notify.wording import Wording


def document(message: Message, wording: Wording) -> bytes:
    """Return it as JSON. The same message gives the same bytes, however often it is sent."""
    made = datetime.fromtimestamp(message.made / 1000, UTC)
    return msgspec.json.encode(
        {
            "type": "channel.test" if message.test else "alerts.told",
            "timestamp": made.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": {
                "id": message.id,
                "box": wording.box,
                "channel": message.channel,
                "route": message.route,
                "test": message.test,
                "subject": wording.subject(message),
                "alerts": [_line(line, wording.address(line.alert.id)) for line in message.lines],
            },
        }
    )


def _line(line: Line, link: str) -> dict[str, Any]:
    alert = msgspec.to_builtins(line.alert)
    alert["device"] = str(line.alert.device)
    return {
        **alert,
        "occasion": line.occasion,
        "number": line.number,
        "name": line.name,
        "site": line.site,
        "goods": line.goods,
        "holder": line.holder,
        "hides": list(line.hides),
        "link": link,
    }
