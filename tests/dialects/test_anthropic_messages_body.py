"""What a request becomes as the body of Anthropic's Messages API: parameters, reasoning, tools, typed answers, turns."""

import pytest

from routed_llm.dialects.anthropic_messages.models import effort_of, thinking_of
from routed_llm.dialects.anthropic_messages.schemas import closed
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request, SchemaBinding, ToolBinding

DIALECT = dialect_of("anthropic.messages")
HELLO = {"role": "user", "content": "Hello?"}
SONNET, OPUS, OLD = "claude-sonnet-4-5", "claude-opus-4-8", "claude-3-5-haiku-20241022"


def function(name, **more):
    return {"type": "function", "function": {"name": name, "description": f"{name}!", "parameters": {"type": "object"}, **more}}


def bound(*tools, originals=None, **more):
    return ToolBinding(tuple(originals or tools), tools, **more)


def body_of(*messages, model=SONNET, stream=False, tools=None, schema=None, wire=None, **params):
    """The body, and what was lost."""
    request = Request(
        "hub", list(messages) or [HELLO], None, lambda payload, losses: payload, params=params, tools=tools, schema=schema,
        stream=stream,
    )  # fmt: skip
    body = DIALECT.body(request, Wire(model, maker="anthropic", **(wire or {})))
    return body, request.losses


@pytest.mark.parametrize(
    ("params", "written", "lost"),
    [
        ({}, {"max_tokens": 4096}, []),
        ({"max_tokens": 10}, {"max_tokens": 10}, []),
        ({"max_completion_tokens": 10}, {"max_tokens": 10}, []),
        ({"temperature": 0.2, "top_k": 3}, {"temperature": 0.2, "top_k": 3}, []),
        ({"temperature": 1.7}, {"temperature": 1}, ["temperature"]),
        ({"temperature": 0.2, "top_p": 0.5}, {"temperature": 0.2}, ["top_p beside temperature"]),
        ({"stop": "end"}, {"stop_sequences": ["end"]}, []),
        ({"stop": ["end", "\n"]}, {"stop_sequences": ["end"]}, ["white space"]),
        ({"user": "me"}, {"metadata": {"user_id": "me"}}, []),
        ({"metadata": {"user_id": "me", "team": "x"}}, {"metadata": {"user_id": "me"}}, ["metadata"]),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}, []),
        ({"service_tier": "flex"}, {}, ["service tier 'flex'"]),
        ({"n": 1, "logprobs": False, "presence_penalty": 0}, {}, []),
        ({"seed": 1, "n": 2, "logit_bias": {"1": 2}}, {}, ["seed", "take n", "logit_bias"]),
        ({"inference_geo": "us", "mcp_servers": [{"url": "https://x"}]},
         {"inference_geo": "us", "mcp_servers": [{"url": "https://x"}]}, []),
        ({"what_is_this": 1}, {}, ["what_is_this"]),
        ({"thinking": {"type": "enabled", "budget_tokens": 9_000}},
         {"thinking": {"type": "enabled", "budget_tokens": 9_000}, "max_tokens": 13_096}, []),
    ],
)  # fmt: skip
def test_a_parameter_is_sent_renamed_or_told_as_lost(params, written, lost):
    body, losses = body_of(**params)
    assert {"max_tokens": 4096, "model": SONNET, "messages": [HELLO], **written} == body
    assert len(losses) == len(lost)
    assert all(word in loss for word, loss in zip(lost, losses, strict=True))


def test_what_the_model_refuses_is_left_out_and_a_call_wins_over_the_model():
    wire = {"drops": frozenset({"temperature"}), "params": {"temperature": 1, "max_tokens": 5}, "quirks": {"max_output": 77}}
    body, losses = body_of(model=OPUS, wire=wire, top_k=4)
    assert body == {"model": OPUS, "messages": [HELLO], "max_tokens": 5}
    assert ["temperature" in losses[0], "top_k" in losses[1]] == [True, True]
    assert body_of(wire={"quirks": {"max_output": 77}})[0]["max_tokens"] == 77
    body, losses = body_of(wire={"drops": frozenset({"reasoning_effort"})}, reasoning_effort="high", max_tokens=9_000)
    assert "thinking" not in body
    assert losses == [f"{SONNET} does not take reasoning_effort: left out"]


