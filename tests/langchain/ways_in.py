"""Every way a call can come into a chat model: LangChain's methods, chains, agents and graphs.

``BY_CALL`` take a config and keywords, ``BY_CONFIG`` only a config, ``BY_MODEL`` make the hints a part of the runnable.
"""

from typing import Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField, RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel

from routed_llm import RoutedChatModel

__all__ = ["ASKED", "BY_CALL", "BY_CONFIG", "BY_MODEL"]

ASKED = "What is 2 plus 3?"
MESSAGES = {"messages": [("user", ASKED)]}


class Sum(BaseModel):
    """A sum."""

    result: int


class State(TypedDict):
    """Of a graph with one node."""

    answer: str


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


# methods of the model -----------------------------------------------------------------------------------------------------


def invoke(model, config, **kw):
    model.invoke(ASKED, config, **kw)


def invoke_messages(model, config, **kw):
    model.invoke([HumanMessage(ASKED)], config, **kw)


async def ainvoke(model, config, **kw):
    await model.ainvoke(ASKED, config, **kw)


async def ainvoke_messages(model, config, **kw):
    await model.ainvoke([HumanMessage(ASKED)], config, **kw)


def stream(model, config, **kw):
    list(model.stream(ASKED, config, **kw))


def stream_messages(model, config, **kw):
    list(model.stream([HumanMessage(ASKED)], config, **kw))


async def astream(model, config, **kw):
    [chunk async for chunk in model.astream(ASKED, config, **kw)]


def batch(model, config, **kw):
    model.batch([ASKED, ASKED], config, **kw)


async def abatch(model, config, **kw):
    await model.abatch([ASKED, ASKED], config, **kw)


def batch_as_completed(model, config, **kw):
    list(model.batch_as_completed([ASKED, ASKED], config, **kw))


async def abatch_as_completed(model, config, **kw):
    [item async for item in model.abatch_as_completed([ASKED, ASKED], config, **kw)]


def transform(model, config, **kw):
    list(model.transform(iter([ASKED]), config, **kw))


async def atransform(model, config, **kw):
    async def given():
        yield ASKED

    [chunk async for chunk in model.atransform(given(), config, **kw)]


def stream_events_v3(model, config, **kw):
    list(model.stream_events(ASKED, config, version="v3", **kw))


async def astream_events_v1(model, config, **kw):
    [event async for event in model.astream_events(ASKED, config, version="v1", **kw)]


async def astream_events_v2(model, config, **kw):
    [event async for event in model.astream_events(ASKED, config, version="v2", **kw)]


async def astream_events_v3(model, config, **kw):
    [event async for event in await model.astream_events(ASKED, config, version="v3", **kw)]


async def astream_log(model, config, **kw):
    [patch async for patch in model.astream_log(ASKED, config, **kw)]


def generate(model, config, **kw):
    model.generate([[HumanMessage(ASKED)]], metadata=(config or {}).get("metadata"), **kw)


async def agenerate(model, config, **kw):
    await model.agenerate([[HumanMessage(ASKED)]], metadata=(config or {}).get("metadata"), **kw)


def bound_params(model, config, **kw):
    model.bind(temperature=0.5, stop=["."]).invoke(ASKED, config, **kw)


def bound_tools(model, config, **kw):
    model.bind_tools([add]).invoke(ASKED, config, **kw)


def structured_output(model, config, **kw):
    model.with_structured_output(Sum).invoke(ASKED, config, **kw)


def with_retry(model, config, **kw):
    model.with_retry(stop_after_attempt=2).invoke(ASKED, config, **kw)


def mapped(model, config, **kw):
    model.map().invoke([ASKED, ASKED], config, **kw)


# what holds a model -------------------------------------------------------------------------------------------------------


def _chain(model):
    return ChatPromptTemplate.from_messages([("user", "{q}")]) | model | StrOutputParser()


def chain_invoke(model, config):
    _chain(model).invoke({"q": ASKED}, config)


async def chain_ainvoke(model, config):
    await _chain(model).ainvoke({"q": ASKED}, config)


def chain_stream(model, config):
    list(_chain(model).stream({"q": ASKED}, config))


async def chain_astream(model, config):
    [piece async for piece in _chain(model).astream({"q": ASKED}, config)]


