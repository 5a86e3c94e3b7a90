"""How times are written in reports, also those that no calendar has."""

from __future__ import annotations

import pytest

from gateway.consignments.wording import Times
from tests.gateway.consignments.voyages import report


@pytest.mark.parametrize(
    ("moment", "day"),
    [(1 << 62, "9998-12-23"), (-(1 << 62), "0005-04-19"), (1_651_449_600_000, "2022-05-02")],
)
def test_a_time_beyond_all_calendars_is_the_last_that_they_have(moment: int, day: str) -> None:
    assert Times(report()).local(moment).strftime("%Y-%m-%d").rjust(10, "0") == day
