"""Google's generateContent through the chat model: address, key, answers in all four modes, and what goes back."""

import asyncio
import json

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from recorded import ReplayServer

from routed_llm import Model, RoutedChatModel
from routed_llm.errors import CallFailed

KEY = "AIzaSyA-secret-of-the-test-0123456789"
CALLING = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "I look.", "thought": True},
                    {"text": "One moment."},
                    {"functionCall": {"name": "weather", "args": {"city": "Köln"}}, "thoughtSignature": "c2lnbmVk"},
                    {"functionCall": {"name": "weather", "args": {"city": "Rome"}}},
                ],
            },
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 4, "thoughtsTokenCount": 6, "totalTokenCount": 20},
    "modelVersion": "gemini-3-flash-preview",
    "responseId": "r-1",
}
BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8}}
MODES = ("invoke", "ainvoke", "stream", "astream")


def whole(body, status=200):
    return {"response": {"status": status, "headers": {"content-type": "application/json"}, "body": body}}


def sse(*chunks):
    text = "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks)
    return {"response": {"status": 200, "headers": {"content-type": "text/event-stream"}, "text": text}}


def said(text, **more):
    return whole({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}], **more})


@pytest.fixture
def server():
    replaying = ReplayServer()
    yield replaying
    replaying.close()


def asked(server, messages="Hello?", how="invoke", **more):
    """What the chat model says, in one of the modes."""
    model = more.pop("model", "gemini:gemini-3-flash-preview")
    call = more.pop("call", {})
    with RoutedChatModel([Model(model, base_url=server.url, api_key=KEY, **more)]) as chat:
        if how == "invoke":
            return chat.invoke(messages, **call)
        if how == "ainvoke":
            return asyncio.run(chat.ainvoke(messages, **call))
        if how == "stream":
            chunks = list(chat.stream(messages, **call))
        else:

            async def collect():
                return [chunk async for chunk in chat.astream(messages, **call)]

            chunks = asyncio.run(collect())
        told = chunks[0]
        for chunk in chunks[1:]:
            told += chunk
        return told


@pytest.mark.parametrize("how", MODES)
def test_an_answer_with_calls(server, how):
    server.will_answer(whole(CALLING) if how.endswith("invoke") else sse(CALLING))
    answer = asked(server, how=how)
    assert answer.text == "One moment."
    assert [(call["name"], call["args"], call["id"]) for call in answer.tool_calls] == [
        ("weather", {"city": "Köln"}, "call_r-1_0"),
        ("weather", {"city": "Rome"}, "call_r-1_1"),
    ]
    assert answer.usage_metadata["input_tokens"] == 10
    assert answer.usage_metadata["output_tokens"] == 10
    assert answer.usage_metadata["output_token_details"]["reasoning"] == 6
    path, headers, body = server.requests[0]
    method = "generateContent" if how.endswith("invoke") else "streamGenerateContent?alt=sse"
    assert path == f"/v1beta/models/gemini-3-flash-preview:{method}"
    assert headers["x-goog-api-key"] == KEY
    assert "authorization" not in headers
    assert KEY not in path
    assert json.loads(body) == {"contents": [{"role": "user", "parts": [{"text": "Hello?"}]}]}


@pytest.mark.parametrize("how", MODES)
def test_what_was_signed_goes_back_with_the_results_in_the_order_of_the_calls(server, how):
    server.will_answer(whole(CALLING) if how.endswith("invoke") else sse(CALLING))
    server.will_answer(said("Warm."))
    answer = asked(server, how=how)
    first, second = (call["id"] for call in answer.tool_calls)
    results = [ToolMessage("25", tool_call_id=second), ToolMessage("11", tool_call_id=first)]
    assert asked(server, [HumanMessage("Hello?"), answer, *results]).text == "Warm."
    sent = json.loads(server.requests[1][2])["contents"]
    assert [turn["role"] for turn in sent] == ["user", "model", "user"]
    calls = [part for part in sent[1]["parts"] if "functionCall" in part]
    assert calls == [
        {"functionCall": {"id": first, "name": "weather", "args": {"city": "Köln"}}, "thoughtSignature": "c2lnbmVk"},
        {"functionCall": {"id": second, "name": "weather", "args": {"city": "Rome"}}},
    ]
    assert sent[2]["parts"] == [
        {"functionResponse": {"id": first, "name": "weather", "response": {"output": "11"}}},
        {"functionResponse": {"id": second, "name": "weather", "response": {"output": "25"}}},
    ]


@pytest.mark.parametrize("how", MODES)
def test_a_blocked_prompt_is_an_error_of_content(server, how):
    server.will_answer(whole(BLOCKED) if how.endswith("invoke") else sse(BLOCKED))
    with pytest.raises(CallFailed) as failed:
        asked(server, how=how)
    assert failed.value.kind == "content_policy"


