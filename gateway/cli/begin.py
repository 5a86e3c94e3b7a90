"""What a person types first: settings are written, and checked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from devices.device import Call, DecodeError
from gateway.cli.asking import DEFAULT, HERE, REFUSED, SettingsPath, errors, fail, out
from gateway.cli.influx import try_all
from gateway.cli.starter import starter
from gateway.codecs.folder import CodecFolder
from gateway.codecs.host import CodecHost
from gateway.goods_files import Shelf
from gateway.screen.goods import show_own_goods
from gateway.screen.influx import show_tried
from gateway.screen.settings import show_codecs, show_settings
from gateway.settings import Settings, load

UNAVAILABLE = "codecs-unavailable"


def init(
    file: Annotated[Path, typer.Argument(help="The settings file to write.")] = HERE,
    broker: Annotated[
        str | None,
        typer.Option(help="Join this broker (host name or address), instead of listening."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The broker's port, or that on which to listen; else 1883.")
    ] = None,
) -> None:
    """Write a first settings file, with a rule that you can try at once."""
    if file.exists():
        raise fail(f"{file} exists already, and is left as it is. Name another file.", REFUSED)
    try:
        file.write_text(starter(broker, port), encoding="utf-8")
        file.chmod(0o600)
    except OSError as error:
        raise fail(f"Cannot write {file}: {error.strerror}.", REFUSED) from error
    out.print(f"Wrote {file}. Look at it, then: holdwatch run -c {file}", soft_wrap=True)


def check(
    config: SettingsPath = DEFAULT,
    offline: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--offline", help="Try no connection.")
    ] = False,
) -> None:
    """Read the settings, say what they mean, try codecs and each InfluxDB. Changes nothing."""
    with errors():
        settings = load(config)
        shelf = Shelf(settings.goods.folder)
        shelf.all()
    show_settings(out, config, settings)
    show_own_goods(out, shelf)
    codecs = CodecFolder(settings.codec_folder, expected=settings.codecs.folder is not None)
    show_codecs(out, codecs, asyncio.run(_try_codecs(settings, codecs)))
    if not offline:
        for section, tried in zip(settings.influxdb, try_all(settings.influxdb), strict=True):
            show_tried(out, section, tried)


async def _try_codecs(settings: Settings, folder: CodecFolder) -> list[str]:
    """Return which codecs cannot be run at all, and why: each is asked for once, with no bytes.

    That it refuses such a message is right, and no mistake.
    """
    host = CodecHost(folder, memory=settings.codecs.memory, time=settings.codecs.time)
    try:
        given = await host.run([Call(name, b"", 1, 0) for name in folder.codecs])
    finally:
        await host.close()
    wrong = [one for one in given if isinstance(one, DecodeError)]
    # Where no process can run them, one line says it of all.
    told = {one.reason if one.reason == UNAVAILABLE else one.detail: one for one in wrong}
    return [
        f"{one.detail}. {one.cure.partition('; then ')[0]}."
        for one in told.values()
        if one.reason in {"bad-codec", UNAVAILABLE}
    ]
