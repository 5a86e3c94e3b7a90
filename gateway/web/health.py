"""How the gateway itself stands: its own answer, asked seldom, and what of it is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gateway.brokers import JOINED
from gateway.commands.control import NotRunningError
from gateway.influxdb.names import server_of
from gateway.notify.routes import CHANNEL
from gateway.own_alerts import GRAVITY
from gateway.refusal import ControlError
from rules.duration import DAY, HOUR, MINUTE, SECOND, format_duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

GOOD_FOR = 2_000
"""An answer is shown again for so many ms: many may look at once."""
PATIENCE = 5
"""Seconds after which it counts as silent."""
FULL_FROM = 500 * 1000 * 1000
"""Bytes: with less room left on the disk people should know."""
BEHIND_FROM = 20_000
"""Readings, events: a follower that has more than these before it is behind."""
FOLLOWERS = {
    "monitor": ("Rules", "readings that are not judged yet"),
    "inspector": ("Quality", "readings whose quality was not looked at yet"),
    "history": ("History", "readings that are not packed yet; it waits for some thousand"),
    "listener": ("Listener", "events that subscribers have yet to be told"),
    "alerts": ("Broker", "events that are not told yet"),
    "home-assistant": ("Home Assistant", "events that are not told yet"),
}
"""What people call whoever follows the journal or the events, and what waits for it."""
UNLIMITED = "no limit watches "
"""How the gateway begins to tell of a device whose values no rule judges."""
NAMED = 3
"""Devices that are named of those that have the same fault."""
REMARKS = 5
"""Remarks on rules that are shown."""


class Health:
    """What the gateway says of itself, asked when somebody looks and the last answer is old."""

    def __init__(self, ask: Callable[[str], Awaitable[Any]], now: Callable[[], int]) -> None:
        """`ask` sends a command; `now` is in ms and never set back."""
        self._ask = ask
        self._now = now
        self._asked: int | None = None
        self._answer: dict[str, Any] | None = None
        self._one = asyncio.Lock()

    async def now(self) -> dict[str, Any] | None:
        """Return how the gateway stands, at most 2 s old; None while it does not answer."""
        async with self._one:
            if self._asked is None or self._now() - self._asked >= GOOD_FOR:
                try:
                    async with asyncio.timeout(PATIENCE):
                        self._answer = await self._ask("health")
                except (ControlError, NotRunningError, OSError, TimeoutError):
                    # Not answering is what whoever asks wants to know.
                    self._answer = None
                self._asked = self._now()
            return self._answer


Gravity = Literal["critical", "warning", "info"]


class Fault(NamedTuple):
    """One thing that is wrong with the gateway, or that somebody should look at."""

    gravity: Gravity
    words: str
    cure: str = ""
    link: str = ""
    """To more about it, a path of ours."""


SILENT = Fault(
    "critical",
    "The gateway does not answer: nothing here is new.",
    "Look at its log; start it again if it is not running.",
)


def faults(status: Mapping[str, Any] | None, screens: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Return what is wrong by the gateway's health and its wall screens, worst first."""
    if status is None:
        return [SILENT]
    own = status["problems"]
    told = {one["channel"] for one in own}
    copied = {f"{what} {name}" for what in ("influxdb", "refused") for name in status["influxdb"]}
    found = [
        Fault(
            one["severity"],
            own_words(one["channel"], one["reason"]),
            one["note"],
            f"/alerts/{one['id']}",
        )
        for one in own
        if one["channel"] not in copied
    ]
    found += _of_servers(status, {one["channel"]: one for one in own})
    found += _of_the_machine(status, told)
    found += [
        Fault("warning", f"Broker {name}: {one['detail'] or one['state']}.")
        for name, one in status["brokers"].items()
        if one["state"] not in JOINED and f"broker {name}" not in told
    ]
    # A single failure is shown; once it lasts, an alert tells of it.
    found += [
        Fault("info", f"{one['name']} fails: {sentence(one['reason'])}")
        for one in status["ways"]
        if not one["well"] and f"way {one['name']}" not in told
    ]
    found += [
        Fault("info", f"The heartbeat {one['name']} is not heard: {sentence(one['reason'])}")
        for one in status["heartbeats"]
        if not one["well"] and f"heartbeat {one['name']}" not in told
    ]
    found += [
        Fault("warning", f"The wall screen {one['name']} is not connected.")
        for one in screens
        if is_missing(one) and f"screen {one['name']}" not in told
    ]
    found += [
        Fault(
            "warning",
            f"{follower_name(name)}: {count:,} are waiting.",
            "It is behind. If the number does not fall, look at the log.",
        )
        for name, count in status["waiting"].items()
        if count > BEHIND_FROM and not server_of(name)
    ]
    found += [
        Fault("warning", f"{name}: {count:,} records can never be delivered (dead letters).")
        for name, count in status["dead_letters"].items()
        if count and server_of(name) not in status["influxdb"]
    ]
    found += _to_look_at(status)
    return sorted(found, key=lambda one: GRAVITY[one.gravity])


def _of_the_machine(status: Mapping[str, Any], told: set[str]) -> Iterable[Fault]:
    """Yield what is wrong with the disk and the clock, unless an alert has told it already."""
    disk = status["disk"]
    if disk["problem"] and "disk" not in told:
        yield Fault("critical", sentence(disk["problem"]))
    elif disk["free"] < FULL_FROM and "disk" not in told:
        free = disk["free"] / 1e6
        yield Fault("warning", f"The disk has {free:,.0f} MB left.", "Make room on it.")
    yield from _of_settings(status["settings"], told)
    if not status["clock_trusted"]:
        yield Fault(
            "warning",
            "The clock is not trusted yet: nobody has set it since the start, or it was set back.",
            "It is right again once the machine has reached a time server.",
        )


