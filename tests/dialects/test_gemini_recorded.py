"""Google's generateContent over recorded traffic of the Gemini API and of Vertex AI, by replay on loopback."""

import re

import pytest
from conforming import misclassed, misread, rewritten, silent
from recorded import DATA, MISSING, exchanges

from routed_llm.dialects.wire import Wire

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
NAME = "gemini.generate"
KIND = "gemini-generate"


def wire(exchange):
    return Wire(exchange["model"] or "", maker="gemini")


def camel(value):
    """Fields in one spelling; what is the user's own (arguments, results, schemas) stays as it is."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub("_([a-z])", lambda found: found[1].upper(), name): inner for name, inner in value.items()}
    own = ("args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema")
    return {name: inner if name in own else camel(inner) for name, inner in named.items()}


def small(schema):
    """OpenAPI's types in small letters."""
    if isinstance(schema, list):
        return [small(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: v.lower() if k == "type" and isinstance(v, str) else small(v) for k, v in schema.items()}


def one_schema(told, older, newer):
    if older in told:
        told[newer] = small(told.pop(older))


def without_ids_of_ours(part):
    for name in ("functionCall", "functionResponse"):
        if name in part and re.fullmatch(r"call_\d+", part[name].get("id", "")):
            del part[name]["id"]
    return part


def normal(body):
    """What makes no difference; docs/dialects/gemini-generate.md lists it."""
    body = camel(body)
    config = body.get("generationConfig", {})
    one_schema(config, "responseSchema", "responseJsonSchema")
    if level := config.get("thinkingConfig", {}).get("thinkingLevel"):
        config["thinkingConfig"]["thinkingLevel"] = level.lower()
    for tool in body.get("tools", ()):
        for declared in tool.get("functionDeclarations", ()):
            one_schema(declared, "parameters", "parametersJsonSchema")
    body.get("systemInstruction", {}).pop("role", None)
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    if not calling.get("allowedFunctionNames"):
        calling.pop("allowedFunctionNames", None)
    turns = []
    for content in body["contents"]:
        parts = [without_ids_of_ours(part) for part in content["parts"]]
        if turns and turns[-1]["role"] == content["role"]:
            turns[-1]["parts"] += parts
        else:
            turns.append({"role": content["role"], "parts": parts})
    body["contents"] = turns
    return {name: value for name, value in body.items() if value not in ({}, []) and name != "model"}


def test_every_answer_whole_and_in_pieces():
    count, misses = misread(NAME, exchanges(KIND), wire)
    assert count > 140
    assert not misses


def test_every_error():
    count, misses = misclassed(NAME, exchanges(KIND), wire)
    assert count > 8
    assert not misses


def test_no_stream_that_ended_early_gives_an_answer():
    count, without = silent(NAME, exchanges(KIND), wire)
    assert count > 40
    assert not without


def test_every_request_is_the_same_when_it_is_read_and_written_again():
    count, misses = rewritten(NAME, exchanges(KIND), wire, normal)
    assert count > 140
    assert not misses
