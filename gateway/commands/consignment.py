"""What may be done to consignments: entered, changed, moved, handed over, parted, taken back.

Fields come as people write them; times too, or as ms since 1970. A part of Commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway.commands.consignment_table import ConsignmentTable
from gateway.commands.consignment_views import ConsignmentViews, Sensors, find
from gateway.consignments import fields
from gateway.consignments.changes import Act, Changes, custodian_at
from gateway.consignments.entering import Entering
from gateway.consignments.facts import (
    Arrived,
    Delivered,
    Departed,
    HandedOver,
    Part,
    Unassigned,
)
from gateway.consignments.fold import settled
from gateway.consignments.parting import Parting
from gateway.people.audit import who_of
from gateway.refusal import ControlError
from gateway.registry.fields import LONGEST_NOTE, plain
from gateway.registry.times import Times
from gateway.report_range import find_zone
from rules.cargo.consignment import FOREVER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from devices.reading import DeviceKey
    from gateway.app import Gateway
    from gateway.consignments.facts import Fact
    from rules.cargo.consignment import Consignment, Leg

    Command = Callable[[Mapping[str, Any], Any], Awaitable[Any]]


def consignment_commands(gateway: Gateway) -> dict[str, Command]:
    """Return all commands about consignments, by name."""
    return {
        **ConsignmentViews(gateway).by_name,
        **ConsignmentCommands(gateway).by_name,
        **ConsignmentTable(gateway).by_name,
    }


class ConsignmentCommands:
    """The commands that state something of consignments, by name."""

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings
        self._owner = settings.gateway.owner
        self._book = gateway.book
        self._times = Times(gateway.clock, find_zone(settings.gateway.timezone))
        self._changes = Changes(gateway.book, self._times.said)
        self._parting = Parting(gateway.book, self._times.said)
        self._entering = Entering(gateway.goods, self._owner, self._times)
        self._views = ConsignmentViews(gateway)
        self._sensors = Sensors(gateway)
        self.by_name: dict[str, Command] = {
            "consignment-add": self.add,
            "consignment-change": self.change,
            "consignment-leg": self.leg,
            "consignment-assign": self.assign,
            "consignment-unassign": self.unassign,
            "consignment-move": self.move,
            "consignment-depart": self.depart,
            "consignment-arrive": self.arrive,
            "consignment-hand-over": self.hand_over,
            "consignment-confirm": self.confirm,
            "consignment-deliver": self.deliver,
            "consignment-review": self.review,
            "consignment-split": self.split,
            "consignment-merge": self.merge,
            "consignment-withdraw": self.withdraw,
        }

    async def add(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Enter a consignment, with `legs` and `sensors` if they are known."""
        identity = fields.identity(request.get("id"))
        sensors = [
            self._entering.sensor(one if isinstance(one, dict) else {"sensor": one})
            for one in fields.listed(request, "sensors", (str, dict))
        ]
        legs = fields.listed(request, "legs", dict)
        facts = self._entering.consignment(request, legs, sensors)
        await self._changes.add(identity, facts, self._act(request))
        return {**self._told(identity), "unheard": self._unheard(one.sensor for one in sensors)}

    async def change(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State fields that are otherwise; goods come with the newest version of their profile."""
        identity = fields.identity(request.get("id"))
        said = self._entering.changes(request)
        if not said:
            raise ControlError("nothing was said of it", "Say what is otherwise: --quantity 80")
        changed = await self._changes.change(identity, said, self._act(request))
        return {
            **self._told(identity),
            "before": {field: before for field, (before, _) in changed.items()},
            "after": {field: after for field, (_, after) in changed.items()},
        }

    async def leg(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Plan a leg: a further one, or with `number` that one otherwise; `remove` takes it out."""
        one = self._find(request)
        legs = list(one.legs)
        asked = request.get("number")
        place = len(legs) + 1 if asked is None else _whole(asked)
        if not 1 <= place <= len(legs) + (not request.get("remove")):
            raise ControlError(
                f"{one.id} has no leg {place}",
                f"It has {len(legs)}; give no number to add one behind them",
            )
        if request.get("remove"):
            del legs[place - 1]
            legs = [msgspec.structs.replace(leg, number=no) for no, leg in enumerate(legs, 1)]
        else:
            before = legs[place - 1] if place <= len(legs) else None
            legs[place - 1 :] = [fields.leg(request, place, self._times, before), *legs[place:]]
        fields.check_way(tuple(legs))
        await self._changes.plan(one.id, tuple(legs), self._act(request))
        return {**self._told(one.id), "leg": place, "removed": bool(request.get("remove"))}

    # -- sensors -----------------------------------------------------------------------------

    async def assign(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that `sensors` speak for it: from `at` on, `until` a time if one is given."""
        identity = fields.identity(request.get("id"))
        facts = [
            self._entering.sensor({**request, "sensor": one})
            for one in fields.listed(request, "sensors", str)
        ]
        if not facts:
            raise ControlError("no sensor is named", "Give the ids of sensors")
        await self._changes.state(identity, facts, self._act(request), "assign")
        return {**self._told(identity), "unheard": self._unheard(one.sensor for one in facts)}

    async def unassign(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that `sensors` do not speak for it any more."""
        identity = fields.identity(request.get("id"))
        facts: list[Fact] = [
            Unassigned(sensor=fields.sensor(str(one), self._owner))
            for one in fields.listed(request, "sensors", str)
        ]
        await self._changes.state(identity, facts, self._act(request), "unassign")
        return self._told(identity)

    async def move(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that a sensor speaks for `to`, and for no other; or not for those of `from`."""
        sensor = fields.sensor(str(request.get("sensor")), self._owner)
        to = fields.identity(request.get("to"))
        where = plain(str(request.get("where") or ""), "place")
        came = [fields.identity(one) for one in fields.listed(request, "from", str)]
        left = await self._changes.move(sensor, to, self._act(request), where, came)
        return {**self._told(to), "left": left, "unheard": self._unheard([sensor])}

    # -- on its way --------------------------------------------------------------------------

    async def depart(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that a leg began. What it lacks must be known: with `anyway` it departs anyway."""
        one = self._find(request)
        asked = request.get("leg")
        gone = {each.leg for each in one.travelled if each.departed is not None}
        leg = _whole(asked) if asked is not None else max(gone, default=0) + 1
        lacks = [] if gone else self._views.doubts(one)
        if lacks and not request.get("anyway"):
            raise ControlError(
                f"{one.id} lacks what its goods ask for: " + " ".join(lacks),
                "Put that right, or say that it departs anyway, with --anyway",
            )
        act = self._act(request)
        await self._changes.state(one.id, [Departed(leg=leg)], act, "depart")
        return {**self._told(one.id), "leg": leg, "at": act.at, "doubts": lacks}

    async def arrive(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that a leg ended."""
        one = self._find(request)
        asked = request.get("leg")
        under_way = _under_way(one)
        if asked is None and under_way is None:
            raise ControlError(
                f"{one.id} is on no leg", f"Say first: holdwatch consignment depart {one.id}"
            )
        leg = _whole(asked) if asked is not None else under_way
        act = self._act(request)
        await self._changes.state(one.id, [Arrived(leg=leg or 0)], act, "arrive")
        return {**self._told(one.id), "leg": leg, "at": act.at}

    async def hand_over(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that it went to another custodian; `confirmed`: both sides say so."""
        one, act = self._find(request), self._act(request)
        claim = self._claim(one, request, act.at)
        both = bool(request.get("confirmed"))
        number = await self._changes.hand_over(one.id, claim, act, both=both)
        told = {"to": claim.to, "leg": claim.leg, "at": act.at, "confirmed": both}
        return {**self._told(one.id), "number": number, **told}

    def _claim(self, one: Consignment, request: Mapping[str, Any], at: int) -> HandedOver:
        """Return to whom it went: as was said, or as the next leg has it."""
        to = plain(str(request.get("to") or ""), "custodian")
        asked = request.get("leg")
        if asked is not None:
            leg = next((leg for leg in one.legs if leg.number == _whole(asked)), None)
            if leg is None:
                raise ControlError(f"{one.id} has no leg {asked}", "Give one that is planned")
            return HandedOver(to=to or leg.custodian, leg=leg.number)
        following = self._next(one, at)
        if to:
            fits = following is not None and following.custodian == to
            return HandedOver(to=to, leg=following.number if following and fits else None)
        if following is None:
            raise ControlError(f"{one.id} has no further custodian", "Say who has it, with --to")
        return HandedOver(to=following.custodian, leg=following.number)

    def _next(self, one: Consignment, at: int) -> Leg | None:
        """Return the next leg in the custody of another."""
        has = custodian_at(one, at)
        leg = max((each.leg or 0 for each in one.custody if each.since <= at), default=0)
        later = (each for each in one.legs if each.number > leg and each.custodian != has)
        return next(later, None)

    async def confirm(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that the other side says so too, at `at` or at the time of the first."""
        identity = fields.identity(request.get("id"))
        asked = request.get("number")
        act = self._act(request)
        said = None if request.get("at") is None or request["at"] == "" else act
        number = None if asked is None else _whole(asked)
        claim = await self._changes.confirm(identity, number, said, act)
        to = claim.fact.to if isinstance(claim.fact, HandedOver) else ""
        at = claim.at if said is None else said.at
        return {**self._told(identity), "to": to, "at": at, "claimed": claim.at}

    async def deliver(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that it is where it should go, and with `to` that it went into their hands."""
        one, act = self._find(request), self._act(request)
        under_way = _under_way(one)
        facts: list[Fact] = [] if under_way is None else [Arrived(leg=under_way)]
        facts.append(Delivered())
        to, both = plain(str(request.get("to") or ""), "custodian"), bool(request.get("confirmed"))
        goes = bool(to) and to != custodian_at(one, act.at)
        if goes:
            facts.append(HandedOver(to=to))
        numbers = await self._changes.state(one.id, facts, act, "deliver")
        if goes and both:
            await self._changes.confirm(one.id, numbers[-1], None, act)
        told = {"to": to, "confirmed": both or not goes}
        return {**self._told(one.id), "at": act.at, "arrived": under_way, **told}

    async def review(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that it is looked at again."""
        identity = fields.identity(request.get("id"))
        act = self._act(request)
        if not act.reason:
            raise ControlError("there is no reason", "Say why it is looked at again, with --reason")
        await self._changes.review(identity, act)
        return self._told(identity)

    # -- apart, together, taken back -----------------------------------------------------------

    async def split(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that `parts` ("C-1A:80") are consignments of their own, in `unit` if it is said."""
        one = self._find(request)
        unit = request.get("unit")
        if unit and one.unit and unit != one.unit:
            raise ControlError(
                f"{one.id} is counted in {one.unit}, and not in {unit}", "Give how much in that"
            )
        parts = [_part(str(each)) for each in fields.listed(request, "parts", str)]
        if not parts:
            raise ControlError("no part is named", "Write ID:QUANTITY for each, such as C-1A:80")
        if len(parts) > fields.MOST_PARTS:
            raise ControlError(f"{len(parts)} parts are too many", f"At most {fields.MOST_PARTS}")
        keep = bool(request.get("keep_sensors"))
        await self._parting.split(one.id, parts, self._act(request), keep_sensors=keep)
        line = self._book.line(one.id)
        over = line is not None and settled(line)[1] != FOREVER
        made = [self._told(each.id) for each in parts]
        return {**self._told(one.id), "made": made, "over": over}

    async def merge(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that those of `from` are one, which is new."""
        identity = fields.identity(request.get("id"))
        parents = list(
            dict.fromkeys(fields.identity(one) for one in fields.listed(request, "from", str))
        )
        if not 2 <= len(parents) <= fields.MOST_PARTS:
            raise ControlError(
                f"it takes two to be merged, and {fields.MOST_PARTS} can be at once",
                "Name all of which it is made",
            )
        await self._parting.merge(identity, parents, self._act(request))
        return {**self._told(identity), "from": parents}

    async def withdraw(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Take back what should not have been stated, by its number; `reason` is needed."""
        identity = fields.identity(request.get("id"))
        number = _whole(request.get("number"))
        gone = await self._parting.withdraw(identity, number, self._act(request))
        return {
            "id": identity,
            "withdrawn": [{"number": one.number, "kind": one.fact.kind} for one in gone],
            "left": self._book.consignment(identity) is not None,
        }

    # -- for all of them -----------------------------------------------------------------------

    def _act(self, request: Mapping[str, Any]) -> Act:
        now, at = self._times.now(), request.get("at")
        reason = plain(str(request.get("reason") or ""), "reason", LONGEST_NOTE)
        moment = now if at is None or at == "" else self._times.moment(at)
        return Act(moment, now, who_of(request), reason)

    def _find(self, request: Mapping[str, Any]) -> Consignment:
        return find(self._book.consignment(str(request.get("id")).strip()), request.get("id"))

    def _told(self, identity: str) -> dict[str, Any]:
        """Return how a consignment stands now."""
        one = find(self._book.consignment(identity), identity)
        return {
            "id": one.id,
            "goods": one.goods,
            "version": one.version,
            "stage": one.stage,
            "quantity": one.quantity,
            "unit": one.unit,
            "custodian": custodian_at(one, self._times.now()),
            "sensors": [
                str(each.sensor)
                for each in one.assignments
                if each.until is None or each.until > self._times.now()
            ],
        }

    def _unheard(self, sensors: Iterable[DeviceKey]) -> list[str]:
        return [str(one) for one in sensors if self._sensors.heard(one)["at"] is None]


def _under_way(one: Consignment) -> int | None:
    """Return the leg that it departed on and has not arrived from, the last if there are more."""
    found = [each.leg for each in one.travelled if each.departed and each.arrived is None]
    return found[-1] if found else None


def _part(text: str) -> Part:
    name, colon, quantity = text.partition(":")
    return Part(
        id=fields.identity(name), quantity=fields.amount(quantity, "quantity") if colon else None
    )


def _whole(said: object) -> int:
    if isinstance(said, bool) or not str(said)[:20].strip().isdecimal() or len(str(said)) > 15:
        raise ControlError(f"{str(said)[:40]!r} is no whole number", "Give it as 1, 2, 3")
    return int(str(said))
