"""`[renewal]`: how this gateway's own certificate is renewed before it ends, with nobody there."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.problems import mistake
from gateway.settings.values import Age, ReadableFile, Section
from rules.duration import MINUTE, SECOND, Duration

PLACES = frozenset({"request", "certificate", "key", "new"})
"""What a command's words may hold in braces."""


def _check_within(length: int) -> int:
    if not SECOND <= length <= 60 * MINUTE:
        raise mistake("a command is not awaited so", 'Use "1 s" to "60 min"')
    return length


def _check_command(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        for place in re.findall(r"\{(\w*)\}", word):
            if place not in PLACES:
                raise mistake(
                    f"{{{place}}} stands for nothing",
                    "Use {request}, {certificate}, {key} and {new}",
                )
    if words and not words[0]:
        raise mistake("the command's first word is empty", "Name a program")
    return words


class Renewal(Section):
    """How this gateway's own certificate is renewed."""

    certificate: ReadableFile = Field(
        description="File (PEM) of the certificate that is renewed: that of [[listeners]] and "
        "[web]. The gateway's user must be allowed to write in its folder."
    )
    key: ReadableFile = Field(description="File (PEM) of its private key. It stays the same.")
    command: Annotated[tuple[str, ...], AfterValidator(_check_command)] = Field(
        default=(),
        description="Program and its arguments that get a new certificate from your company's "
        "authority. {request} stands for a file with a request (PEM), {new} for the file to write "
        "the new certificate to (or it is printed), {certificate} and {key} for the files in use. "
        "No shell looks at it.",
        json_schema_extra={
            "default text": "the authority of `holdwatch tls init --renewing`, in the same folder"
        },
    )
    authority: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of the root that new certificates must lead to.",
        json_schema_extra={
            "default text": "authority.pem in the same folder, and what the system trusts"
        },
    )
    before: Age | None = Field(
        default=None,
        description="How long before its end it is renewed.",
        json_schema_extra={"default text": "a third of its life, at most 90 days"},
    )
    within: Annotated[Duration, AfterValidator(_check_within)] = Field(
        default=5 * MINUTE, description="How long the command may take."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        own = self.certificate.with_name("renewing.key")
        if not self.command and not own.exists():
            raise mistake(
                f"there is no command, and no {own}",
                "Give a command, or make what renews: holdwatch tls init --renewing --folder "
                f"{self.certificate.parent}",
            )
        if not self.command and self.certificate.name != "server.pem":
            raise mistake(
                f"without a command what is renewed is server.pem, and not {self.certificate.name}",
                "Name that file, or give a command",
            )
        return self
