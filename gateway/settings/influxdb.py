"""`[[influxdb]]`: servers that everything is copied to, and by what names."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationInfo, model_validator

from devices.envelopes.mapping import is_channel
from gateway.settings.problems import mistake
from gateway.settings.secret import secret_of
from gateway.settings.size import Size
from gateway.settings.values import Age, FilePath, ReadableFile, Section, Slug
from rules.duration import HOUR


def _check_url(text: str) -> str:
    """Return the address without a slash at its end."""
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, fine = None, False
    # What was written is not repeated here: it may hold a password.
    if parts is None or not fine or re.search(r"[\s\x00-\x1f]", text):
        raise mistake(
            "it is no address of a server", 'Write one such as url = "http://127.0.0.1:8086"'
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise mistake(
            "it holds more than the address of the server",
            "Give a user as username and password_file, a token as token_file, and the database "
            "as database",
        )
    return text.rstrip("/")


def _check_name(text: str) -> str:
    if re.search(r'[\x00-\x1f\x7f\\"]', text) or text != text.strip():
        raise mistake(
            f"{text!r} cannot be a name in InfluxDB",
            "Write it without control characters, backslashes, double quotes and spaces around it",
        )
    return text


def _check_retention(length: int) -> int:
    if length < HOUR:
        raise mistake("InfluxDB keeps nothing so short", 'Use at least "1 h"')
    return length


Name = Annotated[str, AfterValidator(_check_name)]
"""A name of a database, measurement, tag or field. Control characters and backslashes break lines,
and double quotes stand around names in queries."""

READING_FIELDS = ("unusable", "flags")
"""Fields of readings beside their channels."""
ALERT_TAGS = ("rule", "channel", "severity")
"""Tags of alerts beside those of the device."""
ALERT_FIELDS = (
    *("event", "firing", "retrospective", "id", "reason", "note"),
    *("began", "ended", "value"),
)
"""Fields of alerts."""


class Tags(Section):
    """What the tags are called. An empty name leaves a tag out."""

    device: Name = Field(
        default="device", min_length=1, description="The device's key: its id, or owner/id."
    )
    site: Name = Field(default="site", description="The `site` of the device's [[devices]].")
    model: Name = Field(default="model", description="The `model` of the device's [[devices]].")


class Schema(Section):
    """How readings and alerts are called in InfluxDB: ours, or a schema that exists."""

    readings: Name = Field(
        default="readings", min_length=1, description="The measurement of readings."
    )
    alerts: Name = Field(
        default="alerts", description='The measurement of alerts; "" leaves them out.'
    )
    gateway: Name = Field(
        default="gateway",
        description='The measurement of this gateway\'s own health, a point a minute; "" leaves '
        "it out.",
    )
    tags: Tags = Field(default_factory=Tags, description="Names of the tags.")
    fields: dict[str, Name] = Field(
        default_factory=dict,
        description="Channel = field, where a field shall have another name than its channel: "
        '`{ temperature = "temp", "temperature.return_air" = "rat" }`.',
        json_schema_extra={"default text": "fields are named like channels"},
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for channel in self.fields:
            if not is_channel(channel):
                raise mistake(
                    f"{channel!r} is no channel",
                    "Write a quantity such as temperature, or quantity.place: see docs/devices.md",
                )
        tags = [*filter(None, (self.tags.device, self.tags.site, self.tags.model))]
        measurements = [*filter(None, (self.readings, self.alerts, self.gateway))]
        for what, given in (
            ("tags", tags),
            ("measurements", measurements),
            ("fields", list(self.fields.values())),
        ):
            for one in given:
                if given.count(one) > 1:
                    raise mistake(f"two {what} are called {one!r}", "Give each its own name")
                # Lines that begin with # are taken for remarks, and answered with success.
                if one[:1] in {"", "#", "_"} or (one == "time" and what != "measurements"):
                    raise mistake(
                        f"{one!r} cannot be one of the {what}", "Choose another name for it"
                    )
        self._check_fields()
        self._check_tags(tags)
        return self

    def _check_fields(self) -> None:
        """Refuse two values of a reading in one field: a server keeps one, and says nothing."""
        for channel, field in self.fields.items():
            if field in READING_FIELDS or (is_channel(field) and field not in self.fields):
                raise mistake(
                    f"{channel} cannot be called {field!r}: there is another field of that name",
                    "Choose another name for it, or give the other one another name",
                )

    def _check_tags(self, tags: list[str]) -> None:
        """Refuse a tag and a field of one name: queries would find the field only."""
        taken = {*READING_FIELDS, *self.fields.values()}
        if self.alerts:
            taken.update(ALERT_TAGS, ALERT_FIELDS)
        for tag in tags:
            if tag in taken or (is_channel(tag) and tag not in self.fields):
                raise mistake(
                    f"a tag cannot be called {tag!r}: there is a field or tag of that name",
                    "Choose another name for it",
                )


class InfluxDB(Section):
    """An InfluxDB that everything is copied to, and sent again to after an outage."""

    name: Slug = Field(default="influxdb", description="What you call this server.")
    url: Annotated[str, AfterValidator(_check_url)] = Field(
        description="Address of the server, such as http://127.0.0.1:8086."
    )
    version: Literal["auto", "1", "2", "3"] = Field(
        default="auto",
        description="Which InfluxDB it is: `1` for 1.6 to 1.11, `2`, `3`, or `auto`: the server "
        "is asked.",
    )
    database: Name = Field(
        default="holdwatch", min_length=1, description="The database; in InfluxDB 2 the bucket."
    )
    organization: Name = Field(
        default="", description="The organization, which InfluxDB 2 wants to know."
    )
    retention_policy: Name = Field(
        default="",
        description="The retention policy to write to, in InfluxDB 1.",
        json_schema_extra={"default text": "the database's default policy"},
    )
    username: str | None = Field(
        default=None, description="User name, where an InfluxDB 1 wants one."
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
        default=None,
        description="Token, for InfluxDB 2 and 3. Better in a file of its own: see `token_file`.",
    )
    token_file: FilePath | None = Field(
        default=None, description="File that holds the token alone. Make it readable by you only."
    )
    token_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the token."
    )
    ca: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of the authority that signed the server's certificate.",
        json_schema_extra={"default text": "the system's authorities"},
    )
    gzip: bool | None = Field(
        default=None,
        description="Compress what is sent: a tenth of the bytes, for some work of the processor.",
        json_schema_extra={"default text": "yes, unless the server is on this machine"},
    )
    retention: Annotated[Age, AfterValidator(_check_retention)] | None = Field(
        default=None,
        description="How long the server shall keep what it gets: for `holdwatch influx init`, "
        "which sets it.",
        json_schema_extra={"default text": "for ever"},
    )
    backlog: Size = Field(
        default=10**9,
        description="At most so much of the journal waits for this server while it is away; what "
        "is older is sent from the history once it is back.",
    )
    names: Schema = Field(
        default_factory=Schema,
        description="Names of measurements, tags and fields, to fit a schema that exists.",
        json_schema_extra={"default text": "as docs/influxdb.md says"},
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
            raise mistake(
                "there is a token and a password",
                "Give InfluxDB 1 username and password, InfluxDB 2 and 3 a token",
            )
        if self.version == "1" and self._token is not None:
            raise mistake("InfluxDB 1 knows no tokens", "Give username and password_file")
        if self.version in {"2", "3"} and self._password is not None:
            raise mistake(f"InfluxDB {self.version} wants a token", "Give token_file")
        if self.version == "2" and not self.organization:
            raise mistake("InfluxDB 2 wants to know the organization", "Add organization")
        if self.ca is not None and not self.url.startswith("https:"):
            raise mistake("there is a ca, and no TLS", "Write the url with https:")
        return self

    @property
    def secret(self) -> SecretStr | None:
        """The password or the token, from wherever it lay when the settings were read."""
        return self._token or self._password

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def compressed(self) -> bool:
        """Whether to compress what is sent."""
        return not self.loopback if self.gzip is None else self.gzip
