"""Other ways in than MQTT: `[[polls]]` of web services, `[[modbus]]` controllers, `[bluetooth]`."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationInfo, model_validator

from devices.device import DecodeError, check_device_id
from devices.envelopes.mapping import Mapping, is_channel
from gateway.settings.problems import mistake
from gateway.settings.secret import secret_of
from gateway.settings.size import Size
from gateway.settings.values import FilePath, ReadableFile, Section, Slug, check_labels
from rules.duration import DAY, MINUTE, SECOND, Duration

Kind = Literal["holding", "input", "coil", "discrete"]
Type = Literal["int16", "uint16", "int32", "uint32", "float32"]
WORDS = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2}
"""Registers of 16 bits that a value takes."""


def _check_device(text: str) -> str:
    try:
        return check_device_id(text)
    except DecodeError as error:
        raise mistake(error.detail, "Choose another id") from error


def _check_host(text: str) -> str:
    if not re.fullmatch(r"[^\s/@\x00-\x1f]+", text) or (":" in text and not _is_address(text)):
        raise mistake(
            "it is more than the name or the address of a host",
            "Write host and port apart, and nothing else into host",
        )
    return check_labels(text)


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _check_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, fine = None, False
    # What was written is not repeated here: it may hold a password.
    if parts is None or not fine or re.search(r"[\s\x00-\x1f]", text):
        raise mistake(
            "it is no address of a service",
            'Write one such as url = "https://example.org/api/readings?from={since}"',
        )
    check_labels(parts.hostname or "")
    if parts.username is not None:
        raise mistake(
            "it holds a user or a password", "Give them as username and password_file, or a token"
        )
    unknown = set(re.findall(r"\{[^}]*\}", text)) - {"{since}", "{now}"}
    if unknown:
        raise mistake(f"{min(unknown)} means nothing in a url", "Use {since} and {now}")
    if "{" in parts.netloc:
        raise mistake("the host of the service would change", "Use {since} and {now} behind it")
    return text


def _check_every(length: int) -> int:
    if not SECOND <= length <= DAY:
        raise mistake("nothing is asked so", 'Use a length from "1 s" to "1 day"')
    return length


def _check_timeout(length: int) -> int:
    if not 100 <= length <= 10 * MINUTE:
        raise mistake("nobody waits so", 'Use a length from "100 ms" to "10 min"')
    return length


def _check_header(name: str) -> str:
    # RFC 9110, 5.6.2: what a field's name may hold.
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise mistake(f"{name!r} is no name of a header", "Write one such as X-Api-Key")
    return name


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        _check_header(name)
        if not value.isascii() or not value.isprintable():
            raise mistake(f"the value of {name} is no text of a header", "Use plain characters")
    return headers


Every = Annotated[Duration, AfterValidator(_check_every)]
Timeout = Annotated[Duration, AfterValidator(_check_timeout)]
DeviceId = Annotated[str, AfterValidator(_check_device)]


class Poll(Section):
    """A web service that is asked for JSON, again and again."""

    name: Slug = Field(
        description="What you call this service. Its readings carry `poll:` and this name as their "
        "source, and how far it has been read is kept under it."
    )
    url: Annotated[str, AfterValidator(_check_url)] = Field(
        description="Address of the service. `{since}` in it is the newest time that was taken "
        "(at first `first` ago), `{now}` the time now."
    )
    since_format: Literal["rfc3339", "epoch-ms", "epoch-s"] = Field(
        default="rfc3339", description="How `{since}` and `{now}` are written."
    )
    first: Duration = Field(
        default=DAY, description="How far back `{since}` lies the first time that it is asked."
    )
    overlap: Duration = Field(
        default=0,
        description="`{since}` is so much earlier than the newest time that was taken, for a "
        "service to which devices report late. What comes twice is stored once.",
        json_schema_extra={"default text": "none"},
    )
    every: Every = Field(default=MINUTE, description="How often it is asked.")
    timeout: Timeout = Field(default=30 * SECOND, description="How long its answer may take.")
    largest: Size = Field(default=4 * 10**6, description="A longer answer is refused.")
    headers: Annotated[dict[str, str], AfterValidator(_check_headers)] = Field(
        default_factory=dict,
        description="Headers that are sent along; what is secret belongs into `token_file`.",
        json_schema_extra={"default text": "none"},
    )
    username: str | None = Field(
        default=None, description="User name, where the service wants one (HTTP Basic)."
    )
    password: SecretStr | None = Field(
        default=None, description="Its password. Better in a file of its own: see `password_file`."
    )
    password_file: FilePath | None = Field(
        default=None,
        description="File that holds the password alone. Make it readable by you only.",
    )
    password_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the password."
    )
    token: SecretStr | None = Field(
        default=None, description="Token. Better in a file of its own: see `token_file`."
    )
    token_file: FilePath | None = Field(
        default=None, description="File that holds the token alone. Make it readable by you only."
    )
    token_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the token."
    )
    token_header: Annotated[str, AfterValidator(_check_header)] = Field(
        default="Authorization",
        description="Header in which the token is sent: in Authorization behind the word Bearer, "
        "in any other, such as X-Api-Key, alone.",
    )
    ca: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of the authority that signed the service's certificate.",
        json_schema_extra={"default text": "the system's authorities"},
    )
    items: str = Field(
        default="",
        description="Where in the answer the list of items lies: `data.readings`. Each item is one "
        "reading; a single object counts as a list of one.",
        json_schema_extra={"default text": "the answer itself"},
    )
    device: str = Field(
        default="", description="The device's id, for a service that tells of one device."
    )
    device_key: str = Field(default="", description="The item's key that holds the device's id.")
    time: str = Field(default="time", description='The key of the time; "" where an item has none.')
    time_unit: Literal["ms", "s"] = Field(
        default="ms", description="Unit of a time that is a number: since 1970, UTC."
    )
    sequence: str = Field(
        default="seq", description='The key of the sequence number; "" where there is none.'
    )
    channels: dict[str, str] = Field(
        default_factory=dict,
        description='Channel = key: `{ temperature = "data.temp" }`.',
        json_schema_extra={"default text": "keys that are named like channels"},
    )
    units: dict[str, str] = Field(
        default_factory=dict,
        description="Channel, or quantity = the unit that its values come in: "
        '`{ temperature = "°F" }`.',
        json_schema_extra={"default text": "the units of the quantities"},
    )
    speaks_for: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        description="Patterns of the device ids that this service may speak for. What it says of "
        "any other goes to quarantine.",
    )
    _password: SecretStr | None = PrivateAttr(default=None)
    _token: SecretStr | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        self._password = secret_of(self, "password", info)
        self._token = secret_of(self, "token", info)
        if (self._password is None) != (self.username is None):
            raise mistake("username and password belong together", "Give both, or neither")
        if self._token is not None and self._password is not None:
            raise mistake("there is a token and a password", "Keep one of them")
        if self.ca is not None and not self.url.startswith("https:"):
            raise mistake("there is a ca, and no TLS", "Write the url with https:")
        if bool(self.device) == bool(self.device_key):
            raise mistake(
                "it must name the device in exactly one way",
                "Give device = an id, or device_key = the key of an item that holds the id",
            )
        if self.device:
            _check_device(self.device)
        self.mapping()
        return self

    def mapping(self) -> Mapping:
        """Return how an item is decoded: as a message on a topic of this service's own."""
        return Mapping(
            topic=self.topic,
            device=self.device,
            device_key=self.device_key,
            time=self.time,
            time_unit=self.time_unit,
            sequence=self.sequence,
            channels=self.channels,
            units=self.units,
        )

    @property
    def topic(self) -> str:
        """Under which its items are decoded, and lie in the quarantine."""
        return f"poll/{self.name}"

    @property
    def source(self) -> str:
        """What its readings carry as their source."""
        return f"poll:{self.name}"

    @property
    def login(self) -> tuple[str, str] | None:
        """User name and password, from wherever they lay when the settings were read."""
        if self.username is None or self._password is None:
            return None
        return self.username, self._password.get_secret_value()

    @property
    def loopback(self) -> bool:
        """Whether the service is on this machine."""
        host = urlsplit(self.url).hostname or ""
        return ip_address(host).is_loopback if _is_address(host) else host == "localhost"

    @property
    def secret(self) -> SecretStr | None:
        """The token, from wherever it lay when the settings were read."""
        return self._token


