"""The sandbox as Gemini's generateContent: its rules, its signatures, its stream; and Google's own client as judge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sandbox_client import Got, request

from routed_llm.testing import Sandbox, SandboxServer

KEY = {"x-goog-api-key": "any"}
DECLARED = {"name": "add", "description": "Add two numbers.", "parameters": {
    "type": "OBJECT", "properties": {"a": {"type": "INTEGER"}, "b": {"type": "INTEGER"}}, "required": ["a", "b"],
}}  # fmt: skip
TOOLS = [{"functionDeclarations": [DECLARED]}]
QUESTION = {"role": "user", "parts": [{"text": "What is 17 + 25? Use the tool."}]}
CALL = {"functionCall": {"id": "c1", "name": "add", "args": {"a": 1, "b": 2}}}
RESPONSE = {"functionResponse": {"id": "c1", "name": "add", "response": {"output": "3"}}}
THINKING = {"thinkingConfig": {"thinkingLevel": "high", "includeThoughts": True}}


def body(*contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": list(contents) or [QUESTION], **more}


def ask(server: SandboxServer, given: dict[str, Any], model: str = "sandbox-large", method: str = "generateContent") -> Got:
    return request(server, "POST", f"/v1beta/models/{model}:{method}", given, KEY)


def loop(*parts: dict[str, Any], response: dict[str, Any] = RESPONSE) -> list[dict[str, Any]]:
    return [QUESTION, {"role": "model", "parts": list(parts) or [CALL]}, {"role": "user", "parts": [response]}]


def config(**inner: Any) -> dict[str, Any]:
    return body(generationConfig=inner)


def test_a_key_is_demanded_and_may_stand_in_the_address(sandbox: SandboxServer) -> None:
    path = "/v1beta/models/sandbox-large:generateContent"
    assert request(sandbox, "POST", path, body()).status == 403
    assert request(sandbox, "POST", f"{path}?key=secret", body()).status == 200
    assert "secret" not in sandbox.sandbox.requests[-1].path
    with SandboxServer(Sandbox(speed=0, api_key="right")) as server:
        got = ask(server, body())
        assert (got.status, got.error["status"]) == (400, "INVALID_ARGUMENT")
        assert got.error["details"][0]["reason"] == "API_KEY_INVALID"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": (body(messages=[]), 'Unknown name "messages": Cannot find field.'),
    "unknown in the configuration": (config(max_tokens=5), "Unknown name \"max_tokens\" at 'generation_config'"),
    "unknown in a part": (body({"parts": [{"text": "Hi", "type": "text"}]}), "Unknown name \"type\" at 'contents[0].parts[0]'"),
    "no contents": ({"generationConfig": {}}, "contents is not specified"),
    "no parts": (body({"role": "user", "parts": []}), "must not be empty"),
    "an empty part": (body({"parts": [{}]}), "must have one initialized field"),
    "two things in a part": (body({"parts": [{"text": "Hi", **CALL}]}), "must have one initialized field"),
    "a role that is none": (body({"role": "assistant", "parts": [{"text": "Hi"}]}), "Please use a valid role: user, model."),
    "temperature as text": (config(temperature="hot"), "Invalid type"),
    "a hot temperature": (config(temperature=3), "temperature"),
    "six stop words": (config(stopSequences=list("abcdef")), "stop_sequences"),
    "a schema without its type": (config(responseJsonSchema={"type": "object"}), "Only application/json is supported"),
    "a call without response": (body(QUESTION, {"role": "model", "parts": [CALL]}, QUESTION, tools=TOOLS),
                                "number of function response"),
    "a response without call": (body({"parts": [RESPONSE]}, tools=TOOLS), "immediately after a function call turn"),
    "a response of another": (body(*loop(response={"functionResponse":
                                 {**RESPONSE["functionResponse"], "id": "c2"}}), tools=TOOLS),
                              "does not match any function call"),
    "a call first": (body({"role": "model", "parts": [CALL]}, {"parts": [RESPONSE]}, tools=TOOLS),
                     "function call turn comes immediately"),
    "a forged signature": (body(*loop({**CALL, "thoughtSignature": "Zm9yZ2Vk"}), tools=TOOLS),
                           "Thought signature is not valid."),
    "a tool of OpenAI's": (body(tools=[{"type": "function"}]), "Unknown name \"type\" at 'tools[0]'"),
    "a tool of Google's": (body(tools=[{"googleSearch": {}}]), "googleSearch is not supported"),
    "an allowed name of nobody": (body(tools=TOOLS, toolConfig={"functionCallingConfig":
                                 {"mode": "ANY", "allowedFunctionNames": ["x"]}}),
                                  "not among the function declarations"),
    "level and budget": (config(thinkingConfig={"thinkingLevel": "low", "thinkingBudget": 5}), "only one of thinking budget"),
    "log probabilities": (config(responseLogprobs=True), "responseLogprobs is not enabled"),
    "a kept cache": (body(cachedContent="cachedContents/1"), "CachedContent not found"),
    "no base64": (body({"parts": [{"inlineData": {"mimeType": "image/png", "data": "?"}}]}), "base64"),
    "a film": (body({"parts": [{"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}]}),
               "Unsupported MIME type: video/mp4"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_google_refuses_is_refused_in_its_shape(sandbox: SandboxServer, name: str) -> None:
    given, told = WRONG[name]
    got = ask(sandbox, given)
    assert got.status in (400, 403), got.body
    assert got.error["code"] == got.status
    assert got.error["status"] in ("INVALID_ARGUMENT", "PERMISSION_DENIED")
    assert told in got.error["message"]


def test_an_unknown_model_is_not_found(sandbox: SandboxServer) -> None:
    got = ask(sandbox, body(), "sandbox-huge")
    assert (got.status, got.error["status"]) == (404, "NOT_FOUND")


def test_a_version_in_the_name_brings_its_rules(sandbox: SandboxServer) -> None:
    unsigned = body(*loop(), tools=TOOLS)
    assert ask(sandbox, unsigned).status == 200
    assert ask(sandbox, unsigned, "gemini-2.5-sandbox-large").status == 200
    got = ask(sandbox, unsigned, "gemini-3-sandbox-large")
    assert got.status == 400
    assert "missing a thought_signature" in got.error["message"]
    skipped = {**CALL, "thoughtSignature": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="}
    assert ask(sandbox, body(*loop(skipped), tools=TOOLS), "gemini-3-sandbox-large").status == 200
    # a loop that is over need not be signed any more
    over = [*loop(), {"role": "model", "parts": [{"text": "3"}]}, {"parts": [{"text": "What is 3 + 4?"}]}]
    assert ask(sandbox, body(*over, tools=TOOLS), "gemini-3-sandbox-large").status == 200
    both = body(tools=TOOLS, generationConfig={"responseMimeType": "application/json"})
    assert "unsupported" in ask(sandbox, both, "gemini-2.5-sandbox-large").error["message"]


def test_thoughts_are_signed_and_come_back(sandbox: SandboxServer) -> None:
    given = body(tools=TOOLS, generationConfig=THINKING)
    told = ask(sandbox, given, "gemini-3-sandbox-large").json
    thought, call = told["candidates"][0]["content"]["parts"]
    assert thought["thought"] is True
    assert call["functionCall"]["args"] == {"a": 17, "b": 25}
    assert told["usageMetadata"]["thoughtsTokenCount"] == 128
    assert told["candidates"][0]["finishReason"] == "STOP"
    response = {"functionResponse": {"id": call["functionCall"]["id"], "name": "add", "response": {"result": 42}}}
    again = ask(sandbox, {**given, "contents": loop(thought, call, response=response)}, "gemini-3-sandbox-large")
    assert again.status == 200, again.body
    assert again.json["candidates"][0]["content"]["parts"][-1]["text"] == "The tool add says: 42"
    moved = {**call, "functionCall": {**call["functionCall"], "args": {"a": 1, "b": 1}}}
    assert ask(sandbox, {**given, "contents": loop(thought, moved, response=response)}).status == 400


def test_the_pieces_of_a_stream_are_the_whole_answer(sandbox: SandboxServer) -> None:
    given = body({"parts": [{"text": "How many days are between 2024-01-01 and 2024-03-01?"}]}, generation_config=THINKING)
    whole = ask(sandbox, given).json
    got = ask(sandbox, given, method="streamGenerateContent?alt=sse")
    chunks = [json.loads(line.removeprefix("data: ")) for line in got.body.decode().strip().split("\n\n")]
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"].get("parts", [])]
    said = whole["candidates"][0]["content"]["parts"]
    assert "".join(p["text"] for p in parts if p.get("thought")) == said[0]["text"]
    assert "".join(p["text"] for p in parts if not p.get("thought")) == said[1]["text"]
    assert parts[-1]["text"] == ""
    assert parts[-1]["thoughtSignature"]
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks] == [*[None] * (len(chunks) - 1), "STOP"]
    assert chunks[-1]["usageMetadata"] == whole["usageMetadata"]


def test_googles_own_client_reads_it(sandbox: SandboxServer) -> None:
    genai = pytest.importorskip("google.genai")
    options = {"base_url": sandbox.gemini_url.removesuffix("/v1beta")}
    client = genai.Client(api_key="any", vertexai=False, http_options=options)
    given = {"tools": [{"function_declarations": [DECLARED]}], "automatic_function_calling": {"disable": True}}
    told = client.models.generate_content(model="sandbox-large", contents="What is 17 + 25? Use the tool.", config=given)
    assert told.function_calls[0].args == {"a": 17, "b": 25}
    pieces = list(client.models.generate_content_stream(model="sandbox-large", contents="What is 17 + 25?"))
    assert "".join(piece.text or "" for piece in pieces) == "42"
    with pytest.raises(genai.errors.ClientError, match="does not exist"):
        client.models.generate_content(model="nobody", contents="Hi")
