"""A codec that hangs, swells or crashes costs its own message; the others are answered."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devices.device import DecodeError
from devices.reading import DeviceKey
from gateway.codecs import child
from gateway.codecs.host import HANGS, REST, CodecHost
from tests.gateway.codecs.conftest import MakeHost
from tests.gateway.codecs.running import GOOD, call, data, folder_of, pid_of, reason, until_asked

HOSTILE = {
    "a loop": ("for (;;);", "codec-timeout"),
    "a loop that catches": (
        "for (;;) try { for (;;); } catch {} finally { continue }",
        "codec-timeout",
    ),
    "a loop in a toString": ("throw { toString() { for (;;); } }", "codec-timeout"),
    "a loop in a toJSON": ("return { data: { toJSON() { for (;;); } } }", "codec-timeout"),
    "a loop in a getter": ("return { get errors() { for (;;); } }", "codec-timeout"),
    "a loop in a proxy": (
        "return { data: new Proxy({}, { ownKeys() { for (;;); } }) }",
        "codec-timeout",
    ),
    "a regular expression": ("/(a+)+$/.test('a'.repeat(40) + 'b')", "codec-timeout"),
    "sorting for ever": (
        "var a = []; for (var n = 0; n < 1e5; n++) a.push(n); for (;;) a.sort()",
        "codec-timeout",
    ),
    "searching for ever": ("var s = 'a'.repeat(1e6); for (;;) s.indexOf('b')", "codec-timeout"),
    "joining for ever": ("return new Array(4294967295).join('x')", "codec-timeout"),
    "arrays": ("var a = []; for (;;) a.push(new Array(1000).fill(1))", "codec-memory"),
    "a long text": ("return 'x'.padEnd(2 ** 29)", "codec-memory"),
    "a large buffer": ("return new Uint8Array(1e9)", "codec-memory"),
    "recursion": ("(function f() { f() })()", "codec-error"),
    "recursion into JSON": (
        "var a = []; for (var n = 0; n < 1e5; n++) a = [a]; return { data: { a } }",
        "codec-error",
    ),
    "a ring": ("var a = {}; a.a = a; return { data: a }", "codec-error"),
    "a deep object": (
        "var a = {}; for (var n = 0; n < 5000; n++) a = { a }; return { data: a }",
        "codec-error",
    ),
    "a getter that throws": ("return { get data() { throw new Error('no') } }", "codec-error"),
    "a revoked proxy": (
        "var p = Proxy.revocable({}, {}); p.revoke(); return p.proxy",
        "codec-error",
    ),
    "evaluating": ("return eval('1')", "codec-error"),
    "a giant output": ("return { data: { a: new Array(1e5).fill(1) } }", "output-too-large"),
    "giant words": ("throw new Error('x'.repeat(1e6))", "codec-error"),
    "half of a pair": (r"throw '\ud800\ud800'", "codec-error"),
    "half of a pair in an error": (r"throw new Error('\udfff')", "codec-error"),
    "half of a pair as a name": (r"return { data: { '\ud800': 1 } }", "codec-error"),
    "a generator": ("return { data: null, errors: (function* () { for (;;) yield 1 })() }", ""),
    "a promise that loops": ("Promise.resolve().then(function f() { for (;;); }); return {}", ""),
    "what a host has": (
        (
            "return { data: { all: [typeof std, typeof os, typeof require, typeof process, "
            "typeof Deno, typeof XMLHttpRequest, typeof setTimeout, typeof print].join() } }"
        ),
        "",
    ),
}


@pytest.mark.parametrize(("body", "why"), HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_codec_costs_its_own_message_alone(
    host_of: MakeHost, body: str, why: str
) -> None:
    host = host_of(time=100, good=GOOD, bad=f"function decodeUplink(input) {{ {body} }}")
    calls = [call("good", port=n) for n in range(1, 20)]
    answers = await host.run([*calls[:10], call("bad"), *calls[10:], call("bad")])
    bad = [answers[10], answers[20]]
    assert [reason(one) for one in bad] == [why, why]
    assert all(len(str(one)) < 2000 for one in bad if isinstance(one, DecodeError))
    good = answers[:10] + answers[11:20]
    assert [data(one) for one in good] == [{"port": n} for n in range(1, 20)]


async def test_a_codec_can_name_nothing_of_its_host(host_of: MakeHost) -> None:
    body, _ = HOSTILE["what a host has"]
    (answer,) = await host_of(it=f"function decodeUplink() {{ {body} }}").run([call("it")])
    assert data(answer) == {"all": ",".join(["undefined"] * 8)}


async def test_what_a_codec_prints_goes_nowhere(host_of: MakeHost) -> None:
    source = "console.log('x'.repeat(1e5)); console.error('y'); " + GOOD
    answers = await host_of(it=source).run([call("it")] * 3)
    assert [data(one) for one in answers] == [{"port": 2}] * 3


async def test_importing_reaches_no_file(host_of: MakeHost, tmp_path: Path) -> None:
    (tmp_path / "other.mjs").write_text("globalThis.reached = 1; export default 1")
    source = f"""
        function decodeUplink() {{
          import({str(tmp_path / "other.mjs")!r}).catch(function () {{}});
          return {{ data: {{ reached: typeof reached }} }};
        }}"""
    answers = await host_of(it=source).run([call("it")] * 2)
    assert [data(one) for one in answers] == [{"reached": "undefined"}] * 2


async def test_a_codec_that_always_hangs_rests_and_holds_up_nobody(host_of: MakeHost) -> None:
    host = host_of(time=20, good=GOOD, bad="function decodeUplink() { for (;;); }")
    answers = await host.run([call("bad"), call("good")] * (HANGS + 3))
    assert [reason(one) for one in answers[::2]] == ["codec-timeout"] * HANGS + [
        "codec-resting"
    ] * 3
    assert [data(one) for one in answers[1::2]] == [{"port": 2}] * (HANGS + 3)


async def test_one_that_hangs_now_and_then_does_not_rest(host_of: MakeHost) -> None:
    source = "function decodeUplink(i) { if (i.bytes[0]) for (;;); return { data: {} } }"
    host = host_of(time=20, bad=source)
    answers = await host.run([call("bad", bytes([n % 2])) for n in range(2 * HANGS + 4)])
    assert [reason(one) for one in answers] == ["", "codec-timeout"] * (HANGS + 2)


SOME_HANG = "function decodeUplink(i) { if (i.bytes[0]) for (;;); return { data: {} } }"
BAD, FINE = b"\1", b"\0"


def device(number: int) -> DeviceKey:
    return DeviceKey("", f"d-{number}")


async def test_a_device_that_hangs_a_codec_does_not_silence_its_neighbours(
    host_of: MakeHost,
) -> None:
    host = host_of(time=20, it=SOME_HANG)
    calls = [call("it", BAD)] * (HANGS + 1) + [call("it", FINE)] * 3
    devices = [device(0)] * (HANGS + 1) + [device(1), device(2), device(0)]
    answers = await host.run(calls, devices)
    rests = ["codec-resting"]
    assert [reason(one) for one in answers] == ["codec-timeout"] * HANGS + rests + ["", ""] + rests


async def test_a_codec_that_hangs_for_every_device_rests_for_all(host_of: MakeHost) -> None:
    host = host_of(time=20, it=SOME_HANG)
    calls = [*[call("it", BAD)] * HANGS, call("it", FINE)]
    answers = await host.run(calls, [device(number) for number in range(HANGS + 1)])
    assert [reason(one) for one in answers] == ["codec-timeout"] * HANGS + ["codec-resting"]


async def test_after_a_rest_those_are_asked_first_for_whom_it_did_not_hang(
    host_of: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = host_of(time=20, it=SOME_HANG)
    devices = [device(number) for number in range(HANGS)]
    await host.run([call("it", BAD)] * HANGS, devices)
    later = asyncio.get_running_loop().time() + REST + 1
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: later)
    answers = [host.refusal("it", one) for one in (*devices, device(99))]
    assert [one.reason if one else "" for one in answers] == ["codec-resting"] * HANGS + [""]


async def test_new_files_are_used_and_a_rest_is_over(host_of: MakeHost, tmp_path: Path) -> None:
    host = host_of(time=20, it="function decodeUplink() { for (;;); }")
    answers = await host.run([call("it")] * (HANGS + 1))
    assert reason(answers[-1]) == "codec-resting"
    await host.use(folder_of(tmp_path, {"it": GOOD}), memory=16_000_000, time=20)
    assert data((await host.run([call("it")]))[0]) == {"port": 2}


async def test_a_process_killed_between_two_batches_is_started_again(host_of: MakeHost) -> None:
    host = host_of(good=GOOD)
    await host.run([call("good")])
    first = await pid_of(host)
    os.kill(first, signal.SIGKILL)
    answers = await host.run([call("good", port=n) for n in range(50)])
    assert [data(one) for one in answers] == [{"port": n} for n in range(50)]
    assert host.pid not in {None, first}


async def test_a_process_killed_within_a_batch_costs_no_message(host_of: MakeHost) -> None:
    busy = """
        function decodeUplink(i) {
          for (var n = 0; n < 100000; n++);
          return { data: { port: i.fPort } };
        }"""
    host = host_of(busy=busy)
    first = await pid_of(host)
    running = asyncio.create_task(host.run([call("busy", port=n) for n in range(200)]))
    await until_asked(host)
    os.kill(first, signal.SIGKILL)
    assert [data(one) for one in await running] == [{"port": n} for n in range(200)]
    assert host.pid != first


async def test_a_process_that_stands_still_is_killed_and_its_messages_are_answered(
    host_of: MakeHost,
) -> None:
    host = host_of(time=20, good=GOOD)
    first = await pid_of(host)
    os.kill(first, signal.SIGSTOP)
    answers = await host.run([call("good"), call("good")])
    assert [data(one) for one in answers] == [{"port": 2}] * 2
    assert host.pid != first


async def test_who_no_longer_waits_spoils_nothing(host_of: MakeHost) -> None:
    host = host_of(slow="function decodeUplink() { for (;;); }", good=GOOD)
    await pid_of(host)
    running = asyncio.create_task(host.run([call("slow")]))
    await until_asked(host)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert data((await host.run([call("good")]))[0]) == {"port": 2}


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_ten_thousand_calls_leave_its_memory_as_it_was(host_of: MakeHost) -> None:
    source = """
        function Part(bytes) { this.bytes = bytes; this.self = this; }
        function decodeUplink(i) {
          leaked = new Part(i.bytes.concat(i.bytes));
          Promise.resolve(leaked).then(function () {});
          return { data: { text: 'x'.repeat(500) } };
        }"""
    host = host_of(it=source)
    calls = [call("it", bytes(50))] * 1000
    for _ in range(2):
        await host.run(calls)
    pid = await pid_of(host)
    before = resident(pid)
    for _ in range(10):
        await host.run(calls)
    assert host.pid == pid
    assert resident(pid) < before + 8 * 2**20


async def test_the_process_can_open_start_and_write_nothing(host_of: MakeHost) -> None:
    pid = await pid_of(host_of())
    where = Path(f"/proc/{pid}")
    assert sorted(one.name for one in (where / "fd").iterdir()) == ["0", "1", "2"]
    assert (where / "environ").read_bytes() == b""
    assert (where / "cwd").resolve() == Path("/")
    limits = (where / "limits").read_text("ascii")
    hard = {line[:26].strip(): line[26:].split()[1] for line in limits.splitlines()[1:]}
    assert hard["Max open files"] == "3"
    assert hard["Max file size"] == hard["Max processes"] == hard["Max core file size"] == "0"
    assert int(hard["Max address space"]) < 2**30


OWNER = """
import asyncio, sys
from pathlib import Path
from gateway.codecs.folder import CodecFolder
from gateway.codecs.host import CodecHost

