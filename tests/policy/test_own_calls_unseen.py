"""What the router asks for itself is never seen as an answer: in no stream, no event and no callback of either framework."""

import asyncio
from typing import Any

import pytest
from books import OldEvents, Spans, listening
from labelling import TOLD, Labeller
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.embeddings import Embeddings
from langchain_core.language_models.fake_chat_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from llama_index.core import Settings
from llama_index.core.agent.workflow import AgentStream, AgentWorkflow, FunctionAgent
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage, CompletionResponse, LLMMetadata
from llama_index.core.callbacks import CallbackManager
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import CustomLLM, MockLLM
from llama_index.core.llms.callbacks import llm_completion_callback
from own_pools import LARGE, MEDIUM, entries_of
from pydantic import Field

from routed_llm import Model, Policy, RoutedChatModel, RoutedLLM, Router
from routed_llm.policy.features.asked import AskModel
from routed_llm.policy.features.examples import Examples, Task
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.policy.selectors.best import Best
from routed_llm.testing import Sandbox, SandboxServer

ASKED = "What is 2 plus 3? Use the tool."
TASKS = [Task("translation", ["what is plus"]), Task("shipping", ["where is my parcel"])]
MARK = "translation"


class Labels(CustomLLM):
    """A LlamaIndex LLM that labels."""

    @property
    def metadata(self):
        return LLMMetadata(model_name="labels")

    @llm_completion_callback()
    def complete(self, prompt, formatted=False, **kwargs):
        return CompletionResponse(text=TOLD)

    @llm_completion_callback()
    def stream_complete(self, prompt, formatted=False, **kwargs):
        yield CompletionResponse(text=TOLD, delta=TOLD)


class Vectors(Embeddings):
    def embed_documents(self, texts):
        return [[float("plus" in text), float("parcel" in text), 0.1] for text in texts]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


class Indexed(BaseEmbedding):
    def _get_text_embedding(self, text):
        return Vectors().embed_query(text)

    def _get_query_embedding(self, query):
        return Vectors().embed_query(query)

    async def _aget_query_embedding(self, query):
        return Vectors().embed_query(query)


def chat_openai(labeller):
    return ChatOpenAI(model="labeller", base_url=labeller.url, api_key="any", default_headers={"Connection": "close"})


MODELS = {
    "own adapter": lambda labeller: Model("openai:labeller", base_url=labeller.url, api_key="any", name="labeller"),
    "ChatOpenAI": lambda labeller: Model(chat_openai(labeller), name="labeller"),
    "a fake of LangChain": lambda labeller: Model(FakeListChatModel(responses=[TOLD]), name="labeller"),
    "one that streams": lambda labeller: Model(GenericFakeChatModel(messages=_forever()), name="labeller"),
    "a LlamaIndex LLM": lambda labeller: Model(Labels(), name="labeller"),
    "MockLLM": lambda labeller: Model(MockLLM(), name="labeller"),
    "a router": lambda labeller: Model(
        RoutedChatModel([Model("openai:labeller", base_url=labeller.url, api_key="any")]), name="labeller"
    ),
    "a router of LlamaIndex": lambda labeller: Model(
        RoutedLLM([Model("openai:labeller", base_url=labeller.url, api_key="any")]), name="labeller"
    ),
}
EMBEDDERS = {"Embeddings": Vectors, "BaseEmbedding": Indexed}


def _forever():
    while True:
        yield AIMessage(TOLD)


@pytest.fixture(scope="module")
def labeller():
    made = Labeller()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


@pytest.fixture(params=[*MODELS, *EMBEDDERS])
def router(request, server, labeller):
    """Two models that answer, and somebody who is asked about each call."""
    entries = entries_of(server)
    models: list[Any] = [entries[MEDIUM], entries[LARGE]]
    if request.param in MODELS:
        models.append(MODELS[request.param](labeller))
        feature: Any = AskModel("labeller", facts=["task"], seconds=20)
    else:
        feature = Examples(TASKS, embeddings=EMBEDDERS[request.param](), unknown=0.0, seconds=20)
    policy = Policy("mine", scorers={ByFact("task", {"none": "sandbox:sandbox-large"}): 1.0}, selector=Best("named for it"))
    return Router(models, policy, features=[feature], quiet_fallbacks=True)


def calls_of(router):
    """How many calls there were; somebody was asked about the first at least."""
    records = router.records(1000)
    assert records[0].own_calls
    assert all(own.error is None for record in records for own in record.own_calls)
    return len(records)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


# langchain ----------------------------------------------------------------------------------------------------------------


class Heard(BaseCallbackHandler):
    """Counts, and keeps all that was said."""

    def __init__(self):
        self.starts, self.ends, self.said = 0, 0, []

    def on_chat_model_start(self, *args, **kwargs):
        self.starts += 1

    def on_llm_start(self, *args, **kwargs):
        self.starts += 100

    def on_llm_new_token(self, token, **kwargs):
        self.said.append(str(token))

    def on_llm_end(self, response, **kwargs):
        self.ends += 1
        self.said.append(response.generations[0][0].text)


async def _all(chunks):
    return [chunk async for chunk in chunks]


