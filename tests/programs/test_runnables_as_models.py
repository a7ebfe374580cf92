"""LangChain Runnables as deployments: what goes in, what comes out, and that what runs inside is counted once."""

from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler, get_usage_metadata_callback
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.context import tracing_v2_callback_var
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph
from pydantic import BaseModel
from ways import WAYS, ask, paid, run, said

from routed_llm import CannotAnswer, Model, RoutedChatModel, get_routing_callback, track
from routed_llm.errors import ConfigurationError

PAGES = {"lighthouse": "The lighthouse was built in 1896.", "ferry": "The ferry leaves from the northern pier."}


def pages(question: str) -> list[Document]:
    found = [Document(text, metadata={"page": name}) for name, text in PAGES.items() if name in question]
    if not found:
        raise CannotAnswer("no page of the handbook is about this")
    return found


def openai(server):
    return ChatOpenAI(model="sandbox-large", base_url=server.base_url, api_key="k" * 24, stream_usage=True, max_retries=0)


def retrieval(model):
    """As ``create_retrieval_chain`` makes it."""
    prompt = ChatPromptTemplate.from_template("Context:\n{context}\n\nQuestion: {input}")
    found = RunnableLambda(lambda given: pages(given["input"]))
    joined = RunnablePassthrough.assign(context=lambda given: "\n".join(page.page_content for page in given["context"]))
    answered = joined | prompt | model | StrOutputParser()
    return RunnablePassthrough.assign(context=found).assign(answer=answered)


@pytest.mark.parametrize("inside", ["router", "object"])
@pytest.mark.parametrize(("door", "way"), WAYS)
def test_a_retrieval_chain_answers_from_its_pages_and_is_billed_once(door, way, inside, server):
    inner = RoutedChatModel([paid(server, name="inner")]) if inside == "router" else openai(server)
    handbook = Model(
        retrieval(inner), name="handbook", input=lambda messages: {"input": messages[-1].text}, price={"input": 1, "output": 2}
    )
    with track() as spend, get_routing_callback() as seen, get_usage_metadata_callback() as used:
        answer, router = ask(door, way, [handbook, paid(server)], "When was the lighthouse built?", quiet_fallbacks=True)
    billed = server.sandbox.ledger[-1]
    assert answer.routing["model"] == "handbook"
    assert answer.text == "The lighthouse was built in 1896."
    assert answer.routing["cost_nanousd"] == billed.usage.prompt * 1_000 + billed.usage.completion * 2_000
    assert answer.tokens == billed.usage.prompt + billed.usage.completion
    assert (spend.calls, spend.total_nanousd) == (1, answer.routing["cost_nanousd"])
    assert not router.records(1)[0].attempts[-1].usage.estimated
    if door == "langchain":
        assert (seen.calls, seen.total_nanousd) == (1, answer.routing["cost_nanousd"])
        assert sum(each["total_tokens"] for each in used.usage_metadata.values()) == answer.tokens
        cited = answer.native.additional_kwargs["citations"]
        assert cited[0]["metadata"] == {"page": "lighthouse"}
    if way.endswith("stream"):
        assert len(answer.pieces) > 1

    answer, _ = ask(door, way, [handbook, paid(server)], "What is 2 + 3?", quiet_fallbacks=True)
    assert (answer.text, answer.routing["model"]) == ("5", "big")


def test_what_the_inner_router_could_not_do_is_in_the_bill_too(server):
    inner = RoutedChatModel(
        [Model("gone", base_url="http://127.0.0.1:9/v1", name="gone"), paid(server, "i")], quiet_fallbacks=True
    )
    twice = RunnableLambda(lambda messages: inner.invoke(messages).text + inner.invoke(messages).text)
    outer = RoutedChatModel([Model(twice, name="twice")])
    message = outer.invoke("What is 2 + 3?")
    assert message.text == "55"
    assert message.response_metadata["routing"]["cost_nanousd"] == sum(r.cost_nanousd for r in inner.router.records())
    assert len(inner.router.records()) == 2


def test_a_program_behind_a_router_behind_a_program_is_counted_once(server):
    deepest = RoutedChatModel([paid(server, "deepest")])
    middle = RoutedChatModel([Model(RunnableLambda(lambda messages: deepest.invoke(messages)), name="middle")])
    outer = RoutedChatModel([Model(RunnableLambda(lambda messages: middle.invoke(messages)), name="outer")])
    behind = RoutedChatModel([outer])
    with track() as spend:
        message = behind.invoke("What is 2 + 3?")
    cost = deepest.router.records()[-1].cost_nanousd
    assert message.text == "5"
    assert (spend.calls, spend.total_nanousd, message.response_metadata["routing"]["cost_nanousd"]) == (1, cost, cost)


