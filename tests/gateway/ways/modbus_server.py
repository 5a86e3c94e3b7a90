"""A real Modbus TCP server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import SimDevice


@asynccontextmanager
async def controller(device: SimDevice, port: int) -> AsyncIterator[None]:
    """Be a device, until the block ends."""
    server = ModbusTcpServer(device, address=("127.0.0.1", port), ignore_missing_devices=True)
    await server.listen()
    try:
        yield
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus says that it is typed