async def main():
    host = CodecHost(CodecFolder(None), memory=16_000_000, time=250)
    print((await host.process()).pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_the_process_ends_when_the_gateway_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        ended = os.pidfd_open(int(owner.stdout.readline()))
        owner.kill()
    try:
        assert select.select([ended], [], [], 10)[0] == [ended]
    finally:
        os.close(ended)


async def test_without_quickjs_messages_are_refused_and_somebody_is_told(
    host_of: MakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(child.__file__).parents[2])!r})\n"
        "sys.modules['_quickjs'] = None\n"
        "from gateway.codecs import child\n"
        "child.main()\n"
    )
    host = host_of(good=GOOD)
    told: list[str | None] = []
    host.on_problem = told.append
    with monkeypatch.context() as patched:
        patched.setattr(child, "__file__", str(broken))
        answers = await host.run([call("good"), call("gone")])
    assert [reason(one) for one in answers] == ["codecs-unavailable"] * 2
    assert "quickjs-ng" in str(answers[0])
    assert data((await host.run([call("good")]))[0]) == {"port": 2}
    assert told == [str(told[0]), None]


async def test_a_codec_that_crashes_its_process_again_and_again_rests(
    host_of: MakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = tmp_path / "crashing.py"
    crashing.write_text(
        "import os, sys\n"
        f"sys.path.insert(0, {str(Path(child.__file__).parents[2])!r})\n"
        "from gateway.codecs import child\n"
        "child._tell(child.Hello(''))\n"
        "os.read(0, 4)\n"
        "os.abort()\n"
    )
    monkeypatch.setattr(child, "__file__", str(crashing))
    answers = await host_of(good=GOOD).run([call("good")] * 20)
    crashed, resting = ["codec-crashed"] * HANGS, ["codec-resting"] * (20 - HANGS)
    assert [reason(one) for one in answers] == crashed + resting


async def test_where_no_process_can_be_started_messages_are_refused(
    host_of: MakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    answers = await host_of(good=GOOD).run([call("good")] * 2)
    assert [reason(one) for one in answers] == ["codecs-unavailable"] * 2


async def test_many_codecs_live_in_one_process(tmp_path: Path) -> None:
    sources = {
        f"c{n}": f"function decodeUplink() {{ return {{ data: {{ n: {n} }} }} }}"
        for n in range(150)
    }
    host = CodecHost(folder_of(tmp_path, sources), memory=16_000_000, time=250)
    try:
        for _ in range(2):
            answers = await host.run([call(name) for name in sources])
            assert [data(one) for one in answers] == [{"n": n} for n in range(150)]
    finally:
        await host.close()
