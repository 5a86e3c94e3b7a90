"""The certificate is renewed before its end, by a command or by ourselves; if not, people hear."""

from __future__ import annotations

import os
import sys
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.certificates.renewal import AGAIN, MOST, RenewalError, Renewer
from gateway.certificates.request import read_any_key, request
from gateway.listener.authority import Authority, certified_names, key_pem, pem
from gateway.listener.certificates import Fault, day
from gateway.listener.renewing import Renewing
from gateway.settings.renewal import Renewal
from rules.duration import DAY
from tests.e2e.gateway_process import until
from tests.gateway.certificates.company import NOW, Company
from tests.gateway.certificates.test_accepting import NAMES, take
from tests.gateway.web.test_process import is_there

MS = int(NOW.timestamp() * 1000)
SIGN = """\
import sys
from pathlib import Path
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from datetime import timedelta
folder = Path(sys.argv[1])
asked = x509.load_pem_x509_csr(Path(sys.argv[2]).read_bytes())
key = serialization.load_pem_private_key((folder / "issuing.key").read_bytes(), None)
issuing = x509.load_pem_x509_certificate((folder / "issuing.pem").read_bytes())
builder = x509.CertificateBuilder(
    issuing.subject, asked.subject, asked.public_key(), x509.random_serial_number(),
    issuing.not_valid_before_utc, issuing.not_valid_after_utc,
)
for one in asked.extensions:
    builder = builder.add_extension(one.value, one.critical)
text = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
text += (folder / "issuing.pem").read_bytes()
if len(sys.argv) > 3:
    Path(sys.argv[3]).write_bytes(text)
else:
    sys.stdout.buffer.write(text)
"""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A company that signs what a program is given; our own certificate ends in 90 days."""
    made = Company()

    (tmp_path / "issuing.key").write_bytes(key_pem(made.key))
    (tmp_path / "issuing.pem").write_bytes(pem(made.issuing))
    (tmp_path / "root.pem").write_bytes(pem(made.root))
    (tmp_path / "sign.py").write_text(SIGN)
    folder = tmp_path / "tls"
    asked = request(folder, NAMES).request
    signed = made.sign(asked, begins=NOW - timedelta(days=275), ends=NOW + timedelta(days=90))
    take(folder, pem(signed), made.chain())
    asked.unlink()
    return made


def settings(folder: Path, *command: str, within: str = "60 s") -> Renewal:
    return Renewal.model_validate(
        {
            "certificate": folder / "tls" / "server.pem",
            "key": folder / "tls" / "server.key",
            "command": command,
            "authority": folder / "root.pem",
            "within": within,
        }
    )


def signing(folder: Path, *more: str) -> Renewal:
    return settings(folder, sys.executable, str(folder / "sign.py"), str(folder), *more)


def there(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in (folder / "tls").iterdir()}


@pytest.mark.parametrize("more", [("{request}",), ("{request}", "{new}")], ids=["printed", "file"])
@pytest.mark.usefixtures("company")
async def test_a_command_renews_it_in_time(tmp_path: Path, more: tuple[str, ...]) -> None:
    renewer = Renewer(signing(tmp_path, *more))
    before = there(tmp_path)
    assert await renewer.look(MS - DAY) is None
    assert there(tmp_path) == before, "it is not due yet"
    assert await renewer.look(MS) is None
    after = there(tmp_path)
    assert after["server.pem"] != before["server.pem"]
    assert after["server.key"] == before["server.key"]
    assert set(after) == set(before), "nothing is left lying about"
    assert certified_names(tmp_path / "tls" / "server.pem") == NAMES
    assert await renewer.look(MS + 1) is None
    assert there(tmp_path) == after, "once is enough"


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "it fails": (("sh", "-c", "echo no entry >&2; exit 7"), "sh ended with 7: no entry"),
    "it is not there": (("/nonexistent/renew",), "No such file"),
    "it brings nothing": (("true",), "what the command brought holds no certificate"),
    "it brings the old chain": (("cat", "{key}"), "holds a private key"),
    "it brings another's": (
        ("cat", "{certificate}/../../root.pem"),
        "No such file|Not a directory",
    ),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.usefixtures("company")
async def test_where_it_fails_the_old_one_stays_and_people_are_told(
    tmp_path: Path, case: str
) -> None:
    command, said = WRONG[case]
    renewer, before = Renewer(settings(tmp_path, *command)), there(tmp_path)
    fault = await renewer.look(MS)
    assert fault is not None
    assert f" ends on {day(MS + 90 * DAY)}, and could not be renewed: " in fault.problem
    assert any(one in fault.problem for one in said.split("|"))
    assert fault.severity == "info"
    assert there(tmp_path) == before


@pytest.mark.parametrize(
    ("left", "severity"), [(31, "info"), (30, "warning"), (7, "critical"), (0, "critical")]
)
@pytest.mark.usefixtures("company")
async def test_the_nearer_the_end_the_graver(tmp_path: Path, left: int, severity: str) -> None:
    fault = await Renewer(settings(tmp_path, "false")).look(MS + (90 - left) * DAY)
    assert fault is not None
    assert fault.severity == severity
    assert (" ends on " if left else " ended on ") in fault.problem


@pytest.mark.usefixtures("company")
async def test_it_is_tried_again_after_a_while_and_then_all_is_well(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    script = tmp_path / "once"
    script.write_text(
        f"#!/bin/sh\necho >>{tries}\n[ $(wc -l <{tries}) = 2 ] || exit 1\n"
        f"exec {sys.executable} {tmp_path}/sign.py {tmp_path} $1\n"
    )
    script.chmod(0o700)
    renewer = Renewer(settings(tmp_path, str(script), "{request}"))
    first = await renewer.look(MS)
    for later in (1, AGAIN - 1):
        assert await renewer.look(MS + later) == first
    assert tries.read_text() == "\n"
    assert await renewer.look(MS + AGAIN) is None
    assert tries.read_text() == "\n\n"


@pytest.mark.usefixtures("company")
async def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    note = tmp_path / "child"
    command = ("sh", "-c", f"sleep 600 & echo $! >{note}; wait")
    with pytest.raises(RenewalError, match=r"sh took longer than 1 s, and was ended"):
        await Renewer(settings(tmp_path, *command, within="1 s")).renew(MS)
    until(lambda: not is_there(int(note.read_text())), "the child ends too")


@pytest.mark.usefixtures("company")
async def test_what_a_command_left_behind_is_ended_too(tmp_path: Path) -> None:
    """It has ended itself, and what it started holds on to its output."""
    note = tmp_path / "child"
    command = ("sh", "-c", f"sleep 600 & echo $! >{note}")
    with pytest.raises(RenewalError, match=r"sh took longer than 1 s, and was ended"):
        await Renewer(settings(tmp_path, *command, within="1 s")).renew(MS)
    until(lambda: not is_there(int(note.read_text())), "the child ends too")


@pytest.mark.usefixtures("company")
async def test_a_command_that_prints_without_end_takes_no_memory(tmp_path: Path) -> None:
    script = "import os\nfor _ in range(100): os.write(1, bytes(1_000_000))"
    tracemalloc.start()
    try:
        with pytest.raises(RenewalError, match="what the command brought holds no certificate"):
            await Renewer(settings(tmp_path, sys.executable, "-c", script)).renew(MS)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 20 * MOST


@pytest.mark.parametrize("named", [True, False], ids=["the settings name", "the folder holds"])
@pytest.mark.usefixtures("company")
async def test_a_command_cannot_say_by_itself_whom_to_trust(
    tmp_path: Path,
    *,
    named: bool,
) -> None:
    """Devices trust the company's root: one that the command brings along is worth nothing."""
    other = Company("Other")
    (tmp_path / "issuing.key").write_bytes(key_pem(other.key))
    (tmp_path / "issuing.pem").write_bytes(pem(other.issuing) + pem(other.root))
    told = signing(tmp_path, "{request}")
    if not named:
        (tmp_path / "root.pem").rename(tmp_path / "tls" / "authority.pem")
        told = told.model_copy(update={"authority": None})
    before = there(tmp_path)
    with pytest.raises(RenewalError, match="leads to “Other Root”, which nobody here was told"):
        await Renewer(told).renew(MS)
    assert there(tmp_path) == before


