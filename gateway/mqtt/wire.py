"""The pieces MQTT packets are made of: integers, strings, and the one error they may raise.

Source: OASIS MQTT 5.0, chapter 1.5; MQTT 3.1.1, chapter 1.5.
"""

from __future__ import annotations

MALFORMED = 0x81
PROTOCOL = 0x82
UNSUPPORTED_VERSION = 0x84
TOPIC_FILTER_INVALID = 0x8F
TOPIC_INVALID = 0x90
PACKET_TOO_LARGE = 0x95
QOS_NOT_SUPPORTED = 0x9B

MAXIMUM_LENGTH = 268_435_455
"""The largest remaining length that four bytes can say."""


class ProtocolError(Exception):
    """The peer broke the protocol: the connection can only be closed.

    `code` is the MQTT 5 reason code to close it with; `detail` says what was wrong.
    """

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(f"{detail} (reason 0x{code:02X})")
        self.code = code
        self.detail = detail


def malformed(detail: str) -> ProtocolError:
    """Return the error for bytes that are no MQTT packet."""
    return ProtocolError(MALFORMED, detail)


def variable(value: int) -> bytes:
    """Encode a variable byte integer, 0 to 268,435,455, in one to four bytes."""
    if not 0 <= value <= MAXIMUM_LENGTH:
        raise ValueError(f"{value} does not fit a variable byte integer")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_variable(data: bytes, at: int, end: int) -> tuple[int, int] | None:
    """Return (value, index after it), or None when `end` comes before it is complete.

    Refuses more than four bytes, and a value written longer than it need be.
    """
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= end:
            return None
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if byte == 0 and shift:
                raise malformed("a length is written with more bytes than it needs")
            return value, at
    raise malformed("a length has more than four bytes")


def text(value: str) -> bytes:
    """Encode a UTF-8 string with its two bytes of length; ValueError if it is too long."""
    return binary(value.encode())


def binary(value: bytes) -> bytes:
    """Encode binary data with its two bytes of length; ValueError if it is too long."""
    if len(value) > 65_535:
        raise ValueError(f"{len(value)} bytes do not fit an MQTT string of at most 65,535")
    return len(value).to_bytes(2, "big") + value


class Cursor:
    """Reads the fields of one packet's body; whatever is missing is a ProtocolError."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data = data
        self.at = at
        self.end = end

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        start = self.at
        self.at = stop = start + count
        if stop > self.end:
            raise malformed("a packet ends in the middle of a field")
        return self.data[start:stop]

    def byte(self) -> int:
        """Return one byte."""
        return self.take(1)[0]

    def integer(self, count: int) -> int:
        """Return a big-endian integer of `count` bytes."""
        return int.from_bytes(self.take(count), "big")

    def packet_id(self) -> int:
        """Return a packet id, which is never zero."""
        value = self.integer(2)
        if value == 0:
            raise malformed("a packet id is zero")
        return value

    def variable(self) -> int:
        """Return a variable byte integer."""
        found = read_variable(self.data, self.at, self.end)
        if found is None:
            raise malformed("a packet ends in the middle of a length")
        value, self.at = found
        return value

    def binary(self) -> bytes:
        """Return binary data."""
        return self.take(self.integer(2))

    def text(self) -> str:
        """Return a string: valid UTF-8 without the null character."""
        return check_text(self.binary())

    def properties(self) -> bytes:
        """Return the properties of a packet of MQTT 5, unread, without their length."""
        return self.take(self.variable())

    def left(self) -> int:
        """Count the bytes that are left."""
        return self.end - self.at

    def finish(self) -> None:
        """Refuse a packet that goes on after its last field."""
        if self.at != self.end:
            raise malformed("a packet goes on after its last field")


def check_text(raw: bytes) -> str:
    """Decode a string, or raise ProtocolError: valid UTF-8 without the null character."""
    try:
        value = raw.decode()
    except UnicodeDecodeError:
        raise malformed("a string is not valid UTF-8") from None
    if "\0" in value:
        raise malformed("a string holds the null character")
    return value
