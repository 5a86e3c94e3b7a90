"""The folder of vendors' codecs: `NAME.js` each, with `NAME.toml` beside it where there is need.

It is read and checked without running anything. A file that cannot be used costs only itself.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from devices.envelopes.codec_output import Place, Table
from devices.envelopes.mapping import is_channel
from devices.model import Model, plain_name
from devices.models import CATALOGUE, by_name
from devices.reading import QUANTITIES
from devices.recognition import Codec
from devices.units import conversion, units_of
from gateway.settings.problems import Describer, Problem, mistake, syntax_problem
from gateway.settings.values import Section, slug

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST = 2 * 10**6
"""Bytes of one file."""
MOST_FILES = 2000


class PlaceSection(Section):
    """Where the codec gives a channel's value."""

    name: str = Field(
        min_length=1,
        description="What the codec calls it; a dot leads into an object, as in air.temp.",
    )
    unit: str = Field(default="", description="Its unit, where that is not ours.")


def _check_channels(channels: dict[str, PlaceSection]) -> dict[str, PlaceSection]:
    for channel, place in channels.items():
        if not is_channel(channel):
            raise mistake(
                f"{channel!r} is not a channel",
                f"Use one of {', '.join(QUANTITIES)}, with a place in quotes if you like, such as "
                '"temperature.supply_air"',
            )
        if place.unit and conversion(channel, place.unit) is None:
            raise mistake(
                f"{channel} cannot have the unit {place.unit!r}", f"Known: {units_of(channel)}"
            )
    return channels


def _check_nesting(channels: object) -> object:
    """Find a channel whose dot TOML took for its own."""
    for channel, place in channels.items() if isinstance(channels, dict) else ():
        inner = next(iter(place), "") if isinstance(place, dict) else ""
        if inner and isinstance(place[inner], dict) and "name" not in place:
            raise mistake(
                f"{channel}.{inner} stands without quotes",
                f'Write "{channel}.{inner}" = {{ name = … }}',
            )
    return channels


class Beside(Section):
    """What the `.toml` beside a codec may say."""

    profiles: tuple[str, ...] = Field(
        default=(), description="Names of device profiles, or of makes of device, that it is for."
    )
    prefer: Literal["normalized", "data"] = Field(
        default="normalized",
        description="Whether normalizeUplink counts, where the codec has it, or the codec's data.",
    )
    ignore: tuple[str, ...] = Field(
        default=(), description="Names in the codec's data that are not to be looked at."
    )
    channels: Annotated[
        dict[str, PlaceSection], BeforeValidator(_check_nesting), AfterValidator(_check_channels)
    ] = Field(
        default_factory=dict,
        description='Channel = what the codec calls it: temperature = { name = "TempC", unit = '
        '"°C" }.',
    )


class CodecFile(NamedTuple):
    """A codec that can be used: its source, and what is declared of it."""

    name: str
    source: str
    profiles: tuple[str, ...] = ()
    table: Table = Table()


