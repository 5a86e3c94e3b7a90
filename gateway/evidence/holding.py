"""What is kept for consignments now, worked out anew whenever something is stated of one.

Readings and messages that are kept are told to whoever deletes; that they do not fit is told to
people. Nobody who finds no room takes any of it.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from gateway.consignments.fold import settled
from gateway.consignments.keeping import Span, hold, kept_of
from gateway.history.held import NOTHING, Held
from rules.cargo.consignment import FOREVER
from rules.duration import DAY
from rules.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.reading import DeviceKey
    from gateway.consignments.book import Book
    from gateway.consignments.facts import Stated
    from gateway.consignments.keeping import Hold
    from gateway.goods import Goods
    from gateway.own_alerts import OwnAlerts
    from gateway.state import State
    from rules.cargo.consignment import Consignment

ALERT = "evidence"
CURE = (
    "See what is kept: holdwatch consignment holds. Export what is closed, and let it go: "
    "holdwatch consignment evidence ID -o FILE.zip, then --verify FILE.zip --release-hold. Or give "
    "it more room: [history] keep_size, or a larger disk."
)


SURE = DAY
"""Nothing goes before we have seen it over for so long (ms): clocks jump ahead, and come back."""
NEVER_OVER = -(1 << 62)


class Holding:
    """What is kept for each consignment. Looked at from the event loop alone."""

    def __init__(
        self, state: State, book: Book, goods: Goods, interval: Callable[[DeviceKey], int]
    ) -> None:
        """`interval` returns how often a sensor sends, ms. Call `look` before it is asked."""
        self._state = state
        self._book = book
        self._goods = goods
        self._interval = interval
        self._newest = -1
        self._over: dict[str, int] = {}
        """Since when (ms) we see that the time of these is over."""
        self.holds: dict[str, Hold] = {}
        """By consignment; there is none where nothing is kept (any more)."""
        self.held = NOTHING
        """The same as times of sensors: another object whenever it is otherwise."""

    def look(self, now: int) -> Held:
        """Take up what was stated since the last look, and what is over at `now` (ms)."""
        gone = self._surely_over(now)
        rows = self._state.rows(
            # By number, which is short; by owner, as the planner would have it, means all facts.
            "SELECT number, consignment FROM consignment_fact WHERE number > ? AND +owner = ?",
            (self._newest, self._book.owner),
        )
        told: set[str] = set()
        if rows:
            self._newest = max(number for number, _ in rows)
            told = set(self._book.family({name for _, name in rows}))
        if not told and not gone:
            return self.held
        for one in gone - told:
            del self.holds[one]
        for one in told:
            found = self.hold(one)
            if found is None:
                self.holds.pop(one, None)
            else:
                self.holds[one] = found
        held = Held(chain.from_iterable(one.spans for one in self.holds.values()))
        if held != self.held:
            self.held = held
        return self.held

    def _surely_over(self, now: int) -> set[str]:
        """Return those whose time has been over for a while, and take note of others."""
        over = {one.consignment for one in self.holds.values() if _is_over(one, now)}
        self._over = {one: self._over.get(one, now) for one in over}
        return {one for one, since in self._over.items() if now - since >= SURE}

    def hold(self, identity: str) -> Hold | None:
        """Return what is kept for a consignment, until whenever; None if nothing is."""
        consignment, line = self._book.consignment(identity), self._book.line(identity)
        if consignment is None or line is None:
            return None
        return hold(
            consignment,
            self._book.facts(identity),
            self.inherited(consignment),
            keep=self.period,
            before=self._before,
            elsewhere=settled(line)[1] < FOREVER,
            now=NEVER_OVER,
        )

    def spans(self, consignment: Consignment) -> tuple[Span, ...]:
        """Return what a consignment's verdict rests on, whether it is still kept or not."""
        facts = [*self.inherited(consignment), *self._book.facts(consignment.id)]
        return kept_of(consignment, facts, self._before)

    def inherited(self, consignment: Consignment) -> list[Stated]:
        """Return what was stated of those that a consignment came from, up to then."""
        found: list[Stated] = []
        for one in consignment.parents:
            parent = self._book.consignment(one)
            if parent is not None:
                found += self.inherited(parent)
            found += [
                each
                for each in self._book.facts(one)
                if each.at <= consignment.created or each.fact.kind == "withdrawn"
            ]
        return sorted(found, key=_number)

    def period(self, version: str) -> int:
        """Return for how long a profile's version wants all of it kept, ms."""
        profile = self._goods.version(version) or self._goods.profile(version.partition("@")[0])
        return profile.keep if profile else int(Profile.model_fields["keep"].default)

    def _before(self, sensor: DeviceKey) -> int:
        # However long a rule lets a reading speak, and however seldom it is sent.
        return max(DAY, 5 * self._interval(sensor))

    def check(self, own_alerts: OwnAlerts, over_size: int, full: str | None) -> None:
        """Tell where what is kept does not fit: by `over_size` bytes, or on a `full` disk."""
        problem = None
        if over_size:
            problem = (
                f"what is kept for {len(self.holds)} consignments does not fit: history.db is "
                f"{over_size / 1e6:.1f} MB over [history] keep_size. None of it is deleted"
            )
        elif full is not None and self.holds:
            problem = (
                f"the disk has no room, and what is kept for {len(self.holds)} consignments takes "
                "some of it. None of that is deleted"
            )
        own_alerts.report(ALERT, problem, "warning", CURE if problem else "")


def _is_over(one: Hold, now: int) -> bool:
    return one.until is not None and one.until <= now


def _number(stated: Stated) -> int:
    return stated.number
