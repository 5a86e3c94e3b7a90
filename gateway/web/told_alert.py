"""An alert as people read it: where, what, how bad, since when, and who has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.alert_now import as_it_is
from gateway.consignments.reports import REVIEW
from gateway.excess import excess
from gateway.own_alerts import GRAVITY, KIND
from gateway.people.acts import Facts, acts_of_many, facts
from gateway.registry.known import Known
from gateway.web.health import own_words
from gateway.web.look import address, amount, channel_name
from rules.alert import Alert
from rules.cargo.consignment import consignment_of
from rules.revision import withdrawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devices.reading import DeviceKey
    from gateway.live import Seen
    from gateway.settings import Settings
    from gateway.state import State
    from gateway.web.files import Files


class Told(msgspec.Struct, frozen=True):
    """One alert, ready to be shown; all texts are plain, to be escaped."""

    alert: Alert
    facts: Facts
    name: str
    """Of the device, the consignment or the vehicle, or of the gateway."""
    site: str
    """Where the device is, in words."""
    zone: str
    """Time zone of the place."""

    @property
    def own(self) -> bool:
        """Whether it is about the gateway itself."""
        return self.alert.kind == KIND

    @property
    def device(self) -> str:
        """The device's key."""
        return str(self.alert.device)

    @property
    def of_device(self) -> bool:
        """Whether it is about one device: not about the gateway, a consignment or a vehicle."""
        return not self.own and "/" not in self.alert.device.id

    @property
    def page(self) -> str:
        """The address of the view of what it is about; "" where there is none."""
        return "" if self.own else page_of(self.alert.device)

    @property
    def open(self) -> bool:
        """Whether it is not over."""
        return self.alert.ended is None

    @property
    def look(self) -> str:
        """The state whose shape and colour it has."""
        if self.open:
            return self.alert.severity
        return "ok" if self.alert.state == "resolved" else "unknown"

    @property
    def word(self) -> str:
        """What is beside the shape."""
        if self.open:
            return self.alert.severity
        if withdrawn(self.alert.reason):
            return "withdrawn"
        return "over" if self.alert.state == "resolved" else "unknown end"

    @property
    def what(self) -> str:
        """What is wrong, in a few words."""
        if self.own:
            about = self.alert.channel
            return own_words(about, self.alert.reason) if self.open else f"about {about}"
        return what_of(self.alert)

    def value(self, value: float | None) -> str:
        """Return a value of its channel with the unit; "" for none."""
        if value is None or not self.alert.channel or self.own:
            return ""
        return f"{amount(value, self.alert.channel)} {self.alert.unit}".strip()

    @property
    def last(self) -> str:
        """The newest value with its unit; "" where there is none."""
        return self.value(self.alert.last)

    @property
    def worst(self) -> str:
        """The worst value with its unit; "" where there is none."""
        return self.value(self.alert.worst)

    def lasts(self, now: int) -> int:
        """Return how long it has lasted, in ms."""
        end = now if self.alert.ended is None else self.alert.ended
        return max(0, end - self.alert.began)

    def rank(self) -> tuple[object, ...]:
        """Return what sorts open alerts, worst first; of the past those come last.

        How grave, whether somebody has it, how far beyond its limit, since when.
        """
        alert, held = self.alert, bool(self.facts.holder)
        grave = GRAVITY[alert.severity]
        return alert.retrospective, grave, held, -excess(alert), alert.began, alert.id

    def has(self, severity: str, words: str) -> bool:
        """Whether it is of a severity ("": any), and has the words in its names or its rule."""
        alert = self.alert
        texts = (self.device, self.name, self.site, alert.rule, alert.channel, self.facts.holder)
        wanted = words.casefold().strip()
        return severity in {"", alert.severity} and any(wanted in one.casefold() for one in texts)


def told(
    files: Files,
    settings: Settings,
    alerts: Sequence[Alert],
    now: int,
    seen: Callable[[DeviceKey], Seen | None] = lambda _device: None,
) -> list[Told]:
    """Return alerts as people read them at `now` (ms).

    `seen` knows of open alerts better than the file, which is not written with each reading: how a
    device stands.
    """
    done = acts_of_many(files.state, [one.id for one in alerts])
    names = Known(files.registry, settings)
    found = []
    for alert in alerts:
        card = names.card(alert.device)
        known = seen(alert.device) if alert.ended is None else None
        found.append(
            Told(
                as_it_is(alert, (known and known.rules) or ()),
                facts(done[alert.id], now),
                _name(alert, card.name),
                " · ".join(filter(None, (card.site, card.zone, card.container)))
                or goods_of(alert).replace("-", " "),
                settings.zone(alert.device),
            )
        )
    return found


def _name(alert: Alert, given: str) -> str:
    return f"Gateway {alert.device.id}" if alert.kind == KIND else given or name_of(alert.device)


def name_of(device: DeviceKey) -> str:
    """Return what an alert is about: a device's id, Consignment V-2041, Vehicle HH-AB 123."""
    kind, _, name = device.id.rpartition("/")
    return f"{kind.capitalize()} {name}".strip()


def page_of(device: DeviceKey) -> str:
    """Return the address of the view of a device or consignment; "" where there is none."""
    consignment = consignment_of(device)
    if consignment is not None:
        return address("consignment", consignment)
    return "" if "/" in device.id else address("sensor", str(device))


def goods_of(alert: Alert) -> str:
    """Return the name of the goods by whose profile a consignment was judged, "" for none."""
    name, sign, _ = alert.version.partition("@")
    return name if sign else ""


def what_of(alert: Alert) -> str:
    """Return what is wrong, in a few words."""
    if alert.kind == REVIEW:
        return "What was decided has to be looked at again"
    quantity = channel_name(alert.channel).capitalize()
    if quantity:
        return f"{quantity} {alert.limit}".strip()
    return alert.limit[:1].upper() + alert.limit[1:]


def hands(state: State) -> list[str]:
    """Return the names of those an alert can be handed to: operators and more, no screens."""
    rows: Iterable[tuple[str]] = state.rows(
        "SELECT name FROM person WHERE json_extract(CAST(body AS TEXT), '$.removed') IS NULL "
        "AND json_extract(CAST(body AS TEXT), '$.role') <> 'viewer' ORDER BY name"
    )
    return [name for (name,) in rows]


def that_were(alerts: Sequence[Alert]) -> list[Alert]:
    """Return the alerts without those that turned out never to have been."""
    return [one for one in alerts if not withdrawn(one.reason)]
