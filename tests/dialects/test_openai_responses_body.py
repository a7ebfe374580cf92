"""Parameters, tools and typed answers as the Responses API takes them."""

import pytest

from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.errors import InvalidCall
from routed_llm.requests import Request, SchemaBinding, ToolBinding

DIALECT = dialect_of("openai.responses")
WIRE = Wire("gpt-5", quirks={"reasoning": True})
ASK = [{"role": "user", "content": "Hi"}]
ENCRYPTED = ["reasoning.encrypted_content"]
BASIS = {"model": "gpt-5", "input": ASK, "store": False, "include": ENCRYPTED}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
ADD = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": SCHEMA}}


def written(wire=WIRE, tools=None, schema=None, stream=False, **params):
    request = Request(
        "hub", ASK, None, lambda payload, losses: payload, params=params, tools=tools, schema=schema, stream=stream
    )
    return DIALECT.body(request, wire), request.losses


def tools_of(*tools, **more):
    return ToolBinding(tools, tools, **more)


@pytest.mark.parametrize(
    ("params", "more"),
    [
        ({}, {}),
        ({"max_tokens": 100}, {"max_output_tokens": 100}),
        ({"max_completion_tokens": 100}, {"max_output_tokens": 100}),
        ({"max_output_tokens": 100}, {"max_output_tokens": 100}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ({"reasoning_effort": "low", "reasoning": {"summary": "auto"}}, {"reasoning": {"effort": "low", "summary": "auto"}}),
        ({"verbosity": "high"}, {"text": {"verbosity": "high"}}),
        ({"verbosity": "high", "text": {"verbosity": "low"}}, {"text": {"verbosity": "low"}}),
        ({"logprobs": True, "top_logprobs": 3}, {"top_logprobs": 3, "include": ["message.output_text.logprobs", *ENCRYPTED]}),
        ({"logprobs": False, "n": 1, "frequency_penalty": 0, "seed": None}, {}),
        ({"store": True, "metadata": {"a": "b"}}, {"store": True, "metadata": {"a": "b"}, "include": None}),
        ({"include": ["file_search_call.results"]}, {"include": ["file_search_call.results", *ENCRYPTED]}),
        ({"previous_response_id": "resp_1", "truncation": "auto"}, {"previous_response_id": "resp_1", "truncation": "auto"}),
        ({"conversation": "conv_1", "max_tool_calls": 3}, {"conversation": "conv_1", "max_tool_calls": 3}),
        ({"service_tier": "flex", "prompt_cache_key": "k", "user": "u"},
         {"service_tier": "flex", "prompt_cache_key": "k", "user": "u"}),
        ({"stream_options": {"include_usage": True}}, {}),
        ({"stream_options": {"include_obfuscation": False}}, {"stream_options": {"include_obfuscation": False}}),
    ],
)  # fmt: skip
def test_every_parameter_in_its_place(params, more):
    body, losses = written(**params)
    assert body == {name: value for name, value in {**BASIS, **more}.items() if value is not None}
    assert not losses


@pytest.mark.parametrize(
    ("params", "loss", "kept"),
    [
        ({"stop": ["x"]}, "gpt-5 does not take stop: left out", {}),
        ({"seed": 7}, "gpt-5 does not take seed: left out", {}),
        ({"n": 2}, "gpt-5 does not take n: left out", {}),
        ({"top_k": 2}, "gpt-5 does not take top_k: left out", {}),
        ({"presence_penalty": 0.5}, "gpt-5 does not take presence_penalty: left out", {}),
        ({"logit_bias": {"5": 1}}, "gpt-5 does not take logit_bias: left out", {}),
        ({"background": True}, "background: the answer is waited for", {}),
        ({"max_tokens": 5}, "max_tokens below 16: sent as 16", {"max_output_tokens": 16}),
    ],
)
def test_what_has_no_place_is_told(params, loss, kept):
    body, losses = written(**params)
    assert body == {**BASIS, **kept}
    assert losses == [loss]


def test_what_a_model_refuses_is_left_out():
    wire = Wire("gpt-5", drops=frozenset({"temperature", "parallel_tool_calls"}), quirks={"reasoning": True})
    body, losses = written(wire, tools_of(ADD, parallel=False), temperature=0.5)
    assert not {"temperature", "parallel_tool_calls"} & set(body)
    assert losses == ["gpt-5 does not take temperature: left out", "gpt-5 does not take parallel_tool_calls: left out"]


def test_encrypted_reasoning_is_asked_of_those_that_reason():
    assert written(Wire("gpt-4o", quirks={"reasoning": False}))[0] == {"model": "gpt-4o", "input": ASK, "store": False}
    assert written(Wire("new"))[0] == {"model": "new", "input": ASK, "store": False}
    assert written(Wire("new"), reasoning_effort="low")[0]["include"] == ENCRYPTED
    assert "include" not in written(Wire("new"), reasoning_effort="none")[0]
    body, losses = written(Wire("gpt-4o", quirks={"reasoning": False}), reasoning_effort="low")
    assert "reasoning" not in body
    assert losses == ["gpt-4o does not reason: reasoning_effort is left out"]


def test_a_models_own_parameters_give_way_to_those_of_the_call():
    body, _ = written(Wire("m", params={"temperature": 0.1, "top_p": 0.2}), temperature=0.9, stream=True)
    assert (body["temperature"], body["top_p"], body["stream"]) == (0.9, 0.2, True)


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        ("add", {"type": "function", "name": "add"}),
        ({"type": "function", "function": {"name": "add"}}, {"type": "function", "name": "add"}),
        ({"type": "custom", "custom": {"name": "say"}}, {"type": "custom", "name": "say"}),
        ({"type": "web_search"}, {"type": "web_search"}),
        ({"type": "mcp", "server_label": "m"}, {"type": "mcp", "server_label": "m"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [ADD | {"function": {"name": "add"}}]}},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "add"}]},
        ),
    ],
)
def test_tools_are_flat_and_so_is_the_choice(choice, sent):
    body, losses = written(tools=tools_of(ADD, choice=choice, parallel=True))
    flat = {"type": "function", "name": "add", "description": "Adds.", "parameters": SCHEMA, "strict": False}
    assert body["tools"] == [flat]
    assert body.get("tool_choice") == sent
    assert body["parallel_tool_calls"] is True
    assert not losses


