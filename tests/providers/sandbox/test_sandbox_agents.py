"""Agents in both ways, tool calls and plain text, with handoffs: what to call is computed, and they come to an end."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from corpora import Corpus, WordEmbedding
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import QueryEngineTool
from plain_llm import PlainLLM
from pydantic import BaseModel

from routed_llm.providers.sandbox import SandboxModel
from routed_llm.providers.sandbox.models import ABILITIES
from routed_llm.testing import Sandbox, SandboxServer

KINDS: list[Any] = [FunctionAgent, ReActAgent]
TOWNS = ["Oslo", "Paris", "Nairobi", "Lima", "Hanoi"]


@pytest.fixture(scope="module")
def llm() -> Iterator[PlainLLM]:
    models = [
        SandboxModel("perfect", abilities=ABILITIES),
        SandboxModel("weak", abilities=ABILITIES, skill=0.5),
        SandboxModel("toolless"),
    ]
    with SandboxServer(Sandbox(models, speed=0)) as started:
        yield PlainLLM(started, "perfect")


def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


def multiply(first: int, second: int) -> int:
    """Multiply two numbers."""
    return first * second


def get_weather(city: str) -> str:
    """Gives the weather of a city."""
    return f"{city} has {len(city)} degrees"


def called(answer: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(call.tool_name, call.tool_kwargs) for call in answer.tool_calls]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("streaming", [True, False])
async def test_agents_call_the_tool_that_fits_and_say_what_it_gave(llm: PlainLLM, kind: Any, streaming: bool) -> None:
    chance = Random(51)
    for _ in range(4):
        agent = kind(llm=llm, tools=[add, multiply, get_weather], streaming=streaming)
        one, other, town = chance.randint(2, 999), chance.randint(2, 999), chance.choice(TOWNS)
        found = await agent.run(f"What is {one} times {other}?")
        assert called(found) == [("multiply", {"first": one, "second": other})]
        assert str(one * other) in str(found)
        found = await agent.run(f"What is {one} plus {other}, and what is the weather in {town}?")
        assert called(found) == [("add", {"first": one, "second": other}), ("get_weather", {"city": town})]
        assert str(one + other) in str(found)
        assert f"{town} has" in str(found)


@pytest.mark.parametrize("kind", KINDS)
async def test_agents_end_without_a_tool_that_fits(llm: PlainLLM, kind: Any) -> None:
    found = await kind(llm=llm, tools=[get_weather]).run("Tell me a joke.")
    assert called(found) == []
    assert "simulated" in str(found)


async def test_one_call_after_the_other_where_several_are_not_allowed(llm: PlainLLM) -> None:
    agent = FunctionAgent(llm=llm, tools=[add, get_weather], allow_parallel_tool_calls=False)
    found = await agent.run("What is 19 plus 4, and what is the weather in Lima?")
    assert [name for name, _ in called(found)] == ["add", "get_weather"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [9, 4_096])
async def test_agents_look_up_in_documents_what_they_do_not_know(llm: PlainLLM, kind: Any, seed: int) -> None:
    corpus = Corpus(seed)
    engine = VectorStoreIndex.from_documents(corpus.documents, embed_model=WordEmbedding()).as_query_engine(llm=llm)
    tool = QueryEngineTool.from_defaults(engine, name="firms", description="Knows the firms of the region.")
    for asked in corpus.firms[1].questions():
        found = await kind(llm=llm, tools=[tool]).run(asked.question)
        assert called(found) == [("firms", {"input": asked.question})]
        assert asked.check(found)


def team(kind: Any, llm: PlainLLM, root: str, **more: Any) -> AgentWorkflow:
    weather = kind(
        name="WeatherAgent", description="Tells the weather of a city.", tools=[get_weather], llm=llm, system_prompt="Weather."
    )
    sums = kind(
        name="MathAgent", description="Adds and multiplies numbers.", tools=[add, multiply], llm=llm, system_prompt="Sums."
    )
    return AgentWorkflow(agents=[weather, sums], root_agent=root, **more)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [{}, {"initial_state": {"notes": []}}])
async def test_the_talk_is_handed_to_the_agent_that_fits(llm: PlainLLM, kind: Any, more: dict[str, Any]) -> None:
    found = await team(kind, llm, "MathAgent", **more).run("What is the weather in Hanoi?")
    assert [name for name, _ in called(found)] == ["handoff", "get_weather"]
    assert called(found)[0][1]["to_agent"] == "WeatherAgent"
    assert "Hanoi has 5 degrees" in str(found)
    assert found.current_agent_name == "WeatherAgent"
    kept = await team(kind, llm, "MathAgent", **more).run("What is 31 plus 11?")
    assert [name for name, _ in called(kept)] == ["add"]
    assert "42" in str(kept)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_left_goes_on_to_the_next_agent(llm: PlainLLM, kind: Any) -> None:
    found = await team(kind, llm, "MathAgent").run("What is 31 plus 12? Then tell me the weather in Oslo.")
    assert [name for name, _ in called(found)] == ["add", "handoff", "get_weather"]
    assert "43" in str(found)
    assert "Oslo has 4 degrees" in str(found)


async def test_a_weak_model_errs_more_in_its_calls(llm: PlainLLM) -> None:
    async def rights(model: str) -> int:
        right = 0
        for number in range(20):
            for kind in KINDS:
                agent = kind(llm=PlainLLM(llm.server, model), tools=[add, multiply])
                right += f" {number * 7 + 30}" in f" {await agent.run(f'What is {number * 7} plus 30?')}"
        return right

    assert await rights("weak") < await rights("perfect") == 40


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.mark.parametrize("model", ["perfect", "toolless"])
def test_typed_answers_by_a_tool_and_by_a_schema_in_the_prompt(llm: PlainLLM, model: str) -> None:
    chance = Random(8)
    template = PromptTemplate("Extract the person of this note.\n{note}")
    typed = PlainLLM(llm.server, model, tools=model != "toolless")
    for _ in range(4):
        name, age = f"{chance.choice(['Ada', 'Ben', 'Cleo'])} {chance.choice(['Marlow', 'Nilsen'])}", chance.randint(2, 99)
        wanted = Person(name=name, age=age)
        assert typed.structured_predict(Person, template, note=f"{name} is {age} years old.") == wanted
        assert typed.as_structured_llm(Person).complete(f"{name} is {age} years old.").raw == wanted


@pytest.mark.parametrize("kind", KINDS)
async def test_an_agents_last_word_is_typed(llm: PlainLLM, kind: Any) -> None:
    class Result(BaseModel):
        """A number."""

        result: int

    found = await kind(llm=llm, tools=[add], output_cls=Result).run("What is 55 plus 6?")
    assert found.structured_response == {"result": 61}
