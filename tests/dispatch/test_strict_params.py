"""`strict_params`: a model that would lose a parameter is not asked, by hint, by door, by router and by file."""

import json

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import ConfigurationError, InvalidCall, NoEligibleModel


def pool():
    names = ("openai:gpt-5-mini", "groq:openai/gpt-oss-20b", "anthropic:claude-haiku-4-5", "gemini:gemini-3.5-flash-lite")
    return [Model(name, api_key="k", retires=False) for name in names]


def order(decision):
    return [deployment.provider for deployment in decision.order]


CASES = [
    ({"temperature": 0.2}, ["groq", "anthropic", "gemini"]),
    ({"seed": 7}, ["openai", "groq", "gemini"]),
    ({"top_k": 4}, ["anthropic", "gemini"]),
    ({"n": 2}, ["openai", "gemini"]),
    ({"n": 1}, ["openai", "groq", "anthropic", "gemini"]),
    ({"stop": ["END"], "max_tokens": 50}, ["openai", "groq", "anthropic", "gemini"]),
    ({"reasoning": "minimal"}, ["openai", "anthropic", "gemini"]),
]


@pytest.mark.parametrize(("params", "left"), CASES, ids=str)
def test_whoever_would_lose_a_parameter_is_not_eligible(params, left):
    model = RoutedChatModel(pool())
    assert order(model.explain("Hello?", **params)) == ["openai", "groq", "anthropic", "gemini"]
    assert order(model.explain("Hello?", **params, routing={"strict_params": True})) == left
    assert order(RoutedChatModel(pool(), strict_params=True).explain("Hello?", **params)) == left
    assert order(RoutedLLM(pool(), strict_params=True).explain("Hello?", **params)) == left


def test_the_reason_names_parameter_and_model():
    with pytest.raises(NoEligibleModel, match="claude-haiku-4-5 does not take seed: left out") as refused:
        RoutedChatModel([pool()[2]], strict_params=True).invoke("Hello?", seed=7)
    assert isinstance(refused.value, InvalidCall)
    assert set(refused.value.rejected) == {"anthropic:claude-haiku-4-5"}


def test_a_call_may_be_less_strict_than_its_router():
    router = Router(pool(), strict_params=True)
    model = RoutedChatModel(router=router)
    assert order(model.explain("Hello?", seed=7)) == ["openai", "groq", "gemini"]
    assert "anthropic" in order(model.explain("Hello?", seed=7, routing={"strict_params": False}))
    assert len(order(model.explain("Hello?"))) == 4


def test_a_file_may_say_so(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    text = 'strict_params = true\nmodels = ["anthropic:claude-haiku-4-5", "openai:gpt-5-mini"]\n[defaults]\nretires = false\n'
    assert order(RoutedChatModel.from_config(text).explain("Hello?", seed=7)) == ["openai"]


def test_the_models_own_parameters_are_whoevers_who_wrote_them():
    own = Model("anthropic:claude-haiku-4-5", api_key="k", params={"seed": 7})
    assert order(RoutedChatModel([own], strict_params=True).explain("Hello?")) == ["anthropic"]


def test_calls_one_after_the_other_are_a_parameter_too():
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    model = RoutedChatModel([Model("openai:o4-mini", api_key="k", retires=False), *pool()[:1]], strict_params=True)
    assert len(model.explain("Hello?", tools=[tool]).order) == 2
    left = model.explain("Hello?", tools=[tool], parallel_tool_calls=False)
    assert [d.served_model for d in left.order] == ["gpt-5-mini"]


def test_an_object_is_asked_what_its_methods_take():
    class Plain(GenericFakeChatModel):
        def _generate(self, messages, stop=None, run_manager=None):
            return super()._generate(messages, stop, run_manager)

    object_ = Plain(messages=iter([AIMessage("Hi")]))
    model = RoutedChatModel({"plain": object_, "groq": pool()[1]}, strict_params=True)
    assert [d.id for d in model.explain("Hello?", seed=7).order] == ["groq"]
    assert [d.id for d in model.explain("Hello?", stop=["END"]).order] == ["plain", "groq"]


def test_a_stored_decision_is_made_again():
    model = RoutedChatModel(pool(), strict_params=True)
    decision = model.explain("Hello?", seed=7)
    stored = json.loads(json.dumps(decision.stored()))
    assert decision.rejected["anthropic:claude-haiku-4-5"].startswith("would lose a parameter: ")
    assert model.router.replay(stored).same
    free = model.router.what_if(decision, hints={"strict_params": False})
    assert "anthropic" in order(free)


def test_another_word_is_refused():
    with pytest.raises(ConfigurationError, match="strict_params: must be True or False"):
        RoutedChatModel(pool(), strict_params="yes")
