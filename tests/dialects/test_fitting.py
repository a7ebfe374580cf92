"""Whether values fit a schema: as jsonschema says, over all that is looked at."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dialects.arguments import read_arguments, read_document
from routed_llm.dialects.fitting import misfit

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 2.0]) | st.sampled_from(["a", "b", "1", "true"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
TYPES = st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null"])


def _schemas(inner):
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "$ref": st.just("#/$defs/x"),
        },
    )


LEAVES = st.booleans() | st.fixed_dictionaries({"type": TYPES}) | st.fixed_dictionaries({"enum": st.lists(SCALARS, min_size=1)})
SCHEMAS = st.recursive(LEAVES, _schemas, max_leaves=6)


def _without_siblings(schema):
    """As every model reads it: what stands beside a reference counts for nothing."""
    if isinstance(schema, dict):
        return {"$ref": schema["$ref"]} if "$ref" in schema else {k: _without_siblings(v) for k, v in schema.items()}
    return [_without_siblings(each) for each in schema] if isinstance(schema, list) else schema


def _alike(value):
    """Whether Python takes a number in it for a truth value, as JSON does not."""
    return any(text in json.dumps(value) for text in ("true", "false", "1", "0"))


@settings(max_examples=300, deadline=None)
@given(VALUES, SCHEMAS, st.booleans() | st.fixed_dictionaries({"type": TYPES}))
def test_it_says_what_jsonschema_says(value, schema, referred):
    whole = {"$defs": {"x": referred}, "allOf": [_without_siblings(schema)]}
    if "enum" in json.dumps(schema) and _alike(value):
        return
    expected = jsonschema.Draft202012Validator(whole).is_valid(value)
    assert (misfit(value, whole) is None) is expected
    if expected:
        assert misfit(value, whole, lenient=True) is None


def test_what_cannot_be_understood_rejects_nothing():
    odd = [None, 5, "x", [], {"type": "what"}, {"type": 5}, {"properties": 5}, {"required": "a"}, {"$ref": "http://x"}]
    odd += [{"$ref": "#/nowhere"}, {"$ref": "#"}, {"anyOf": 5}, {"items": 5}, {"enum": 5}]
    assert [misfit({"a": [1]}, schema) for schema in odd] == [None] * len(odd)


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        ("5", "integer", True), ("5.5", "integer", False), ("5.5", "number", True), ("x", "number", False),
        ("True", "boolean", True), ("maybe", "boolean", False), (5, "string", False), ("inf", "integer", False),
    ],
)  # fmt: skip
def test_lenient_is_as_lenient_as_pydantic(value, kind, fits):
    assert (misfit(value, {"type": kind}, lenient=True) is None) is fits
    assert misfit(value, {"type": kind}) is not None


@pytest.mark.parametrize("text", ["", "null", "{}", ' {"a": "line\nbreak"} '])
def test_arguments(text):
    assert isinstance(read_arguments(text), dict)


@pytest.mark.parametrize("text", ["x", "[1]", "5", '{"a":' * 200 + "1" + "}" * 200, "[" * 100_000, "9" * 10_000])
def test_what_are_no_arguments(text):
    with pytest.raises(ValueError, match=r"they are no|nested deeper"):
        read_arguments(text)


def test_a_typed_answer_in_a_fence():
    for text in ('```json\n{"a": 1}\n```', 'Here it is:\n```\n{"a": 1}```\nDone.', '{"a": 1}'):
        assert read_document(text) == {"a": 1}
    with pytest.raises(ValueError, match="it is no JSON"):
        read_document("```json\n{```")
