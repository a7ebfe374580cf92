"""What a call cost, exact to the nano-dollar, in every dialect: each case is added up by hand from the stated prices."""

import json

import pytest
from recorded import ReplayServer

from routed_llm import Model, Price, RoutedChatModel
from routed_llm.catalog.cards import find_card
from routed_llm.results import Usage

NAMES = {
    "openai.chat": "openai:m",
    "openai.responses": "openai:m",
    "anthropic.messages": "anthropic:m",
    "gemini.generate": "gemini:gemini-3-m",
    "bedrock.converse": "bedrock:m",
}
#: dollars for a million tokens; for a request, an image, a search by the piece
PRICE = {
    "input": 2, "output": 8, "cache_read": 0.2, "cache_write": 2.5, "cache_write_long": 4, "audio_input": 32,
    "audio_output": 64, "request": 0.001, "image": 0.002, "search": 0.01,
    "tiers": [{"above": 1_000, "input": 4, "output": 12}],
    "service_tiers": {"flex": {"input": 1, "output": 4, "cache_read": 0.1}, "priority": {"input": 4, "output": 16}},
}  # fmt: skip
REQUEST, SEARCH, IMAGE = 1_000_000, 10_000_000, 2_000_000


def chat(usage, **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage, **more}


def response(usage, *items, **more):
    said = {"type": "message", "id": "m1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}  # fmt: skip
    return {
        "id": "r",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": [*items, said],
        "usage": usage,
        **more,
    }


def claude(usage):
    return {"id": "a", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "Hi"}],
            "stop_reason": "end_turn", "usage": usage}  # fmt: skip


def gemini(usage, **more):
    return {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP", **more}],
            "usageMetadata": usage, "modelVersion": "gemini-3-m"}  # fmt: skip


def converse(usage, **more):
    return {"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn", "usage": usage,
            **more}  # fmt: skip