class Register(Section):
    """A value of a Modbus device."""

    channel: str = Field(description="The channel that it becomes: temperature.supply_air.")
    address: int = Field(
        ge=0,
        le=65_535,
        description="Its address as it is sent, from 0. A list that counts 40001, 40002, … means "
        "0, 1, … of the holding registers.",
    )
    kind: Kind = Field(
        default="holding",
        description="`holding` (40001 …) and `input` (30001 …) registers hold numbers, `coil` "
        "(00001 …) and `discrete` (10001 …) inputs are 0 or 1.",
    )
    type: Type = Field(
        default="int16", description="How registers are read; 32 bits take two of them."
    )
    words: Literal["big", "little"] = Field(
        default="big", description="Which of two registers comes first: the `big` end, or `little`."
    )
    scale: float = Field(default=1.0, description="The number is multiplied by this: 0.1.")
    offset: float = Field(default=0.0, description="And this is added then.")
    missing: tuple[int, ...] = Field(
        default=(),
        description="Numbers, before `scale`, by which the device says that it has no value: "
        "`[32767, -32768]`.",
        json_schema_extra={"default text": "none"},
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not is_channel(self.channel):
            raise mistake(
                f"{self.channel!r} is no channel",
                "Write a quantity such as temperature, or quantity.place: see docs/devices.md",
            )
        if self.kind in {"coil", "discrete"} and self.type != "int16":
            raise mistake(f"a {self.kind} is one bit", "Leave type out")
        if self.address + self.size > 65_536:
            raise mistake("its second register would have no address", "Check address and type")
        if self.scale == 0:
            raise mistake("every value would be the same", "Use another scale")
        return self

    @property
    def size(self) -> int:
        """How many addresses it takes."""
        return 1 if self.kind in {"coil", "discrete"} else WORDS[self.type]


class Modbus(Section):
    """A controller or meter that is read by Modbus TCP."""

    name: Slug = Field(
        description="What you call it. Its readings carry `modbus:` and this name as their source."
    )
    host: Annotated[str, AfterValidator(_check_host)] = Field(
        description="Host name or address of the device, or of the gateway in front of it."
    )
    port: int = Field(default=502, ge=1, le=65_535, description="Its port.")
    unit: int = Field(
        default=1, ge=0, le=255, description="Its unit (slave) number behind that address."
    )
    every: Every = Field(default=MINUTE, description="How often it is read.")
    timeout: Timeout = Field(default=3 * SECOND, description="How long an answer may take.")
    device: DeviceId = Field(description="The device's id here.")
    gap: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Registers that nobody asked for may lie between two that are read in one "
        "request, up to so many: fewer requests, for a device that answers for all of them.",
    )
    registers: tuple[Register, ...] = Field(
        min_length=1,
        max_length=40,
        description="What is read; a [[modbus.registers]] section for each.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        channels = [one.channel for one in self.registers]
        for one in channels:
            if channels.count(one) > 1:
                raise mistake(
                    f"two registers are the channel {one}",
                    f"Give each its own place: {one.partition('.')[0]}.supply_air",
                )
        return self

    @property
    def source(self) -> str:
        """What its readings carry as their source."""
        return f"modbus:{self.name}"


class Bluetooth(Section):
    """RuuviTags that this machine hears itself. Without this section it does not listen."""

    adapter: str | None = Field(
        default=None,
        pattern=r"^hci\d{1,3}$",
        description="Which Bluetooth adapter, such as hci0.",
        json_schema_extra={"default text": "the system's first"},
    )
    every: Every = Field(
        default=MINUTE,
        description="A tag sends every few seconds; one reading is kept in each such time.",
    )
    devices: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        description="Patterns of the ids of the tags that are ours: their addresses, twelve small "
        "hexadecimal digits.",
    )