@pytest.mark.usefixtures("company")
async def test_a_command_is_told_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", "geheim")
    command = ("sh", "-c", 'echo "[$BROKER_PASSWORD]" >&2; exit 1')
    fault = await Renewer(settings(tmp_path, *command), ["BROKER_PASSWORD"]).look(MS)
    assert fault is not None
    assert fault.problem.endswith(": []")
    assert os.environ["BROKER_PASSWORD"] == "geheim"


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """An authority of our own, whose key is elsewhere, and what renews in its place."""
    folder = tmp_path / "tls"
    authority = Authority.make(folder, NOW, "roof-pi", below=True)
    Renewing.make(authority, NAMES, NOW).server(NAMES, NOW)
    (folder / "authority.key").unlink()
    return folder


async def test_our_own_authority_renews_for_ten_years_with_nobody_there(
    tmp_path: Path, ours: Path
) -> None:
    renewer = Renewer(Renewal(certificate=ours / "server.pem", key=ours / "server.key"))
    key = read_any_key(ours / "server.key").private_numbers()
    renewals, before = 0, (ours / "server.pem").read_bytes()
    faults: set[Fault | None] = set()
    for passed in range(0, 3650, 7):
        faults.add(await renewer.look(MS + passed * DAY))
        now = (ours / "server.pem").read_bytes()
        renewals, before = renewals + (now != before), now
    assert faults == {None}
    # The last ends with the authority: then it is not renewed again each week.
    assert renewals == 5
    assert read_any_key(ours / "server.key").private_numbers() == key
    assert set(NAMES) <= set(certified_names(ours / "server.pem"))
    assert not (tmp_path / "tls" / "authority.key").exists()


async def test_a_gateway_that_was_off_for_years_renews_when_it_wakes(ours: Path) -> None:
    renewer = Renewer(Renewal(certificate=ours / "server.pem", key=ours / "server.key"))
    assert await renewer.look(MS + 1500 * DAY) is None
    assert await renewer.look(MS + 1501 * DAY) is None


@pytest.mark.usefixtures("ours")
def test_settings_that_could_renew_nothing_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    (folder / "renewing.key").unlink()
    with pytest.raises(ValueError, match=r"there is no command, and no .*renewing\.key"):
        Renewal(certificate=folder / "server.pem", key=folder / "server.key")
    with pytest.raises(ValueError, match="stands for nothing"):
        Renewal(
            certificate=folder / "server.pem", key=folder / "server.key", command=("x", "{csr}")
        )