SINGLE = {
    "invoke": lambda model, config: [model.invoke(ASKED, config)],
    "stream": lambda model, config: list(model.stream(ASKED, config)),
    "ainvoke": lambda model, config: [asyncio.run(model.ainvoke(ASKED, config))],
    "astream": lambda model, config: asyncio.run(_all(model.astream(ASKED, config))),
}


@pytest.mark.parametrize("call", SINGLE.values(), ids=SINGLE)
def test_callbacks(router, call):
    heard = Heard()
    with get_usage_metadata_callback() as usage:
        told = call(RoutedChatModel(router=router), {"callbacks": [heard]})
    assert calls_of(router) == heard.starts == heard.ends == 1
    assert MARK not in "".join(heard.said)
    assert MARK not in "".join(str(each.content) for each in told)
    assert set(usage.usage_metadata) == {MEDIUM}


def test_events_v2(router):
    events = asyncio.run(_all(RoutedChatModel(router=router).astream_events(ASKED, version="v2")))
    assert calls_of(router) == 1
    names = [event["event"] for event in events]
    assert names.count("on_chat_model_start") == names.count("on_chat_model_end") == 1
    assert len({event["run_id"] for event in events}) == 1
    said = [str(e["data"]["chunk"].content) for e in events if e["event"] == "on_chat_model_stream"]
    assert said
    assert MARK not in "".join(said)


def _messages(agent):
    return list(agent.stream({"messages": [("user", ASKED)]}, stream_mode="messages"))


def _amessages(agent):
    return asyncio.run(_all(agent.astream({"messages": [("user", ASKED)]}, stream_mode="messages")))


@pytest.mark.parametrize("stream", [_messages, _amessages])
def test_langgraphs_message_stream(router, stream):
    parts = stream(create_agent(RoutedChatModel(router=router), [add]))
    assert calls_of(router) == 2
    told = [message for message, _ in parts if message.type in ("AIMessageChunk", "ai")]
    assert MARK not in "".join(str(message.content) for message in told)
    assert len({message.id for message in told}) == 2


def test_events_of_an_agent(router):
    agent = create_agent(RoutedChatModel(router=router), [add])
    events = asyncio.run(_all(agent.astream_events({"messages": [("user", ASKED)]}, version="v2")))
    assert [event["event"] for event in events].count("on_chat_model_start") == calls_of(router) == 2
    assert {event["name"] for event in events if event["event"] == "on_chat_model_start"} == {"RoutedChatModel"}
    said = [str(e["data"]["chunk"].content) for e in events if e["event"] == "on_chat_model_stream"]
    assert MARK not in "".join(said)


# llama_index --------------------------------------------------------------------------------------------------------------


class Everything(BaseEventHandler):
    """All events of the dispatcher."""

    events: list[Any] = Field(default_factory=list)

    def handle(self, event, **kwargs):
        self.events.append(event)


async def _astream_chat(llm):
    return await _all(await llm.astream_chat([ChatMessage(ASKED)]))


WAYS = {
    "chat": lambda llm: [llm.chat([ChatMessage(ASKED)])],
    "stream_chat": lambda llm: list(llm.stream_chat([ChatMessage(ASKED)])),
    "achat": lambda llm: [asyncio.run(llm.achat([ChatMessage(ASKED)]))],
    "astream_chat": lambda llm: asyncio.run(_astream_chat(llm)),
    "complete": lambda llm: [llm.complete(ASKED)],
}


def observed(router, work):
    """What both event systems tell of some work; the number of calls."""
    old, new, spans = OldEvents(), Everything(), Spans()
    llm = RoutedLLM(router=router)
    before = Settings._callback_manager
    Settings.callback_manager = llm.callback_manager = CallbackManager([old])
    try:
        with listening([new], [spans]):
            told = work(llm)
    finally:
        Settings._callback_manager = before
    return told, old, new.events, spans


def check(router, told, old, events, spans):
    calls = calls_of(router)
    names = [type(event).__name__ for event in events]
    assert len(old.starts) == len(old.ends) == calls
    assert sum(name in ("LLMChatStartEvent", "LLMCompletionStartEvent") for name in names) == calls
    assert not [name for name in names if "Embedding" in name]
    assert not [name for name, _ in old.told.values() if name == "embedding"]
    assert not [span for span in spans.parents if span.startswith(("Labels", "MockLLM", "Indexed", "LangChain"))]
    assert MARK not in "".join(str(getattr(event, "response", "")) for event in events)
    assert MARK not in "".join(map(str, told))


@pytest.mark.parametrize("call", WAYS.values(), ids=WAYS)
def test_events_of_llama_index(router, call):
    told, old, events, spans = observed(router, call)
    assert told
    check(router, told, old, events, spans)


@pytest.mark.parametrize("workflow", [False, True])
def test_an_agents_stream(router, workflow):
    def work(llm):
        async def run():
            agent = FunctionAgent(name="one", description="Adds.", tools=[lambda a, b: a + b], llm=llm)
            handler = (AgentWorkflow(agents=[agent], root_agent="one") if workflow else agent).run(ASKED)
            deltas = [event.delta async for event in handler.stream_events() if isinstance(event, AgentStream)]
            return [*deltas, str(await handler)]

        return asyncio.run(run())

    told, old, events, spans = observed(router, work)
    assert told
    check(router, told, old, events, spans)
