"""The fast way through a payload: a decoder compiled for exactly the keys it had last time.

A device sends the same keys again and again. A plan is a typed decoder for one such shape and
takes nothing else: other keys, other types, a key twice or an escaped quote send the payload
back to the definition, in `plain`. So a plan may refuse what the definition takes, and never
the other way round; a property-based test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any

import msgspec

from devices.device import DecodeError
from devices.envelopes.document import (
    EPOCH,
    MAXIMUM_BYTES,
    MAXIMUM_NUMBER,
    MAXIMUM_OBJECTS,
    MAXIMUM_SEQUENCE,
    Document,
    epoch,
)
from devices.envelopes.mapping import Mapping, Path, path_of
from devices.reading import UNUSABLE_SHIFT, DeviceKey, Layout, Reading, layout, reading
from devices.units import Conversion

Shape = tuple[tuple[str, Any], ...]
"""Each key with its kind: `str`, `bool`, `float` (a number or null), or the shape of an object."""
KeyOf = Callable[[Any], DeviceKey]
"""Given the decoded fields, whose `device` is the id in the payload, return the device."""

_Sequence = Annotated[int, msgspec.Meta(ge=0, le=MAXIMUM_SEQUENCE)]
_ANY_UNUSABLE = 1 << UNUSABLE_SHIFT
MAXIMUM_PLANS = 512


class Unplanned(Exception):  # noqa: N818 - no error: it hands over to the definition
    """This payload is not one for a plan."""


REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, TypeError, DecodeError, Unplanned)
"""What a plan raises where the definition must decide. TypeError: a time without its offset."""


def shape_of(document: Document) -> Shape:
    """Return the shape of an object. Raises Unplanned where it holds an array."""
    kinds: list[tuple[str, Any]] = []
    for key in sorted(document):
        value = document[key]
        if isinstance(value, dict):
            kinds.append((key, shape_of(value)))
        elif isinstance(value, list) or '"' in key or "\\" in key or not key.isprintable():
            raise Unplanned
        elif isinstance(value, str | bool):
            kinds.append((key, type(value)))
        else:
            kinds.append((key, float))
    return tuple(kinds)


def holds_null(document: Document) -> bool:
    """Whether any value in the object is null."""
    return any(
        value is None or (isinstance(value, dict) and holds_null(value))
        for value in document.values()
    )


class Plan:
    """A decoder for one shape under one mapping. Unchanging, and shared by all such devices."""

    __slots__ = (
        *("_convert", "_dated", "_layout", "_many", "_nullable", "_one", "_quotes", "_unit"),
        "_values",
    )

    def __init__(self, mapping: Mapping, document: Document) -> None:
        places = dict(mapping.places(document))
        fields = _Fields(mapping, document, set(places.values()))
        struct = fields.struct
        self._one: Callable[[bytes], Any] = msgspec.json.Decoder(struct).decode
        self._many: Callable[[bytes], Any] = msgspec.json.Decoder(list[struct]).decode  # type: ignore[valid-type]  # made at run time
        self._quotes = fields.quotes
        self._nullable = fields.nullable
        self._dated = fields.dated
        self._unit = mapping.time_unit
        self._layout: Layout = layout(tuple(sorted(places)))
        self._convert = (
            [mapping.conversion_of(channel) for channel in self._layout.channels]
            if mapping.units
            else None
        )
        names = [fields.attributes[places[channel]] for channel in self._layout.channels]
        take = attrgetter(*names)
        self._values: Callable[[Any], Any] = take if len(names) > 1 else lambda it: (take(it),)

    def one(
        self, payload: bytes, key: DeviceKey | KeyOf, received: int, flags: int, source: str
    ) -> list[Reading]:
        """Decode one object. Raises one of REFUSALS."""
        fields = self._one(payload)
        # With every key required and no other known, more quotes than these mean a key sent
        # twice or an escaped quote, and nothing else can.
        if payload.count(b'"') != self._quotes or len(payload) > MAXIMUM_BYTES:
            raise Unplanned
        return [self._reading(fields, key, received, flags, source)]

    def many(
        self, payload: bytes, key: DeviceKey | KeyOf, received: int, flags: int, source: str
    ) -> list[Reading]:
        """Decode an array of objects, all of this shape. Raises one of REFUSALS."""
        if len(payload) > MAXIMUM_BYTES:
            raise Unplanned
        objects = self._many(payload)
        if not 0 < len(objects) <= MAXIMUM_OBJECTS:
            raise Unplanned
        if payload.count(b'"') != self._quotes * len(objects):
            raise Unplanned
        return [self._reading(fields, key, received, flags, source) for fields in objects]

    def _reading(
        self,
        fields: Any,  # noqa: ANN401 - its type is made at run time
        key: DeviceKey | KeyOf,
        received: int,
        flags: int,
        source: str,
    ) -> Reading:
        values = self._values(fields)
        if self._nullable:
            values = tuple([math.nan if value is None else value for value in values])
        if self._convert is not None:
            values = self._converted(values, self._convert)
        at = fields.time
        if self._dated:
            since = at - EPOCH
            at = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
        elif at is not None:
            at = epoch(at, self._unit)
        made = reading(
            device=key if isinstance(key, DeviceKey) else key(fields.device),
            at=at,
            received=received,
            layout=self._layout,
            values=values,
            sequence=fields.sequence,
            flags=flags,
            source=source,
        )
        if made.flags >= _ANY_UNUSABLE and any(abs(value) >= MAXIMUM_NUMBER for value in values):
            raise Unplanned
        return made

    @staticmethod
    def _converted(values: tuple[float, ...], convert: list[Conversion]) -> tuple[float, ...]:
        if any(abs(value) >= MAXIMUM_NUMBER for value in values):
            raise Unplanned
        return tuple([one.of(value) for one, value in zip(convert, values, strict=True)])


class _Fields:
    """The typed struct of a shape, and what the plan must know about it."""

    def __init__(self, mapping: Mapping, document: Document, values: set[Path]) -> None:
        keys = {"time": mapping.time, "sequence": mapping.sequence, "device": mapping.device_key}
        self._roles = {path_of(key): role for role, key in keys.items() if key}
        self._values = values
        if self._roles.keys() & values:
            raise Unplanned
        self.quotes = 0
        self.dated = False
        self.nullable = holds_null(document)
        self.attributes: dict[Path, str] = {}
        fields, rename = self._of(document, (), "")
        outer: dict[str, Any] = {}
        for role in keys:
            path = next((path for path, name in self._roles.items() if name == role), ())
            attribute = self.attributes.get(path)
            if attribute is None:
                outer[role] = None
            elif attribute != role:
                outer[role] = property(attrgetter(attribute))
        self.struct = self._struct(fields, rename, outer)

    @staticmethod
    def _struct(
        fields: list[tuple[str, Any]], rename: dict[str, str], namespace: dict[str, Any]
    ) -> type:
        return msgspec.defstruct(
            "Fields",
            fields,
            namespace=namespace,
            rename=rename,
            forbid_unknown_fields=True,
            gc=False,
        )

    def _of(
        self, document: Document, path: Path, prefix: str
    ) -> tuple[list[tuple[str, Any]], dict[str, str]]:
        fields: list[tuple[str, Any]] = []
        rename: dict[str, str] = {}
        for index, (key, value) in enumerate(document.items()):
            inner = (*path, key)
            role = self._roles.get(inner, "")
            name = role if role and not path else f"f{index}"
            self.attributes[inner] = prefix + name
            self.quotes += 2
            fields.append((name, self._type(value, inner, f"{prefix}{name}.")))
            rename[name] = key
        return fields, rename

    def _type(self, value: object, path: Path, prefix: str) -> Any:  # noqa: ANN401 - a type's type
        role = self._roles.get(path, "value" if path in self._values else "ignored")
        if isinstance(value, dict):
            return self._struct(*self._of(value, path, prefix), {})
        if isinstance(value, str):
            if role not in ("time", "device", "ignored"):
                raise Unplanned
            self.quotes += 2
            self.dated = self.dated or role == "time"
            return datetime if role == "time" else str
        if isinstance(value, bool):
            if role == "value":
                raise Unplanned
            return bool
        if role == "device":
            raise Unplanned
        if role == "time":
            return int | float | None
        if role == "sequence":
            return _Sequence | None
        return float | None if self.nullable else float


class Plans:
    """The plans of one mapping, each made once."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._plans: dict[tuple[Shape, bool], Plan] = {}
        self.newest: Plan | None = None
        """The plan found last: like devices come one after another, so try it for a new one."""

    def find(self, document: Document) -> tuple[Plan, bool]:
        """Return the plan of a document that the definition took, and whether it had to be made.

        Raises Unplanned where there can be none.
        """
        shape = (shape_of(document), holds_null(document))
        plan = self._plans.get(shape)
        if plan is not None:
            self.newest = plan
            return plan, False
        plan = Plan(self._mapping, document)
        if len(self._plans) >= MAXIMUM_PLANS:
            self._plans.pop(next(iter(self._plans)))
        self._plans[shape] = self.newest = plan
        return plan, True
