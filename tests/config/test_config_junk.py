"""Whatever stands in a file, nothing but our error comes out; and the line of a key is the line on which it stands."""

import contextlib
import random
import string
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistakes import MISTAKES

from routed_llm import Router
from routed_llm.config.document import Document
from routed_llm.config.model_tables import ModelTable
from routed_llm.config.places import strings_of
from routed_llm.config.toml_lines import lines_of
from routed_llm.config.yaml_reading import read_yaml
from routed_llm.errors import ConfigurationError

pytestmark = pytest.mark.filterwarnings("ignore:.*not in the catalog")

KEYS = [*Document.model_fields, *ModelTable.model_fields, "fast", "use", "if", "when", "then", "first", "split", "input",
        "hours", "tokens", "above", "name", "pin", "set", "usd", "per", "examples", "is", "any", "not", "time"]  # fmt: skip
WORDS = ["", "fast", "cheapest", "auto", "sandbox", "sandbox:sandbox-small", "openai:gpt-5-mini", "balanced", "task", "rule",
         "cost", "env:X", "2026-03-31", "16:30", "shape", "user", "https://x", "\0", "é"]  # fmt: skip
PLAIN = st.one_of(
    st.sampled_from(WORDS), st.text(max_size=6), st.booleans(), st.integers(), st.floats(), st.none(), st.dates(), st.times(),
    st.datetimes(), st.binary(max_size=3),
)  # fmt: skip
VALUES = st.recursive(
    PLAIN, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(KEYS), each, max_size=4), max_leaves=12
)


def made(config):
    with contextlib.suppress(ConfigurationError):
        Router.from_config(config)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_any_mapping(data):
    made(data)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*ModelTable.model_fields]), VALUES, max_size=4))
def test_any_model(table):
    made({"models": {"fast": {"model": "sandbox:sandbox-small", **table}}})


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_any_strategy(value):
    made({"models": ["sandbox"], "strategy": value})
    made({"models": ["sandbox"], "rules": [{"name": "r", "pin": "sandbox:sandbox-small", "if": value}]})


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1), st.sampled_from(["toml", "yaml"]))
def test_any_text(text, kind):
    with contextlib.suppress(ConfigurationError):
        read_yaml(text) if kind == "yaml" else made(text + "\n")


def test_files_with_some_characters_changed():
    rng = random.Random(5)
    for mistake in MISTAKES:
        for _ in range(4):
            characters = list(mistake.text + "\n")
            for _ in range(rng.randint(1, 3)):
                characters[rng.randrange(len(characters))] = rng.choice(string.printable)
            made("".join(characters) + "\n")


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 3000 + "]" * 3000 + "\n", "a: &a [x, x, x]\n" * 2, "x = 1" * 9 + "\n", "é=" + "1" * 5000 + "\n",
     "[models]\n" + "".join(f"m{n} = 'sandbox:sandbox-small'\n" for n in range(300))],
)  # fmt: skip
def test_deep_and_large(text):
    made(text)


def test_yaml_that_multiplies_itself(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(ConfigurationError):
        Router.from_config(path)


def test_every_key_has_its_line():
    text = '''# a file
top = "x"
"odd key".part = 1   # with a comment = 5
list = [
  { name = "a", inner = { deep = 1 } },
  # { name = "no" }
  { name = "b = [c]" },
]
text = """
[not.a.table]
key = 1
"""
[one.two]
three = \'\'\'it's\'\'\'
[[rows]]
name = "r0"
[rows.if]
tokens = { above = 3 }
[[rows]]
name = "r1"
'''
    lines = lines_of(text)
    wanted = {"top": 2, "odd key.part": 3, "list[0].inner.deep": 5, "list[1].name": 7, "text": 9, "one.two.three": 14,
              "rows[0].if.tokens.above": 18, "rows[1].name": 20, "rows[1]": 19}  # fmt: skip
    assert {path: lines.get(path) for path in wanted} == wanted
    assert {path.replace('"', "") for path, _ in strings_of(tomllib.loads(text), "")} <= set(lines)
