"""What codecs are given, and what becomes of what they return."""

from __future__ import annotations

import pytest

from devices.device import DecodeError, Output
from tests.gateway.codecs.conftest import MakeHost
from tests.gateway.codecs.running import RECEIVED, call, data, reason


async def answer_of(host_of: MakeHost, source: str) -> Output | DecodeError:
    """Return the second answer of a codec: the first call is made in two ways."""
    first, second = await host_of(it=source).run([call("it"), call("it")])
    assert reason(first) == reason(second)
    return second


def returning(value: str) -> str:
    return f"function decodeUplink(input) {{ return {value}; }}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # what it is given
        (returning("{ data: { b: input.bytes, p: input.fPort } }"), {"b": [1, 2], "p": 2}),
        (returning("{ data: { t: input.recvTime.getTime() } }"), {"t": RECEIVED}),
        (returning("{ data: { list: Array.isArray(input.bytes) } }"), {"list": True}),
        (returning("{ data: input.variables }"), {}),
        # how vendors write
        ("const decodeUplink = ({ bytes }) => ({ data: { n: bytes.length } })", {"n": 2}),
        ("'use strict'; let a = 3; var decodeUplink = () => ({ data: { a } })", {"a": 3}),
        ("\ufefffunction decodeUplink() { return { data: { a: 1 } } }", {"a": 1}),
        (
            "#!/usr/bin/env node\nfunction decodeUplink() { return { data: { a: 1 } } } // end",
            {"a": 1},
        ),
        ("this.decodeUplink = function () { return { data: { a: 1 } } }", {"a": 1}),
        ("function decodeUplink() { console.log('x'); return { data: { a: 1 } } }", {"a": 1}),
        (
            "function Decode(port, bytes, variables) { return { port, n: bytes.length } }",
            {"port": 2, "n": 2},
        ),
        ("function Decoder(bytes, port) { return { port, n: bytes.length } }", {"port": 2, "n": 2}),
        # what JSON has no words for
        (
            returning("{ data: { a: NaN, b: 1 / 0, c: undefined, d: [undefined] } }"),
            {"a": None, "b": None, "d": [None]},
        ),
        (
            returning("{ data: { at: new Date(0), f() {}, s: Symbol() } }"),
            {"at": "1970-01-01T00:00:00.000Z"},
        ),
        (returning("{ data: { s: 'ä\\u0000' } }"), {"s": "ä\0"}),
        (returning("{ data: { s: 'ab'.repeat(30000) } }"), {"s": "ab" * 30000}),
        (returning("{ data: null }"), None),
        (returning("{}"), None),
    ],
)
async def test_a_codec_is_asked_as_its_vendor_means_it(
    host_of: MakeHost, source: str, expected: object
) -> None:
    assert data(await answer_of(host_of, source)) == expected