def _of_settings(settings: Mapping[str, Any], told: set[str]) -> Iterable[Fault]:
    """Yield what of the settings file does not count yet, unless an alert has told it already."""
    if settings["changed"] and "settings" not in told:
        words = "The settings file was changed, and what it says now does not count yet."
        yield Fault("info", words, "Load it: holdwatch reload.")
    if settings["waits"]:
        words = f"New settings wait for a restart: {'; '.join(settings['waits'])}."
        yield Fault("info", words, "Start the gateway again when it suits.")


def _of_servers(
    status: Mapping[str, Any], alerts: Mapping[str, Mapping[str, Any]]
) -> Iterable[Fault]:
    """Yield what is wrong with copies to each InfluxDB, as it is now; `alerts` by their subject."""
    for name, one in status["influxdb"].items():
        refusal = alerts.get(f"refused {name}")
        alert = alerts.get(f"influxdb {name}") or refusal
        link, refused = (f"/alerts/{told['id']}" if told else "" for told in (alert, refusal))
        if not one["well"]:
            words = f"InfluxDB {name} cannot be written to. It gets what it misses later."
            yield Fault("warning", words, sentence(one["reason"]), link)
        elif alert and not one["rejected"]:
            yield Fault(
                alert["severity"], f"InfluxDB {name}: {sentence(alert['reason'])}", "", link
            )
        elif one["waiting"] > BEHIND_FROM or one["missed_days"]:
            yield Fault("info", f"InfluxDB {name} is being sent what it missed.")
        if one["rejected"]:
            count = one["rejected"]
            yield Fault(
                "warning",
                f"InfluxDB {name} has refused {count:,} {'point' if count == 1 else 'points'}.",
                f"See why: holdwatch influx rejected {name}",
                refused,
            )


def _to_look_at(status: Mapping[str, Any]) -> Iterable[Fault]:
    count = sum(status["quarantine"].values())
    if count:
        what = "message lies" if count == 1 else "messages lie"
        words = f"{count:,} {what} in the quarantine: not understood, not judged."
        yield Fault("info", words, "", "/quarantine")
    wrong = status["wrong_clocks"]
    if wrong:
        yield Fault("info", f"The clocks of these devices are wrong: {_some(wrong)}.")
    yield from _of_rules(status["unwatched"])


def _of_rules(remarks: Iterable[str]) -> Iterable[Fault]:
    """Yield where rules judge nothing; devices that no limit watches are told of at once."""
    found = list(remarks)
    others = [one for one in found if not one.startswith(UNLIMITED)]
    for one in others[:REMARKS]:
        yield Fault("info", sentence(one))
    if len(others) > REMARKS:
        more = len(others) - REMARKS
        yield Fault("info", f"And {more:,} more such {'remark' if more == 1 else 'remarks'}.")
    unlimited = [one.removeprefix(UNLIMITED) for one in found if one.startswith(UNLIMITED)]
    if unlimited:
        yield Fault("info", sentence(f"{UNLIMITED}{_some(unlimited)}"))


def _some(names: Sequence[str]) -> str:
    """Return the first of many names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def follower_name(follower: str) -> str:
    """Return what people call a follower, with the broker that it is for."""
    kind, _, which = follower.partition(":")
    return f"{FOLLOWERS[kind][0] if kind in FOLLOWERS else kind} {which}".strip()


def is_missing(screen: Mapping[str, Any]) -> bool:
    """Whether a wall screen was connected once, should be, and is not."""
    return (
        screen["removed"] is None and screen["seen"] is not None and not bool(screen["connected"])
    )


def verdict(found: Iterable[Fault], answered: int) -> tuple[Gravity | Literal["ok"], str]:
    """Return in one sentence whether the gateway is well; `answered`: devices it knows."""
    bad = [one for one in found if one.gravity != "info"]
    if not bad:
        devices = f"{answered:,} device{'s' * (answered != 1)}"
        return "ok", f"The gateway is well: it takes in, stores and judges what {devices} send."
    more = f" And {len(bad) - 1} more, below." if len(bad) > 1 else ""
    return bad[0].gravity, f"{bad[0].words}{more}"


def sentence(words: str) -> str:
    """Return words as a sentence: a capital letter (not of an address), and a full stop."""
    words = words.strip()
    begin = words[:1] if "://" in words.partition(" ")[0] else words[:1].upper()
    end = "" if words.endswith((".", "!", "?", "\N{HORIZONTAL ELLIPSIS}")) else "."
    return begin + words[1:] + end if words else ""


def own_words(subject: str, reason: str) -> str:
    """Return what is wrong with the gateway, in a sentence.

    What the other side of a channel says does not name the channel.
    """
    named = not subject.startswith(CHANNEL) or subject in reason
    return sentence(reason if named else f"the {subject}: {reason}")


def lasted(length: int) -> str:
    """Return a length of time (ms) in words, as exactly as people want it: 3 days 4 h."""
    steps = ((2 * DAY, HOUR), (10 * MINUTE, MINUTE), (0, SECOND))
    step = next(size for least, size in steps if length >= least or size == SECOND)
    return format_duration(max(0, length) // step * step)
