"""Every section and key of the settings, declared with its meaning.

`docs/settings.md` is made from this; `file` reads and checks a file by it.
"""

from __future__ import annotations

import difflib
import os
import socket
import zoneinfo
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

import devices.envelopes.mapping as envelopes
from devices.device import DecodeError, check_device_id
from devices.reading import DeviceKey
from gateway.settings.backup import Backup
from gateway.settings.broker import Broker
from gateway.settings.channels import AnyChannel
from gateway.settings.codecs import Codecs
from gateway.settings.cut_off import cut_off
from gateway.settings.files import DiskSection, HistorySection, JournalSection
from gateway.settings.goods import Goods
from gateway.settings.heartbeats import Heartbeat
from gateway.settings.influxdb import InfluxDB
from gateway.settings.listener import Clients, Listener
from gateway.settings.log import Log
from gateway.settings.problems import mistake
from gateway.settings.renewal import Renewal
from gateway.settings.routes import Acknowledgement, Route
from gateway.settings.values import FilePath, Section, Slug, slug
from gateway.settings.ways import Bluetooth, Modbus, Poll
from gateway.settings.web import Web
from rules import AnyRule
from rules.duration import MINUTE, Duration

INTERVAL = 12 * MINUTE
"""A value then holds for half an hour: vaccines are logged at least that often."""


def host_box() -> str:
    """Return the host's name as a name of a gateway."""
    return slug(socket.gethostname().partition(".")[0])[:60] or "box"


def _default_data() -> Path:
    home = os.environ.get("HOME", "")
    if os.geteuid() == 0 or not home:
        return Path("/var/lib/holdwatch")
    return Path(home) / ".local/share/holdwatch"


def _check_timezone(name: str) -> str:
    known = zoneinfo.available_timezones()
    if name not in known:
        close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]}?" if close else "Use a name such as Europe/Berlin or UTC"
        raise mistake(f"{name!r} is no time zone", hint)
    return name


def _check_prefix(prefix: str) -> str:
    if not prefix or set("+#\0") & set(prefix) or "" in prefix.split("/"):
        raise mistake(
            f"{prefix!r} cannot begin a topic",
            "Use words between single slashes, without + and #, such as holdwatch/roof",
        )
    return prefix


class Gateway(Section):
    """This gateway itself."""

    box: Slug = Field(
        default_factory=host_box,
        description="The name of this gateway among its fellows.",
        json_schema_extra={"default text": "the host name and six signs, made at the first start"},
    )
    owner: str = Field(
        default="",
        pattern=r"^[^\s+#/*>\x00-\x1f\x7f]*$",
        max_length=128,
        description="Whose devices these are, where companies share: part of every device's key.",
    )
    data: FilePath = Field(
        default_factory=_default_data,
        description="Folder of the journal, the history and the state. It needs a real disk.",
        json_schema_extra={
            "default text": "/var/lib/holdwatch for root, else ~/.local/share/holdwatch"
        },
    )
    timezone: Annotated[str, AfterValidator(_check_timezone)] = Field(
        default="UTC",
        description="Time zone in which days begin and times are shown, such as Europe/Berlin.",
    )
    prefix: Annotated[str, AfterValidator(_check_prefix)] = Field(
        default_factory=lambda data: f"holdwatch/{data['box']}",
        description="Beginning of the topics that this gateway publishes, such as its alerts.",
        json_schema_extra={"default text": "holdwatch/`box`"},
    )

    @property
    def says_box(self) -> bool:
        """Whether the file itself says the name."""
        return "box" in self.model_fields_set


