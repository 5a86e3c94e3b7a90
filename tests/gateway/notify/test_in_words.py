"""Routes, mutes and channels in words that people read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.notify.in_words import lapses, mute_in_words, route_in_words, where_to
from gateway.notify.mutes import Mute
from gateway.settings import parse
from gateway.settings.routes import EVERY, Acknowledgement, Route

CHANNELS = ("office", "duty")
SHIFTS = ("06:00", "14:00", "22:00")


def route(**said: Any) -> Route:  # noqa: ANN401 - fields of a route
    return Route.model_validate({"name": "r", **said})


@pytest.mark.parametrize(
    ("said", "which"),
    [
        ({}, "Warnings and worse"),
        ({"severity": "info"}, "Every alert"),
        ({"severity": "critical", "sites": ("Hall 1",)}, "Critical alerts, at Hall 1"),
        (
            {"devices": ("reefer-*", "box-*"), "goods": ("vaccines",), "rules": ("too-warm",)},
            "Warnings and worse, of reefer-* or box-*, about vaccines, by the rule too-warm",
        ),
        (
            {"hours": {"days": ("mon", "tue", "wed"), "from": "06:00", "to": "22:00"}},
            "Warnings and worse, Mon to Wed 06:00 to 22:00",
        ),
        (
            {"hours": {"days": ("fri", "mon"), "from": "22:00", "to": "06:00", "timezone": "UTC"}},
            "Warnings and worse, Mon, Fri 22:00 to 06:00 (UTC)",
        ),
        ({"hours": {"days": ("sat", "sun")}}, "Warnings and worse, Sat, Sun"),
        ({"hours": {}}, "Warnings and worse, at any time"),
    ],
)
def test_which_alerts_a_route_takes(said: dict[str, Any], which: str) -> None:
    assert route_in_words(route(**said), CHANNELS).which == which


def test_who_is_told_and_when() -> None:
    told = route_in_words(
        route(
            channels=("office",),
            steps=({"after": "15 min", "channels": ("duty", "boss")},),
            repeat="30 min",
            gather="0 s",
            resolved=False,
            go_on=True,
        ),
        CHANNELS,
    )
    assert told.sentence == (
        "Warnings and worse: office at once; duty and boss after 15 min if nobody has it; again "
        "every 30 min until somebody has it. Its end is not told. Further routes are looked at as "
        "well."
    )


def test_without_channels_of_its_own_a_route_tells_all() -> None:
    assert route_in_words(EVERY, CHANNELS).whom == ("office and duty at once",)
    assert route_in_words(EVERY, ()).whom == ("nobody, as there is no channel",)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (Acknowledgement(), "until it becomes graver;"),
        (
            Acknowledgement.model_validate({"longest": "4 h"}),
            "until it becomes graver or 4 h are over;",
        ),
        (Acknowledgement(shifts=SHIFTS), "graver or the shift changes (06:00, 14:00, 22:00);"),
    ],
)
def test_when_an_acknowledgement_lapses(held: Acknowledgement, words: str) -> None:
    assert words in lapses(held)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"devices": ("reefer-*",)}, "of reefer-*"),
        ({"sites": ("Hall 1", "Hall 2")}, "at Hall 1 or Hall 2"),
        ({"rules": ("door-open",), "goods": ("fish",)}, "about fish, by the rule door-open"),
    ],
)
def test_what_a_mute_is_about(said: dict[str, tuple[str, ...]], words: str) -> None:
    mute = msgspec.convert({"at": 0, "until": 1, "who": "a", "reason": "r", **said}, Mute)
    assert mute_in_words(mute) == words


def test_whom_a_channel_reaches_is_told_without_what_may_be_secret() -> None:
    found = parse(
        """
        [[brokers]]
        name = "main"
        host = "localhost"
        [[channels]]
        name = "mail"
        kind = "email"
        host = "mail.example.org"
        from = "a@example.org"
        to = ["b@example.org", "c@example.org"]
        [[channels]]
        name = "hook"
        kind = "webhook"
        url = "https://hooks.example.org/services/T0K3N-in-the-path"
        secret_env = "HOOK"
        [[channels]]
        name = "siren"
        kind = "mqtt"
        broker = "main"
        topic = "hall/siren"
        [[channels]]
        name = "chat"
        kind = "apprise"
        url_env = "CHAT"
        """,
        environment={"HOOK": "whsec_" + "QUJD" * 10, "CHAT": "ntfys://s3cr3t-topic"},
    )
    assert [where_to(one) for one in found.channels] == [
        "b@example.org, c@example.org",
        "hooks.example.org",
        "hall/siren on the broker main",
        "ntfys",
    ]