def test_what_nobody_counts_is_estimated_at_the_declared_price(server):
    program = Model(RunnableLambda(lambda messages: "one two three"), name="p", price={"input": 1, "output": 2})
    message = RoutedChatModel([program]).invoke("hello")
    record = message.response_metadata["routing"]
    assert record["cost_nanousd"] > 0
    unpriced = RoutedChatModel([Model(RunnableLambda(lambda messages: "x"), name="p")]).invoke("hello")
    assert unpriced.response_metadata["routing"]["cost_nanousd"] is None


def test_the_callers_handlers_see_one_run_and_the_programs_own_see_theirs(server):
    class Runs(UsageMetadataCallbackHandler):
        def __init__(self):
            super().__init__()
            self.models, self.chains = 0, 0

        def on_chat_model_start(self, *args, **kwargs):
            self.models += 1

        def on_chain_start(self, *args, **kwargs):
            self.chains += 1

    mine, its = Runs(), Runs()
    chain = (ChatPromptTemplate.from_template("{q}") | openai(server)).with_config(callbacks=[its])
    model = RoutedChatModel([Model(chain, name="chain")])
    whole = RunnableLambda(lambda text: text) | model
    for way in ("whole", "stream", "awhole", "astream"):
        mine.__init__(), its.__init__()
        answer = said_by(whole, way, "What is 2 + 3?", {"callbacks": [mine]})
        assert (mine.models, its.models) == (1, 1)
        assert its.chains >= 1
        assert sum(u["total_tokens"] for u in mine.usage_metadata.values()) == answer.usage_metadata["total_tokens"]


@pytest.mark.parametrize("way", ["whole", "stream", "awhole", "astream"])
def test_a_tracer_sees_one_run_too(way, server):
    class Runs(BaseTracer):
        def _persist_run(self, run):
            seen.append((run.run_type, len(run.child_runs)))

    seen = []
    chain = ChatPromptTemplate.from_template("{q}") | openai(server)
    model = RoutedChatModel([Model(chain, name="chain")])
    before = tracing_v2_callback_var.set(Runs())
    try:
        assert said(model, way, "What is 2 + 3?").text == "5"
    finally:
        tracing_v2_callback_var.reset(before)
    assert [(kind in ("llm", "chat_model"), below) for kind, below in seen] == [(True, 0)]


def said_by(runnable, way, value, config):
    if way == "whole":
        return runnable.invoke(value, config)
    if way == "awhole":
        return run(runnable.ainvoke(value, config))
    pieces = list(runnable.stream(value, config)) if way == "stream" else run(_all(runnable.astream(value, config)))
    return sum(pieces[1:], pieces[0])


async def _all(stream):
    return [piece async for piece in stream]


ECHO = RunnableLambda(lambda value: str(value))


@pytest.mark.parametrize(
    ("make", "got"),
    [
        (lambda model: ChatPromptTemplate.from_template("{topic}") | model, "Human: last"),
        (
            lambda model: ChatPromptTemplate.from_messages([MessagesPlaceholder("messages")]) | model,
            "Human: first\nAI: ok\nHuman: last",
        ),
        (
            lambda model: (
                ChatPromptTemplate.from_messages([MessagesPlaceholder("chat_history"), ("human", "Q {question}")]) | model
            ),
            "Human: first\nAI: ok\nHuman: Q last",
        ),
        (lambda model: model, "Human: first\nAI: ok\nHuman: last"),
    ],
    ids=["one key", "conversation", "history and question", "messages"],
)
def test_the_input_follows_from_the_schema(make, got):
    seen = RunnableLambda(lambda prompt: prompt.to_string() if hasattr(prompt, "to_string") else _lines(prompt))
    model = RoutedChatModel([Model(make(seen), name="chain")])
    assert model.invoke([HumanMessage("first"), AIMessage("ok"), HumanMessage("last")]).text == got


def _lines(messages):
    return "\n".join(f"{'AI' if m.type == 'ai' else 'Human'}: {m.text}" for m in messages)


def test_a_chain_that_takes_a_text_gets_the_last_of_the_user():
    def shout(text: str) -> str:
        return text.upper()

    model = RoutedChatModel([Model(RunnableLambda(shout), name="chain")])
    assert model.invoke([HumanMessage("first"), AIMessage("ok"), HumanMessage("last")]).text == "LAST"


