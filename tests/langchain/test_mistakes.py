"""Bad input is refused early, with the path of what is wrong and what to do."""

import warnings

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

from routed_llm import Model, Policy, Price, RoutedChatModel, Router
from routed_llm.errors import (
    ConfigurationError,
    InvalidCall,
    MissingKey,
    NoEligibleModel,
    NoModels,
    UnknownHint,
    UnknownModel,
    UnknownProvider,
)


@pytest.fixture(autouse=True)
def one_key(monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "GROQ_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "k-test")


LOCAL = {"base_url": "http://127.0.0.1:9/v1"}


@pytest.mark.parametrize(
    ("build", "error", "told"),
    [
        (lambda: RoutedChatModel(["opnai:gpt-5"]), UnknownProvider, "Did you mean 'openai'"),
        (lambda: RoutedChatModel([]), NoModels, "No model to route to"),
        (lambda: RoutedChatModel(["openai:gpt-5", "openai:gpt-5"]), ConfigurationError, "two models are named 'openai:gpt-5'"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", price={"input": -1})]), ConfigurationError, "models[0].price"),
        (
            lambda: RoutedChatModel([Model("openai:gpt-5", price={"input": float("nan")})]),
            ConfigurationError,
            "models[0].price",
        ),
        (lambda: RoutedChatModel([Model("openai:gpt-5", price={"imput": 1})]), ConfigurationError, "Did you mean 'input'"),
        (lambda: RoutedChatModel({"fast": Model("openai:gpt-5", context=0)}), ConfigurationError, "models['fast'].context"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", abilities=["flying"])]), ConfigurationError, "flying"),
        (lambda: RoutedChatModel(["groq:llama-3.3-70b-versatile"]), MissingKey, "GROQ_API_KEY"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", api_key="env:NOT_SET_AT_ALL")]), MissingKey, "NOT_SET_AT_ALL"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", api_key="file:/nowhere/key")]), MissingKey, "/nowhere/key"),
        (lambda: RoutedChatModel(["openai:"]), ConfigurationError, "names no model"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", base_url="ftp://x")]), ConfigurationError, "base_url"),
        (lambda: RoutedChatModel([3]), ConfigurationError, "models[0]"),
        (lambda: RoutedChatModel(["openai:gpt-5"], strategy="cheepest"), ConfigurationError, "Did you mean 'cheapest'"),
        (lambda: RoutedChatModel(["openai:gpt-5"], routing={"usr": "u"}), UnknownHint, "Did you mean 'user'"),
        (lambda: RoutedChatModel(["openai:gpt-5"], temprature=1), ConfigurationError, "did you mean 'temperature'"),
        (lambda: RoutedChatModel(["openai:gpt-5"], timeout=-1), ConfigurationError, "timeout"),
        (lambda: RoutedChatModel(["openai:gpt-5"], timeout=0), ConfigurationError, "timeout"),
        (lambda: RoutedChatModel(["openai:gpt-5"], max_retries=1.5), ConfigurationError, "max_retries"),
        (lambda: RoutedChatModel(["openai:gpt-5"], routing="x"), UnknownHint, "dict of hints"),
        (lambda: RoutedChatModel(["openai:gpt-5"], profile="garanteed"), ConfigurationError, "profile"),
        (lambda: RoutedChatModel(["openai:gpt-5"], router=Router("sandbox")), ConfigurationError, "models"),
        (lambda: RoutedChatModel(router=Router("sandbox"), timeout=5), ConfigurationError, "timeout"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", tags=3)]), ConfigurationError, "models[0].tags"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", params="x")]), ConfigurationError, "models[0].params"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", headers=["x"])]), ConfigurationError, "models[0].headers"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", region=3)]), ConfigurationError, "models[0].region"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", weight=True)]), ConfigurationError, "models[0].weight"),
        (lambda: RoutedChatModel([Model("openai:gpt-5", credential="x")]), ConfigurationError, "credential"),
        (lambda: Policy("mine", filters=["a"]), ConfigurationError, "reject"),
        (lambda: Policy("mine", scorers={"cost": 1}), ConfigurationError, "values"),
        (lambda: RoutedChatModel(["openai:gpt-5"], max_price_ratio="x"), ConfigurationError, "max_price_ratio"),
        (lambda: RoutedChatModel(["openai:gpt-5"], max_price_ratio=0), ConfigurationError, "max_price_ratio"),
        (lambda: RoutedChatModel(["sandbox:sandbox-smal"]), ConfigurationError, "Did you mean 'sandbox-small'"),
        (lambda: Price.from_usd(input="-0.1"), ValueError, "input"),
    ],
)
def test_mistakes_at_construction(build, error, told):
    with pytest.raises(error) as caught:
        build()
    assert told in str(caught.value)
    assert "k-test" not in str(caught.value)


