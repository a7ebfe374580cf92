"""``by_stage``: a model, or a way to choose one, for each stage of a LangGraph agent, a chain, an engine or a workflow."""

import asyncio
from typing import Any

import pytest
from kit import DOORS, Pool, ask, fails_when_ordered
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, MessagesState, StateGraph
from llama_index.core import Document, Settings, SummaryIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step

from routed_llm import RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import ConfigurationError
from routed_llm.policy.strategies import by_stage, cheapest

POOL = {
    "other": {"price": {"input": 5, "output": 5}},
    "cheap": {"price": {"input": 1, "output": 1}},
    "strong": {"price": {"input": 9, "output": 9}},
}
PLAN = by_stage({"plan": "strong", "write": "cheap", "check": {"strategy": "cheapest"}})


@pytest.fixture(scope="module")
def served():
    with Pool(POOL) as pool:
        yield pool


@pytest.fixture
def pool(served, monkeypatch):
    monkeypatch.setenv("POOL_KEY", "any")
    served.server.sandbox.heal()
    served.server.sandbox.requests.clear()
    return served


def goes_by_the_stage(strategy, pool, door):
    router = pool.router(strategy)
    found = [ask(door, router, routing=stage and {"stage": stage}).model for stage in ("plan", "write", "check", None)]
    assert found == ["strong", "cheap", "cheap", "other"]


@pytest.mark.parametrize("door", DOORS)
def test_a_stage_that_the_caller_names(pool, door):
    goes_by_the_stage(PLAN, pool, door)
    fails_when_ordered(goes_by_the_stage, pool, door)
    table = '[strategy]\nstrategy = "by_stage"\n[strategy.models]\nplan = "strong"\nwrite = "cheap"\n'
    table += 'check = { strategy = "cheapest" }\n'
    goes_by_the_stage(Router.from_config(pool.file(table)).policy, pool, door)


def test_policies_for_stages_and_for_the_rest(pool):
    model = RoutedChatModel(
        router=pool.router(by_stage({"plan": ["cheapest"], "write": "strong"}, default={"strategy": "cheapest"}))
    )
    stages = ("plan", "write", "else", None)
    found = [model.explain("Hi", routing=stage and {"stage": stage}).chosen.model for stage in stages]
    assert found == ["cheap", "strong", "cheap", "cheap"]
    model = RoutedChatModel(router=pool.router(by_stage({"plan": cheapest()}, default="strong")))
    assert [model.explain("Hi", routing=s and {"stage": s}).chosen.model for s in ("plan", None)] == ["cheap", "strong"]
    with pytest.raises(ConfigurationError, match=r"models\.plan\.first\[0\]: unknown strategy 'cheapst'"):
        by_stage({"plan": {"first": ["cheapst", "ordered"]}})


# LangGraph -----------------------------------------------------------------------------------------------------------------


def graph(model, config: bool, asynchronous: bool = False):
    """A graph whose nodes call one model; a node may hand its config on or leave it to the context."""

    def node(state: MessagesState, config_: Any = None):
        return {"messages": [model.invoke([HumanMessage("Hello")])]}

    async def anode(state: MessagesState):
        return {"messages": [await model.ainvoke([HumanMessage("Hello")])]}

    def streamed(state: MessagesState):
        chunks = list(model.stream([HumanMessage("Hello")]))
        return {"messages": [sum(chunks[1:], chunks[0])]}

    made = StateGraph(MessagesState)
    names = ("plan", "write", "review")
    for name, last in zip(names, (START, *names), strict=False):
        made.add_node(name, anode if asynchronous else streamed if name == "write" else node)
        made.add_edge(last, name)
    made.add_edge("review", END)
    return made.compile()


def who(messages):
    return [m.response_metadata["routing"]["model"] for m in messages if m.type == "ai"]


class Listens:
    """Something that listens, so that calls take LangChain's long way."""

    def __new__(cls):
        from langchain_core.callbacks import BaseCallbackHandler

        return BaseCallbackHandler()


@pytest.mark.parametrize("callbacks", [None, [Listens()]], ids=["quiet", "observed"])
def test_the_nodes_of_a_graph_are_stages(pool, callbacks):
    model = RoutedChatModel(router=pool.router(PLAN))
    config = {"callbacks": callbacks}
    assert who(graph(model, False).invoke({"messages": []}, config)["messages"]) == ["strong", "cheap", "other"]
    found = asyncio.run(graph(model, False, asynchronous=True).ainvoke({"messages": []}, config))
    assert who(found["messages"]) == ["strong", "cheap", "other"]


