"""`holdwatch rules …`: what rules do, tried before they count."""

from __future__ import annotations

import typer

rules_app = typer.Typer(
    no_args_is_help=True,
    help="Rules of goods profiles: run their tests, and try them on the past.",
)


@rules_app.callback()
def _rules() -> None:
    # With a single command below it, typer would leave out that command's name.
    pass
