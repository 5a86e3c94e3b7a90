"""How a device is called in addresses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devices.reading import DeviceKey
from gateway.web.keys import parse_key

NAME = st.text("abc-_.:09", min_size=1)


@given(st.just("") | st.lists(NAME, min_size=1, max_size=3).map("/".join), NAME)
def test_a_key_means_the_device_that_bears_it(owner: str, name: str) -> None:
    device = DeviceKey(owner, name)
    assert parse_key(str(device)) == device
