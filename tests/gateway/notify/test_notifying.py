"""The notifier of a whole gateway, and one that is really killed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from gateway.app import Gateway
from gateway.follow import follow
from gateway.notify.outbox import Outbox
from gateway.people.audit import Who
from gateway.settings import load, parse
from rules.duration import MINUTE
from tests.gateway.asked import recorded
from tests.gateway.notify.site import Site, firing
from tests.gateway.parts import NOW, ToldClock

SETTINGS = """
[gateway]
box = "roof-pi"
data = "{folder}"

[[brokers]]
name = "main"
host = "localhost"

[[channels]]
name = "lamp"
kind = "mqtt"
broker = "main"
topic = "site/lamp"

[[channels]]
name = "siren"
kind = "mqtt"
broker = "main"
topic = "site/siren"

[[routes]]
name = "all"
channels = ["lamp"]
gather = "0 s"
"""


async def test_what_is_wrong_with_the_gateway_is_in_the_outbox_of_its_channels(
    tmp_path: Path,
) -> None:
    settings = parse(SETTINGS.format(folder=tmp_path))
    gateway = await asyncio.to_thread(Gateway, settings, join=False)
    gateway.clock = ToldClock()
    await gateway.compose()
    tasks = [
        asyncio.create_task(gateway.own_alerts.run()),
        asyncio.create_task(follow(gateway.state, gateway.notifier)),
    ]
    try:
        gateway.own_alerts.report("page", "it does not start", "warning")
        gateway.own_alerts.report("channel lamp", "nobody answers")
        while gateway.state.head < 2 or gateway.notifier.cursor < gateway.state.head:  # noqa: ASYNC110 - the cursor rings no bell
            await asyncio.sleep(0.01)
        outbox = Outbox(gateway.state)
        told = {
            name: [
                (one.message.route, line.alert.channel)
                for one in outbox.waiting(name, 10)
                for line in one.message.lines
            ]
            for name in ("lamp", "siren")
        }
        assert told == {"lamp": [("all", "page")], "siren": [("", "channel lamp")]}
        (page,) = (one for one in gateway.own_alerts.open_alerts if one.channel == "page")
        assert [(one.route, one.reason) for one in gateway.notifier.why(page.id)] == [
            ("all", "told")
        ]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        gateway.close()


async def test_other_routes_count_once_the_settings_are_loaded_anew(tmp_path: Path) -> None:
    file = tmp_path / "holdwatch.toml"
    text = SETTINGS.format(folder=tmp_path)
    file.write_text(text)
    gateway = await asyncio.to_thread(Gateway, load(file), join=False)
    gateway.clock = ToldClock()
    await gateway.compose()
    try:
        await recorded(gateway.state, firing())
        assert [one.reason for one in gateway.notifier.why("a")] == ["about to be told"]
        file.write_text(text + 'severity = "critical"\n[acknowledgement]\nlongest = "1 h"\n')
        _, waits = await gateway.reloading.reload(Who("anna", "command line"))
        assert waits == ()
        assert [one.reason for one in gateway.notifier.why("a")] == ["no route takes it"]
    finally:
        gateway.close()


ROOT = Path(__file__).resolve().parents[3]
ALERTS = 60
CHILD = """
import asyncio, sys
from pathlib import Path
import msgspec
from gateway.notify.routes import Route
from tests.gateway.asked import recorded
from tests.gateway.notify.site import Site, firing

async def main(folder):
    site = Site(folder, Route(name="all", channels=("office", "duty"), gather=20))
    print("up", flush=True)
    while True:
        for number in range({alerts}):
            one = site.state.alert(f"a-{{number}}")
            if one is None:
                await site.record(firing(f"a-{{number}}"))
            elif one.ended is None and site.state.alert(f"a-{{number + 5}}") is not None:
                over = msgspec.structs.replace(one, state="resolved", ended=site.clock.now())
                await site.record(over)
            await site.follow()
            site.clock.passes(10)
            await site.notifier.look()

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_killed_again_and_again_it_loses_no_message_and_makes_none_twice(
    tmp_path: Path,
) -> None:
    for kill in (1, 2, 4):
        with subprocess.Popen(  # noqa: ASYNC220 - the test waits for it
            [sys.executable, "-c", CHILD.format(alerts=ALERTS), str(tmp_path)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"up\n"
            time.sleep(0.07 * kill)  # noqa: ASYNC251 - so that it is killed anywhere
            child.send_signal(signal.SIGKILL)
    site = Site(tmp_path)
    try:
        open_ones = site.state.open_alerts()
        ended = site.state.alerts_since(NOW)
        await site.follow()
        await site.notifier.look()
        for alert in open_ones:
            await site.ends(alert.id)
        await site.passes(MINUTE, 10_000)
        assert len(ended) > 5
        for channel in ("office", "duty"):
            counts = Counter(site.told(channel))
            assert set(counts.values()) <= {1}
            begun = {identity for identity, what, _ in counts if what == "fired"}
            over = {identity for identity, what, _ in counts if what == "resolved"}
            assert begun == over
    finally:
        site.state.close()
