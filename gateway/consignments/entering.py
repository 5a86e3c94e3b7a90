"""A consignment as somebody enters it, by hand or in a table ▸ the facts that are stated of it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from gateway.consignments import fields
from gateway.consignments.facts import Assigned, Created, Planned
from gateway.refusal import ControlError
from gateway.registry.fields import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.consignments.facts import Fact
    from gateway.goods import Goods
    from gateway.registry.times import Times


class Entering:
    """Reads what people enter, by the goods and the times of one gateway."""

    def __init__(self, goods: Goods, owner: str, times: Times) -> None:
        self._goods = goods
        self._owner = owner
        self._times = times

    def consignment(
        self,
        said: Mapping[str, Any],
        legs: Sequence[Mapping[str, Any]] = (),
        sensors: Sequence[Assigned] = (),
    ) -> list[Fact]:
        """Return the facts of a new consignment, all true from its beginning on.

        Raises ControlError, DecodeError.
        """
        goods = said.get("goods")
        if not goods:
            raise ControlError("it is not said what the goods are", "See: holdwatch goods list")
        created = Created(
            goods=str(goods).strip(),
            version=self.version(str(goods)),
            **fields.values(said, self._owner),  # type: ignore[arg-type] # each is read as its field
        )
        facts: list[Fact] = [created]
        if legs:
            way = tuple(fields.leg(one, place, self._times) for place, one in enumerate(legs, 1))
            fields.check_way(way)
            facts.append(Planned(legs=way))
        return [*facts, *sensors]

    def version(self, goods: str) -> str:
        """Return the version that counts of a profile of goods now. Raises ControlError."""
        profile = self._goods.profile(goods.strip())
        if profile is None:
            names = [one.name for one in self._goods.all()]
            close = difflib.get_close_matches(goods, names, 1)
            raise ControlError(
                f"there is no profile {goods[:60]!r} of goods",
                f"Did you mean {close[0]}?" if close else "See: holdwatch goods list",
            )
        return profile.version()

    def changes(self, said: Mapping[str, Any]) -> dict[str, object]:
        """Return the fields that somebody wants to be otherwise. Raises ControlError."""
        found = fields.values(said, self._owner)
        goods, version = said.get("goods"), said.get("version")
        if version:
            profile = self._goods.version(str(version))
            if profile is None:
                raise ControlError(
                    f"no version {str(version)[:80]} of a profile was ever in force",
                    "Give goods for the newest of theirs; see: holdwatch goods list",
                )
            if goods and profile.name != goods:
                raise ControlError(f"{version} is no version of {goods}", "Give one of both")
            found |= {"goods": profile.name, "version": str(version)}
        elif goods:
            found |= {"goods": str(goods).strip(), "version": self.version(str(goods))}
        return found

    def sensor(self, said: Mapping[str, Any]) -> Assigned:
        """Return that a sensor speaks for it. Raises ControlError, DecodeError."""
        until, ignore = said.get("until"), said.get("ignore")
        return Assigned(
            sensor=fields.sensor(str(said.get("sensor") or ""), self._owner),
            until=None if until is None or until == "" else self._times.moment(until),
            where=plain(str(said.get("where") or ""), "place"),
            ignore=None if ignore is None or ignore == "" else fields.span(str(ignore)),
        )
