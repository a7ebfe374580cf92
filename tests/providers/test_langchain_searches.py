"""Searches that providers make for real LangChain chat models, and tiers of service: read from answers, as they are billed."""

import json

import pytest
from asking import JSON, SSE, ask, base_url, openai_json, request
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from loopback import answer, keep_answering

from routed_llm.providers.langchain_object import LangChainEndpoint
from routed_llm.results import Usage

HI = [HumanMessage("hi")]
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


def whole(body):
    return answer(json.dumps(body).encode(), headers=JSON)


def events(*told):
    written = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in told)
    return answer(written.encode(), headers=SSE)


def claude(usage, *blocks):
    content = [*blocks, {"type": "text", "text": "hello"}]
    return {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": content, "stop_reason": "end_turn",
            "stop_sequence": None, "usage": usage}  # fmt: skip


def anthropic(server):
    return ChatAnthropic(model="claude-haiku-4-5", base_url=f"http://127.0.0.1:{server.port}", api_key="any")


def used(result):
    """Of a whole answer, or of a stream's events."""
    return result.usage if not isinstance(result, list) else next(each for each in result if isinstance(each, Usage))


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    ("usage", "searches"),
    [
        ({"input_tokens": 5, "output_tokens": 3, "server_tool_use": {"web_search_requests": 2}}, 2),
        ({"input_tokens": 5, "output_tokens": 3}, 1),  # told by the blocks alone
    ],
)
def test_of_anthropic(serve, usage, searches, mode):
    server = serve(keep_answering(whole(claude(usage, SEARCH, FOUND))))
    assert used(ask(LangChainEndpoint(anthropic(server)), mode, request(HI))) == Usage(5, 3, searches=searches)


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_of_anthropics_streams(serve, mode):
    begun = claude({"input_tokens": 5, "output_tokens": 1}) | {"content": [], "stop_reason": None}
    usage = {"output_tokens": 3, "server_tool_use": {"web_search_requests": 1}}
    delta = {"type": "input_json_delta", "partial_json": '{"query": "x"}'}
    told = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {**SEARCH, "input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": FOUND},
        {"type": "content_block_stop", "index": 1},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "content_block_stop", "index": 2},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
        {"type": "message_stop"},
    ]
    server = serve(keep_answering(events(*told)))
    assert used(ask(LangChainEndpoint(anthropic(server)), mode, request(HI, stream=True))).searches == 1


def test_of_openais_responses(serve):
    def searching(kind):
        return {"type": "web_search_call", "id": f"ws_{kind}", "status": "completed", "action": {"type": kind, "query": "x"}}

    said = {"type": "message", "id": "m", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "hello", "annotations": []}]}  # fmt: skip
    body = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-5", "tools": [],
            "parallel_tool_calls": True, "tool_choice": "auto", "service_tier": "flex",
            "output": [searching("search"), searching("open_page"), said],
            "usage": {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8, "input_tokens_details": {"cached_tokens": 0},
                      "output_tokens_details": {"reasoning_tokens": 0}}}  # fmt: skip
    server = serve(keep_answering(whole(body)))
    model = ChatOpenAI(model="gpt-5", base_url=base_url(server), api_key="any", use_responses_api=True)
    assert used(ask(LangChainEndpoint(model), "sync", request(HI))) == Usage(5, 3, searches=1, service_tier="flex")


@pytest.mark.parametrize(("name", "searches"), [("gemini-2.5-flash", 1), ("gemini-3.5-flash", 2)])
def test_of_google(serve, name, searches):
    """Until Gemini 2.5 a prompt is billed, then each query."""
    grounding = {"webSearchQueries": ["a", "b"]}
    content = {"role": "model", "parts": [{"text": "hello"}]}
    told = {
        "candidates": [{"content": content, "finishReason": "STOP", "groundingMetadata": grounding}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8},
        "modelVersion": name,
    }
    server = serve(keep_answering(whole(told)))
    model = ChatGoogleGenerativeAI(model=name, google_api_key="any", base_url=f"http://127.0.0.1:{server.port}")
    assert used(ask(LangChainEndpoint(model), "sync", request(HI))) == Usage(5, 3, searches=searches)


def test_a_tier_of_service(serve):
    body = json.loads(openai_json().partition(b"\r\n\r\n")[2])
    server = serve(keep_answering(whole({**body, "service_tier": "priority"})))
    model = ChatOpenAI(model="gpt-4o-mini", base_url=base_url(server), api_key="any")
    assert used(ask(LangChainEndpoint(model), "sync", request(HI))).service_tier == "priority"