def test_strict_tools_and_those_of_servers_without():
    strict = {**ADD, "function": {**ADD["function"], "strict": True}, "defer_loading": True}
    assert written(tools=tools_of(strict))[0]["tools"][0]["strict"] is True
    assert written(tools=tools_of(strict))[0]["tools"][0]["defer_loading"] is True
    assert "strict" not in written(Wire("m", strict_tools=False), tools_of(strict))[0]["tools"][0]
    bare = {"type": "function", "function": {"name": "now"}}
    assert written(tools=tools_of(bare))[0]["tools"][0]["parameters"] == {"type": "object", "properties": {}}


def test_built_in_tools_go_as_they_are_and_those_of_others_stay():
    own = [
        {"type": "web_search", "search_context_size": "low"},
        {"type": "web_search_preview_2025_03_11"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "mcp", "server_label": "m", "server_url": "https://example.com"},
        {"type": "custom", "name": "say", "format": {"type": "text"}},
    ]
    foreign = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 1}, {"googleMaps": {}}]
    body, losses = written(tools=tools_of(*own, *foreign))
    assert body["tools"] == own
    theirs = [{"type": "x_search"}, {"type": "openrouter:datetime"}]
    assert written(Wire("grok-5", maker="xai"), tools_of(*theirs))[0]["tools"] == theirs[:1]
    assert written(Wire("m", maker="openrouter"), tools_of(*theirs))[0]["tools"] == theirs[1:]
    assert losses == [
        "a tool of type 'web_search_20250305', which gpt-5 does not have", "a tool of type None, which gpt-5 does not have"
    ]  # fmt: skip
    body, losses = written(tools=tools_of(*foreign, choice="auto"))
    assert not {"tools", "tool_choice"} & set(body)


