"""Rules tried on a device's past, on a logger's file, and on consignments as they are judged."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devices.reading import IMPORTED, Reading
from gateway.app import Gateway
from gateway.backtest.backtest import Backtests, NoReadingsError, Span, Trial, changes, judge
from gateway.commands.commands import Commands
from gateway.past import Past
from gateway.refusal import ControlError
from gateway.registry.known import Known
from gateway.registry.registry import Registry
from gateway.settings import parse
from rules.duration import DAY, MINUTE
from rules.profile import Profile
from tests.gateway.freight_site import A, B, FreightSite, at, series, woven
from tests.gateway.parts import NOW, ToldClock, said
from tests.rules.series import rule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from gateway.backtest.backtest import Plan

SETTINGS = """
[gateway]
box = "here"
data = "{folder}/data"

[goods]
folder = "{folder}/goods"

[[rules]]
name = "fridge"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "60 min"
devices = ["d-*"]
"""
GOODS = """
name = "ours"
title = "Our goods"
source = "us"
measures = "air"
instructions = "Look."
[[rules]]
name = "warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "{length}"
"""
MORNING = NOW - NOW % DAY
TRIED: list[dict[str, Any]] = [
    rule(name="warm", above=8.0, duration="30 min").settings(),
    rule(name="gone", kind="lost_contact", after="90 min").settings(),
]


class Asked:
    """A gateway that has heard something, and what it answers."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.commands = Commands(gateway)
        self.progress: list[tuple[int, int]] = []

    async def take(self, *readings: Reading) -> None:
        journal, monitor = self.gateway.journal, self.gateway.monitor
        journal.append(readings)
        journal.commit()
        journal.publish()
        batch = journal.read(monitor.cursor, 1_000)
        await monitor.handle(batch.readings, batch.cursor)

    async def archive(self) -> None:
        batch = self.gateway.journal.read(self.gateway.archivist.cursor, 1_000)
        await self.gateway.archivist.handle(batch.readings, batch.cursor)
        await self.gateway.archivist.store()

    async def __call__(self, do: str, **request: Any) -> Any:  # noqa: ANN401 - whatever is answered
        return await self.commands.answer(
            {"do": do, **request}, lambda done, all_: self.progress.append((done, all_))
        )

    async def trials(self, **request: Any) -> list[Trial]:  # noqa: ANN401 - of a request
        asked: dict[str, Any] = {"rules": TRIED, **request}
        answer = await self("rules-backtest", **asked)
        return msgspec.convert(answer["trials"], list[Trial])

    async def trial(self, **request: Any) -> Trial:  # noqa: ANN401 - of a request
        (found,) = await self.trials(**{"devices": ["d-1"], **request})
        return found


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asked]:
    (tmp_path / "goods").mkdir()
    (tmp_path / "goods" / "ours.toml").write_text(GOODS.format(length="60 min"))
    settings = parse(SETTINGS.format(folder=tmp_path))
    gateway = await asyncio.to_thread(Gateway, settings, join=False)
    gateway.clock = ToldClock(MORNING + 12 * 60 * MINUTE)
    await gateway.compose()
    yield Asked(gateway)
    gateway.close()


def values(
    text: str, *, start: int = MORNING, device: str = "d-1", flags: int = 0
) -> list[Reading]:
    """Read "4 9 9": a value every ten minutes; "-" is not there."""
    return [
        said(device, start + n * 10 * MINUTE, float(word), flags=flags)
        for n, word in enumerate(text.split())
        if word != "-"
    ]


def day(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).date().isoformat()


def brief(trial: Trial) -> list[tuple[str, float, float | None]]:
    """Return what would have fired: the rule, and the minutes of firing and end."""
    return [
        (
            one.rule,
            (one.fired - MORNING) / MINUTE,
            None if one.ended is None else (one.ended - MORNING) / MINUTE,
        )
        for one in trial.found.alerts
    ]


@pytest.mark.parametrize("archived", [False, True])
async def test_rules_are_held_against_those_that_judge_a_device_now(
    ask: Asked, *, archived: bool
) -> None:
    await ask.take(*values("5 5 9 9 9 9 9 9 9 9 5" + " 5" * 61))
    if archived:
        await ask.archive()
    found = await ask.trial()
    assert brief(found) == [("warm", 50, 100)]
    (both,) = found.found.both
    assert (both.before.rule, both.fired, both.ended) == ("fridge", -30 * MINUTE, 0)
    assert [one.rule for one in found.found.standing] == ["fridge"]
    assert ask.progress[-1][0] == ask.progress[-1][1]
    (chart,) = found.charts
    assert chart.channel == "temperature"
    assert max(value for value in chart.lines[0].v if value is not None) == 9
    assert {one.rule for one in chart.lanes} == {"warm", "fridge"}


