"""A controller that is read by Modbus TCP: all declared registers at once are one reading.

Where it refuses a register, or does not answer in time, there is no reading: a value that was not
read is not made up, and the rules notice that the device is not heard.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from typing import TYPE_CHECKING

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException, ModbusIOException
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from devices.device import DecodeError
from devices.reading import OWN_CLOCK_UNTRUSTED, DeviceKey, Reading, layout, reading
from gateway.ways.registers import Request, requests, value
from gateway.ways.way import Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymodbus.pdu import ModbusPDU

    from devices.recognition import Recognition
    from gateway.clock import Clock
    from gateway.ingest import Ingest
    from gateway.settings.ways import Modbus

# What it logs of each failure is in our reasons, and would fill the log while a device is off.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

_EXCEPTIONS = {
    1: ("knows no such function", "Check kind"),
    2: ("has no such address", "Check address, kind and type, and set gap = 0"),
    3: ("takes no such request", "Check address, kind and type"),
    4: ("has failed at it", "Look at the device"),
    6: ("is busy", "Ask it less often"),
    10: ("cannot be reached by the gateway in front of it", "Check unit"),
    11: ("does not answer the gateway in front of it", "Check unit, and the wires behind it"),
}
"""What exception codes mean. Source: Modbus Application Protocol V1.1b3, chapter 7."""


_FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_REFUSED = 0x80
"""Set in the function of an answer that refuses."""


class _Holding(ReadHoldingRegistersResponse):
    def decode(self, data: bytes) -> None:
        self.registers = _registers(data)


class _Input(ReadInputRegistersResponse):
    def decode(self, data: bytes) -> None:
        self.registers = _registers(data)


def _registers(data: bytes) -> list[int]:
    """Return the registers of an answer; none where it has not the bytes that it says it has."""
    length = len(data) - 1
    if length % 2 or data[0] != length:
        return []
    return list(struct.unpack(f">{length // 2}H", data[1:]))


class _ReadError(Exception):
    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


class ModbusReader(Way):
    """Reads one device, for ever."""

    def __init__(  # noqa: PLR0913, PLR0917 - each is a part of its own
        self,
        section: Modbus,
        owner: str,
        ingest: Ingest,
        clock: Clock,
        line: asyncio.Lock,
        recognition: Recognition,
    ) -> None:
        """`owner`: whose device it is. `line`: shared by all behind one address."""
        super().__init__(section.source, section.every, clock)
        self._section = section
        self._device = DeviceKey(owner, section.device)
        self._ingest = ingest
        self._clock = clock
        self._line = line
        self._recognition = recognition
        self._requests = requests(section.registers, section.gap)
        self._layout = layout(tuple(sorted(one.channel for one in section.registers)))

    async def _take_in(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.once()
            # On time, however long an answer takes; what was missed is not made up for.
            due = max(due + self._section.every / 1000, loop.time())
            await asyncio.sleep(due - loop.time())

    async def once(self) -> None:
        """Read all registers, and commit what they say."""
        try:
            async with self._line:
                values = await self._read()
            # Admitted as what comes by other ways is: thus the registry knows it.
            self._ingest.routes.admit(self.name, self._device)
        except _ReadError as error:
            self._fare.failed(error.problem, error.cure)
            return
        except DecodeError as error:
            self._fare.failed(error.detail, error.cure)
            return
        await self._ingest.store([self._reading(values)])
        why = f"it is read as {self._section.name}"
        self._recognition.note(self._device, "a Modbus device", why, self.name)
        self._fare.came(1)
        self._fare.well()

    async def _read(self) -> dict[str, float]:
        """Return channel → value. Raises _ReadError."""
        section = self._section
        # A connection for each time: controllers have few of them, and forget those that rest.
        client = AsyncModbusTcpClient(
            section.host,
            port=section.port,
            timeout=section.timeout / 1000,
            retries=0,
            reconnect_delay=0,
        )
        for whole in (_Holding, _Input):
            client.register(whole)
        try:
            if not await _connects(client):
                raise _ReadError(
                    f"cannot connect to {section.host}, port {section.port}",
                    "Check host and port, and that nobody else holds its connections",
                )
            found: dict[str, float] = {}
            for request in self._requests:
                found |= await self._answer(client, request)
            return found
        finally:
            client.close()

    async def _answer(self, client: AsyncModbusTcpClient, request: Request) -> dict[str, float]:
        read = {
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
        }[request.kind]
        where = f"{request.kind} {request.address}"
        if request.size > 1:
            where += f" to {request.address + request.size - 1}"
        try:
            answer = await read(request.address, count=request.size, device_id=self._section.unit)
        except (TimeoutError, ModbusIOException, ConnectionException):
            raise _ReadError(
                f"no answer for {where} within {self._section.timeout / 1000:g} s",
                "Check unit, and the device",
            ) from None
        except ModbusException as error:
            raise _ReadError(f"its answer for {where} cannot be read: {error}", "") from None
        words = self._words(answer, request, where)
        found = {}
        for one in request.registers:
            start = one.address - request.address
            found[one.channel] = value(one, [int(each) for each in words[start : start + one.size]])
        return found

    def _words(self, answer: ModbusPDU, request: Request, where: str) -> Sequence[int]:
        """Return an answer's registers or bits, all that were asked for. Raises _ReadError."""
        if answer.function_code & ~_REFUSED != _FUNCTIONS[request.kind]:
            raise _ReadError(
                f"the device answers another question: {where}, function {answer.function_code}",
                "Check unit, and that nobody else talks over its connection",
            )
        if answer.isError():
            problem, cure = _EXCEPTIONS.get(answer.exception_code, ("refuses it", "See its manual"))
            raise _ReadError(
                f"the device {problem}: {where}, exception {answer.exception_code}", cure
            )
        bits = request.kind in {"coil", "discrete"}
        words: Sequence[int] = answer.bits if bits else answer.registers
        # Bits come in whole bytes.
        if len(words) != (-(-request.size // 8) * 8 if bits else request.size):
            raise _ReadError(
                f"its answer has another length than was asked for: {where}", "Set gap = 0"
            )
        return words

    def _reading(self, values: dict[str, float]) -> Reading:
        return self._ingest.apart(
            reading(
                device=self._device,
                at=None,
                received=self._clock.now(),
                layout=self._layout,
                values=tuple([values[one] for one in self._layout.channels]),
                sequence=None,
                flags=0 if self._clock.trusted() else OWN_CLOCK_UNTRUSTED,
                source=self._section.source,
            )
        )


async def _connects(client: AsyncModbusTcpClient) -> bool:
    try:
        return await client.connect()
    except (UnicodeError, OSError, ModbusException):
        # Of a name that no name server can be asked for, the error is none of the network's.
        return False
