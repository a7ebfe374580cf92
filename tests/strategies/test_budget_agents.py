"""Agents under a budget: they degrade, and then stop with ``BudgetSpent``."""

import pytest
from kit import Pool
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool

from routed_llm import RoutedChatModel, RoutedEmbedding, RoutedEmbeddings, RoutedLLM, Router
from routed_llm.errors import BudgetSpent
from routed_llm.state.budgets import Budget

POOL = {
    "strong": {"price": {"input": 0, "output": 0, "request": 0.10}},
    "cheap": {"price": {"input": 0, "output": 0, "request": 0.01}},
}
ASKED = "What is the weather in Paris?"


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as served:
        yield served


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


def check(router, budget):
    models = [record.answered_by.model for record in router.records() if record.answered_by]
    assert models == ["strong"] * 3 + ["cheap"] * 10  # half of 0.40 at the strong one, and the rest makes ten cheap ones
    assert budget.spent_usd == 0.40
    assert budget.standing.held == (0, 0, 0)


def test_a_langgraph_agent_degrades_and_stops(pool):
    router = pool.router("budget")
    agent = create_agent(RoutedChatModel(router=router), [weather])
    with router.budget(usd=0.40) as budget, pytest.raises(BudgetSpent, match="Nothing was sent"):
        for _ in range(50):
            state = agent.invoke({"messages": [("user", ASKED)]})
            assert any(isinstance(message, AIMessage) for message in state["messages"])
    check(router, budget)


async def test_a_langgraph_agent_in_async_code_by_its_thread(pool):
    router = pool.router("budget", budgets=[Budget(usd=0.05, scope="session")])
    agent = create_agent(RoutedChatModel(router=router), [weather], checkpointer=InMemorySaver())
    for thread in ("t1", "t2"):
        with pytest.raises(BudgetSpent, match=f"session '{thread}'"):
            for _ in range(9):
                await agent.ainvoke({"messages": [("user", ASKED)]}, {"configurable": {"thread_id": thread}})
    assert [(standing.of, standing.spent[0]) for standing in router.budgets()] == [
        ("session 't1'", 50_000_000),
        ("session 't2'", 50_000_000),
    ]


async def test_a_llama_index_agent_degrades_and_stops(pool):
    router = pool.router("budget")
    agent = FunctionAgent(tools=[FunctionTool.from_defaults(weather.func, name="weather")], llm=RoutedLLM(router=router))
    async with router.budget(usd=0.40) as budget:
        with pytest.raises(BudgetSpent, match="Nothing was sent"):
            for _ in range(50):
                await agent.run(ASKED)
    check(router, budget)


def test_texts_that_are_embedded_count_too():
    router = Router("sandbox:sandbox-embedding", purpose="embeddings")
    for door in (
        lambda: RoutedEmbeddings(router=router).embed_query("a text"),
        lambda: RoutedEmbedding(router=router).get_text_embedding("a text"),
    ):
        with router.budget(calls=1) as budget:
            door()
            with pytest.raises(BudgetSpent):
                door()
        assert budget.calls == 1
