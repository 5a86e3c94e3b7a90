"""Nothing that a codec does reaches its next call, or another codec."""

from __future__ import annotations

import pytest

from tests.gateway.codecs.conftest import MakeHost
from tests.gateway.codecs.running import call, data

# Each counts its calls in a place that outlasts them, if it can, and returns the count.
COUNTERS = {
    "a global": "globalThis.n = (globalThis.n || 0) + 1; return n",
    "a variable without var": "if (typeof n === 'undefined') n = 0; n += 1; return n",
    "this": "return (function () { this.n = (this.n || 0) + 1; return this.n })()",
    "a closed-over variable": "closed += 1; return closed",
    "the function itself": "decodeUplink.n = (decodeUplink.n || 0) + 1; return decodeUplink.n",
    "the caller": "var f = decodeUplink.caller || {}; f.n = (f.n || 0) + 1; return f.n",
    "a global that cannot be deleted": """
        if (!('n' in globalThis)) Object.defineProperty(globalThis, 'n', { value: { n: 0 } });
        return ++globalThis.n.n""",
    "a symbol of the global": """
        var s = Symbol.for('n'); globalThis[s] = (globalThis[s] || 0) + 1; return globalThis[s]""",
    "what stands behind the global": """
        var p = Object.getPrototypeOf(globalThis); p.n = (p.n || 0) + 1; return p.n""",
    "another prototype of the global": """
        var n = globalThis.n || 0; Object.setPrototypeOf(globalThis, { n: n + 1 });
        return n + 1""",
    "a frozen global": """
        globalThis.n = (globalThis.n || 0) + 1; Object.freeze(globalThis); return n""",
    "Function": """
        return new Function('globalThis.n = (globalThis.n || 0) + 1; return globalThis.n')()""",
    "Array.prototype": "Array.prototype.n = (Array.prototype.n || 0) + 1; return [].n",
    "Object.prototype": "Object.prototype.n = (Object.prototype.n || 0) + 1; return ({}).n",
    "Function.prototype": "Function.prototype.n = (Function.prototype.n || 0) + 1; return isNaN.n",
    "String.prototype": "String.prototype.n = (''.n || 0) + 1; return ''.n",
    "Math": "Math.n = (Math.n || 0) + 1; return Math.n",
    "a method of Math": "var n = Math.abs.n || 0; Math.abs.n = n + 1; return Math.abs.n",
    "console": "console.n = (console.n || 0) + 1; return console.n",
    "console.log": "var n = console.log.n || 0; console.log = { n: n + 1 }; return n + 1",
    "a replaced method": """
        var n = Date.now() < 100 ? Date.now() : 0; Date.now = function () { return n + 1 };
        return n + 1""",
    "a replaced global": "var n = JSON.n || 0; JSON = { n: n + 1 }; return n + 1",
    "a hook of Error": """
        var hook = Error.prepareStackTrace; var n = (hook && hook.n) || 0;
        Error.prepareStackTrace = function () { return '' }; Error.prepareStackTrace.n = n + 1;
        return n + 1""",
    "a limit of Error": """
        var n = Error.stackTraceLimit; n = n > 0 && n < 9 ? n : 0;
        Error.stackTraceLimit = n + 1; return n + 1""",
    "an error's name": "var e = Error.prototype; e.n = (e.n || 0) + 1; return e.n",
    "generators": """
        var p = Object.getPrototypeOf(function* () {}); p.n = (p.n || 0) + 1; return p.n""",
    "asynchronous functions": """
        var p = Object.getPrototypeOf(async function () {}); p.n = (p.n || 0) + 1; return p.n""",
    "iterators": """
        var p = Object.getPrototypeOf([].values()); p.n = (p.n || 0) + 1; return p.n""",
    "iterators of Map": """
        var p = Object.getPrototypeOf(new Map().keys()); p.n = (p.n || 0) + 1; return p.n""",
    "typed arrays": """
        var p = Object.getPrototypeOf(Uint8Array); p.n = (p.n || 0) + 1; return p.n""",
    "a regular expression": "var m = /a/g; m.test('aa'); return m.lastIndex",
    "regular expressions": "RegExp.n = (RegExp.n || 0) + 1; return RegExp.n",
    "a template": "return (function (t) { t.n = (t.n || 0) + 1; return t.n || 1 })`x`",
    "a promise": """
        var n = globalThis.n || 0; Promise.resolve().then(function () { globalThis.n = n + 1 });
        return n + 1""",
    "an asynchronous function": """
        var n = globalThis.n || 0; (async function () { await 0; globalThis.n = n + 1 })();
        return n + 1""",
    "a setter": """
        var n = ({}).toString.n || 0; Object.prototype.toString = function () {};
        Object.prototype.toString.n = n + 1; return n + 1""",
}


def counting(body: str) -> str:
    """Return a codec that counts, but for its first call: that one is made in two ways."""
    return f"""
        var closed = 0;
        function decodeUplink(input) {{
          if (!input.bytes[0]) return {{ data: {{}} }};
          return {{ data: {{ n: (function () {{ {body} }})() }} }};
        }}"""


