"""A codec in the style of vendors, held against published messages of its device.

The codec is written here from the LHT65's data sheet, so that no vendor's file lies in the tests.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types, and need not

from devices.device import Call, Output
from devices.envelopes.codec_output import samples
from tests.gateway.codecs.conftest import MakeHost
from tests.gateway.codecs.running import RECEIVED

PUBLISHED = Path(__file__).parents[4] / "shared/vectors/lorawan/tts-index/lht65-codec.yaml"

CODEC = """
function signed(high, low) { return ((high << 24) | (low << 16)) >> 16; }
function decodeUplink(input) {
  var b = input.bytes;
  if (input.fPort !== 2) return { errors: ['unknown FPort'] };
  var data = {
    BatV: (((b[0] << 8) | b[1]) & 0x3fff) / 1000,
    Bat_status: b[0] >> 6,
    TempC_SHT: signed(b[2], b[3]) / 100,
    Hum_SHT: ((b[4] << 8) | b[5]) / 10
  };
  if ((b[6] & 0x7f) === 1) {
    data.Ext_sensor = 'Temperature Sensor';
    data.TempC_DS = signed(b[7], b[8]) / 100;
  }
  return { data: data };
}"""


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published messages are not here")
async def test_published_messages_of_an_lht65(host_of: MakeHost) -> None:
    described = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
    examples = described["uplinkDecoder"]["examples"]
    calls = [
        Call("lht65", bytes(one["input"]["bytes"]), one["input"]["fPort"], RECEIVED)
        for one in examples
    ]
    answers = await host_of(lht65=CODEC).run(calls)
    for one, answer in zip(examples, answers, strict=True):
        assert isinstance(answer, Output)
        assert answer.data == one["output"].get("data")
        assert answer.errors == tuple(one["output"].get("errors", ()))


async def test_the_data_sheets_message_becomes_a_sample(host_of: MakeHost) -> None:
    # LHT65 user manual v1.8, 2.4
    message = Call("lht65", bytes.fromhex("CBF60B0D0376010ADD7FFF"), 2, RECEIVED)
    (answer,) = await host_of(lht65=CODEC).run([message])
    assert isinstance(answer, Output)
    (sample,) = samples(answer, None, "lht65")
    assert sample.channels == pytest.approx(
        {"battery": 3.062, "temperature": 28.29, "humidity": 88.6, "temperature.external": 27.81}
    )
