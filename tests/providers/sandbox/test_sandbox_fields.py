"""Schemas are filled from the prompt, and what is filled is always valid."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sandbox_client import ask, chat

from routed_llm.providers.sandbox.solvers.facts import read_facts
from routed_llm.providers.sandbox.solvers.schema import fill
from routed_llm.testing import SandboxServer

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0},
        "email": {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}]},
    },
    "required": ["name", "age", "email"],
    "additionalProperties": False,
}


def answered(server: SandboxServer, text: str, schema: dict[str, Any]) -> Any:
    named = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    got = ask(server, chat(text, "sandbox-reasoner", response_format=named))
    assert got.status == 200, got.body
    return json.loads(got.json["choices"][0]["message"]["content"])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "Alice Smith is 42 years old, write to alice@example.org",
            {"name": "Alice Smith", "age": 42, "email": "alice@example.org"},
        ),
        ("My name is Bob and I am 25", {"name": "Bob", "age": 25, "email": None}),
        ("name: Zoe, age: thirty-one", {"name": "Zoe", "age": 31, "email": None}),
    ],
)
def test_a_person_is_found(sandbox: SandboxServer, text: str, wanted: dict[str, Any]) -> None:
    assert answered(sandbox, text, PERSON) == wanted


def test_lists_references_choices_and_nested_objects(sandbox: SandboxServer) -> None:
    people = {
        "type": "object",
        "properties": {"people": {"type": "array", "items": {"$ref": "#/$defs/p"}}},
        "$defs": {"p": PERSON},
    }
    found = answered(sandbox, "Alice is 30 and Bob is 25.", {**people, "required": ["people"]})
    assert [(one["name"], one["age"]) for one in found["people"]] == [("Alice", 30), ("Bob", 25)]
    mood = {"type": "object", "properties": {"mood": {"enum": ["happy", "sad"]}}, "required": ["mood"]}
    assert answered(sandbox, "I am so sad today.", mood) == {"mood": "sad"}
    numbers = {
        "type": "object",
        "properties": {"values": {"type": "array", "items": {"type": "number"}}},
        "required": ["values"],
    }
    assert answered(sandbox, "Take 3, 4.5 and seven.", numbers) == {"values": [3, 4.5, 7]}


def test_a_solved_task_fills_an_answer(sandbox: SandboxServer) -> None:
    schema = {"type": "object", "properties": {"result": {"type": "integer"}}, "required": ["result"]}
    assert answered(sandbox, "What is 12 * 12?", schema) == {"result": 144}


def test_json_mode_gives_the_named_keys(sandbox: SandboxServer) -> None:
    body = chat("Answer in JSON with the keys 'title' and 'body'.", response_format={"type": "json_object"})
    assert set(json.loads(ask(sandbox, body).json["choices"][0]["message"]["content"])) == {"title", "body"}


LEAVES = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(
        lambda low, size: {"type": "integer", "minimum": low, "maximum": low + size}, st.integers(-50, 50), st.integers(0, 40)
    ),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + 1}, st.integers(-50, 50)),
    st.builds(
        lambda low, size: {"type": "string", "minLength": low, "maxLength": low + size}, st.integers(0, 9), st.integers(0, 9)
    ),
    st.just({"enum": ["red", 3, None]}),
    st.just({"const": "fixed"}),
)


def _object(children: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": children, "required": sorted(children)[::2], "additionalProperties": False}


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["name", "age", "city", "email", "answer", "flag"]), inner, max_size=4).map(_object),
        st.builds(
            lambda item, least: {"type": "array", "items": item, "minItems": least, "maxItems": least + 2},
            inner,
            st.integers(0, 3),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=6,
)
TEXTS = st.one_of(st.text(max_size=80), st.just("Alice is 30 and lives in Paris; mail a@b.org. Bob, 'the red one', is not 7."))


@given(SCHEMAS, TEXTS, st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_what_is_filled_is_always_valid(schema: dict[str, Any], text: str, seed: int) -> None:
    validator = Draft202012Validator(schema)
    facts = read_facts(text)
    validator.validate(fill(schema, facts).value)
    validator.validate(fill(schema, facts.distorted(Random(seed))).value)


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {
        "$defs": {"t": {"type": "object", "properties": {"left": {"anyOf": [{"$ref": "#/$defs/t"}, {"type": "null"}]}}}},
        "$ref": "#/$defs/t",
    }
    Draft202012Validator(tree).validate(fill(tree, read_facts("Hello")).value)
