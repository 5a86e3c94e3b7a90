"""New settings in a running gateway: whole or not at all, and nothing judged otherwise by it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from devices.reading import DeviceKey
from gateway import rulebook, taking
from gateway.app import Gateway
from gateway.commands.commands import Commands
from gateway.database import DiskError
from gateway.goods_files import ProfileError
from gateway.people import audit
from gateway.people.audit import Who
from gateway.refusal import ControlError
from gateway.reload import ReloadError
from gateway.settings import Settings, SettingsError, load
from gateway.settings.compare import differences
from rules.duration import DAY
from tests.gateway.parts import ToldClock, said

WHO = Who("ada", "command line")
START = """\
[gateway]
box = "here"
owner = ""
data = "data"

[[listeners]]
port = 1999
anonymous = true

[[devices]]
match = "d-1"
name = "Fridge"
interval = "10 min"

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
"""
COLDER = START.replace("above = 8.0", "above = 5.0")
GOODS = """\
name = "my-fish"
title = "Fish"
extends = "vaccines"
"""


class Running:
    """A gateway without network over a settings file that can be written anew."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "holdwatch.toml"
        self.folder = folder

    async def start(self) -> None:
        self.write(START)
        self.gateway = Gateway(load(self.file), join=False)
        self.gateway.clock = self.clock = ToldClock()
        await self.gateway.compose()
        self.commands = Commands(self.gateway)

    def write(self, text: str) -> None:
        self.file.write_text(text)
        self.file.chmod(0o600)

    async def load(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Write other settings, and have them loaded; return what has changed and what waits."""
        self.write(text)
        return await self.gateway.reloading.reload(WHO)

    async def hear(self, *values: float, every: int = 60_000) -> None:
        """Let d-1 say these, one after the other, until now."""
        gateway = self.gateway
        for value in values:
            self.clock.passes(every)
            gateway.journal.append([said(at=self.clock.now(), value=value)])
            gateway.journal.commit()
            gateway.journal.publish()
            batch = gateway.journal.read(gateway.monitor.cursor, 100)
            await gateway.monitor.handle(batch.readings, batch.cursor)

    async def tick(self) -> None:
        await self.gateway.monitor.tick(None)

    async def ask(self, what: str) -> Any:  # noqa: ANN401 - whatever the command answers
        return await self.commands.answer({"do": what}, lambda _done, _all: None)

    def open(self) -> list[str]:
        return [one.rule for one in self.gateway.monitor.open_alerts]

    def kept(self) -> dict[str, Any]:
        """Return all that is recorded and counts."""
        gateway = self.gateway
        tables = ("rule", "tagging", "profile", "audit", "event")
        return {
            **{one: gateway.state.rows(f"SELECT * FROM {one}") for one in tables},  # noqa: S608 - constant
            "settings": gateway.settings,
            "card": gateway.known.card(DeviceKey("", "d-1")),
            "judged": gateway.monitor.engine.state(DeviceKey("", "d-1")),
            "limits": (
                gateway.ingest.interval,
                gateway.archivist._keep,
                gateway.room.room().minimum,
            ),
            "envelopes": gateway.ingest.routes.envelopes,
            "goods": [one.name for one in gateway.goods.all()],
        }


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path)
    await made.start()
    yield made
    made.gateway.close()


async def test_a_changed_limit_judges_what_comes_from_then_on(running: Running) -> None:
    await running.hear(6, 6)
    assert running.open() == []
    assert await running.load(COLDER) == (("[[rules]] too-warm: changed",), ())
    assert running.open() == []
    await running.tick()
    assert running.open() == ["too-warm"], "what was said last holds still"
    await running.hear(6)
    assert [one.began for one in running.gateway.monitor.open_alerts] == [
        running.clock.now() - 60_000
    ]


async def test_a_breach_goes_on_by_the_limit_that_counts_now(running: Running) -> None:
    await running.hear(9, 9)
    await running.load(START.replace("above = 8.0", "above = 8.5"))
    await running.tick()
    device = DeviceKey("", "d-1")
    alerts = sorted(running.gateway.state.alerts_of(device, 0), key=lambda one: one.began)
    assert [(one.state, one.limit) for one in alerts] == [
        ("indeterminate", "above 8.0 °C"),
        ("firing", "above 8.5 °C"),
    ]
    assert alerts[0].reason == "nobody will know its end: its rule was changed"
    told = await running.ask("status")
    assert (told["unjudged"], told["unwatched"]) == ([], [])
    assert [one["limit"] for one in told["alerts"]] == ["above 8.5 °C"]


async def test_what_a_changed_rule_has_not_judged_is_not_called_well(running: Running) -> None:
    await running.hear(9, 9)
    running.clock.passes(2 * 3600_000)
    await running.load(START.replace("above = 8.0", "above = 8.5"))
    await running.tick()
    told = await running.ask("status")
    assert (told["alerts"], told["unjudged"], told["unwatched"]) == ([], ["d-1"], [])
    watching = running.gateway.live.watch([DeviceKey("", "d-1")])
    (seen,) = (await anext(watching)).devices
    await watching.aclose()
    assert [one.state for one in seen.rules or ()] == ["unknown"]
    await running.hear(4)
    assert (await running.ask("status"))["unjudged"] == []


async def test_a_new_rule_watches_what_it_has_yet_to_judge(running: Running) -> None:
    head, _, _ = START.partition("[[rules]]")
    await running.load(head)
    await running.hear(9)
    await running.load(START + 'devices = ["d-*"]\n')
    await running.tick()
    assert (await running.ask("status"))["unwatched"] == []


async def test_an_alert_of_a_rule_that_is_gone_ends(running: Running) -> None:
    await running.hear(9, 9)
    assert running.open() == ["too-warm"]
    head, _, _ = START.partition("[[rules]]")
    assert await running.load(head) == (("[[rules]] too-warm: removed",), ())
    await running.tick()
    assert running.open() == []
    ended = running.gateway.state.alerts_of(DeviceKey("", "d-1"))[0]
    assert ended.state == "indeterminate"


async def test_another_rule_leaves_what_the_others_know(running: Running) -> None:
    """A timer goes on, an alert stays the same one, and nothing is told again."""
    await running.load(START + 'for = "5 min"\n')
    await running.hear(9, 9, 9)
    other = '[[rules]]\nname = "gone"\nkind = "lost_contact"\nafter = "1 h"\n'
    await running.load(START + 'for = "5 min"\n' + other)
    await running.hear(9, 9, 9)
    assert running.open() == ["too-warm"]
    alert = running.gateway.monitor.open_alerts[0]
    await running.load(START + 'for = "5 min"\n')
    await running.hear(9)
    assert running.gateway.monitor.open_alerts[0].id == alert.id
    assert [one.event.kind for one in running.gateway.state.read(0, 100)[0]] == ["firing"]


async def test_what_is_said_of_devices_counts_at_once(running: Running) -> None:
    await running.hear(4)
    changed, _ = await running.load(
        START.replace('"Fridge"', '"Cold room"').replace('"10 min"', '"30 min"')
    )
    assert changed == ("[[devices]] d-1: changed",)
    card = running.gateway.known.card(DeviceKey("", "d-1"))
    assert (card.name, card.interval) == ("Cold room", 30 * 60_000)
    await running.load(START.replace('"10 min"', '"10 min"\nsite = "Hall 2"'))
    tags = running.gateway.tagging.at(DeviceKey("", "d-1"), running.clock.now() + 60_000)
    assert tags.site == "Hall 2"


async def test_what_waits_for_a_restart_is_named_and_stays_as_it_was(running: Running) -> None:
    text = COLDER.replace("1999", "1998").replace('box = "here"', 'box = "there"')
    changed, waits = await running.load(text)
    assert changed == ("[[rules]] too-warm: changed",)
    assert waits == (
        "[gateway] box, prefix",
        "[[listeners]] 127.0.0.1:1999: removed",
        "[[listeners]] 127.0.0.1:1998: added",
    )
    assert running.gateway.settings.gateway.box == "here"
    assert running.gateway.reloading.report()["waits"] == list(waits)
    assert await running.load(COLDER) == ((), ())
    assert running.gateway.reloading.report()["waits"] == []


async def test_the_audit_trail_says_who_loaded_what(running: Running) -> None:
    await running.load(COLDER.replace("1999", "1998"))
    entry = audit.page(running.gateway.state, None, 1)[0]
    assert (entry.who, entry.what, entry.object) == (WHO, "reload", "settings")
    assert entry.before["[[rules]] too-warm: changed"]["above"] == 8.0
    assert entry.after["[[rules]] too-warm: changed"]["above"] == 5.0
    assert entry.after["changed"] == ["[[rules]] too-warm: changed"]
    assert len(entry.after["waits for a restart"]) == 2
    await running.load(COLDER.replace("1999", "1998"))
    assert audit.page(running.gateway.state, None, 1)[0].number == entry.number


async def test_limits_of_files_and_clients_count_at_once(running: Running) -> None:
    text = (
        START
        + '[journal]\ncommit_interval = "1 s"\n[history]\nkeep = "2 years"\n'
        + '[disk]\nminimum_free = "1 MB"\nballast = "2 MB"\n'
        + '[clients]\nunknown_devices = "refused"\n'
    )
    changed, _ = await running.load(text)
    assert changed == (
        "[clients] unknown_devices",
        "[journal] commit_interval",
        "[history] keep",
        "[disk] ballast, minimum_free",
    )
    assert running.gateway.ingest.interval == 1.0
    assert running.gateway.archivist._keep == running.gateway.old_alerts._keep == 2 * 366 * DAY
    assert (running.folder / "data" / "ballast").stat().st_size == 2_000_000


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param(START.replace("8.0", '"warm"'), "above", id="a wrong value"),
        pytest.param(START + "colour = 1\n", "colour", id="an unknown key"),
        pytest.param("[gateway", "line 1", id="no TOML"),
        pytest.param(START + '[goods]\nfolder = "nowhere"\n', "goods", id="no such folder"),
    ],
)
async def test_a_mistake_changes_nothing_and_people_are_told_until_it_is_mended(
    running: Running, text: str, place: str
) -> None:
    await running.hear(6)
    before = running.kept()
    with pytest.raises(SettingsError, match=place):
        await running.load(text)
    assert running.kept() == before
    told = [one for one in running.gateway.own_alerts.open_alerts if one.channel == "settings"]
    assert place in told[0].reason
    assert "holdwatch reload" in told[0].note
    assert place in str(running.gateway.reloading.report()["problem"])
    with pytest.raises(ControlError, match=place):
        await running.commands.answer({"do": "reload"}, lambda _done, _all: None)
    await running.load(START)
    assert running.gateway.own_alerts.open_alerts == []
    assert running.gateway.reloading.report()["problem"] is None


def fail(*_: object, **__: object) -> None:
    raise DiskError("it fails")


FAULTS: dict[str, Callable[[pytest.MonkeyPatch, Gateway], None]] = {
    "which versions of rules change": lambda patch, _: patch.setattr(rulebook, "changes", fail),
    "making rules": lambda patch, _: patch.setattr(rulebook, "versions", fail),
    "dating sites": lambda patch, _: patch.setattr(taking, "tags_told", fail),
    "making decoders": lambda patch, gateway: patch.setattr(gateway.decoders, "prepared", fail),
    "reading goods": lambda patch, _: patch.setattr(taking, "Goods", fail),
    "staging rules": lambda patch, gateway: patch.setattr(
        gateway.state, "keep_rule_versions", fail
    ),
    "staging sites": lambda patch, gateway: patch.setattr(gateway.state, "keep_tag_version", fail),
    "staging the audit trail": lambda patch, _: patch.setattr(audit, "stage", fail),
    "the commit": lambda patch, gateway: patch.setattr(gateway.state, "commit", fail),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_fails_nothing_has_changed(
    running: Running, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running.hear(6)
    before = running.kept()
    text = COLDER.replace('"Fridge"', '"Cold room"\nsite = "Hall 2"').replace(
        "[[devices]]", '[[mappings]]\ntopic = "x/{device}"\n\n[[devices]]'
    )
    text += '[journal]\ncommit_interval = "1 s"\n'
    with monkeypatch.context() as patch:
        FAULTS[fault](patch, running.gateway)
        with pytest.raises(DiskError, match="it fails"):
            await running.load(text)
    assert running.kept() == before
    changed, _ = await running.load(text)
    assert len(changed) == 4
    await running.hear(6)
    assert running.open() == ["too-warm"]


async def test_own_goods_are_read_anew_though_the_settings_are_the_same(running: Running) -> None:
    folder = running.folder / "goods"
    folder.mkdir()
    text = START + '[goods]\nfolder = "goods"\n'
    await running.load(text)
    assert await running.load(text) == ((), ())
    (folder / "my-fish.toml").write_text(GOODS)
    changed, _ = await running.load(text)
    assert changed == ("profiles of goods read anew: my-fish",)
    assert running.gateway.goods.profile("my-fish") is not None
    (folder / "my-fish.toml").write_text("name = 1\n")
    with pytest.raises(ProfileError):
        await running.load(text)
    assert running.gateway.goods.profile("my-fish") is not None


async def test_a_file_that_was_changed_and_not_loaded_is_told(running: Running) -> None:
    reloading = running.gateway.reloading
    await reloading._look()
    assert not reloading.report()["changed"]
    running.write(COLDER)
    await reloading._look()
    assert reloading.report()["changed"]
    await reloading.reload(WHO)
    assert not reloading.report()["changed"]
    running.file.unlink()
    await reloading._look()
    assert reloading.report()["changed"]


CHANNEL = """
[[channels]]
name = "office"
kind = "webhook"
url = "https://example.org/x"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""


async def test_routes_count_at_once_but_not_those_to_channels_that_wait(running: Running) -> None:
    routes = '[[routes]]\nname = "all"\nseverity = "critical"\n'
    changed, waits = await running.load(START + routes + CHANNEL)
    assert changed == ()
    assert waits == ("[[routes]] all: added", "[[channels]] office: added")
    assert running.gateway.settings.routes == ()
    changed, waits = await running.load(START + routes + '[acknowledgement]\nlongest = "4 h"\n')
    assert changed == ("[[routes]] all: added", "[acknowledgement] longest")
    assert running.gateway.notifier._decider.policy.routes[0].name == "all"


async def test_a_channel_that_waits_for_a_restart_is_not_said_to_be_missing(
    running: Running,
) -> None:
    await running.load(START + CHANNEL)
    with pytest.raises(ControlError, match="counts from a restart on"):
        await running.commands.answer(
            {"do": "notify-test", "channel": "office"}, lambda _done, _all: None
        )
    with pytest.raises(ControlError, match="there is no channel 'cellar'"):
        await running.commands.answer(
            {"do": "notify-test", "channel": "cellar"}, lambda _done, _all: None
        )


async def test_another_file_than_the_gateway_runs_with_is_refused(running: Running) -> None:
    with pytest.raises(ReloadError, match=r"holdwatch reload -c .*holdwatch\.toml"):
        await running.gateway.reloading.reload(WHO, running.folder / "other.toml")


def test_every_section_that_is_taken_up_is_one_of_the_settings() -> None:
    taken = {section for one in taking.TAKERS for section in one.sections}
    assert taken <= set(Settings.model_fields)


def test_no_difference_shows_a_secret(tmp_path: Path) -> None:
    def read(secret: str) -> Settings:
        file = tmp_path / "holdwatch.toml"
        file.write_text(
            '[[brokers]]\nname = "main"\nhost = "localhost"\nusername = "me"\n'
            f'password = "{secret}"\n'
        )
        return load(file)

    found = differences(read("hush-1"), read("hush-2"))
    assert [one.words for one in found] == ["[[brokers]] main: changed"]
    assert "hush" not in str(found)
