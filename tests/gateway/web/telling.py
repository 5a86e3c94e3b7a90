"""A running page whose gateway tells people: by a real mail server, and one that is not there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.broker import free_port
from tests.gateway.notify.mail_server import MailServer, mail_server
from tests.gateway.web.running import SETTINGS, RunningPage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TELLS = """
[[channels]]
name = "office"
kind = "email"
host = "127.0.0.1"
port = %d
tls = "none"
from = "holdwatch@example.org"
to = ["office@example.org"]

[[channels]]
name = "duty"
kind = "email"
host = "127.0.0.1"
port = %d
tls = "none"
from = "holdwatch@example.org"
to = ["duty@example.org"]

[[routes]]
name = "cold-store"
sites = ["Warehouse 2"]
gather = "0 s"
channels = ["office"]
steps = [{ after = "15 min", channels = ["duty"] }]
repeat = "30 min"

[acknowledgement]
longest = "4 h"
"""


class Telling(RunningPage):
    """The page, and the mail server that `office` reaches; nobody is where `duty` sends."""

    mail: MailServer

    def __init__(self, folder: Path, mail: MailServer) -> None:
        tells = TELLS % (mail.port, free_port())
        super().__init__(folder, SETTINGS + tells.replace("{", "{{").replace("}", "}}"))
        self.mail = mail


@contextmanager
def telling_page(folder: Path) -> Iterator[Telling]:
    """Run it until the block ends."""
    with mail_server() as mail, Telling(folder, mail) as page:
        yield page
