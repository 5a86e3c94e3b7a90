"""Under what names what is kept of a server: each is made and read in one place."""

from __future__ import annotations

import pytest

from gateway.influxdb.names import alerts_name, cursor_name, server_of


@pytest.mark.parametrize(
    ("follower", "server"),
    [
        (cursor_name("office"), "office"),
        (alerts_name("office"), "office"),
        ("monitor", ""),
        ("alerts:office", ""),
        ("influxdb", ""),
    ],
)
def test_a_followers_name_says_which_server_it_copies_to(follower: str, server: str) -> None:
    assert server_of(follower) == server


def test_names_on_the_disk_stay_as_they_are() -> None:
    assert (cursor_name("db"), alerts_name("db")) == ("influxdb:db", "influxdb:db:alerts")