class CodecFolder:
    """The codecs of a folder, as it was when this was made. `path` None: there are none."""

    def __init__(
        self, path: Path | None, *, expected: bool = True, models: Iterable[Model] = CATALOGUE
    ) -> None:
        """Read the folder. Raises nothing: what is wrong stands in `problems`.

        `expected`: that there is no such folder is a problem. `models`: who has names already.
        """
        self.path = path
        self.codecs: dict[str, CodecFile] = {}
        self.problems: list[str] = []
        """What cannot be used, with file, line and cure."""
        self.digest = ""
        """Of all its files: another one where anything of them has changed."""
        if path is None:
            return
        files, wrong = _look(path)
        self.digest = _digest(files)
        if wrong and (expected or path.exists()):
            self._tell(path, wrong, "Make it, or name another folder under [codecs]")
        self._read(files, by_name(models))

    def refuse(self, why: str) -> None:
        """Use none of them: Recognition does not take them, in these words."""
        self.codecs.clear()
        self._tell(self.path, why, "Until then none of its codecs is used")

    @property
    def recognised(self) -> list[tuple[Codec, tuple[str, ...]]]:
        """Return what Recognition takes: each codec, and the device profiles that it is for."""
        return [(Codec(one.name, one.table), one.profiles) for one in self.codecs.values()]

    def changed(self) -> bool:
        """Whether the folder holds anything else than when this was read. Reads the disk."""
        return self.path is not None and _digest(_look(self.path)[0]) != self.digest

    def _read(self, files: dict[str, bytes | str], taken: dict[str, Model]) -> None:
        owners: dict[str, Model | str] = dict(taken)
        for file in files:
            stem, _, ending = file.rpartition(".")
            if ending == "toml" and f"{stem}.js" not in files:
                self._tell(file, f"there is no {stem}.js beside it", "Rename it as its codec")
            elif ending != "toml":
                codec = self._codec(file, files)
                if codec is not None and self._is_free(file, codec, owners):
                    self.codecs[codec.name] = codec

    def _codec(self, file: str, files: dict[str, bytes | str]) -> CodecFile | None:
        name = file[: file.rindex(".")]
        if file != f"{slug(name)}.js" or len(name) > 60:
            self._tell(
                file,
                "this cannot be a codec's name",
                "Use up to 60 small letters, digits and hyphens, such as "
                f"{slug(name)[:60] or 'lht65'}.js",
            )
            return None
        source = self._text(file, files[file])
        beside = files.get(f"{name}.toml", b"")
        declared = self._text(f"{name}.toml", beside)
        if source is None or declared is None:
            return None
        found = self._beside(f"{name}.toml", declared)
        if found is None:
            return None
        table = Table(
            {channel: Place(one.name, one.unit) for channel, one in found.channels.items()},
            found.prefer,
            found.ignore,
        )
        return CodecFile(name, source, found.profiles, table)

    def _text(self, file: str, content: bytes | str) -> str | None:
        if isinstance(content, str):
            self._tell(file, content, "Put the vendor's file there again")
            return None
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._tell(file, f"this is not UTF-8 text ({error.reason})", "Save it as UTF-8")
            return None

    def _beside(self, file: str, text: str) -> Beside | None:
        data: dict[str, Any] = {}
        try:
            data = tomllib.loads(text)
            # In JSON's strict mode an array may be a tuple, but a text no number.
            return Beside.model_validate_json(json.dumps(data, default=str), strict=True)
        except tomllib.TOMLDecodeError as error:
            problems = [syntax_problem(text, error)]
        except RecursionError:
            problems = [Problem("", 1, "tables are nested too deeply", "Write it flat.")]
        except ValidationError as error:
            describer = Describer(text, data, Beside.model_json_schema)
            problems = describer.describe(error.errors(include_url=False, include_input=False))
        self.problems += [f"{file}: {problem}" for problem in problems]
        return None

    def _is_free(self, file: str, codec: CodecFile, owners: dict[str, Model | str]) -> bool:
        """Whether nobody else answers to the codec's names; if so they are its own from now on.

        `owners`: of each name, a model of the catalogue, or the name of a codec.
        """
        names = {plain_name(one): one for one in (*codec.profiles, codec.name)}
        for plain, name in names.items():
            owner = owners.get(plain, codec.name)
            if owner != codec.name:
                called = owner.id if isinstance(owner, Model) else owner
                self._tell(
                    file,
                    f"{called} is for devices called {name!r} already",
                    f"Rename the file, such as {codec.name}-vendor.js"
                    if name == codec.name
                    else f"Take that profile out of {codec.name}.toml",
                )
                return False
        owners.update(dict.fromkeys(names, codec.name))
        return True

    def _tell(self, file: object, what: str, cure: str) -> None:
        self.problems.append(f"{file}: {what}. {cure}.")


def _look(path: Path) -> tuple[dict[str, bytes | str], str]:
    """Return what each file holds, or in words why it cannot be had; and what is wrong with all."""
    try:
        found = sorted(one for one in path.iterdir() if one.suffix.lower() in {".js", ".toml"})
    except OSError as error:
        return {}, f"the folder of codecs cannot be read ({error.strerror})"
    files = {one.name: _content(one) for one in found[:MOST_FILES] if one.name[0] != "."}
    more = f"there are more than {MOST_FILES} files; the others are not read"
    return files, more if len(found) > MOST_FILES else ""


def _content(path: Path) -> bytes | str:
    """Return what a file holds, or in words why that cannot be had."""
    try:
        if not path.is_file():
            return "this is no file"
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if len(content) > LARGEST:
        return f"it has more than {LARGEST // 10**6} MB"
    return content


def _digest(files: dict[str, bytes | str]) -> str:
    whole = hashlib.sha256()
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        whole.update(f"{name}\0{len(data)}\0".encode() + data)
    return whole.hexdigest()