def chain_batch(model, config):
    _chain(model).batch([{"q": ASKED}, {"q": ASKED}], config)


async def chain_astream_events(model, config):
    [event async for event in _chain(model).astream_events({"q": ASKED}, config, version="v2")]


def parallel(model, config):
    RunnableParallel(one=model, two=model).invoke(ASKED, config)


def ambient(model, config):
    RunnableLambda(lambda asked: model.invoke(asked)).invoke(ASKED, config)


def ambient_stream(model, config):
    RunnableLambda(lambda asked: "".join(chunk.text for chunk in model.stream(asked))).invoke(ASKED, config)


async def ambient_async(model, config):
    async def ask(asked: str) -> Any:
        return await model.ainvoke(asked)

    await RunnableLambda(ask).ainvoke(ASKED, config)


def structured_output_with_raw(model, config):
    model.with_structured_output(Sum, method="function_calling", include_raw=True).invoke(ASKED, config)


def agent(model, config):
    create_agent(model, [add], response_format=Sum).invoke(MESSAGES, config)


async def agent_async_stream(model, config):
    [part async for part in create_agent(model, [add]).astream(MESSAGES, config, stream_mode="messages")]


def _graph(model):
    graph = StateGraph(State)
    graph.add_node("ask", lambda state: {"answer": model.invoke(ASKED).text})
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return graph.compile()


def graph_node(model, config):
    _graph(model).invoke({"answer": ""}, config)


def graph_node_stream(model, config):
    list(_graph(model).stream({"answer": ""}, config, stream_mode=["messages", "updates"]))


# hints that are a part of the runnable ------------------------------------------------------------------------------------


def own(model, hints):
    RoutedChatModel(router=model.router, routing=hints).invoke(ASKED)


def bind(model, hints):
    model.bind(routing=hints).invoke(ASKED)


def bind_in_a_chain(model, hints):
    list(_chain(model.bind(routing=hints)).stream({"q": ASKED}))


def bind_tools_keyword(model, hints):
    model.bind_tools([add], routing=hints).invoke(ASKED)


def structured_output_keyword(model, hints):
    model.with_structured_output(Sum, routing=hints).invoke(ASKED)


def with_config_configurable(model, hints):
    model.with_config(configurable={"routing": hints}).invoke(ASKED)


def with_config_metadata(model, hints):
    model.with_config(metadata={"routing": hints}).invoke(ASKED)


def configurable_field(model, hints):
    model.configurable_fields(routing=ConfigurableField(id="routing")).invoke(ASKED, {"configurable": {"routing": hints}})


def configurable_field_of_another_name(model, hints):
    field = ConfigurableField(id="who")
    model.configurable_fields(routing=field).with_config(configurable={"who": hints}).invoke(ASKED)


def configurable_field_default(model, hints):
    known = RoutedChatModel(router=model.router, routing=hints)
    known.configurable_fields(routing=ConfigurableField(id="who")).invoke(ASKED)


def model_settings(model, hints):
    @wrap_model_call
    def told(request, handler):
        return handler(request.override(model_settings={**request.model_settings, "routing": hints}))

    create_agent(model, [add], middleware=[told]).invoke(MESSAGES)


BY_CALL = (
    invoke, invoke_messages, ainvoke, ainvoke_messages, stream, stream_messages, astream, batch, abatch, batch_as_completed,
    abatch_as_completed, transform, atransform, stream_events_v3, astream_events_v1, astream_events_v2, astream_events_v3,
    astream_log, bound_params, bound_tools, structured_output, with_retry, mapped, generate, agenerate,
)  # fmt: skip
BY_CONFIG = (
    chain_invoke, chain_ainvoke, chain_stream, chain_astream, chain_batch, chain_astream_events, parallel, ambient,
    ambient_stream, ambient_async, structured_output_with_raw, agent, agent_async_stream, graph_node, graph_node_stream,
)  # fmt: skip
BY_MODEL = (
    own, bind, bind_in_a_chain, bind_tools_keyword, structured_output_keyword, with_config_configurable, with_config_metadata,
    configurable_field, configurable_field_of_another_name, configurable_field_default, model_settings,
)  # fmt: skip