@pytest.mark.parametrize("callbacks", [None, [Listens()]], ids=["quiet", "observed"])
def test_metadata_of_a_config_tell_the_same(pool, callbacks):
    model = RoutedChatModel(router=pool.router(PLAN))
    config = {"metadata": {"langgraph_node": "plan"}, "callbacks": callbacks}
    assert who([model.invoke("Hello", config)]) == ["strong"]
    chain = RunnableLambda(lambda text: f"{text}!") | model
    assert who([chain.invoke("Hello", config)]) == ["strong"]
    assert who(model.batch(["Hello", "Hi"], config)) == ["strong", "strong"]
    assert who(asyncio.run(model.abatch(["Hello", "Hi"], config))) == ["strong", "strong"]
    assert who([sum_of(model.stream("Hello", config))]) == ["strong"]
    told = model.invoke("Hello", config, routing={"stage": "write"})
    assert who([told]) == ["cheap"]  # the caller's word wins


def sum_of(chunks):
    first, *others = chunks
    for chunk in others:
        first = first + chunk
    first.type = "ai"
    return first


def test_an_agent_is_known_by_its_name(pool):
    model = RoutedChatModel(router=pool.router(by_stage({"researcher": "strong", "writer": "cheap"})))
    for name, expected in (("researcher", "strong"), ("writer", "cheap"), (None, "other")):
        agent = create_agent(model, tools=[], name=name)
        assert who(agent.invoke({"messages": [HumanMessage("Hello")]})["messages"]) == [expected]


def test_node_agent_and_thread_are_facts(pool):
    router = pool.router({"when": {"thread_id": "t1"}, "then": "cheapest"})
    agent = create_agent(RoutedChatModel(router=router), tools=[], name="researcher")
    config = {"configurable": {"thread_id": "t1"}}
    [_, answer] = agent.invoke({"messages": [HumanMessage("Hello")]}, config)["messages"]
    assert answer.response_metadata["routing"]["model"] == "cheap"
    facts = router.decision(answer.response_metadata["routing"]["decision_id"]).ask.facts
    doors = {name: value for name, value in facts.items() if not name.startswith("answer_")}
    assert doors == {"node": "model", "agent": "researcher", "stage": "researcher", "thread_id": "t1"}


# LlamaIndex ----------------------------------------------------------------------------------------------------------------


def asked(router):
    return [record.answered_by.model for record in router.records()]


def test_the_steps_of_an_engine_are_stages(pool, monkeypatch):
    router = pool.router(by_stage({"question_answering": "cheap", "refine": "strong"}))
    monkeypatch.setattr(Settings, "_embed_model", None)
    index = SummaryIndex.from_documents([Document(text="The mill is old."), Document(text="The mill is red.")])
    index.as_query_engine(llm=RoutedLLM(router=router), response_mode="refine").query("What is the mill like?")
    assert asked(router) == ["cheap", "strong"]


class Work(Workflow):
    """A step that calls a model; its name is the stage."""

    @step
    async def plan(self, event: StartEvent) -> StopEvent:
        """Ask."""
        return StopEvent(result=await event.llm.achat([ChatMessage(content="Hello")]))


def test_the_steps_and_agents_of_workflows_are_stages(pool):
    router = pool.router(by_stage({"plan": "strong", "writer": "cheap"}))
    llm = RoutedLLM(router=router)

    def nothing() -> str:
        """Do nothing."""
        return ""

    async def run():
        await Work().run(llm=llm)
        for name in ("writer", None):
            named = {"name": name} if name else {}
            agent = FunctionAgent(llm=llm, tools=[nothing], description="writes", **named)
            await agent.run("Hello")
        team = AgentWorkflow(agents=[FunctionAgent(name="writer", description="writes", llm=llm, tools=[nothing])])
        await team.run("Hello")

    asyncio.run(run())
    assert asked(router) == ["strong", "cheap", "other", "cheap"]
    facts = [record.decision.ask.facts for record in router.records()]
    assert facts[0] == {"node": "plan", "stage": "plan"}
    assert facts[1] == {"node": "run_agent_step", "agent": "writer", "stage": "writer"}
    assert facts[2] == {"node": "run_agent_step"}
