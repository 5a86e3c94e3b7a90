"""What is sent to state something of a consignment. Times are ms since 1970, UTC; lengths ms."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.consignments.fields import LONGEST_WAIT, MOST_LEGS
from gateway.web.api.models import Model
from gateway.web.api.registry_models import Note, Text, Time
from rules.cargo.consignment import Mode
from rules.duration import YEAR

MOST = 500
"""Devices, or parts, that are named at once."""
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,60}$")]
Key = Annotated[str, Field(min_length=1, max_length=300)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Amount = Annotated[float, Field(ge=0, le=1e15)]
Length = Annotated[int, Field(ge=0, le=10 * YEAR)]
Leg = Annotated[int, Field(ge=1, le=MOST_LEGS)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Devices = Annotated[list[Key], Field(min_length=1, max_length=MOST)]


class PlaceSaid(Model):
    """A place by name, and where it is: latitude and longitude in degrees."""

    name: Annotated[str, Field(max_length=100, pattern=r"^[^@]*$")]
    position: tuple[Latitude, Longitude] | None = None


class Statement(Model):
    """When something was so, and why it is said."""

    at: Time | None = Field(default=None, description="When it was so; left out: now.")
    reason: Note = Field(default="", description="Needed for what was more than 5 minutes ago.")


class NewLeg(Model):
    """A leg as it is planned."""

    mode: Mode
    origin: PlaceSaid
    destination: PlaceSaid
    custodian: Name
    departs: Time | None = None
    arrives: Time | None = None
    vehicle: Text = ""
    heard: bool = True
    margin: Length | None = Field(default=None, description="Left out: 6 h.")
    via: tuple[PlaceSaid, ...] = Field(default=(), max_length=MOST_LEGS)


class LegChange(Model):
    """What of a leg is to be otherwise. What is not named stays."""

    mode: Mode | None = None
    origin: PlaceSaid | None = None
    destination: PlaceSaid | None = None
    custodian: Name | None = None
    departs: Time | None = Field(default=None, description="null: nobody has planned when.")
    arrives: Time | None = Field(default=None, description="null: nobody has planned when.")
    vehicle: Text | None = None
    heard: bool | None = None
    margin: Length | None = None
    via: tuple[PlaceSaid, ...] | None = Field(default=None, max_length=MOST_LEGS)


class Described(Model):
    """What may be said of a consignment. Empty or null is nothing."""

    custodian: Text | None = Field(default=None, description="Who has it at first.")
    description: Text | None = None
    quantity: Amount | None = None
    unit: Annotated[str, Field(max_length=20)] | None = None
    value: Amount | None = None
    currency: Annotated[str, Field(max_length=10)] | None = None
    origin: PlaceSaid | None = None
    destination: PlaceSaid | None = None
    carried: Length | None = Field(default=None, description="Time out of range before.")
    cycles: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    ignore: Length | None = None
    counts: Text | None = Field(default=None, description="any, all, mean or a device's key.")
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT)] | None = None
    note: Note | None = None


class NewSpeaker(Model):
    """A device that speaks for it from its beginning."""

    device: Key
    where: Text = ""
    ignore: Length | None = Field(default=None, description="Left out: as the consignment says.")
    until: Time | None = None


class NewConsignment(Described, Statement):
    """A consignment, with its way and who speaks for it as far as that is known."""

    id: Id
    goods: Name = Field(description="A profile's name, of GET /goods.")
    legs: tuple[NewLeg, ...] = Field(default=(), max_length=MOST_LEGS)
    sensors: tuple[NewSpeaker, ...] = Field(default=(), max_length=MOST)


class ConsignmentChange(Described, Statement):
    """What is to be otherwise. What is not named stays; empty or null is removed."""

    goods: Name | None = Field(default=None, description="Judges all by the newest version.")
    version: Name | None = Field(default=None, description="Judges all by this one.")


class Speaking(Statement):
    """Devices that speak for it from `at` on."""

    devices: Devices
    where: Text = ""
    ignore: Length | None = Field(default=None, description="Left out: as the consignment says.")
    until: Time | None = None


class Silenced(Statement):
    """Devices that do not speak for it any more."""

    devices: Devices


class Taking(Statement):
    """A device that speaks for it from `at` on, and not for the others any more."""

    device: Key
    others: Annotated[list[Id], Field(min_length=1, max_length=MOST)]
    where: Text = ""


class Departure(Statement):
    """A leg began; left out: the next one."""

    leg: Leg | None = None
    anyway: bool = Field(default=False, description="Although it lacks what its goods ask for.")


class Arrival(Statement):
    """A leg ended; left out: the one that it is on."""

    leg: Leg | None = None


class HandOver(Statement):
    """It went to another custodian; left out: the next leg's."""

    to: Text = ""
    leg: Leg | None = None
    confirmed: bool = Field(default=False, description="Both sides say so.")


class Confirmation(Statement):
    """The other side says so too; `at` left out: the time that the first side gave."""

    number: Annotated[int, Field(ge=1, lt=1 << 53)] | None = Field(
        default=None, description="Of the handover; needed where several wait."
    )


class Delivery(Statement):
    """It is where it should go."""

    to: Text = Field(default="", description="Into whose hands; empty: its custodian keeps it.")
    confirmed: bool = Field(default=False, description="Both sides say so.")


class Because(Statement):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class NewPart(Model):
    """A part that becomes a consignment of its own."""

    id: Id
    quantity: Amount | None = None


class Parting(Statement):
    """The parts that it is split into."""

    parts: Annotated[list[NewPart], Field(min_length=1, max_length=MOST)]
    unit: Annotated[str, Field(max_length=20)] = ""
    keep_sensors: bool = Field(default=False, description="All sensors speak for each part.")


class Merging(Statement):
    """The others that it becomes one with, and what that one is called."""

    others: Annotated[list[Id], Field(min_length=1, max_length=MOST)]
    into: Id


class Withdrawing(Model):
    """Why a fact is taken back."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]
