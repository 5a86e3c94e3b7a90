"""Whatever happens in whatever order, with crashes: each end is told once to whoever was told."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.reading import DeviceKey
from gateway.database import DiskError
from gateway.follow import RetryLater
from gateway.notify.message import Message
from gateway.notify.mutes import Mute
from gateway.notify.outbox import Outbox
from gateway.notify.routes import Route, Step
from gateway.refusal import ControlError
from gateway.settings.routes import Acknowledgement
from rules.alert import Alert
from rules.duration import DAY, HOUR, MINUTE, SECOND
from rules.only import Schedule
from rules.revision import WITHDRAWN
from tests.gateway.notify.site import ANNA, Site, firing, lost, own

ROUTES = (
    Route(name="grave", severity="critical", channels=("duty",), repeat=5 * MINUTE, go_on=True),
    Route(
        name="hall",
        sites=("Hall*",),
        channels=("office", "duty"),
        steps=(Step(3 * MINUTE, ("boss",)), Step(20 * MINUTE, ("duty", "office"))),
        repeat=30 * MINUTE,
        gather=10 * SECOND,
        go_on=True,
    ),
    Route(
        name="day",
        channels=("boss", "office"),
        hours=Schedule.model_validate({"from": "06:00", "to": "22:00"}),
        gather=30 * SECOND,
    ),
)
HOLDS = Acknowledgement.model_validate({"shifts": ("06:00", "14:00", "22:00"), "longest": "4 h"})
SUBJECTS: dict[str, Callable[[int], Alert]] = {
    "a": lambda now: firing("a", now),
    "b": lambda now: firing("b", now, severity="critical"),
    "lost-2": lambda now: lost(2, now),
    "lost-3": lambda now: lost(3, now, severity="critical"),
    "broker main": lambda now: own("broker main", now),
    "channel boss": lambda now: own("channel boss", now),
}
BEGINS = {"fired", "shown", "escalated"}
ENDS = {"resolved", "withdrawn"}

Crash = st.sampled_from(("", "", "", "before", "after", "full"))
WHAT = st.sampled_from(sorted(SUBJECTS))
OPS = st.one_of(
    st.tuples(st.just("fires"), WHAT, Crash),
    st.tuples(st.just("fires"), WHAT, Crash),
    st.tuples(st.just("ends"), WHAT, st.sampled_from(("it is over", WITHDRAWN))),
    st.tuples(st.just("severity"), WHAT, st.sampled_from(("info", "warning", "critical"))),
    st.tuples(st.just("past"), WHAT, st.booleans()),
    st.tuples(st.just("takes"), WHAT, Crash),
    st.tuples(st.just("mutes"), WHAT, st.integers(1, 90)),
    st.tuples(st.just("all muted"), st.integers(1, 90), st.booleans()),
    st.tuples(
        st.just("passes"), st.sampled_from((5 * SECOND, MINUTE, 17 * MINUTE, 3 * HOUR)), Crash
    ),
    st.tuples(st.just("clock"), st.sampled_from((-400 * DAY, -HOUR, 2 * HOUR, 400 * DAY)), Crash),
    st.tuples(st.just("restart"), st.just(""), Crash),
)


class CrashedError(Exception):
    """The process was killed."""


class Strict(Outbox):
    """An outbox that notes when a message is made that was there already."""

    twice: list[str]

    def put(self, message: Message) -> bool:
        added = super().put(message)
        if not added:
            self.twice.append(message.id)
        return added


class Run:
    """One run of whatever happens."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder, *ROUTES, holds=HOLDS)
        self.site.sources = {DeviceKey("", f"fridge-{n}"): "main" for n in (2, 3)}
        self.twice: list[str] = []
        self.watch()

    def watch(self) -> None:
        outbox = Strict(self.site.state)
        outbox.twice = self.twice
        self.site.notifier._outbox = outbox

    def restart(self) -> None:
        self.site.restart()
        self.watch()

    async def crashing(self, when: str, what: Callable[[], Awaitable[None]]) -> None:
        """Do something, and be killed before or after its first commit; then begin again.

        Or, where the disk is full, go on.
        """
        state = self.site.state
        commit = state.commit_aside
        if not when:
            await what()
            return

        async def killed() -> None:
            if when == "full":
                raise DiskError("the disk is full")
            if when == "after":
                await commit()
            raise CrashedError

        state.commit_aside = killed  # type: ignore[method-assign] # stands in for a kill
        try:
            await what()
        except CrashedError:
            self.restart()
        except (DiskError, RetryLater):
            return  # it is tried again
        finally:
            state.commit_aside = commit  # type: ignore[method-assign] # as it was

    async def do(self, what: str, first: Any, second: Any) -> None:  # noqa: ANN401 - of many kinds
        """Let something happen, where it can."""
        site, now = self.site, self.site.clock.now()
        if what == "all muted":
            rules = ("too-*", "not-*", "gateway") if second else ("too-warm",)
            mute = Mute(at=now, until=now + first * MINUTE, who="", reason="so", rules=rules)
            await site.notifier.mutes.add(mute, ANNA)
        elif what == "passes":
            site.clock.passes(first)
            await self.crashing(second, site.notifier.look)
        elif what == "clock":
            site.clock.wall += first
            await self.crashing(second, site.notifier.look)
        elif what == "restart":
            self.restart()
        elif site.state.alert(first) is None:
            await self.begins(what, first, second)
        else:
            await self.goes_on(what, first, second)

    async def begins(self, what: str, first: str, second: Any) -> None:  # noqa: ANN401 - as above
        """Let an alert begin, or be found in the past."""
        site, now = self.site, self.site.clock.now()
        if what == "fires":
            await site.record(SUBJECTS[first](now))
            await self.crashing(second, site.follow)
        elif what == "past" and second:
            await site.fires(first, retrospective=True)
        elif what == "past":
            await site.fires(first, retrospective=True, state="resolved", ended=now)

    async def goes_on(self, what: str, first: str, second: Any) -> None:  # noqa: ANN401 - as above
        """Let something happen to an alert that there is."""
        site, alert = self.site, self.site.state.alert(first)
        assert alert is not None
        if what == "takes":
            await site.does("acknowledged", first)
            await self.crashing(second, site.notifier.look)
        elif what == "fires" and alert.ended is not None:
            await site.becomes(first, state="firing", ended=None)
        elif what == "past" and alert.retrospective:
            await site.becomes(first, retrospective=False)
        elif alert.ended is not None:
            return
        elif what == "ends":
            await site.ends(first, second)
        elif what == "severity":
            await site.becomes(first, severity=second)
        elif what == "mutes":
            await site.does("muted", first, until=site.clock.now() + second * MINUTE)

    async def settle(self) -> None:
        """Follow what there is, and look."""
        await self.site.follow()
        await self.site.notifier.look()

    def check(self) -> None:
        """What must hold at any time."""
        assert not self.twice
        for alert in self.site.state.open_alerts():
            if not alert.retrospective:
                again = self.site.notifier.next_look(alert.id)
                assert again is not None
                assert self.site.clock.now() < again <= self.site.clock.now() + HOUR

    async def finish(self) -> None:
        """Let all end and time pass; then each told beginning has one end."""
        site = self.site
        for alert in site.state.open_alerts():
            await site.ends(alert.id)
        await site.passes(2 * MINUTE, 10 * SECOND)
        for channel in site.policy.channels:
            stands: dict[str, bool] = {}
            for identity, occasion, _ in site.told(channel):
                if occasion in ENDS:
                    assert stands.get(identity), f"{identity} ends at {channel}, and never began"
                    stands[identity] = False
                elif occasion in BEGINS:
                    stands[identity] = True
                else:
                    assert stands.get(identity), f"{occasion} of {identity} at {channel}"
            assert not any(stands.values()), f"{stands} at {channel}"


async def run(ops: list[tuple[str, Any, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Run(Path(folder))
        try:
            for what, first, second in ops:
                try:
                    await made.do(what, first, second)
                except ControlError:
                    continue
                await made.settle()
                made.check()
            await made.finish()
            made.check()
        finally:
            made.site.state.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OPS, min_size=3, max_size=25))
def test_each_told_alert_that_ends_has_one_end_per_channel_and_no_message_is_made_twice(
    ops: list[tuple[str, Any, Any]],
) -> None:
    asyncio.run(run(ops))
