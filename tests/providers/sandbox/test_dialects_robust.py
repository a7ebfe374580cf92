"""A value out of place in any language is taken or refused in that language, and breaks nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sandbox_robust import VALUES, changed, paths

from routed_llm.providers.sandbox.gemini.contents import sealed_call
from routed_llm.providers.sandbox.seals import Seals
from routed_llm.testing import Sandbox

SANDBOX = Sandbox(speed=0)
SEALS = Seals(0)
HEADERS = {"x-api-key": "k", "x-goog-api-key": "k", "anthropic-version": "2023-06-01"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
OPENAPI = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
PNG = "iVBORw0KGgo="
ANTHROPIC: dict[str, Any] = {
    "model": "sandbox-large", "max_tokens": 4000, "stream": True, "stop_sequences": ["x"], "metadata": {"user_id": "u"},
    "system": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}],
    "thinking": {"type": "enabled", "budget_tokens": 1024}, "top_p": 1,
    "tools": [{"name": "add", "input_schema": SCHEMA, "strict": True}], "tool_choice": {"type": "auto"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
    "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "What is 3 + 4?"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm", "signature": SEALS.seal("n", "thinking", "Hm")},
            {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "7"}]}]},
    ],
}  # fmt: skip
GEMINI: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "Hi"}]},
    "contents": [
        {"role": "user", "parts": [{"text": "What is 3 + 4?"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]},
        {"role": "model", "parts": [
            {"text": "Hm", "thought": True},
            {"functionCall": {"id": "c1", "name": "add", "args": {"a": 1}},
             "thoughtSignature": SEALS.seal("n", *sealed_call("add", {"a": 1}))},
        ]},
        {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "add", "response": {"output": "7"}}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "add", "parameters": OPENAPI}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["add"]}},
    "generationConfig": {
        "temperature": 1, "maxOutputTokens": 500, "stopSequences": ["x"], "candidateCount": 2,
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 100},
        "responseMimeType": "application/json", "responseJsonSchema": SCHEMA,
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
}  # fmt: skip
RESPONSES: dict[str, Any] = {
    "model": "sandbox-large", "stream": True, "store": False, "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "low", "summary": "auto"}, "instructions": "Hi", "max_output_tokens": 500, "metadata": {},
    "tools": [{"type": "function", "name": "add", "parameters": SCHEMA, "strict": True}], "tool_choice": "auto",
    "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
    "input": [
        {"role": "user", "content": [
            {"type": "input_text", "text": "What is 3 + 4?"},
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SEALS.seal("n", "reasoning")},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "7"},
    ],
}  # fmt: skip
#: address, a body with nearly everything, and the fields of an error
LANGUAGES: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "anthropic": ("/v1/messages", ANTHROPIC, {"type", "message"}),
    "gemini": ("/v1beta/models/gemini-3-sandbox-large:generateContent", GEMINI, {"code", "message", "status"}),
    "responses": ("/v1/responses", RESPONSES, {"message", "type", "param", "code"}),
}


def told(language: str, body: bytes) -> Any:
    path, _, fields = LANGUAGES[language]
    reply = SANDBOX.handle("POST", path, HEADERS, body)
    data = reply.body()
    assert reply.status in (200, 400, 403, 404)
    if reply.status != 200:
        assert set(json.loads(data)["error"]) - {"details"} == fields
    return reply.status, data


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_full_body_is_taken(language: str) -> None:
    assert told(language, json.dumps(LANGUAGES[language][1]).encode())[0] == 200


@pytest.mark.parametrize("language", LANGUAGES)
@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_value_out_of_place_breaks_nothing(language: str, data: st.DataObject) -> None:
    full = LANGUAGES[language][1]
    path, value = data.draw(st.sampled_from(paths(full))), data.draw(VALUES)
    told(language, json.dumps(changed(full, path, value)).encode())


@pytest.mark.parametrize("language", LANGUAGES)
@given(st.binary(max_size=60))
@settings(max_examples=50, deadline=None)
def test_any_bytes(language: str, body: bytes) -> None:
    assert told(language, body)[0] != 200
    assert told(language, b"[" * 100_000)[0] == 400
