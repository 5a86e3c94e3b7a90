"""`holdwatch consignment verdict`, `report`, `sign` and so on, typed at a gateway that answers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from gateway.cli.verdicts import add_to
from gateway.commands.control import ControlServer
from gateway.commands.verdict import VerdictCommands
from gateway.consignments.report import short
from gateway.people import audit
from gateway.refusal import ControlError
from tests.gateway.asked import SETTINGS
from tests.gateway.consignments.desk import ID, Desk, open_desk

APP = typer.Typer()
add_to(APP)


class Terminal(NamedTuple):
    """What is typed, at a gateway whose parts are those of `desk`."""

    desk: Desk
    settings: Path
    loop: asyncio.AbstractEventLoop

    def __call__(self, *words: str, given: str = "") -> Result:
        return CliRunner().invoke(
            APP, [*words, "-c", str(self.settings)], input=given, env={"COLUMNS": "160"}
        )

    def sign(self, *words: str, password: str | None = None) -> Result:
        given = (self.desk.password if password is None else password) + "\n"
        return self(
            *(
                "sign",
                ID,
                "--meaning",
                "released",
                "--as",
                "anna",
                "--name",
                "Quality Desk",
                *words,
            ),
            given=given,
        )

    def there(self, what: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it returns
        """Do something in the gateway's own thread."""

        async def do() -> Any:  # noqa: ANN401 - as above
            return what()

        return asyncio.run_coroutine_threadsafe(do(), self.loop).result(20)


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Terminal]:
    """A gateway that answers over its socket, in a thread of its own."""
    data = tmp_path / "data"
    data.mkdir()
    settings = tmp_path / "holdwatch.toml"
    settings.write_text(SETTINGS.format(folder=data), encoding="utf-8")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(what: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it returns
        return asyncio.run_coroutine_threadsafe(what, loop).result(20)

    desk = do(open_desk(data))
    commands = VerdictCommands(desk.parts).by_name

    async def answer(request: dict[str, Any], _progress: object) -> Any:  # noqa: ANN401 - as above
        if request["do"] not in commands:
            raise ControlError("there is no such command", "Use another")
        return msgspec.to_builtins(await commands[request["do"]](request, None))

    serving = asyncio.run_coroutine_threadsafe(ControlServer(data, answer).run(), loop)
    while not (data / "control.sock").exists():
        assert not serving.done(), serving.exception()
    yield Terminal(desk, settings, loop)
    serving.cancel()
    asyncio.run_coroutine_threadsafe(_closed(desk), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _closed(desk: Desk) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
    desk.state.close()


def test_a_verdict_is_shown_with_its_proposal_first(typed: Terminal) -> None:
    told = typed("verdict", ID).output
    assert told.index("Proposed: RELEASE") < told.index("Temperature")
    for words in ("Vaccines and biologics", "delivered", "Nobody has signed yet", "5 °C"):
        assert words in told
    answer = json.loads(typed("verdict", ID, "--json").output)
    assert answer["verdict"]["proposal"] == "release"
    assert len(answer["digest"]) == len(answer["substance"]) == 64
    assert f"its figures: {short(answer['substance'])}" in " ".join(told.split())


def test_what_was_out_of_range_is_shown_with_whose_it_was(typed: Terminal) -> None:
    typed.there(typed.desk.late)
    told = typed("verdict", ID).output
    assert "Temperature above from" in told
    assert "worst 12 °C; Kühne 3 h" in " ".join(told.split())


def test_what_is_signed_is_shown_first_and_kept(typed: Terminal) -> None:
    done = typed.sign()
    assert done.exit_code == 0, done.output
    assert done.output.index("Proposed: RELEASE") < done.output.index(
        "vac-1 is released by Quality Desk"
    )
    assert "report version 1" in done.output
    assert "released by Quality Desk (anna)" in typed("reports", ID).output
    assert "Signed: released by Quality Desk (anna)" in typed("verdict", ID).output
    entry = typed.there(lambda: audit.page(typed.desk.state, None, 1)[0])
    assert (entry.what, entry.who.via) == ("consignment-sign", "command line")
    assert typed.desk.password not in done.output


@pytest.mark.parametrize(
    ("words", "password", "told"),
    [
        ([], "guess", "name or password is wrong"),
        (["--meaning", "blessed"], None, "use one of released, rejected, held"),
        (["--meaning", "rejected"], None, "the proposal is release, and you sign rejected"),
        (["--as", "ben"], None, "name or password is wrong"),
    ],
)
def test_what_cannot_be_signed_is_refused_with_a_sentence(
    typed: Terminal, words: list[str], password: str | None, told: str
) -> None:
    done = typed.sign(*words, password=password)
    assert done.exit_code == 1
    assert told in " ".join(done.output.split())
    assert json.loads(typed("reports", ID, "--json").output) == []


def test_a_report_is_written_and_verified_as_pdf_and_as_json(
    typed: Terminal, tmp_path: Path
) -> None:
    assert typed.sign().exit_code == 0
    for name in ("report.pdf", "report.json"):
        file = tmp_path / name
        assert typed("report", ID, "-o", str(file)).exit_code == 0
        checked = typed("verify", str(file), ID)
        assert checked.exit_code == 0, checked.output
        assert "is report version 1 on vac-1, released by Quality Desk (anna)" in checked.output
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_a_report_that_was_changed_is_found_out(typed: Terminal, tmp_path: Path) -> None:
    typed.sign()
    pdf, plain = tmp_path / "report.pdf", tmp_path / "report.json"
    for file in (pdf, plain):
        typed("report", ID, "-o", str(file))
    pdf.write_bytes(pdf.read_bytes().replace(b"Holdwatch 0", b"Holdwatch 9"))
    plain.write_text(plain.read_text(encoding="utf-8").replace("Kühne", "Kuhne"), encoding="utf-8")
    told = typed("verify", str(pdf), ID)
    assert (told.exit_code, "its bytes are others" in told.output) == (1, True)
    told = typed("verify", str(plain), ID)
    assert (told.exit_code, "is no report on vac-1 that was signed here" in told.output) == (
        1,
        True,
    )


def test_a_draft_is_written_too_and_is_nothing_signed(typed: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "draft.pdf"
    done = typed("report", ID, "-o", str(file))
    assert "draft, not signed" in done.output
    assert typed("verify", str(file), ID).exit_code == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["verdict", "vac-9"], 1, "there is no consignment vac-9"),
        (["reports", "vac-9"], 1, "there is no consignment vac-9"),
        (["report", ID, "--version", "3", "-o", "x.pdf"], 1, "vac-1 has no report version 3"),
        (["report", ID, "-o", "no/folder/x.pdf"], 4, "No such file"),
        (["verify", "no.pdf", ID], 4, "No such file"),
    ],
)
def test_what_is_not_there_is_told(typed: Terminal, words: list[str], code: int, told: str) -> None:
    done = typed(*words)
    assert (done.exit_code, told in " ".join(done.output.split())) == (code, True), done.output


def test_a_file_that_is_neither_pdf_nor_json_is_told(typed: Terminal, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("what?", encoding="utf-8")
    done = typed("verify", str(tmp_path / "x"), ID)
    assert (done.exit_code, "neither a PDF nor JSON" in done.output) == (4, True)


def test_nobody_has_signed_is_said(typed: Terminal) -> None:
    assert "Nobody has signed a report yet" in typed("reports", ID).output
