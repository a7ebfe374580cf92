"""What is bound to a model counts in ``explain`` as it does at a call."""

import asyncio
import pickle

import pytest
from langchain_core.load import dumpd, load
from langchain_core.runnables import RunnableBinding
from langchain_core.tools import tool

from routed_llm import RoutedChatModel

SMALL = "sandbox:sandbox-small"


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return city


@pytest.fixture
def model():
    return RoutedChatModel("sandbox")


def written_and_read(bound):
    return load(dumpd(bound), valid_namespaces=["routed_llm"], allowed_objects="all")


@pytest.mark.filterwarnings("ignore::langchain_core._api.beta_decorator.LangChainBetaWarning")
@pytest.mark.parametrize("copied", [lambda b: b, written_and_read, lambda b: pickle.loads(pickle.dumps(b))])
def test_bound_tools_are_explained(model, copied):
    bound = copied(model.bind_tools([weather]))
    assert isinstance(bound, RunnableBinding)
    for decision in (bound.explain("hi"), asyncio.run(bound.aexplain("hi")), bound.bind(stop=["."]).explain("hi")):
        assert decision.rejected == {SMALL: "cannot call tools"}
    assert model.explain("hi").rejected == {}
    answer = bound.invoke("What is the weather in Paris? Use the tool.")
    assert answer.tool_calls[0]["args"] == {"city": "Paris"}


def test_keywords_of_the_call_win_over_bound_ones(model):
    bound = model.bind(model="sandbox:sandbox-medium", routing={"exclude": [SMALL]})
    assert bound.explain("hi").chosen.model == "sandbox:sandbox-medium"
    assert bound.explain("hi", model="sandbox:sandbox-large").chosen.model == "sandbox:sandbox-large"
    assert bound.explain("hi", model=SMALL, routing={"user": "u"}).chosen.model == SMALL


@pytest.mark.parametrize("where", ["configurable", "metadata"])
def test_hints_of_a_bound_config_are_explained(model, where):
    config = {where: {"routing": {"exclude": [SMALL]}}}
    for bound in (
        model.with_config(config),
        model.with_config(config).bind(stop=["."]),
        model.bind(stop=["."]).with_config(config),
    ):
        assert SMALL in bound.explain("hi").rejected
        assert bound.invoke("hi").response_metadata["routing"]["model"] == bound.explain("hi").chosen.model
    assert SMALL in model.explain("hi", config).rejected


def test_bound_models_are_equal_where_the_same_is_bound(model):
    assert model.bind(stop=["."]) == model.bind(stop=["."])
    assert model.bind(stop=["."]) != model.bind(stop=["!"])