@pytest.mark.parametrize(
    ("model", "effort", "written", "lost"),
    [
        (SONNET, "high", {"thinking": {"type": "enabled", "budget_tokens": 24_576}}, 0),
        (SONNET, "minimal", {"thinking": {"type": "enabled", "budget_tokens": 1_024}}, 0),
        (SONNET, "none", {}, 0),
        (OLD, "high", {}, 1),
        (OLD, "none", {}, 0),
        ("claude-sonnet-4-6", "xhigh", {"thinking": "adaptive", "effort": "high"}, 0),
        (OPUS, "xhigh", {"thinking": "adaptive", "effort": "xhigh"}, 0),
        (OPUS, "none", {}, 0),
        ("claude-opus-5", "none", {"thinking": {"type": "disabled"}}, 0),
        ("claude-opus-5-5", "none", {"thinking": "adaptive", "effort": "low"}, 1),
        ("MiniMax-M3", "medium", {"thinking": {"type": "enabled", "budget_tokens": 8_192}}, 0),
    ],
)
def test_the_one_word_for_reasoning_becomes_an_effort_or_a_budget(model, effort, written, lost):
    body, losses = body_of(model=model, reasoning_effort=effort, max_tokens=64_000)
    if written.get("thinking") == "adaptive":
        written = {
            "thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": written["effort"]}
        }  # fmt: skip
    assert {k: body[k] for k in ("thinking", "output_config") if k in body} == written
    assert len(losses) == lost


def test_a_budget_leaves_room_to_answer_and_takes_what_it_forbids_away():
    assert body_of(reasoning_effort="high", max_tokens=4_000)[0]["thinking"]["budget_tokens"] == 2_000
    body, losses = body_of(reasoning_effort="high", max_tokens=1_000)
    assert "thinking" not in body
    assert "2048" in losses[0]
    body, losses = body_of(reasoning_effort="low", temperature=0.3, top_k=4, max_tokens=4_000)
    assert body["thinking"]
    assert not {"temperature", "top_k"} & set(body)
    assert len(losses) == 2


@pytest.mark.parametrize(
    ("model", "way"),
    [
        ("claude-3-opus-20240229", "none"), ("us.anthropic.claude-3-5-sonnet-20240620-v1:0", "none"),
        ("claude-3-7-sonnet-20250219", "budget"), ("claude-sonnet-4-20250514", "budget"),
        ("claude-haiku-4-5@20251001", "budget"),
        ("claude-opus-4-6", "adaptive"), ("anthropic.claude-opus-4-7-v1", "adaptive"), ("claude-opus-5-20260724", "default"),
        ("claude-sonnet-5", "default"), ("claude-haiku-5-5-20261007", "always"), ("claude-fable-5", "always"),
        ("claude-mythos-preview", "always"), ("deepseek-flash", "budget"),
    ],
)  # fmt: skip
def test_a_name_tells_how_a_model_is_made_to_think(model, way):
    assert thinking_of(model) == way


def test_an_effort_that_a_model_does_not_know_becomes_the_nearest():
    assert [effort_of("claude-opus-4-6", e) for e in ("minimal", "high", "xhigh", "max")] == ["low", "high", "high", "max"]