def test_nothing_found_names_the_variables_and_the_sandbox(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "XAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    with pytest.raises(NoModels) as caught:
        RoutedChatModel()
    assert "Set OPENAI_API_KEY, ANTHROPIC_API_KEY" in str(caught.value)
    assert 'RoutedChatModel("sandbox")' in str(caught.value)


def test_a_key_gives_a_pool_of_levels_with_auto(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    model = RoutedChatModel()
    assert len(model.router.catalog) == 3
    assert model.router.policy.name == "auto"


def test_an_unknown_model_gives_one_warning_and_goes_on():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = RoutedChatModel(["openai:gpt-5-minni"])
        RoutedChatModel(["openai:gpt-5-minni"])
    told = [str(w.message) for w in seen if "catalog" in str(w.message)]
    assert len(told) == 1
    assert "did you mean openai:gpt-5-mini" in told[0]
    deployment = model.router.catalog.deployments[0]
    assert deployment.price is None
    assert deployment.context is None


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        ({"routing": {"usr": 1}}, UnknownHint, "Did you mean 'user'"),
        ({"routing": {"max_cost": "much"}}, UnknownHint, "max_cost"),
        ({"routing": {"deadline": -1}}, UnknownHint, "deadline"),
        ({"routing": "fast"}, UnknownHint, "dict of hints"),
        ({"model": "gpt-6-mini"}, UnknownModel, "No model 'gpt-6-mini'"),
        ({"routing": {"exclude": ["openai"]}}, NoEligibleModel, "excluded by the hint"),
        ({"routing": {"exclude": ["openai:gpt5-mini"]}}, UnknownHint, "Did you mean 'openai:gpt-5-mini'"),
        ({"routing": {"prefer": "gpt-5-minni"}}, UnknownHint, "Did you mean 'gpt-5-mini'"),
        ({"routing": {"region": "mars"}}, NoEligibleModel, "no known region"),
    ],
)
def test_mistakes_at_the_call_are_told_before_anything_is_sent(call, error, told):
    model = RoutedChatModel([Model("openai:gpt-5-mini", **LOCAL)])
    with pytest.raises(error) as caught:
        model.invoke("hi", **call)
    assert told in str(caught.value)


def test_an_impossible_call_says_which_ability_is_missing_on_which_model():
    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    model = RoutedChatModel({"text-only": Model("m", abilities={"tools": False, "images": False}, **LOCAL)})
    with pytest.raises(NoEligibleModel, match="text-only cannot call tools"):
        model.bind_tools([add]).invoke("hi")
    picture = {"type": "image", "base64": "aGk=", "mime_type": "image/png"}
    with pytest.raises(NoEligibleModel, match="text-only cannot read images"):
        model.invoke([HumanMessage([picture])])
    with pytest.raises(InvalidCall, match="names 'subtract'"):
        RoutedChatModel("sandbox").bind_tools([add], tool_choice="subtract").invoke("hi")


def test_a_router_is_shared_or_refused():
    router = Router("sandbox")
    assert RoutedChatModel(router=router).router is router
    with pytest.raises(ConfigurationError, match="router"):
        RoutedChatModel(router="sandbox")
