"""A fleet sends its whole load to a real broker, and says so when it cannot."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulators.fleet import WIDEST, BrokerError, Fleet, send
from simulators.load import Login, messages, split
from tests.broker import Broker, free_port

START = 1_790_000_000_000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as running:
        yield running


@contextmanager
def peer(*answers: bytes) -> Iterator[int]:
    """One connection's other side: it answers each thing it hears in turn, and then closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    connection.recv(1 << 16)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("connections", [1, 4, 100])
def test_every_message_is_acknowledged(site: Broker, connections: int) -> None:
    sent = send(site.port, messages(5_000, 100, START, 1.0), connections=connections)
    assert sent.acknowledged == 5_000
    assert sent.latencies == []


@pytest.mark.parametrize("window", [1, 3, 20, WIDEST])
def test_any_window_lets_all_through(site: Broker, window: int) -> None:
    with Fleet(site.port, split(messages(300, 10, START, 1.0), 5), window=window) as fleet:
        assert fleet.send().acknowledged == 300


def test_more_than_the_sockets_hold_goes_out_whole(site: Broker) -> None:
    with Fleet(site.port, split(messages(60_000, 100, START, 1.0), 1), window=WIDEST) as fleet:
        assert fleet.send().acknowledged == 60_000


def test_a_subscriber_gets_what_was_sent_in_order(site: Broker) -> None:
    subscriber = ["mosquitto_sub", "-p", str(site.port), "-i", "all", "-c", "-q", "1", "-t", "#"]
    subprocess.run([*subscriber, "-E"], check=True, timeout=30)
    load = list(messages(60, 6, START, 1.0))
    send(site.port, load, connections=3)
    heard = subprocess.run(
        [*subscriber, "-C", "60", "-F", "%t %p"], check=True, timeout=30, capture_output=True
    )
    lines = heard.stdout.splitlines()
    for device in range(6):
        wanted = [b"%s %s" % one for one in load[device::6]]
        assert [line for line in lines if line.startswith(load[device].topic)] == wanted


def test_a_paced_load_is_no_faster_than_its_pace(site: Broker) -> None:
    sent = send(site.port, messages(101, 10, START, 1.0), connections=7, rate=1_000)
    assert sent.acknowledged == len(sent.latencies) == 101
    assert sent.ended - sent.began >= 0.1
    assert all(latency >= 0 for latency in sent.latencies)


def test_a_message_that_the_window_held_back_counts_from_when_it_was_due() -> None:
    # Both are due at once, and the second may go only when the first is acknowledged.
    rate = 1e9
    with (
        peer(b"\x20\x02\x00\x00", b"\x40\x02\x00\x01", b"\x40\x02\x00\x02") as port,
        Fleet(port, split(messages(2, 1, START, 1.0), 1), window=1) as fleet,
    ):
        sent = fleet.send(rate)
        first, second = fleet._connections[0].moments
    assert first >= sent.began
    assert second == sent.began + 1 / rate
    assert sent.acknowledged == len(sent.latencies) == 2


@pytest.mark.parametrize(
    ("login", "why"),
    [(None, "anonymous"), (Login("lorry", "wrong"), "a user name and a password it knows")],
)
def test_a_broker_that_refuses_is_told_of(tmp_path: Path, login: Login | None, why: str) -> None:
    with (
        Broker(tmp_path, _users(tmp_path)) as broker,
        pytest.raises(BrokerError, match=f"refuses fleet-0: .*{why}"),
    ):
        send(broker.port, messages(1, 1, START, 1.0), login=login)


def test_with_the_right_password_it_is_let_in(tmp_path: Path) -> None:
    with Broker(tmp_path, _users(tmp_path)) as broker:
        load = messages(10, 2, START, 1.0)
        sent = send(broker.port, load, connections=2, login=Login("lorry", "right"))
    assert sent.acknowledged == 10


def _users(folder: Path) -> str:
    file = folder / "users"
    subprocess.run(["mosquitto_passwd", "-b", "-c", file, "lorry", "right"], check=True, timeout=30)
    return f"allow_anonymous false\npassword_file {file}"


def test_a_port_where_nobody_listens_is_told_of() -> None:
    with pytest.raises(BrokerError, match="nothing answers on port"):
        send(free_port(), messages(1, 1, START, 1.0))


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ((), "no answer to the CONNECT|refuses fleet-0: it answers"),
        ((b"HTTP",), "it answers 48545450"),
        ((b"\x20\x02\x00\x63",), "code 99"),
        ((b"\x20\x02\x00\x00", b"\x40\x02\x00\x01"), "after 1 of 9 PUBACKs"),
        ((b"\x20\x02\x00\x00", b"\x40\x02\x00\x02"), "something else than the PUBACKs"),
        ((b"\x20\x02\x00\x00", b"\xd0\x00"), "something else than the PUBACKs"),
    ],
)
def test_a_broker_that_does_not_take_the_load_is_told_of(
    answers: tuple[bytes, ...], message: str
) -> None:
    with peer(*answers) as port, pytest.raises(BrokerError, match=message):
        send(port, messages(9, 1, START, 1.0))


@pytest.mark.parametrize("window", [0, WIDEST + 1])
def test_a_window_beyond_its_bounds_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match="a window of"):
        Fleet(1, split(messages(1, 1, START, 1.0), 1), window=window)


def test_a_pace_that_takes_too_long_is_refused(site: Broker) -> None:
    with pytest.raises(ValueError, match="take more than 900 s"):
        send(site.port, messages(1_000, 1, START, 1.0), rate=1.0)


def test_a_broker_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.fleet.LONGEST", 0.1)
    with (
        peer(b"\x20\x02\x00\x00", b"", b"") as port,
        pytest.raises(TimeoutError, match="did not take the load"),
    ):
        send(port, messages(1, 1, START, 1.0))
