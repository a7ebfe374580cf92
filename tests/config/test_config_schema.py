"""The JSON schema, the documentation and the example say what the code says."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest
from mistakes import MISTAKES

from routed_llm import Limits, Model, Router
from routed_llm.config.document import Document, LimitsTable
from routed_llm.config.model_tables import ModelTable
from routed_llm.config.plain import plain
from routed_llm.config.schema import schema

ROOT = Path(__file__).parents[2]
#: what holds objects or functions, and what only objects need
NOT_IN_FILES = {"credential", "factory", "input", "keep_retries", "served_model"}
BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def _keys(monkeypatch, tmp_path):
    for name in ("OPENAI_API_KEY", "OPENAI_API_KEY_EU", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "not-a-key")
    (tmp_path / "key").write_text("not-a-key")


def test_the_committed_schema_is_fresh():
    committed = json.loads((ROOT / "docs" / "routed.schema.json").read_text(encoding="utf-8"))
    assert committed == schema(), "run: routed-llm config schema > docs/routed.schema.json"


def test_every_field_of_a_model_can_stand_in_a_file():
    assert set(ModelTable.model_fields) == {field.name for field in fields(Model)} - NOT_IN_FILES
    defaults = {f.name: f.default for f in fields(Model) if f.name in ("weight", "quality", "private")}
    assert {name: ModelTable.model_fields[name].default for name in defaults} == defaults


def test_limits_are_those_of_python():
    assert LimitsTable().model_dump() == Limits()._asdict()


@pytest.mark.usefixtures("_keys")
def test_the_example_is_whole_and_fits_the_schema():
    text = (ROOT / "examples" / "routed.toml").read_text(encoding="utf-8")
    data = plain(tomllib.loads(text))
    assert set(data) | {"purpose", "state"} >= set(Document.model_fields) - {"routing"}
    jsonschema.validate(data, schema())
    router = Router.from_config(ROOT / "examples" / "routed.toml")
    assert {"fast", "strong"} <= set(router.catalog.models)


BLOCKS = BLOCK.findall((ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", range(len(BLOCKS)))
@pytest.mark.usefixtures("_keys")
def test_every_file_of_the_documentation_can_be_loaded(number):
    Router.from_config(BLOCKS[number])
    jsonschema.validate(plain(tomllib.loads(BLOCKS[number])), schema())


def test_the_documentation_tells_every_key():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for key in Document.model_fields:
        assert f"`{key}`" in page or f"`[{key}" in page or f"`[[{key}" in page, key


def test_the_schema_refuses_misspelt_keys():
    validator = jsonschema.Draft202012Validator(schema())
    unknown = [
        m for m in MISTAKES if m.id in ("unknown-top", "model-key", "price-key", "limits-unknown", "budget-key", "rule-key")
    ]
    assert len(unknown) == 6
    for mistake in unknown:
        assert not validator.is_valid(plain(tomllib.loads(mistake.text))), mistake.id
