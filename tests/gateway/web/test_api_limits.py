"""Who asks too often is told to wait; nobody else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.gateway.web.api_client import api, refused
from tests.gateway.web.running import RunningPage

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 40
"""More than a burst: ten a second, twice as many at once."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPage]:
    with RunningPage(tmp_path_factory.mktemp("page"), more_web="rate = 10") as running:
        yield running


def test_a_key_that_asks_too_often_waits_and_another_does_not(page: RunningPage) -> None:
    with api(page) as eager, api(page) as other:
        answers = [eager.get("/devices") for _ in range(MANY)]
        late = next(one for one in answers if one.status_code != httpx.codes.OK)
        assert "10 requests a second" in refused(late, 429)["detail"]
        assert late.headers["retry-after"] == "1"
        assert other.get("/devices").status_code == httpx.codes.OK


def test_an_address_that_guesses_keys_waits(page: RunningPage) -> None:
    guesses = [
        httpx.get(
            f"{page.url}/api/v1/devices", headers={"Authorization": f"Bearer hw_{number:032x}"}
        )
        for number in range(MANY)
    ]
    assert {one.status_code for one in guesses} == {401, 429}
    assert all("retry-after" in one.headers for one in guesses if one.status_code == 429)


def test_keys_that_are_refused_are_in_the_log_without_the_key(page: RunningPage) -> None:
    guess = "hw_" + "5" * 32
    httpx.get(f"{page.url}/api/v1/devices", headers={"Authorization": f"Bearer {guess}"})
    logged = page.log.read_text()
    assert "an API key was refused" in logged
    assert guess not in logged
