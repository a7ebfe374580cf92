"""RoutedChatModel as a LangChain object: caches, limiters, copies, dumps, pickles, fields at run time."""

import copy
import json
import pickle

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.load import dumpd, load
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from langchain_core.tools import tool

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.errors import ConfigurationError
from routed_llm.providers.sandbox import DEFAULT_MODELS
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import Sandbox, SandboxServer

ASK = [HumanMessage("What is 17 + 25?")]


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture
def entries(server):
    return {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}


@pytest.fixture
def model(entries):
    return RoutedChatModel([entries["sandbox-large"], entries["sandbox-medium"]])


def bodies(server):
    return [arrival.body for arrival in server.sandbox.requests]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_the_cache_tells_routes_apart(model, server):
    cached = model.model_copy(update={"cache": InMemoryCache()})
    first, again = cached.invoke(ASK), cached.invoke(ASK)
    assert again.text == first.text
    assert len(bodies(server)) == 1
    assert again.response_metadata["model_name"] == "sandbox-large"
    cached.invoke(ASK, routing={"tenant": "other"})
    cached.invoke(ASK, routing={"exclude": ["sandbox-large"]})
    cached.invoke(ASK, model="sandbox-medium")
    cached.invoke(ASK, temperature=1.0)
    assert len(bodies(server)) == 5
    cached.invoke(ASK, routing={"session": "s1"})  # a note, no different route
    assert len(bodies(server)) == 5
    cached.bind_tools([add]).invoke("Use the tool to add 1 and 2.")
    cached.bind_tools([add]).invoke("Use the tool to add 1 and 2.")
    assert len(bodies(server)) == 6


def test_two_pools_do_not_share_cached_answers(entries, server):
    cache = InMemoryCache()
    RoutedChatModel([entries["sandbox-large"]]).model_copy(update={"cache": cache}).invoke(ASK)
    RoutedChatModel([entries["sandbox-small"]]).model_copy(update={"cache": cache}).invoke(ASK)
    assert len(bodies(server)) == 2


def test_the_rate_limiter_is_asked_once_a_call(entries):
    class Counting(InMemoryRateLimiter):
        def acquire(self, *, blocking=True):
            counted.append(1)
            return True

    counted = []
    model = RoutedChatModel([entries["sandbox-large"]], rate_limiter=Counting(requests_per_second=1000))
    model.invoke(ASK)
    list(model.stream(ASK))
    assert len(counted) == 2


def test_streaming_can_be_turned_off_and_on(entries, server):
    pool = [entries["sandbox-large"]]
    assert len(list(RoutedChatModel(pool, disable_streaming=True).stream(ASK))) == 1
    RoutedChatModel(pool, streaming=True).invoke(ASK)
    no_tools = RoutedChatModel(pool, disable_streaming="tool_calling")
    list(no_tools.bind_tools([add]).stream("Use the tool to add 1 and 2."))
    list(no_tools.stream(ASK))
    assert [b.get("stream", False) for b in bodies(server)] == [False, True, False, True]


def test_output_version_v1_gives_blocks(entries):
    model = RoutedChatModel([entries["sandbox-reasoner"]], output_version="v1")
    kinds = [block["type"] for block in model.invoke(ASK).content]
    assert "text" in kinds
    assert "reasoning" in kinds


def test_it_is_written_and_read_with_secrets_by_name(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k-env")
    model = RoutedChatModel(["openai:gpt-5-mini"], api_key="k-secret", temperature=0.2, routing={"application": "a"})
    written = dumpd(model)
    assert "k-secret" not in json.dumps(written)
    read = load(written, valid_namespaces=["routed_llm"], allowed_objects="all", secrets_from_env=True)
    assert read.asdict() == model.asdict()
    assert "k-secret" not in repr(model) + str(model.router) + str(model.asdict())


def test_routers_of_strings_are_pickled_and_others_say_why_not(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k-env")
    model = RoutedChatModel(["openai:gpt-5-mini", Model("sandbox:sandbox-small", name="s")], strategy="cheapest")
    raw = pickle.dumps(model)
    assert b"k-env" not in raw
    again = pickle.loads(raw)
    assert again.router.catalog.models == model.router.catalog.models
    assert again.router.policy.name == "cheapest"
    from langchain_openai import ChatOpenAI

    holding = RoutedChatModel([ChatOpenAI(model="gpt-5-mini", api_key="k")])
    with pytest.raises(ConfigurationError, match=r"ChatOpenAI.*factory"):
        pickle.dumps(holding)


def test_copies_share_the_router(model):
    copied = model.model_copy(update={"name": "x"})
    assert copied.router is model.router
    assert copy.copy(model).router is model.router
    assert copied.invoke(ASK).text == "42"


def test_a_field_configured_at_run_time(entries, server):
    model = RoutedChatModel([entries["sandbox-large"]]).configurable_fields(
        temperature=ConfigurableField(id="heat"), routing=ConfigurableField(id="routing")
    )
    model.invoke(ASK, config={"configurable": {"heat": 0.7, "routing": {"user": "u1"}}})
    assert bodies(server)[0]["temperature"] == 0.7
    assert "routing" not in bodies(server)[0]


def test_tokens_are_counted_offline(model):
    assert model.get_num_tokens("x" * 40) == 10
    messages = [SystemMessage("x" * 40), HumanMessage("y" * 40)]
    assert model.get_num_tokens_from_messages(messages) == 20
    assert model.get_num_tokens_from_messages(messages, tools=[add]) > 20


def test_one_router_behind_several_models(entries):
    router = Router([entries["sandbox-large"]])
    one, two = RoutedChatModel(router=router), RoutedChatModel(router=router, temperature=0.5)
    with router.track() as spend:
        one.invoke(ASK)
        two.invoke(ASK)
    assert spend.calls == 2


def test_generate_over_several_prompts(model):
    result = model.generate([ASK, [HumanMessage("What is 1 + 1?")]])
    assert [g[0].text for g in result.generations] == ["42", "2"]
    assert result.llm_output["token_usage"]["total_tokens"] > 0
    assert result.llm_output["model_name"] == "sandbox-large"