class MappingSection(Section):
    """Other people's topics and keys, in our words."""

    topic: str = Field(
        description="The topic. Its levels may be {device} (the id), + (any one level) and, last, "
        "#; {channel} where each topic carries one value. List it among the broker's `topics` too, "
        "with + for {device} and {channel}."
    )
    device: str = Field(
        default="", description="The device's id, for a topic that does not hold it."
    )
    device_key: str = Field(default="", description="The payload's key that holds the device's id.")
    time: str = Field(
        default="time", description='The key of the time; "" for a device without a clock.'
    )
    time_unit: Literal["ms", "s"] = Field(
        default="ms", description="Unit of a time that is a number: since 1970, UTC."
    )
    sequence: str = Field(
        default="seq", description='The key of the sequence number; "" where there is none.'
    )
    channels: dict[str, str] = Field(
        default_factory=dict,
        description='Channel = key: `{ temperature = "data.temp" }`. The key "" means that the '
        "payload is the bare value. With {channel} in the topic: channel = what stands there.",
        json_schema_extra={"default text": "keys that are named like channels"},
    )
    units: dict[str, str] = Field(
        default_factory=dict,
        description="Channel, or quantity = the unit that its values come in: "
        '`{ temperature = "°F" }`.',
        json_schema_extra={"default text": "the units of the quantities"},
    )
    format: envelopes.Format = Field(
        default="json",
        description="Who sends it: another built-in format, for topics that it does not have by "
        "itself. It knows the rest: say `topic` alone, with {device} where the device's name "
        "stands (and # last, for zigbee2mqtt and shelly).",
    )
    ignore: bool = Field(
        default=False,
        description="These messages hold no reading, such as a device's state: they are "
        "acknowledged, and neither kept nor put into the quarantine. With `topic` alone.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.device:
            try:
                check_device_id(self.device)
            except DecodeError as error:
                raise mistake(error.detail, "Choose another id") from error
        self.mapping()
        return self

    def mapping(self) -> envelopes.Mapping:
        """Return it as the decoder takes it."""
        return envelopes.Mapping(**self.model_dump())


class DeviceSection(Section):
    """What is known about some devices."""

    match: str = Field(
        min_length=1,
        description="Pattern with * and ? of the devices' keys, such as reefer-* or acme/reefer-*. "
        "The first section that matches a device counts.",
    )
    interval: Duration | None = Field(
        default=None,
        description="How often the device sends. A value holds for 2.5 intervals; then nobody "
        "knows.",
        json_schema_extra={"default text": '`"12 min"`'},
    )
    name: str | None = Field(default=None, description="What people call it.")
    site: str | None = Field(default=None, description="Where it is, in words.")
    model: str | None = Field(
        default=None,
        description="Its make and model. An id of the catalogue, such as dragino-lht65, or the "
        "name of a vendor's codec is also how its own bytes are read.",
    )
    position: tuple[float, float] | None = Field(
        default=None,
        description="Latitude and longitude in degrees, for the map: of a device that does not "
        "send its own.",
    )
    timezone: Annotated[str, AfterValidator(_check_timezone)] | None = Field(
        default=None,
        description="Time zone of the place; times of the device are shown in it.",
        json_schema_extra={"default text": "the gateway's `timezone`"},
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.position is not None:
            latitude, longitude = self.position
            if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
                raise mistake(
                    f"{list(self.position)} is no place on Earth",
                    "Write latitude (-90 to 90) and longitude (-180 to 180): [53.54, 9.98]",
                )
        return self


class SettingsFile(NamedTuple):
    """A file of settings as it was read: its full path, and the SHA-256 of what stood in it."""

    path: Path
    digest: str


class Settings(Section):
    """All settings. `load` and `parse` in `file` make it."""

    gateway: Gateway = Field(default_factory=Gateway, description="This gateway itself.")
    listeners: tuple[Listener, ...] = Field(
        default=(),
        description="Ports on which sensors connect straight to this gateway; a [[listeners]] "
        "section for each.",
    )
    clients: Clients = Field(
        default_factory=Clients, description="Limits for each who connects to a listener."
    )
    web: Web | None = Field(
        default=None,
        description="The page and the HTTP API.",
        json_schema_extra={"default text": "without this section there are none"},
    )
    renewal: Renewal | None = Field(
        default=None,
        description="How this gateway's own certificate is renewed before it ends.",
        json_schema_extra={"default text": "without this section it is not"},
    )
    brokers: tuple[Broker, ...] = Field(
        default=(), description="Brokers to join; a [[brokers]] section for each."
    )
    polls: tuple[Poll, ...] = Field(
        default=(), description="Web services to ask for JSON; a [[polls]] section for each."
    )
    modbus: tuple[Modbus, ...] = Field(
        default=(),
        description="Controllers to read by Modbus TCP; a [[modbus]] section for each.",
    )
    bluetooth: Bluetooth | None = Field(
        default=None,
        description="This machine's own Bluetooth, on which RuuviTags are heard.",
        json_schema_extra={"default text": "without this section nothing is listened for"},
    )
    mappings: tuple[MappingSection, ...] = Field(
        default=(),
        description="Other people's topics and keys; a [[mappings]] section for each. They come "
        "before our own convention, the first that fits a topic counts.",
    )
    codecs: Codecs = Field(
        default_factory=Codecs, description="Vendors' payload codecs for LoRaWAN devices."
    )
    devices: tuple[DeviceSection, ...] = Field(
        default=(), description="What is known about devices; a [[devices]] section for each."
    )
    rules: tuple[AnyRule, ...] = Field(
        default=(), description="When to raise an alert; a [[rules]] section for each."
    )
    goods: Goods = Field(
        default_factory=Goods, description="Your own profiles of goods, beside ours."
    )
    influxdb: tuple[InfluxDB, ...] = Field(
        default=(),
        description="Servers that everything is copied to; an [[influxdb]] section for each.",
    )
    routes: tuple[Route, ...] = Field(
        default=(),
        description="Who is told of which alerts, and when; a [[routes]] section for each. The "
        "first that matches an alert counts. Without any, warnings and worse go to every channel.",
    )
    acknowledgement: Acknowledgement = Field(
        default_factory=Acknowledgement,
        description="How long somebody has an alert before people are told again.",
    )
    channels: tuple[AnyChannel, ...] = Field(
        default=(),
        description="By what people are told of alerts; a [[channels]] section for each.",
    )
    backup: Backup | None = Field(
        default=None,
        description="Copies of everything, made by the gateway itself.",
        json_schema_extra={"default text": "without this section only when you ask for one"},
    )
    journal: JournalSection = Field(
        default_factory=JournalSection, description="What arrived, for some days."
    )
    history: HistorySection = Field(
        default_factory=HistorySection, description="The readings of years, compact."
    )
    disk: DiskSection = Field(
        default_factory=DiskSection, description="What happens before the disk is full."
    )
    heartbeats: tuple[Heartbeat, ...] = Field(
        default=(),
        description="Who is told again and again that this gateway is well, and raises an alarm "
        "when it is not; a [[heartbeats]] section for each.",
    )
    log: Log = Field(
        default_factory=Log, description="What the gateway tells of itself on its standard error."
    )
    _file_warnings: tuple[str, ...] = PrivateAttr(default=())
    _file: SettingsFile | None = PrivateAttr(default=None)

    @property
    def file(self) -> SettingsFile | None:
        """The file that they were read from, None where it was none."""
        return self._file

    @property
    def arrives(self) -> bool:
        """Whether readings can come in by any way."""
        ways = (self.listeners, self.brokers, self.polls, self.modbus)
        return any(ways) or self.bluetooth is not None or self.web is not None

    @property
    def codec_folder(self) -> Path | None:
        """The folder of vendors' codecs, None where there can be none."""
        return self.codecs.place(self._file.path.parent if self._file else None)

    def zone(self, key: DeviceKey) -> str:
        """Return the name of the time zone of the device's place."""
        section = self.device(key)
        return (section and section.timezone) or self.gateway.timezone

    def device(self, key: DeviceKey) -> DeviceSection | None:
        """Return the first section that matches the device."""
        text = str(key)
        return next((each for each in self.devices if fnmatchcase(text, each.match)), None)

    def interval(self, key: DeviceKey) -> int:
        """Return how often the device sends, in milliseconds; INTERVAL where nothing is said."""
        section = self.device(key)
        return INTERVAL if section is None or section.interval is None else section.interval

    def under(self, box: str) -> Self:
        """Return them under a name that the file does not say."""
        section = self.gateway
        said = section.model_dump(include=section.model_fields_set)
        # What follows from the name is made again; that the file does not say it stays known.
        made = Gateway(**{**said, "box": box})
        made.model_fields_set.discard("box")
        return self.model_copy(update={"gateway": made})

    def client_id(self, broker: Broker) -> str:
        """Return the client id that the broker shall know us by."""
        return broker.client_id or f"holdwatch-{self.gateway.box}-{broker.name}"

    def owner(self, broker: Broker) -> str:
        """Return whose devices speak through the broker."""
        return self.gateway.owner if broker.owner is None else broker.owner

    @property
    def warnings(self) -> tuple[str, ...]:
        """What works, and should be otherwise; each with its cure."""
        plain = tuple(
            f"broker {broker.name}: the password goes to {broker.host} without TLS, where others "
            "may read it. Add tls = {} (and the broker's authority as ca)."
            for broker in self.brokers
            if broker.secret and broker.tls is None and not broker.loopback
        )
        clear = tuple(
            f"listener {listener.address}: tokens and readings cross the network in the clear, "
            "where others may read them and then speak as your sensors. Make certificates with "
            "holdwatch tls init, and put tls in place of unencrypted."
            for listener in self.listeners
            if listener.unencrypted and not listener.loopback
        )
        copies = tuple(
            f"influxdb {server.name}: the password or token goes to {server.url} without TLS, "
            "where others may read it. Use https: (and the server's authority as ca)."
            for server in self.influxdb
            if server.secret and server.url.startswith("http:") and not server.loopback
        )
        polls = tuple(
            f"poll {poll.name}: the password or token goes to {poll.url} without TLS, where others "
            "may read it. Use https: (and the service's authority as ca)."
            for poll in self.polls
            if (poll.secret or poll.login) and poll.url.startswith("http:") and not poll.loopback
        )
        page = tuple(
            f"the page on {web.address}: passwords cross the network in the clear, where others "
            "may read them and then act as your people. Make certificates with holdwatch tls "
            "init, and put tls in place of unencrypted."
            for web in (self.web,)
            if web is not None and web.unencrypted and not web.loopback
        )
        told = tuple(
            f"channel {channel.name}: {channel.in_clear} without TLS, where others may read it. "
            'Use tls = "starttls" (and the server\'s authority as ca).'
            for channel in self.channels
            if channel.in_clear
        )
        hours = cut_off(self.routes, self.gateway.timezone)
        return plain + clear + copies + polls + page + told + hours + self._file_warnings