async def test_a_device_that_no_rule_names_has_nothing_to_be_held_against(ask: Asked) -> None:
    await ask.take(*values("9 9 9 9 9", device="e-1"))
    (found,) = await ask.trials(devices=["e-1"])
    assert (found.found.standing, len(found.found.added)) == ((), 2)


async def test_a_sensor_that_fell_silent_is_missed_until_now(ask: Asked) -> None:
    await ask.take(*values("5 5 5"))
    assert brief(await ask.trial()) == [("gone", 110, None)]


async def test_judging_begins_before_the_first_day_so_that_timers_are_full(ask: Asked) -> None:
    await ask.take(*values("9" + " 9" * 9 + " 5" * 60, start=MORNING - 50 * MINUTE))
    found = await ask.trial(since=day(MORNING), until=day(MORNING))
    assert brief(found)[0] == ("warm", -20, 50)
    assert found.found.start == MORNING


async def test_patterns_mean_all_devices_that_were_heard_then(ask: Asked) -> None:
    old = MORNING - 3 * DAY
    await ask.take(*values("9 9 9 9 9", device="d-2"), *values("5", device="d-3", start=old))
    await ask.take(*values("5 5", device="e-9"))
    found = await ask.trials(devices=["d-*"], since=day(MORNING))
    assert [one.name for one in found] == ["d-2"]
    with pytest.raises(ControlError, match=r"no device is called like x-\*"):
        await ask.trials(devices=["x-*"])


async def test_other_settings_judge_only_the_devices_that_they_name(ask: Asked) -> None:
    await ask.take(*values("9 9 9 9 9"), *values("9 9 9 9 9", device="d-2"))
    rules = [rule(name="hot", above=8.0, devices=["d-2"]).settings()]
    found = await ask.trials(devices=["d-1", "d-2"], rules=rules, matching=True)
    assert [(one.name, len(one.found.added)) for one in found] == [("d-1", 0), ("d-2", 1)]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"devices": ["d-9"]}, "nothing is known of d-9"),
        ({"devices": []}, "say on what to try them"),
        ({"since": "2020-01-01", "until": "2020-01-02"}, f"from {day(MORNING)} to {day(MORNING)}"),
        ({"since": day(MORNING + 2 * DAY)}, "d-1 has no readings in that time"),
        ({"since": "yesterday"}, "'yesterday' is no day"),
        ({"devices": (), "consignment": "C-9"}, "there is no consignment C-9"),
    ],
)
async def test_what_cannot_be_judged_is_told(
    ask: Asked, request_: dict[str, Any], says: str
) -> None:
    await ask.take(*values("5 5 5"))
    with pytest.raises(ControlError, match=says):
        await ask.trials(**{"devices": ["d-1"], **request_})


# -- a logger's file