@pytest.mark.parametrize("way", ["whole", "stream", "awhole", "astream"])
def test_a_retriever_answers_with_what_it_finds(way, server):
    class Store(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [Document(text, metadata={"page": name}) for name, text in PAGES.items() if name in query]

    model = RoutedChatModel([Model(Store(), name="store"), paid(server)], quiet_fallbacks=True)
    answer = said(model, way, "From where does the ferry leave?")
    assert (answer.text, answer.routing["model"]) == (PAGES["ferry"], "store")
    assert answer.native.additional_kwargs["citations"][0]["metadata"] == {"page": "ferry"}
    assert said(model, way, "What is 2 + 3?").routing["model"] == "big"


def test_a_chain_that_declares_typed_answers_gives_them_and_a_wrong_one_goes_to_the_next(server):
    class City(BaseModel):
        name: str
        country: str

    for said_in_json, answered in (('{"name": "Vardo", "country": "Norway"}', "json"), ('{"name": "Vardo"}', "typed")):
        fake = GenericFakeChatModel(messages=iter([AIMessage(said_in_json)]))
        chain = ChatPromptTemplate.from_template("{q}") | fake | StrOutputParser()
        typed = Model(lambda messages: '{"name": "Bergen", "country": "Norway"}', name="typed", abilities=["structured_output"])
        model = RoutedChatModel([Model(chain, name="json", abilities=["structured_output"]), typed], quiet_fallbacks=True)
        told = model.with_structured_output(City, include_raw=True).invoke("Where is Vardo?")
        assert isinstance(told["parsed"], City)
        assert told["raw"].response_metadata["routing"]["model"] == answered


def test_a_function_at_the_beginning_of_a_chain_gets_the_parameters_that_it_names():
    def begin(messages, temperature=None):
        return f"at {temperature}"

    model = RoutedChatModel([Model(RunnableLambda(begin) | ECHO, name="chain")], temperature=0.25, max_tokens=50)
    for way in ("whole", "stream", "awhole", "astream"):
        assert said(model, way, "x").text == "at 0.25"
    losses = model.router.records(1)[0].decision.losses
    assert [loss for loss in losses if "max_tokens" in loss]
    assert not [loss for loss in losses if "temperature" in loss]


def test_an_input_of_which_nobody_knows_the_question_is_refused():
    chain = ChatPromptTemplate.from_template("{language}: {style}") | ECHO
    with pytest.raises(ConfigurationError, match=r"language, style.*input="):
        RoutedChatModel([Model(chain, name="chain")]).router  # noqa: B018  # made when it is first asked for
    given = Model(chain, name="chain", input=lambda messages: {"language": "de", "style": messages[-1].text})
    assert "de: short" in RoutedChatModel([given]).invoke("short").text


@pytest.mark.parametrize("way", ["whole", "stream", "awhole", "astream"])
def test_graphs_and_json_parsers_answer_whole(way):
    def talk(state: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage(f"you said {state['messages'][-1].text}")]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    graph.add_edge("talk", END)
    model = RoutedChatModel([Model(graph.compile(), name="graph")])
    assert said(model, way, "hello").text == "you said hello"
    fake = GenericFakeChatModel(messages=iter([AIMessage('{"answer": "built in 1896", "sure": true}')] * 4))
    model = RoutedChatModel([Model(ChatPromptTemplate.from_template("{q}") | fake | JsonOutputParser(), name="json")])
    assert said(model, way, "hello").text == "built in 1896"


def test_an_async_step_makes_the_chain_async_only(server):
    async def step(messages):
        return "from async code"

    model = RoutedChatModel([Model(RunnableLambda(step) | ECHO, name="chain"), paid(server)])
    assert said(model, "whole", "What is 2 + 3?").routing["model"] == "big"
    assert said(model, "awhole", "What is 2 + 3?").text == "from async code"


def test_chat_models_with_things_around_them_stay_chat_models(server):
    bound = openai(server).bind(temperature=0).with_config(tags=["x"])
    deployment = RoutedChatModel([Model(bound, name="bound")]).router.catalog.deployments[0]
    assert deployment.provider != "program"
    with pytest.raises(ConfigurationError):  # an order of models, which belongs into the list as it is
        RoutedChatModel([Model(openai(server).with_fallbacks([openai(server)]), name="both")]).router  # noqa: B018