WITNESS = """
    function decodeUplink() {
      var seen = [];
      if ([].n || ({}).n || ''.n || isNaN.n || Math.n || JSON.n || console.n) seen.push('n');
      if (typeof n !== 'undefined') seen.push('global');
      for (var key in []) seen.push(key);
      return { data: { seen: seen } };
    }"""


@pytest.mark.parametrize("body", COUNTERS.values(), ids=COUNTERS)
@pytest.mark.parametrize("strict", ["", "'use strict';"], ids=["sloppy", "strict"])
async def test_a_codec_does_not_know_of_its_earlier_calls(
    host_of: MakeHost, body: str, strict: str
) -> None:
    host = host_of(counter=strict + counting(body), witness=WITNESS)
    calls = [call("counter", b"\0"), *[call("counter", b"\1")] * 4, call("witness")]
    answers = await host.run([*calls, *calls])
    for place, answer in enumerate(answers):
        if calls[place % 6].codec == "witness":
            assert data(answer) == {"seen": []}
        elif hasattr(answer, "data"):  # else the attempt itself is an error
            assert data(answer) in ({}, {"n": 1}, {"n": None})


REACHABLE = """
    function decodeUplink(input) {
      var open = [], seen = new Set([globalThis]);
      if (!input.bytes[0]) return { data: {} };
      function visit(value, path) {
        if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return;
        if (seen.has(value)) return;
        seen.add(value);
        if (!Object.isFrozen(value)) open.push(path);
        visit(Object.getPrototypeOf(value), path + '.__proto__');
        Reflect.ownKeys(value).forEach(function (key) {
          var found = Object.getOwnPropertyDescriptor(value, key);
          visit(found.value, path + '.' + String(key));
          visit(found.get, path + '.get ' + String(key));
          visit(found.set, path + '.set ' + String(key));
        });
      }
      visit(Object.getPrototypeOf(globalThis), '');
      var proto = Object.getPrototypeOf;
      visit(proto(function* () {}), 'generator function');
      visit(proto(async function () {}), 'async function');
      visit(proto(async function* () {}), 'async generator function');
      visit(proto(proto((function* () {})())), 'generator');
      visit(proto([].values()), 'array iterator');
      visit(proto(''[Symbol.iterator]()), 'string iterator');
      visit(proto('a'.matchAll(/a/g)), 'match iterator');
      visit(proto(new Map().keys()), 'map iterator');
      visit(proto(new Set().keys()), 'set iterator');
      visit(proto([].values().map(String)), 'iterator helper');
      visit(proto(Iterator.from({ next: String })), 'wrapped iterator');
      return { data: { open: open, many: seen.size > 500 } };
    }"""


async def test_everything_that_the_language_brings_is_frozen(host_of: MakeHost) -> None:
    host = host_of(walker=REACHABLE)
    _, found = await host.run([call("walker", b"\0"), call("walker", b"\1")])
    assert data(found) == {"open": [], "many": True}


OVERRIDING = {
    "a new method of arrays": (
        "Array.prototype.last = function () { return this[this.length - 1] };",
        "input.bytes.last()",
    ),
    "a method that is there": (
        "Number.prototype.toFixed = function () { return 'mine' };",
        "(1).toFixed()",
    ),
    "one's own toString": (
        "function T() {} T.prototype.toString = function () { return 'mine' };",
        "String(new T())",
    ),
    "one's own error": (
        "'use strict'; class E extends Error { constructor(m) { super(m); this.name = 'E' } }",
        "String(new E('x'))",
    ),
    "keys named like methods": ("var o = {}; o.valueOf = 1; o.constructor = 2;", "o.valueOf"),
    "a global": ("table = [1, 2];", "table.length"),
}


@pytest.mark.parametrize(("head", "value"), OVERRIDING.values(), ids=OVERRIDING)
async def test_a_codec_that_changes_the_language_works_all_the_same(
    host_of: MakeHost, head: str, value: str
) -> None:
    expected = {"mine", "E: x", 1, 2}
    source = f"{head} function decodeUplink(input) {{ return {{ data: {{ v: {value} }} }} }}"
    answers = await host_of(it=source).run([call("it")] * 3)
    assert [data(one) for one in answers] == [data(answers[0])] * 3
    assert isinstance(data(answers[0]), dict)
    assert set(data(answers[0]).values()) <= expected  # type: ignore[attr-defined] # a dict, as asserted


async def test_a_change_that_only_some_messages_make_works_too(host_of: MakeHost) -> None:
    source = """
        function decodeUplink(input) {
          if (input.bytes[0]) Array.prototype.first = function () { return this[0] };
          return { data: { v: input.bytes[0] ? input.bytes.first() : 0, left: !![].first } };
        }"""
    answers = await host_of(it=source).run([call("it", bytes([n % 2])) for n in range(6)])
    assert [data(one) for one in answers] == [{"v": n % 2, "left": bool(n % 2)} for n in range(6)]
