"""The sandbox as OpenAI's Responses API: its rules, its encrypted reasoning, its stream; and OpenAI's own client as judge."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from sandbox_client import Got, request

from routed_llm.testing import Sandbox, SandboxServer

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
TOOL = {"type": "function", "name": "add", "description": "Add two numbers.", "parameters": SCHEMA, "strict": False}
QUESTION = {"role": "user", "content": "What is 17 + 25? Use the tool."}
CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a": 1, "b": 2}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "3"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "Zm9yZ2Vk"}
ENCRYPTED = {"include": ["reasoning.encrypted_content"], "reasoning": {"effort": "high", "summary": "auto"}}


def body(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "sandbox-large", "input": list(items) or [QUESTION], "store": False, **more}


def ask(server: SandboxServer, given: dict[str, Any]) -> Got:
    return request(server, "POST", "/v1/responses", given)


WRONG: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "unknown": (body(messages=[]), "messages", "Unknown parameter: 'messages'"),
    "unknown in an item": (body({**QUESTION, "name": "Ada"}), "input[0].name", "Unknown parameter"),
    "no input": ({"model": "sandbox-large"}, "input", "Missing required parameter"),
    "few tokens": (body(max_output_tokens=5), "max_output_tokens", "below minimum"),
    "stop words": (body(stop=["x"]), "stop", "Unknown parameter"),
    "chat's effort": (body(reasoning_effort="low"), "reasoning_effort", "Unknown parameter"),
    "a part of chat's": (body({"role": "user", "content": [{"type": "text", "text": "Hi"}]}),
                         "input[0].content[0].type", "Supported"),
    "a nested tool": (body(tools=[{"type": "function", "function": {"name": "add"}}]),
                      "tools[0].function", "Unknown parameter"),
    "a hosted tool": (body(tools=[{"type": "web_search"}]), "tools", "not supported"),
    "a loose strict schema": (body(tools=[{**TOOL, "strict": True}]), "tools[0].parameters", "additionalProperties"),
    "a choice of nobody": (body(tools=[TOOL], tool_choice={"type": "function", "name": "sub"}), "tool_choice", "not found"),
    "a call without output": (body(QUESTION, CALL), "input", "No tool output found for function call c1."),
    "an output without call": (body(QUESTION, OUTPUT), "input", "No tool call found for function call output with call_id c1."),
    "a long id": (body(QUESTION, {**CALL, "call_id": "c" * 65}), "input[1].call_id", "string too long"),
    "forged reasoning": (body(QUESTION, REASONING, CALL, OUTPUT), None, "could not be verified"),
    "reasoning that is not kept": (body(QUESTION,
                                 {k: v for k, v in REASONING.items() if k != "encrypted_content"}, CALL, OUTPUT),
                                   "input", "Items are not persisted"),
    "an item of before": (body({"type": "item_reference", "id": "msg_1"}), "input", "Items are not persisted"),
    "an answer of before": (body(previous_response_id="resp_1"), "previous_response_id", "not found"),
    "to be kept": (body(store=True), "store", "nothing is kept"),
    "JSON without the word": (body(text={"format": {"type": "json_object"}}), "messages", "must contain the word 'json'"),
    "a format of chat's": (body(text={"format": {"type": "json_schema", "json_schema": {}}}),
                           "text.format.json_schema", "Unknown"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_openai_refuses_is_refused_by_its_path(sandbox: SandboxServer, name: str) -> None:
    given, param, told = WRONG[name]
    got = ask(sandbox, given)
    assert got.status in (400, 404), got.body
    assert got.error["type"] == "invalid_request_error"
    assert got.error["param"] == param
    assert told in got.error["message"]


def test_models_that_do_not_reason_refuse_to(sandbox: SandboxServer) -> None:
    for more in ({"reasoning": {"effort": "low"}}, {"include": ["reasoning.encrypted_content"]}):
        assert ask(sandbox, {**body(**more), "model": "sandbox-medium"}).status == 400


def test_reasoning_is_encrypted_and_comes_back(sandbox: SandboxServer) -> None:
    given = body(tools=[TOOL], **ENCRYPTED)
    told = ask(sandbox, given).json
    reasoning, call = told["output"]
    assert (reasoning["type"], call["type"], told["status"], told["store"]) == (
        "reasoning",
        "function_call",
        "completed",
        False,
    )
    assert told["usage"]["output_tokens_details"]["reasoning_tokens"] == 128
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": [{"type": "input_text", "text": "42"}]}
    again = ask(sandbox, {**given, "input": [QUESTION, reasoning, call, output]})
    assert again.status == 200, again.body
    assert again.json["output"][-1]["content"][0]["text"] == "The tool add says: 42"
    loose = ask(sandbox, {**given, "input": [QUESTION, reasoning]})
    assert "without its required following item" in loose.error["message"]
    with SandboxServer(Sandbox(seed=99)) as other:
        assert ask(other, {**given, "input": [QUESTION, reasoning, call, output]}).error["code"] == "invalid_encrypted_content"


def test_openais_own_client_reads_it(sandbox: SandboxServer) -> None:
    with openai.OpenAI(base_url=sandbox.base_url, api_key="any", max_retries=0) as client:
        assert client.responses.create(model="sandbox-large", input="What is 17 + 25?").output_text == "42"
        with client.responses.stream(**body(tools=[TOOL], **ENCRYPTED)) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_response()
        assert [item.type for item in final.output] == ["reasoning", "function_call"]
        assert kinds[0] == "response.created"
        assert kinds[-1] == "response.completed"
        cut = client.responses.create(model="sandbox-large", input="Tell me something long, please. " * 9, max_output_tokens=16)
        assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        with pytest.raises(openai.BadRequestError, match="Unknown parameter"):
            client.responses.create(model="sandbox-large", input="Hi", extra_body={"routing": 1})