def test_a_custom_tool_of_chat_completions_is_flat_too():
    grammar = {"syntax": "lark", "definition": "start: /a/"}
    custom = {"type": "custom", "custom": {"name": "say", "format": {"type": "grammar", "grammar": grammar}}}
    body, _ = written(tools=tools_of(custom))
    assert body["tools"] == [{"type": "custom", "name": "say", "format": {"type": "grammar", **grammar}}]


def test_custom_calls_in_a_history_have_a_text_for_arguments():
    history = [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "say", "arguments": '{"__arg1": "a \\"b\\""}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "said"},
    ]  # fmt: skip
    say = {"type": "custom", "name": "say"}
    request = Request("hub", history, None, lambda payload, losses: payload, tools=tools_of(say))
    body = DIALECT.body(request, WIRE)
    assert body["input"] == [
        {"type": "custom_tool_call", "call_id": "c1", "name": "say", "input": 'a "b"'},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "said"},
    ]
    again = DIALECT.conversation(body)
    assert again.messages[0]["tool_calls"][0]["function"] == {"name": "say", "arguments": '{"__arg1":"a \\"b\\""}'}
    assert again.messages[1] == history[1]


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        (SchemaBinding(None, "A", SCHEMA, "json_schema", True, "An A."),
         {"type": "json_schema", "name": "A", "schema": SCHEMA, "description": "An A.", "strict": True}),
        (SchemaBinding(None, "A", SCHEMA, "json_schema"),
         {"type": "json_schema", "name": "A", "schema": SCHEMA, "strict": False}),
        (SchemaBinding(None, "A", None, "json_mode"), {"type": "json_object"}),
    ],
)  # fmt: skip
def test_typed_answers(schema, form):
    body, losses = written(schema=schema, verbosity="low")
    assert body["text"] == {"format": form, "verbosity": "low"}
    assert not losses


def test_a_typed_answer_is_a_forced_tool_where_the_model_takes_no_schema():
    schema = SchemaBinding(None, "A", SCHEMA, "json_schema")
    wire = Wire("m", native_schema=False)
    body, _ = written(wire, schema=schema)
    assert "text" not in body
    assert [tool["name"] for tool in body["tools"]] == ["A"]
    assert body["tool_choice"] == {"type": "function", "name": "A"}
    body, _ = written(wire, tools_of(ADD), schema)
    assert [tool["name"] for tool in body["tools"]] == ["add", "A"]
    assert body["tool_choice"] == "required"


def test_the_way_back():
    body = {
        "model": "m", "input": "Hi", "instructions": "Be kind.", "stream": True, "max_output_tokens": 20, "top_p": 0.5,
        "reasoning": {"effort": "low", "summary": "auto"}, "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "include": ENCRYPTED, "truncation": "auto", "tools": [{"type": "web_search"}], "tool_choice": "auto",
    }  # fmt: skip
    told = DIALECT.conversation(body)
    assert told.messages == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    assert told.params == {"max_tokens": 20, "top_p": 0.5, "reasoning_effort": "low", "verbosity": "low"}
    assert told.native == {"include": ENCRYPTED, "truncation": "auto", "reasoning": body["reasoning"]}
    assert (told.schema.method, told.tools.wire, told.tools.choice) == ("json_mode", ({"type": "web_search"},), "auto")
    assert (told.model, told.stream) == ("m", True)
    assert DIALECT.conversation({"previous_response_id": "resp_1"}).messages == []


@pytest.mark.parametrize(
    ("given", "path"),
    [(None, "input:"), (5, "input:"), ([5], "input[0]"), ([{"role": "user", "content": "a"}, {"role": "x"}], "input[1]"),
     ([{"role": "king", "content": "a"}], "input[0]"), ([{"type": "function_call"}], "input[0]"),
     ([{"type": "function_call_output", "call_id": "c"}], "input[0]")],
)  # fmt: skip
def test_an_input_in_another_form_is_refused_with_its_place(given, path):
    with pytest.raises(InvalidCall) as caught:
        DIALECT.conversation({"input": given})
    assert path in str(caught.value)
