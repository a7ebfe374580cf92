"""What becomes of parameters and of `tool_choice` in chat completions, by provider and family of models."""

import asyncio
import functools
import json
import operator
import warnings

import pytest
from recorded import ReplayServer

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.dialects.openai_chat.families import families, family_of
from routed_llm.dialects.view import HubView
from routed_llm.providers.rows import load_rows
from routed_llm.requests import Request, ToolBinding

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def written(name, params=None, messages=None, tools=None):
    """The body for a model, without what is in every one, and what was lost."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = Router([Model(name, api_key="k")]).catalog.deployments[0].endpoint
    told = messages or [{"role": "user", "content": "Hello?"}]
    request = Request("openai.chat", told, HubView(told), lambda given, losses: given, params=params or {}, tools=tools)
    body = one.dialect.body(request, one.wire)
    assert body.pop("model") == name.partition(":")[2]
    return body, request.losses


#: model, parameters, what is sent of them, and what is lost: a parameter, or how it is changed
CASES = [
    ("openai:gpt-4.1", {"top_k": 4, "seed": 7}, {"seed": 7}, ["top_k"]),
    ("openai:gpt-4.1", {"max_tokens": 9}, {"max_completion_tokens": 9}, []),
    ("openai:gpt-5-mini", {"temperature": 0.3}, {}, ["temperature"]),
    ("openai:o4-mini", {"stop": ["x"]}, {}, ["stop"]),
    ("openai:o3-mini", {"stop": ["x"]}, {"stop": ["x"]}, []),
    ("github:openai/gpt-5", {"temperature": 1, "max_tokens": 9}, {"max_completion_tokens": 9}, ["temperature"]),
    ("github:openai/gpt-5-chat", {"temperature": 1}, {"temperature": 1}, []),
    ("groq:openai/gpt-oss-20b", {"n": 1, "logprobs": True}, {"n": 1}, ["logprobs"]),
    ("groq:openai/gpt-oss-20b", {"n": 3}, {}, ["does not take n 3: left out"]),
    ("groq:openai/gpt-oss-20b", {"reasoning_effort": "high"}, {"reasoning_effort": "high"}, []),
    (
        "groq:openai/gpt-oss-20b",
        {"reasoning_effort": "none"},
        {"reasoning_effort": "low"},
        ["does not know reasoning_effort 'none': sent as 'low'"],
    ),
    ("groq:qwen/qwen3-32b", {"reasoning_effort": "none"}, {"reasoning_effort": "none"}, []),
    ("mistral:mistral-small-latest", {"seed": 7, "max_tokens": 9}, {"random_seed": 7, "max_tokens": 9}, []),
    ("deepseek:deepseek-chat", {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}, []),
    ("deepseek:deepseek-chat", {"reasoning_effort": "high"}, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}, []),
    (
        "deepseek:deepseek-chat",
        {"reasoning_effort": "high", "thinking": {"type": "disabled"}},
        {"thinking": {"type": "disabled"}, "reasoning_effort": "high"},
        [],
    ),
    ("zai:glm-4.7", {"reasoning_effort": "high"}, {"thinking": {"type": "enabled"}}, []),
    ("zai:glm-5.2", {"reasoning_effort": "high"}, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}, []),
    ("dashscope:qwen3-max", {"reasoning_effort": "low"}, {"enable_thinking": True}, []),
    ("openrouter:openai/gpt-5", {"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}, []),
    ("moonshot:kimi-k2-turbo", {"temperature": 1.5}, {"temperature": 1.0}, ["does not take a temperature above 1: sent as 1"]),
    ("moonshot:kimi-k2.6", {"temperature": 0.5}, {}, ["temperature"]),
    ("xai:grok-4.20-0309-reasoning", {"reasoning_effort": "low"}, {}, ["reasoning_effort"]),
    ("xai:grok-4.5", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}, []),
    ("perplexity:sonar", {"top_k": 3, "seed": 7}, {"top_k": 3}, ["seed"]),
    ("together:x", {"top_k": 3, "seed": 7, "nobody": "knows"}, {"top_k": 3, "seed": 7, "nobody": "knows"}, []),
]


@pytest.mark.parametrize(("name", "params", "sent", "lost"), CASES, ids=lambda part: str(part)[:40])
def test_parameters_are_sent_in_the_form_that_a_model_takes(name, params, sent, lost):
    body, losses = written(name, params)
    body.pop("messages")
    model = name.partition(":")[2]
    words = [f"does not take {what}: left out" if what in params else what for what in lost]
    assert (body, losses) == (sent, [f"{model} {what}" for what in words])


@pytest.mark.parametrize(
    ("name", "choice", "sent", "lost"),
    [
        ("mistral:mistral-small-latest", "required", "any", []),
        ("mistral:mistral-small-latest", "auto", "auto", []),
        ("mistral:mistral-small-latest", "f", {"type": "function", "function": {"name": "f"}}, []),
        ("moonshot:kimi-k2-turbo", "required", "auto", ["kimi-k2-turbo does not take tool_choice 'required': sent as 'auto'"]),
        ("openai:gpt-4.1", "required", "required", []),
    ],
)
def test_each_provider_has_its_words_for_the_choice_of_tools(name, choice, sent, lost):
    body, losses = written(name, tools=ToolBinding((TOOL,), (TOOL,), choice))
    assert (body["tool_choice"], losses) == (sent, lost)


def test_calls_one_after_the_other_cannot_be_asked_of_all():
    body, losses = written("openai:o4-mini", tools=ToolBinding((TOOL,), (TOOL,), None, False))
    assert "parallel_tool_calls" not in body
    assert losses == ["o4-mini does not take parallel_tool_calls: left out"]
    assert written("openai:gpt-5", tools=ToolBinding((TOOL,), (TOOL,), None, False))[0]["parallel_tool_calls"] is False


def test_several_texts_are_one_where_a_provider_wants_it():
    texts = [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    asked = [{"role": "user", "content": texts}, {"role": "user", "content": [*texts, picture]}]
    body, losses = written("heroku:claude-4-sonnet", messages=asked)
    assert body["messages"] == [{"role": "user", "content": "One.\n\nTwo."}, asked[1]]
    assert not losses
    assert written("openai:gpt-4.1", messages=asked)[0]["messages"] == asked


def test_the_table_names_what_there_is():
    for family in families().values():
        assert family.source
        assert family.providers <= set(load_rows())
        assert family.drops or family.params
        for how in family.params.values():
            assert set(how) <= {"as", "only", "most", "words", "fields"}


def test_a_later_family_wins_and_drops_are_added_up():
    assert family_of("zai", "glm-5.2").params["reasoning_effort"]["fields"]["any"]["reasoning_effort"] == "*"
    assert {"stop", "top_k", "parallel_tool_calls"} <= family_of("openai", "ft:o4-mini:me::1").drops
    assert family_of("together", "o4-mini") == family_of("nobody", "x")


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream"])
def test_a_call_never_fails_for_a_parameter_that_another_takes(mode):
    first, second = ReplayServer(), ReplayServer()
    error = {"message": "Unsupported parameter: 'seed'", "type": "invalid_request_error", "code": "unsupported_parameter"}
    first.will_answer(exchange(400, {"error": error}))
    second.will_answer(exchange(200, {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}))
    pool = {
        "first": Model("together:x", base_url=first.url, api_key="k"),
        "second": Model("groq:y", base_url=second.url, api_key="k"),
    }
    with RoutedChatModel(pool, quiet_fallbacks=True) as model:
        said = asked(model, mode, seed=7, logprobs=True)
    first.close()
    second.close()
    assert said.text == "Hi"
    assert json.loads(first.requests[0][2])["logprobs"] is True
    assert json.loads(second.requests[0][2])["seed"] == 7
    assert said.response_metadata["routing"]["losses"] == ["y does not take logprobs: left out"]
    assert said.response_metadata["routing"]["attempts"][0]["error"] == "unsupported_parameter"


def exchange(status, body):
    return {"response": {"status": status, "headers": {"content-type": "application/json"}, "body": body}}


def asked(model, mode, **params):
    if mode == "invoke":
        return model.invoke("Hello?", **params)
    if mode == "stream":
        return functools.reduce(operator.add, model.stream("Hello?", **params))

    async def run():
        if mode == "ainvoke":
            return await model.ainvoke("Hello?", **params)
        return functools.reduce(operator.add, [chunk async for chunk in model.astream("Hello?", **params)])

    return asyncio.run(run())