def search(kind="search"):
    return {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": kind}}


WRITES = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 20}
CASES = [
    # chat completions: cached, written, audio and reasoning tokens are within the sums
    ("openai.chat", chat({"prompt_tokens": 100, "completion_tokens": 10}), 100 * 2_000 + 10 * 8_000),
    ("openai.chat", chat({"prompt_tokens": 100, "completion_tokens": 10,
                          "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 20, "cache_write_tokens": 10},
                          "completion_tokens_details": {"audio_tokens": 4, "reasoning_tokens": 3}}),
     30 * 2_000 + 40 * 200 + 10 * 2_500 + 20 * 32_000 + 6 * 8_000 + 4 * 64_000),
    ("openai.chat", chat({"prompt_tokens": 1_001, "completion_tokens": 10}), 1_001 * 4_000 + 10 * 12_000),
    ("openai.chat", chat({"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}},
                         service_tier="flex"), 60 * 1_000 + 40 * 100 + 10 * 4_000),
    ("openai.chat", chat({"prompt_tokens": 2_000, "completion_tokens": 10}, service_tier="priority"),
     2_000 * 4_000 + 10 * 16_000),
    ("openai.chat", chat({"prompt_tokens": 100, "completion_tokens": 10}, service_tier="scale"), None),
    ("openai.chat", chat({"prompt_tokens": 100, "completion_tokens": 10}, service_tier="default"), 280_000),
    ("openai.chat", chat({"prompt_tokens": 100, "completion_tokens": 10, "cost": 0.0000123}), 12_300 - REQUEST),
    ("openai.chat", chat({"prompt_tokens": 100, "completion_tokens": 10, "cost_in_usd_ticks": 77_770}), 7_777 - REQUEST),
    ("openai.chat", chat({"prompt_tokens": 100, "completion_tokens": 10, "cost": {"total_cost": 0.005}}), 5_000_000 - REQUEST),
    # the Responses API: the same sums; searches are items, and pages that are opened are none
    ("openai.responses", response({"input_tokens": 100, "output_tokens": 10, "input_tokens_details": {"cached_tokens": 40},
                                   "output_tokens_details": {"reasoning_tokens": 9}}), 60 * 2_000 + 40 * 200 + 10 * 8_000),
    ("openai.responses", response({"input_tokens": 100, "output_tokens": 10}, search(), search("open_page"), search()),
     280_000 + 2 * SEARCH),
    ("openai.responses", response({"input_tokens": 100, "output_tokens": 10}, search(), service_tier="flex"),
     100 * 1_000 + 10 * 4_000 + SEARCH),
    ("openai.responses", response({"input_tokens": 1_001, "output_tokens": 1}), 1_001 * 4_000 + 12_000),
    ("openai.responses", response({"input_tokens": 100, "output_tokens": 10, "cost": 0.5}, search()), 500_000_000 - REQUEST),
    # Messages: cached tokens are beside the input, writes by their lifetime
    ("anthropic.messages", claude({"input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 40,
                                   "cache_creation_input_tokens": 50, "cache_creation": WRITES}),
     100 * 2_000 + 40 * 200 + 30 * 2_500 + 20 * 4_000 + 10 * 8_000),
    ("anthropic.messages", claude({"input_tokens": 100, "output_tokens": 10, "server_tool_use": {"web_search_requests": 3}}),
     280_000 + 3 * SEARCH),
    ("anthropic.messages", claude({"input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": 1_000}),
     4_000 + 1_000 * 200 + 12_000),
    ("anthropic.messages", claude({"input_tokens": 100, "output_tokens": 10, "service_tier": "standard"}), 280_000),
    ("anthropic.messages", claude({"input_tokens": 100, "output_tokens": 10, "service_tier": "priority"}),
     100 * 4_000 + 10 * 16_000),
    ("anthropic.messages", claude({"input_tokens": 100, "output_tokens": 10, "service_tier": "batch"}), None),
    # Gemini: thoughts and what tools put in are beside the sums, cached tokens within
    ("gemini.generate", gemini({"promptTokenCount": 100, "cachedContentTokenCount": 40, "toolUsePromptTokenCount": 5,
                                "candidatesTokenCount": 7, "thoughtsTokenCount": 3,
                                "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 20}]}),
     45 * 2_000 + 40 * 200 + 20 * 32_000 + 10 * 8_000),
    ("gemini.generate", gemini({"promptTokenCount": 100, "candidatesTokenCount": 10},
                               groundingMetadata={"webSearchQueries": ["a", "b"]}), 280_000 + 2 * SEARCH),
    ("gemini.generate", gemini({"promptTokenCount": 1_001, "candidatesTokenCount": 1}), 1_001 * 4_000 + 12_000),
    ("gemini.generate", gemini({"promptTokenCount": 100, "candidatesTokenCount": 10, "serviceTier": "FLEX"}),
     100 * 1_000 + 10 * 4_000),
    # Converse: cached tokens are beside the input, writes by their lifetime
    ("bedrock.converse", converse({"inputTokens": 100, "outputTokens": 10, "cacheReadInputTokens": 40,
                                   "cacheWriteInputTokens": 50, "cacheDetails": [{"ttl": "1h", "inputTokens": 20},
                                                                                 {"ttl": "5m", "inputTokens": 30}]}),
     100 * 2_000 + 40 * 200 + 30 * 2_500 + 20 * 4_000 + 10 * 8_000),
    ("bedrock.converse", converse({"inputTokens": 1_001, "outputTokens": 1}), 1_001 * 4_000 + 12_000),
    ("bedrock.converse", converse({"inputTokens": 100, "outputTokens": 10}, serviceTier={"type": "flex"}),
     100 * 1_000 + 10 * 4_000),
    ("bedrock.converse", converse({"inputTokens": 100, "outputTokens": 10}, serviceTier={"type": "reserved"}), None),
]  # fmt: skip


@pytest.fixture
def server():
    replaying = ReplayServer()
    yield replaying
    replaying.close()


def spent(server, dialect, body, content="Hello?", price=PRICE):
    server.will_answer({"response": {"status": 200, "headers": {"content-type": "application/json"}, "body": body}})
    stated = Model(
        NAMES[dialect], base_url=server.url, api_key="any", dialect=dialect, price=Price.from_usd(**price),
        abilities={"images": True},
    )  # fmt: skip
    with RoutedChatModel([stated]) as model, model.router.track() as spend:
        assert model.invoke([("user", content)]).text == "Hi"
    return None if spend.total.unknown_cost_calls else spend.total_nanousd


@pytest.mark.filterwarnings("ignore:.*not in the catalog")
@pytest.mark.parametrize(("dialect", "body", "by_hand"), CASES)
def test_exact_to_the_nano_dollar(server, dialect, body, by_hand):
    assert spent(server, dialect, body) == (None if by_hand is None else by_hand + REQUEST)


@pytest.mark.filterwarnings("ignore:.*not in the catalog")
@pytest.mark.parametrize("dialect", NAMES)
def test_images_have_a_price_of_their_own(server, dialect):
    url = (
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    plain = {
        "openai.chat": chat({"prompt_tokens": 100, "completion_tokens": 10}),
        "openai.responses": response({"input_tokens": 100, "output_tokens": 10}),
        "anthropic.messages": claude({"input_tokens": 100, "output_tokens": 10}),
        "gemini.generate": gemini({"promptTokenCount": 100, "candidatesTokenCount": 10}),
        "bedrock.converse": converse({"inputTokens": 100, "outputTokens": 10}),
    }  # fmt: skip
    image = {"type": "image_url", "image_url": {"url": url}}
    content = [{"type": "text", "text": "What are these?"}, image, image]
    assert spent(server, dialect, plain[dialect], content) == 280_000 + REQUEST + 2 * IMAGE


@pytest.mark.filterwarnings("ignore:.*not in the catalog")
def test_a_search_without_a_price_has_an_unknown_cost(server):
    body = response({"input_tokens": 100, "output_tokens": 10}, search())
    assert spent(server, "openai.responses", body, price={"input": 2, "output": 8}) is None


@pytest.mark.parametrize(
    ("provider", "name", "nano"),
    [
        ("openai", "gpt-5.4-mini", 10_000_000),
        ("azure_openai", "gpt-5.4-mini", 14_000_000),
        ("anthropic", "claude-sonnet-4-6", 10_000_000),
        ("gemini", "gemini-2.5-flash", 35_000_000),
        ("vertexai", "gemini-3-flash-preview", 14_000_000),
        ("openai", "gpt-4.1", None),  # depends on the tool, which an answer does not tell
        ("xai", "grok-4.6", None),  # tells its own cost
    ],
)
def test_searches_of_the_catalog(provider, name, nano):
    rates = find_card(provider, name).prices.rates
    assert rates.search == nano
    searched = Usage(1_000, 100, searches=3)
    expected = None if nano is None else rates.cost(Usage(1_000, 100)) + 3 * nano
    assert rates.cost(searched) == expected


def test_a_search_model_of_chat_completions_searches_with_every_request():
    """GPT-4o Search Preview, dollars: 2.50 in, 10 out for a million; 25 for a thousand requests."""
    price = find_card("openai", "gpt-4o-search-preview").prices
    assert price.cost(Usage(100, 10)) == 100 * 2_500 + 10 * 10_000 + 25_000_000


def test_tiers_of_service_in_the_catalog():
    """GPT-5.4, dollars for a million: flex 1.25 in, 7.50 out, above 272,000 tokens 2.50 and 11.25; priority 5 and 30."""
    price = find_card("openai", "gpt-5.4").prices
    assert price.cost(Usage(1_000, 100, service_tier="flex")) == 1_000 * 1_250 + 100 * 7_500
    assert price.cost(Usage(300_000, 100, service_tier="flex")) == 300_000 * 2_500 + 100 * 11_250
    assert price.cost(Usage(1_000, 100, service_tier="priority")) == 1_000 * 5_000 + 100 * 30_000
    assert price.cost(Usage(1_000, 100)) == 1_000 * 2_500 + 100 * 15_000
    assert price.cost(Usage(1_000, 100, service_tier="scale")) is None
    assert Price.from_data(json.loads(json.dumps(price.as_data()))) == price
