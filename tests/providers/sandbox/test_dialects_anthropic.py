"""The sandbox as Anthropic's Messages API: rules, signatures, cache, stream; and Anthropic's own client as judge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sandbox_client import Got, request

from routed_llm.testing import Sandbox, SandboxServer

KEY = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
TOOL = {"name": "add", "description": "Add two numbers.", "input_schema": {
    "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"],
}}  # fmt: skip
CALL = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1, "b": 2}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "3"}
THINKING = {"type": "enabled", "budget_tokens": 1024}
QUESTION = {"role": "user", "content": "What is 17 + 25? Use the tool."}


def body(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "sandbox-large", "max_tokens": 4000, "messages": list(messages) or [QUESTION], **more}


def ask(server: SandboxServer, given: dict[str, Any], **headers: str) -> Got:
    return request(server, "POST", "/v1/messages", given, {**KEY, **headers})


def loop(*blocks: dict[str, Any], result: dict[str, Any] = RESULT) -> list[dict[str, Any]]:
    return [QUESTION, {"role": "assistant", "content": list(blocks) or [CALL]}, {"role": "user", "content": [result]}]


def test_a_key_and_a_version_are_demanded(sandbox: SandboxServer) -> None:
    got = request(sandbox, "POST", "/v1/messages", body(), {"anthropic-version": "2023-06-01"})
    assert (got.status, got.json["error"]["type"]) == (401, "authentication_error")
    got = request(sandbox, "POST", "/v1/messages", body(), {"x-api-key": "any"})
    assert (got.status, got.json["type"], got.json["error"]["type"]) == (400, "error", "invalid_request_error")
    with SandboxServer(Sandbox(speed=0, api_key="right")) as server:
        assert ask(server, body()).status == 401
        assert ask(server, body(), **{"x-api-key": "right"}).status == 200


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": (body(n=2), "n: Extra inputs are not permitted"),
    "unknown in a message": (body({**QUESTION, "name": "Ada"}), "messages.0.name: Extra inputs are not permitted"),
    "no max_tokens": ({k: v for k, v in body().items() if k != "max_tokens"}, "max_tokens: Field required"),
    "max_tokens as text": (body(max_tokens="9"), "max_tokens: Invalid type"),
    "too many tokens": (body(max_tokens=99_999), "maximum allowed number of output tokens"),
    "hot": (body(temperature=1.5), "temperature"),
    "blank stop word": (body(stop_sequences=[" "]), "non-whitespace"),
    "system role": (body({"role": "system", "content": "Hi"}), "messages.0.role"),
    "two of a role": (body(QUESTION, QUESTION), "roles must alternate"),
    "assistant first": (body({"role": "assistant", "content": "Hi"}, QUESTION), 'must use the "user" role'),
    "empty text": (body({"role": "user", "content": ""}), "non-empty"),
    "a part of OpenAI's": (body({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}),
                           "content.0.type"),
    "a call without result": (body(QUESTION, {"role": "assistant", "content": [CALL]}, QUESTION, tools=[TOOL]),
                              "`tool_use` ids were found without `tool_result` blocks"),
    "a result without call": (body({"role": "user", "content": [RESULT]}, tools=[TOOL]), "unexpected `tool_use_id`"),
    "a result of another call": (body(*loop(result={**RESULT, "tool_use_id": "toolu_2"}), tools=[TOOL]),
                                 "without `tool_result`"),
    "a result behind a text": (body(QUESTION, {"role": "assistant", "content": [CALL]},
                                    {"role": "user", "content": [{"type": "text", "text": "Here."}, RESULT]}, tools=[TOOL]),
                               "`tool_use` ids were found without"),
    "an odd id": (body(*loop({**CALL, "id": "call:1"}), tools=[TOOL]), "String should match pattern"),
    "calls without tools": (body(*loop()), "must define `tools`"),
    "a choice without tools": (body(tool_choice={"type": "auto"}), "tool_choice may only be specified"),
    "a tool of OpenAI's": (body(tools=[{"type": "function", "function": {"name": "add"}}]),
                           "does not match any of the expected"),
    "a choice of nobody": (body(tools=[TOOL], tool_choice={"type": "tool", "name": "sub"}), "not found"),
    "an open schema": (body(output_config={"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}}),
                       "'additionalProperties' must be explicitly set to false"),
    "trailing space": (body(QUESTION, {"role": "assistant", "content": "It is "}), "trailing whitespace"),
    "a small budget": (body(thinking={"type": "enabled", "budget_tokens": 100}), "greater than or equal to 1024"),
    "a budget of all": (body(max_tokens=1024, thinking=THINKING), "`max_tokens` must be greater than"),
    "cold thinking": (body(thinking=THINKING, temperature=0), "`temperature` may only be set to 1"),
    "forced while thinking": (body(thinking=THINKING, tools=[TOOL], tool_choice={"type": "any"}), "forces tool use"),
    "a loop without its thought": (body(*loop(), thinking=THINKING, tools=[TOOL]), "Expected `thinking`"),
    "a forged thought": (body(*loop({"type": "thinking", "thinking": "Hm.", "signature": "Zm9yZ2Vk"}, CALL), tools=[TOOL]),
                         "messages.1.content.0: Invalid `signature` in `thinking` block"),
    "a mark of no kind": (body({"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "x"}}]}),
                          "cache_control.type"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_anthropic_refuses_is_refused_in_its_shape(sandbox: SandboxServer, name: str) -> None:
    given, told = WRONG[name]
    got = ask(sandbox, given)
    assert got.status == 400, got.body
    assert got.json["type"] == "error"
    assert got.json["error"]["type"] == "invalid_request_error"
    assert told in got.json["error"]["message"]


def test_an_unknown_model_is_not_found(sandbox: SandboxServer) -> None:
    got = ask(sandbox, {**body(), "model": "sandbox-huge"})
    assert (got.status, got.json["error"]["type"]) == (404, "not_found_error")


def test_a_long_prompt_is_refused_by_its_tokens(sandbox: SandboxServer) -> None:
    got = ask(sandbox, body({"role": "user", "content": "word " * 200_000}))
    assert got.status == 400
    assert got.json["error"]["message"].startswith("prompt is too long: ")


def test_thinking_is_signed_and_comes_back(sandbox: SandboxServer) -> None:
    given = body(thinking=THINKING, tools=[TOOL])
    first = ask(sandbox, given).json
    thought, call = first["content"]
    assert (thought["type"], call["type"], first["stop_reason"]) == ("thinking", "tool_use", "tool_use")
    assert call["input"] == {"a": 17, "b": 25}
    assert first["usage"]["output_tokens_details"]["thinking_tokens"] == 32
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "42"}
    again = ask(sandbox, body(*loop(thought, call, result=result), thinking=THINKING, tools=[TOOL]))
    assert again.status == 200, again.body
    assert again.json["content"][-1] == {"type": "text", "text": "The tool add says: 42"}
    changed = {**thought, "thinking": thought["thinking"] + "!"}
    assert ask(sandbox, body(*loop(changed, call, result=result), thinking=THINKING, tools=[TOOL])).status == 400
    with SandboxServer(Sandbox(seed=99)) as other:  # another maker reads no seal of this one
        assert ask(other, body(*loop(thought, call, result=result), thinking=THINKING, tools=[TOOL])).status == 400


def test_a_cache_mark_is_written_once_and_read_again(sandbox: SandboxServer) -> None:
    system = [{"type": "text", "text": "All that is known. " * 400, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    sandbox.sandbox.ledger.clear()
    plain = ask(sandbox, body(system=[{"type": "text", "text": system[0]["text"]}])).json["usage"]
    assert plain["cache_creation_input_tokens"] == plain["cache_read_input_tokens"] == 0
    first, second = (ask(sandbox, body(system=system)).json["usage"] for _ in range(2))
    # 7,600 characters are 1,900 tokens, four more of the message: 14 whole steps of 128
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"] == 14 * 128
    assert first["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1792}
    assert first["input_tokens"] == second["input_tokens"] == plain["input_tokens"] - 1792
    costs = [entry.cost_nanousd for entry in sandbox.sandbox.ledger]
    # $2.50 a million: the write for an hour costs twice, the read a quarter
    assert costs[1] - costs[0] == 1792 * 2500
    assert costs[0] - costs[2] == 1792 * (2500 - 625)


def test_the_events_of_a_stream_are_those_of_the_whole_answer(sandbox: SandboxServer) -> None:
    given = body(thinking=THINKING, tools=[TOOL])
    blocks = [line.split("\n") for line in ask(sandbox, {**given, "stream": True}).body.decode().strip().split("\n\n")]
    told = [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]
    assert all(name == data["type"] for name, data in told)
    kinds = [name for name, _ in told if name not in ("content_block_delta", "ping")]
    block = ["content_block_start", "content_block_stop"]
    assert kinds == ["message_start", *block, *block, "message_delta", "message_stop"]
    arguments = "".join(d["delta"].get("partial_json", "") for n, d in told if n == "content_block_delta")
    assert json.loads(arguments) == {"a": 17, "b": 25}
    assert told[-2][1]["delta"]["stop_reason"] == "tool_use"


def test_anthropics_own_client_reads_it(sandbox: SandboxServer) -> None:
    anthropic = pytest.importorskip("anthropic")
    with anthropic.Anthropic(base_url=sandbox.anthropic_url.removesuffix("/v1"), api_key="any", max_retries=0) as client:
        told = client.messages.create(**body(stop_sequences=["2"]))
        assert (told.content[0].text, told.stop_reason, told.stop_sequence) == ("4", "stop_sequence", "2")
        with client.messages.stream(**body(thinking=THINKING, tools=[TOOL])) as stream:
            final = stream.get_final_message()
        assert [block.type for block in final.content] == ["thinking", "tool_use"]
        with pytest.raises(anthropic.BadRequestError, match="Extra inputs"):
            client.messages.create(**body(), extra_body={"routing": 1})
        sandbox.sandbox.fail(status=529, times=1)
        with pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(**body())
        assert caught.value.status_code == 529