@pytest.mark.parametrize("how", MODES)
def test_a_refused_key_is_told_without_it(server, how):
    error = {
        "code": 400,
        "message": f"API key not valid: {KEY}",
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
    }
    server.will_answer(whole({"error": error}, 400))
    with pytest.raises(CallFailed) as failed:
        asked(server, how=how)
    assert failed.value.kind == "auth"
    assert "secret-of-the-test" not in f"{failed.value!r} {failed.value}"


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_a_picture_alone_is_an_answer(server, how):
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "c2ln"}
    drawn = {"candidates": [{"content": {"parts": [picture]}, "finishReason": "STOP"}]}
    server.will_answer(whole(drawn) if how == "invoke" else sse(drawn))
    answer = asked(server, how=how)
    assert answer.additional_kwargs["images"] == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    server.will_answer(said("Blue."))
    asked(server, [HumanMessage("Draw."), answer, HumanMessage("Which colour?")])
    assert json.loads(server.requests[1][2])["contents"][1] == {"role": "model", "parts": [picture]}


@pytest.mark.parametrize(
    ("counts", "nanos"),
    [
        # 939 * 0.30 + (10 + 43) * 2.50 dollars a million
        ({"promptTokenCount": 939, "candidatesTokenCount": 10, "thoughtsTokenCount": 43}, 939 * 300 + 53 * 2_500),
        # of the prompt 3,512 tokens come from the cache, at 0.03
        (
            {"promptTokenCount": 4_000, "cachedContentTokenCount": 3_512, "candidatesTokenCount": 7},
            488 * 300 + 3_512 * 30 + 17_500,
        ),
        # 32 of the prompt's tokens are sound, at 1.00
        (
            {
                "promptTokenCount": 40,
                "candidatesTokenCount": 2,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}, {"modality": "AUDIO", "tokenCount": 32}],
            },
            8 * 300 + 32 * 1_000 + 2 * 2_500,
        ),
        # what the provider's tools put beside the prompt is input, too
        ({"promptTokenCount": 75, "toolUsePromptTokenCount": 573, "candidatesTokenCount": 414}, 648 * 300 + 414 * 2_500),
    ],
)
def test_a_call_costs_what_its_counts_say_to_the_nano_dollar(server, counts, nanos):
    price = {"input": 0.3, "output": 2.5, "cache_read": 0.03, "audio_input": 1.0}
    server.will_answer(said("Yes.", usageMetadata=counts))
    answer = asked(server, model="gemini:gemini-2.5-flash", price=price)
    assert answer.response_metadata["routing"]["cost_nanousd"] == nanos


def test_a_typed_answer_with_tools_of_a_model_that_cannot_do_both_is_a_call(server):
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    schema = {"type": "object", "title": "city", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}
    called = {"functionCall": {"name": "city", "args": {"name": "Rome"}}}
    server.will_answer(whole({"candidates": [{"content": {"parts": [called]}, "finishReason": "STOP"}]}))
    answer = asked(server, model="gemini:gemini-2.5-flash", call={"tools": [tool], "response_format": form})
    assert json.loads(answer.text) == {"name": "Rome"}
    assert not answer.tool_calls
    sent = json.loads(server.requests[0][2])
    assert [each["name"] for each in sent["tools"][0]["functionDeclarations"]] == ["weather", "city"]
    assert sent["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert "generationConfig" not in sent


def test_vertex_ai_is_asked_with_a_token_at_the_address_of_the_project(server):
    server.will_answer(said("Yes."))
    base = f"{server.url}/v1beta1/projects/p/locations/global/publishers/google"
    with RoutedChatModel([Model("vertexai:gemini-2.5-flash", base_url=base, api_key=lambda: "ya29.token")]) as chat:
        assert chat.invoke("Hello?").text == "Yes."
    path, headers, _ = server.requests[0]
    assert path == "/v1beta1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:generateContent"
    assert headers["authorization"] == "Bearer ya29.token"


def test_embeddings_go_to_the_compatible_endpoint_with_a_bearer_token(server):
    from routed_llm import RoutedEmbeddings

    server.will_answer(whole({"data": [{"index": 0, "embedding": [0.5, 0.25]}], "usage": {"prompt_tokens": 1}}))
    with RoutedEmbeddings([Model("gemini:gemini-embedding-001", base_url=f"{server.url}/v1beta", api_key=KEY)]) as embeddings:
        assert embeddings.embed_query("Hello?") == [0.5, 0.25]
    path, headers, _ = server.requests[0]
    assert path == "/v1beta/openai/embeddings"
    assert headers["authorization"] == f"Bearer {KEY}"