def file(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - of a request
    content = base64.b64encode(text.encode()).decode()
    return {"name": "log.csv", "content": content, "device": "d-7", **more}


ROWS = "time,temperature °C\n" + "".join(
    f"2026-05-01 {n // 6:02}:{n % 6}0:00Z,{9 if 6 <= n < 16 else 5}\n" for n in range(60)
)


async def test_a_file_is_judged_and_not_stored(ask: Asked) -> None:
    found = await ask.trial(devices=(), file=file(ROWS))
    assert [one.rule for one in found.found.alerts] == ["warm"]
    assert [one.before.rule for one in found.found.both] == ["fridge"]
    assert [(one.rule, one.heard) for one in found.found.tried] == [("warm", True), ("gone", False)]
    assert ask.gateway.journal.devices() == []
    assert ask.gateway.journal.head == 0


async def test_days_that_a_file_does_not_have_are_told_with_those_it_has(ask: Asked) -> None:
    with pytest.raises(ControlError, match="from 2026-05-01 to 2026-05-01"):
        await ask.trial(devices=(), file=file(ROWS), since="2026-06-01")
    with pytest.raises(ControlError, match="is empty"):
        await ask.trial(devices=(), file=file(" "))


async def test_an_imported_file_ends_where_it_ends(ask: Asked) -> None:
    await ask.take(*values("5 5 9 9 9 9 9", start=MORNING - 90 * DAY, flags=IMPORTED))
    found = await ask.trial()
    assert [one.rule for one in found.found.alerts] == ["warm"]
    assert found.found.end < MORNING - 89 * DAY


# -- a changed profile


def profile(length: str, **more: Any) -> Profile:  # noqa: ANN401 - of a profile
    rules = [rule(name="warm", above=8.0, duration=length).settings()]
    told = {"title": "T", "source": "s", "measures": "air", "instructions": "i", "rules": rules}
    return Profile.model_validate({"name": "ours", **told, **more})


async def test_a_changed_profile_is_held_against_the_version_in_force(ask: Asked) -> None:
    await ask.take(*values("5 5 9 9 9 9 9 9 9 9 5" + " 5" * 61))
    changed = profile("30 min").settings()
    answer = await ask("rules-diff", profile=changed, devices=["d-1"])
    (found,) = msgspec.convert(answer["trials"], list[Trial])
    assert brief(found) == [("warm", 50, 100)]
    assert answer["against"] == found.against
    assert answer["against"].startswith("ours@")
    assert answer["changes"] == ["~ warm: above 8.0 °C for 60 min -> above 8.0 °C for 30 min (for)"]


async def test_a_profile_that_nobody_knows_is_held_against_what_it_extends(ask: Asked) -> None:
    await ask.take(*values("9 9 9 9 9 9 9 9"))
    mine = profile("30 min", name="mine").settings()
    answer = await ask("rules-diff", profile=mine, extends="ours", devices=["d-1"])
    assert answer["against"].startswith("ours@")
    with pytest.raises(ControlError, match="no other version of mine was ever in force"):
        await ask("rules-diff", profile=mine, devices=["d-1"])


async def test_without_such_goods_it_says_what_changes_and_no_more(ask: Asked) -> None:
    answer = await ask("rules-diff", profile=profile("30 min").settings())
    assert answer["trials"] == []
    assert len(answer["changes"]) == 1


def test_rules_that_come_and_go_are_among_the_changes() -> None:
    before = profile("60 min", rules=[rule(name="old", above=9.0).settings()])
    now = profile("60 min", rules=[rule(name="new", below=2.0).settings()])
    assert changes(now, before) == ["+ new: below 2.0 °C", "- old: above 9.0 °C"]
    assert changes(now, now) == []


# -- consignments


@pytest.fixture
def freight(tmp_path: Path) -> Iterator[FreightSite]:
    made = FreightSite(tmp_path)
    made.start()
    yield made
    made.close()


def tries(site: FreightSite) -> Backtests:
    text = f'[gateway]\nowner = "acme"\ndata = "{site.folder}"\n[[devices]]\nmatch = "*"\n'
    settings = parse(text + 'interval = "10 min"\n')
    registry = Registry(site.state)
    return Backtests(
        Past(site.journal, site.history),
        lambda: site.journal.head,
        registry,
        Known(registry, settings),
        lambda: settings.rules,
        book=site.book,
        goods=site.goods,
    )


def run(backtests: Backtests, plan: Plan) -> Trial:
    return judge(plan, [one for part in plan.parts() for one in backtests.read(*part)])


def known(site: FreightSite) -> Profile:
    found = site.goods.profile("tests")
    assert found is not None
    return found


async def test_a_consignment_is_tried_as_it_was_judged(freight: FreightSite) -> None:
    await freight.depart(A, B)
    warm = "5 9 9 9 9 9 5 5 5 9 9 9 9 9 9 5 5"
    await freight.take(*woven(series(A, warm), series(B, "5 " * 17, first=3)))
    await freight.archive()
    now = at(16 * 10 + 5)
    one = freight.book.consignment("c-1")
    assert one is not None
    backtests = tries(freight)
    found = run(backtests, backtests.of_consignment(one, known(freight).rules, Span(), now))
    told = [(one.id, one.began, one.fired, one.ended) for one in freight.alerts()]
    assert [(one.id, one.began, one.fired, one.ended) for one in found.found.alerts] == told
    assert len(told) == 2
    assert not found.found.differs
    assert [line.name for line in found.charts[0].lines] == ["acme/a", "acme/b"]
    (warm_rule, gone) = found.found.tried
    assert (warm_rule.breach, gone.heard) == (110 * MINUTE, True)


async def test_goods_of_the_last_days_show_what_another_version_would_have_changed(
    freight: FreightSite,
) -> None:
    await freight.depart(A)
    await freight.depart(B, identity="c-2")
    await freight.take(*woven(series(A, "5 9 9 5 5 5"), series(B, "5 5 5 5 5 5")))
    before = known(freight)
    rules = [rule(name="too-warm", above=8.0, duration="20 min").settings()]
    changed = before.model_copy(
        update={"rules": profile("1 h", rules=rules).rules, "title": "Changed"}
    )
    backtests = tries(freight)
    plans = backtests.of_goods(changed, before, at(-60), at(60))
    found = {one.name: one for one in (run(backtests, plan) for plan in plans)}
    assert {name: len(one.found.added) for name, one in found.items()} == {"c-1": 1, "c-2": 0}
    assert found["c-1"].against == before.version()
    assert backtests.of_goods(changed, before, at(60 * 24), at(60 * 24)) == []


async def test_where_no_sensor_was_heard_it_says_so(freight: FreightSite) -> None:
    await freight.depart(A)
    backtests = tries(freight)
    one = freight.book.consignment("c-1")
    assert one is not None
    plan = backtests.of_consignment(one, known(freight).rules, Span(), at(60))
    with pytest.raises(NoReadingsError, match="c-1 has no readings"):
        run(backtests, plan)