@pytest.mark.parametrize(
    ("source", "why", "words"),
    [
        ("function decodeUplink( {", "bad-codec", "SyntaxError"),
        ("\n\nvar a = ;", "bad-codec", "(line 3)"),
        ("export function decodeUplink() {}", "bad-codec", "no import or export"),
        ("}, leak(), () => {", "bad-codec", "SyntaxError"),
        ("/* decodeUplink", "bad-codec", "is not one"),
        ("var a = 1;", "bad-codec", "it needs a function decodeUplink"),
        ("require('fs')", "codec-error", "require is not defined (line 1)"),
        ("function decodeUplink() {\n null.x }", "codec-error", "of null (line 2)"),
        (
            "function decodeUplink() { throw new RangeError('port 9') }",
            "codec-error",
            "RangeError: port 9",
        ),
        ("function decodeUplink() { throw 'a text' }", "codec-error", "says: a text"),
        ("function decodeUplink() { throw Symbol() }", "codec-error", "cannot be shown"),
        ("function decodeUplink() { throw undefined }", "codec-error", "undefined"),
        (returning("undefined"), "codec-error", "it returned undefined"),
        (returning("null"), "codec-error", "it returned null"),
        (returning("7"), "codec-error", "it returned number"),
        (returning("{ data: [1] }"), "codec-error", "its data is no object"),
        (returning("{ data: { n: 1n } }"), "codec-error", "BigInt"),
        (returning("{ data: { s: '\\ud800' } }"), "codec-error", "cannot be read"),
        ("async function decodeUplink() {}", "codec-error", "must not be async"),
        (returning("{ data: { s: 'ab'.repeat(33000) } }"), "output-too-large", "65,536"),
    ],
)
async def test_what_cannot_be_used_is_told_in_the_codecs_words(
    host_of: MakeHost, source: str, why: str, words: str
) -> None:
    answer = await answer_of(host_of, source)
    assert isinstance(answer, DecodeError)
    assert answer.reason == why
    assert words in str(answer)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (returning("{ data: {}, warnings: ['low battery'] }"), Output({}, None, ("low battery",))),
        (returning("{ errors: ['unknown port'] }"), Output(None, None, (), ("unknown port",))),
        (returning("{ errors: 'unknown port' }"), Output(None, None, (), ("unknown port",))),
        (returning("{ data: { a: 1 }, errors: [] }"), Output({"a": 1})),
        (returning("{ data: [], errors: ['x'] }"), Output(None, None, (), ("x",))),
        (
            returning("{ errors: [{ a: 1 }, null, 'red \\u001b[31m \\u202e'] }"),
            Output(None, None, (), ('{"a": 1}', "null", "red  [31m  ")),
        ),
        (
            returning("{ errors: new Array(1000).fill('y'.repeat(40)) }"),
            Output(None, None, (), ("y" * 40,) * 20),
        ),
        (
            returning("{ data: { a: 1 } }")
            + "function normalizeUplink(i) { return { data: { b: i.data.a } } }",
            Output({"a": 1}, {"b": 1}),
        ),
        (
            returning("{ data: {} }")
            + "function normalizeUplink() { return { data: [{ b: 1 }, {}] } }",
            Output({}, [{"b": 1}, {}]),
        ),
        (
            returning("{ data: {} }") + "function normalizeUplink() { return { data: [1] } }",
            Output({}),
        ),
        (
            returning("{ data: {} }") + "function normalizeUplink() { throw new Error('no') }",
            Output({}, None, ("normalizeUplink: Error: no (line 1)",)),
        ),
        (
            returning("{ data: {} }") + "function normalizeUplink() { return { errors: ['no'] } }",
            Output({}, None, ("normalizeUplink: no",)),
        ),
        (
            returning("{ errors: ['x'] }")
            + "function normalizeUplink(i) { return { data: { b: 1 } } }",
            Output(None, None, (), ("x",)),
        ),
    ],
)
async def test_warnings_errors_and_the_normalised_form_come_through(
    host_of: MakeHost, source: str, expected: Output
) -> None:
    assert await answer_of(host_of, source) == expected


async def test_answers_come_in_the_order_of_the_calls(host_of: MakeHost) -> None:
    host = host_of(
        a="function decodeUplink(i) { return { data: { a: i.bytes[0] } } }",
        b="function decodeUplink(i) { return { data: { b: i.bytes[0] } } }",
    )
    calls = [call("ab"[n % 2], bytes([n % 256])) for n in range(300)]
    answers = await host.run(calls)
    assert [data(one) for one in answers] == [{"ab"[n % 2]: n % 256} for n in range(300)]


async def test_a_codec_that_is_not_there_costs_its_message_and_says_where_to_put_it(
    host_of: MakeHost,
) -> None:
    there, gone = await host_of(there=returning("{ data: {} }")).run([call("there"), call("gone")])
    assert data(there) == {}
    assert isinstance(gone, DecodeError)
    assert gone.reason == "no-codec"
    assert "gone.js" in gone.cure


async def test_nothing_to_do_starts_no_process(host_of: MakeHost) -> None:
    host = host_of()
    assert await host.run([]) == []
    assert await host.run([call("gone")]) != []
    assert host.pid is None
