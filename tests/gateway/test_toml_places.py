from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.places import Path, places

TEXT = '''\
# a comment = 1
[gateway]
box = "x" # [not]
"odd key".'b.c' = 1.5
list = [ # {
  1,
  { x = 1, y = [2,
     3] },
]
words = """
[no]
key = 1 """""
when = 1979-05-27 07:32:32

[[rules]]
name="a\\"]"
[[rules]]
name='b'
[rules.clear]
x . y = 3
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("gateway",), 2),
        (("gateway", "box"), 3),
        (("gateway", "odd key", "b.c"), 4),
        (("gateway", "list"), 5),
        (("gateway", "list", 0), 6),
        (("gateway", "list", 1, "x"), 7),
        (("gateway", "list", 1, "y", 1), 8),
        (("gateway", "words"), 10),
        (("gateway", "when"), 13),
        (("rules",), 15),
        (("rules", 0, "name"), 16),
        (("rules", 1), 17),
        (("rules", 1, "name"), 18),
        (("rules", 1, "clear"), 19),
        (("rules", 1, "clear", "x", "y"), 20),
    ],
)
def test_a_key_is_found_on_its_line(path: Path, line: int) -> None:
    tomllib.loads(TEXT)
    assert places(TEXT)[path] == line
    assert places(TEXT.replace("\n", "\r\n"))[path] == line


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


VALUES = st.recursive(
    st.sampled_from(
        [
            "1",
            "-1.5e3",
            "true",
            "inf",
            '""',
            '"#]"',
            "'\\'",
            "1979-05-27 07:32:32",
            '"""\na"" ]\n"""',
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: "[" + ", # ,\n ".join(values) + "\n]")
        | st.lists(inner, max_size=3).map(
            lambda values: "{" + ", ".join(f"k{n} = {v}" for n, v in enumerate(values)) + "}"
        )
    ),
    max_leaves=8,
)
LINES = st.one_of(
    st.sampled_from(["", "# x = [", "[a]", "[a.b]", "[[c]]", "[c.d]", '[[c."e f".g]]', "[[c.h]]"]),
    st.builds("{} = {}".format, st.sampled_from(["p", "q.r", '"s"', "'t'.u", "1.2"]), VALUES),
)


@given(st.lists(LINES, max_size=12))
def test_every_value_of_any_valid_text_has_a_line(lines: list[str]) -> None:
    text, valid = "", ""
    for line in lines:
        text = f"{valid}{line}\n"
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
        valid = text
    assert set(paths(tomllib.loads(valid))) == set(places(valid))