@pytest.mark.parametrize(
    ("choice", "parallel", "written"),
    [
        (None, None, None),
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", None, {"type": "any"}),
        ("add", None, {"type": "tool", "name": "add"}),
        ({"type": "function", "function": {"name": "add"}}, None, {"type": "tool", "name": "add"}),
        ({"type": "any"}, None, {"type": "any"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("add", False, {"type": "tool", "name": "add", "disable_parallel_tool_use": True}),
        ("auto", True, {"type": "auto"}),
    ],
)
def test_how_tools_may_be_called(choice, parallel, written):
    body, losses = body_of(tools=bound(function("add"), choice=choice, parallel=parallel))
    assert body.get("tool_choice") == written
    assert body["tools"] == [{"name": "add", "description": "add!", "input_schema": {"type": "object"}}]
    assert not losses


def test_tools_of_its_own_are_sent_as_they_are_and_those_of_others_left_out():
    mine = {"name": "add", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}, "defer_loading": True}
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    tools = bound(function("add"), search, {"type": "file_search"}, originals=[mine])
    body, losses = body_of(tools=tools)
    assert body["tools"] == [mine, search]
    assert len(losses) == 1
    assert "file_search" in losses[0]


def test_extras_of_a_tool_object_that_only_this_dialect_has():
    class Tool:
        name, extras = "add", {"defer_loading": True, "colour": "red"}

    body, _ = body_of(tools=bound(function("add"), originals=[Tool()]))
    assert body["tools"][0] == {
        "name": "add", "description": "add!", "input_schema": {"type": "object"}, "defer_loading": True
    }  # fmt: skip


def test_strict_tools_are_closed_where_that_changes_nothing():
    shape = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    body, _ = body_of(tools=bound(function("add", parameters=shape, strict=True)))
    assert body["tools"][0]["strict"] is True
    assert body["tools"][0]["input_schema"]["additionalProperties"] is False
    free = {"type": "object", "properties": {"n": {"type": "object"}}}
    assert "strict" not in body_of(tools=bound(function("add", parameters=free, strict=True)))[0]["tools"][0]


def test_a_model_that_thinks_cannot_be_forced():
    tools = bound(function("add"), choice="required")
    body, losses = body_of(tools=tools, reasoning_effort="low", max_tokens=9_000)
    assert body["tool_choice"] == {"type": "auto"}
    assert "forced" in losses[0]
    body, losses = body_of(tools=tools, wire={"quirks": {"forced_tools": False}})
    assert body["tool_choice"] == {"type": "auto"}
    assert losses


SHAPE = {
    "type": "object",
    "title": "Dog",
    "properties": {"name": {"type": "string", "minLength": 1, "description": "Its name"}, "age": {"$ref": "#/$defs/Age"}},
    "required": ["name"],
    "$defs": {"Age": {"type": "integer", "maximum": 30}},
}


def typed(schema=SHAPE, method="json_schema"):
    return SchemaBinding(schema, "Dog", schema, method)


def test_a_typed_answer_is_bound_to_its_schema():
    body, losses = body_of(schema=typed(), reasoning_effort="high", model=OPUS)
    assert body["output_config"] == {
        "effort": "high",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "title": "Dog",
                "properties": {
                    "name": {"type": "string", "description": "Its name\n\n{minLength: 1}"},
                    "age": {"$ref": "#/$defs/Age"},
                },
                "required": ["name"],
                "additionalProperties": False,
                "$defs": {"Age": {"type": "integer", "description": "{maximum: 30}"}},
            },
        },
    }
    assert not losses


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object"},
        {"type": "object", "properties": {"any": {}}},
        {"type": "object", "properties": {"more": {"$ref": "#/$defs/N"}},
         "$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}}},
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_bound_becomes_a_tool(schema):
    assert closed(schema) is None
    body, _ = body_of(schema=typed(schema))
    assert body["tools"] == [{"name": "Dog", "description": "Give the answer in this form.", "input_schema": schema}]
    assert body["tool_choice"] == {"type": "tool", "name": "Dog"}


def test_a_closed_schema_stays_as_it_is():
    shape = closed(SHAPE)
    assert closed(shape) == shape
    union = closed({"type": ["object", "null"], "properties": {"a": {"type": "array", "items": SHAPE["properties"]["name"]}}})
    assert union["additionalProperties"] is False
    assert union["properties"]["a"]["items"]["description"].endswith("{minLength: 1}")


def test_a_typed_answer_of_a_model_without_schemas():
    old = {"native_schema": False}
    body, _ = body_of(schema=typed(), wire=old)
    assert body["tool_choice"] == {"type": "tool", "name": "Dog"}
    body, _ = body_of(schema=typed(), wire=old, tools=bound(function("add")))
    assert [tool["name"] for tool in body["tools"]] == ["add", "Dog"]
    assert body["tool_choice"] == {"type": "any"}
    body, losses = body_of({"role": "system", "content": "Be kind."}, HELLO, schema=typed(), wire=old, reasoning_effort="low",
                           max_tokens=9_000)  # fmt: skip
    assert body["tool_choice"] == {"type": "auto"}
    assert [block["text"] for block in body["system"]] == ["Be kind.", "Give your final answer by calling the tool Dog."]
    assert not losses
    body, _ = body_of(schema=typed(None, "json_mode"))
    assert "JSON" in body["system"]
    assert "tools" not in body


def test_the_model_in_the_path():
    bedrock, vertex = {"in_path": True}, {"in_path": True, "anthropic_version": "vertex-2023-10-16"}
    body, _ = body_of(stream=True, wire={"quirks": bedrock})
    assert body == {"anthropic_version": "bedrock-2023-05-31", "messages": [HELLO], "max_tokens": 4096}
    wire = Wire("us.anthropic.claude-3-5-haiku-20241022-v1:0", quirks=bedrock)
    assert DIALECT.paths(wire) == (
        "/model/us.anthropic.claude-3-5-haiku-20241022-v1%3A0/invoke",
        "/model/us.anthropic.claude-3-5-haiku-20241022-v1%3A0/invoke-with-response-stream",
    )
    assert DIALECT.headers(wire) == {}
    body, _ = body_of(stream=True, wire={"quirks": vertex})
    assert (body["anthropic_version"], body["stream"], "model" in body) == ("vertex-2023-10-16", True, False)
    assert DIALECT.paths(Wire("claude-haiku-4-5@20251001", quirks=vertex)) == (
        "/claude-haiku-4-5@20251001:rawPredict",
        "/claude-haiku-4-5@20251001:streamRawPredict",
    )
    assert DIALECT.headers(Wire(SONNET)) == {"anthropic-version": "2023-06-01"}
