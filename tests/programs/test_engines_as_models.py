"""LlamaIndex query and chat engines as deployments: citations, conversations kept apart, and one bill."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler, TokenCountingHandler
from llama_index.core.chat_engine import CondensePlusContextChatEngine, SimpleChatEngine
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import ChatMessage, CustomLLM
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.query_engine import CustomQueryEngine, RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index_instrumentation import get_dispatcher
from pydantic import Field
from ways import WAYS, ask, paid, said

from routed_llm import CannotAnswer, Model, RoutedChatModel, RoutedLLM, track

FACTS = ["The lighthouse of Tarvik was built in 1871.", "The bakery of Tarvik opens at seven."]
BUILT = "When was the lighthouse of Tarvik built?"


class Letters(BaseEmbedding):
    """Counts of letters."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


class Counted(CustomLLM):
    """An LLM of LlamaIndex's own kind, which tells what it used in ``raw`` as OpenAI does. It says the last line again."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=8_000, num_output=200, model_name="counted")

    def _say(self, prompt: str) -> CompletionResponse:
        lines = [line for line in prompt.splitlines() if line.strip()]
        return CompletionResponse(
            text=f"said: {lines[-2]}", raw={"usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42}}
        )

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return self._say(prompt)

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any):
        whole = self._say(prompt)
        yield CompletionResponse(text=whole.text[:4], delta=whole.text[:4])
        yield CompletionResponse(text=whole.text, delta=whole.text[4:], raw=whole.raw)


def handbook(llm, **options):
    index = VectorStoreIndex.from_documents([Document(text=text) for text in FACTS], embed_model=Letters())
    return index.as_query_engine(llm=llm, similarity_top_k=1, **options)


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streaming"])
@pytest.mark.parametrize(("door", "way"), WAYS)
def test_a_query_engine_answers_with_its_sources_and_is_billed_once(door, way, streaming, server):
    inner = RoutedLLM([paid(server, "inner")])
    model = Model(handbook(inner, streaming=streaming, use_async=False), name="handbook")
    with track() as spend:
        answer, _ = ask(door, way, [model, paid(server)], BUILT, quiet_fallbacks=True)
    inner_cost = sum(record.cost_nanousd for record in inner.router.records())
    assert inner_cost > 0
    assert answer.text == FACTS[0]
    assert answer.routing["model"] == "handbook"
    assert answer.routing["cost_nanousd"] == inner_cost == spend.total_nanousd
    assert spend.calls == 1
    billed = inner.router.records()[-1].usage
    assert answer.tokens == billed.input_tokens + billed.output_tokens
    if door == "langchain":
        [cited] = answer.native.additional_kwargs["citations"]
        assert cited["cited_text"] == FACTS[0]
        assert 0 < cited["score"] <= 1
    if streaming and way.endswith("stream"):
        assert len(answer.pieces) > 1


@pytest.mark.parametrize("way", ["whole", "stream", "awhole", "astream"])
def test_what_an_engines_own_llm_counts_is_booked_at_the_declared_price(way, server):
    model = Model(handbook(Counted(), use_async=False), name="handbook", price={"input": 1, "output": 2})
    answer, _ = ask("langchain", way, [model], BUILT)
    assert answer.text.startswith("said: ")
    assert answer.tokens == 42
    assert answer.routing["cost_nanousd"] == 30 * 1_000 + 12 * 2_000


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streaming"])
@pytest.mark.parametrize(("door", "way"), WAYS)
def test_an_engine_that_finds_nothing_leaves_the_question_to_the_next(door, way, streaming, server):
    class Nothing(BaseRetriever):
        def _retrieve(self, query_bundle):
            return []

    empty = RetrieverQueryEngine.from_args(Nothing(), llm=Counted(), streaming=streaming)

    class Choosy(CustomQueryEngine):
        def custom_query(self, query_str: str):
            raise CannotAnswer("not in the handbook")

    models = [Model(empty, name="empty"), Model(Choosy(), name="choosy"), paid(server)]
    answer, router = ask(door, way, models, "What is 2 + 3?", quiet_fallbacks=True)
    assert answer.text == "5"
    told = [attempt.error and attempt.error.kind for attempt in router.records(1)[0].attempts]
    assert told == ["cannot_answer", "cannot_answer", None]
    assert router.records(1)[0].attempts[1].error.message == "not in the handbook"


def test_the_callers_handlers_hear_of_one_call(server, monkeypatch):
    class Heard(BaseEventHandler):
        events: list = Field(default_factory=list)

        def handle(self, event, **kwargs):
            self.events.append(event.class_name())

    heard, counter = Heard(), TokenCountingHandler(tokenizer=str.split)
    debug = LlamaDebugHandler(print_trace_on_end=False)
    manager = CallbackManager([counter, debug])
    root = get_dispatcher()
    monkeypatch.setattr(root, "event_handlers", [heard])
    monkeypatch.setattr(Settings, "_callback_manager", manager)
    engine = handbook(Counted(callback_manager=manager), use_async=False)
    pool = RoutedLLM([Model(engine, name="handbook")], callback_manager=manager)
    for way in ("whole", "stream", "awhole", "astream"):
        heard.events.clear(), debug.flush_event_logs()
        said(pool, way, BUILT)
        assert heard.events.count("LLMChatEndEvent") == 1
        assert not [name for name in heard.events if "Completion" in name or "Query" in name or "Retriev" in name]
        assert len(debug.get_event_pairs(CBEventType.LLM)) == 1
        assert not debug.get_event_pairs(CBEventType.QUERY)
    # outside of the router the same engine tells all of it, as ever
    heard.events.clear()
    engine.query(BUILT)
    assert "QueryEndEvent" in heard.events


CONVERSATION = [SystemMessage("be brief"), HumanMessage("What is 1 + 1?"), AIMessage("2"), HumanMessage("What is 2 + 3?")]


@pytest.mark.parametrize("way", ["whole", "stream", "awhole", "astream"])
def test_a_chat_engine_gets_the_conversation_and_keeps_nothing_of_it(way, server):
    inner = RoutedLLM([paid(server, "inner")])
    engine = SimpleChatEngine.from_defaults(llm=inner)
    pool = RoutedChatModel([Model(engine, name="chat")])
    with track() as spend:
        answer = said(pool, way, CONVERSATION)
    assert answer.text == "5"
    assert (spend.calls, spend.total_nanousd) == (1, inner.router.records()[-1].cost_nanousd)
    assert answer.tokens > said(pool, way, CONVERSATION[-1:]).tokens + 3  # the engine saw all four messages
    assert engine.chat_history == []


def test_conversations_of_many_callers_are_never_mixed():
    class Echo(CustomLLM):
        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(model_name="echo")

        def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
            turn.wait(5)
            return CompletionResponse(text=prompt)

        def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any):
            yield self.complete(prompt)

    callers = 4
    turn = threading.Barrier(callers)
    pool = RoutedChatModel([Model(SimpleChatEngine.from_defaults(llm=Echo()), name="chat")])

    def talk(number):
        return pool.invoke([HumanMessage(f"secret-{number}"), AIMessage("ok"), HumanMessage("again")]).text

    with ThreadPoolExecutor(callers) as threads:
        for number, text in enumerate(threads.map(talk, range(callers))):
            assert [each for each in range(callers) if f"secret-{each}" in text] == [number]


@pytest.mark.parametrize(("door", "way"), WAYS)
def test_a_chat_engine_over_an_index_tells_its_sources(door, way, server):
    index = VectorStoreIndex.from_documents([Document(text=text) for text in FACTS], embed_model=Letters())
    inner = RoutedLLM([paid(server, "inner")])
    engine = CondensePlusContextChatEngine.from_defaults(index.as_retriever(similarity_top_k=1), llm=inner)
    answer, _ = ask(door, way, [Model(engine, name="chat")], BUILT)
    assert FACTS[0] in answer.text
    if door == "langchain":
        assert answer.native.additional_kwargs["citations"][0]["cited_text"] == FACTS[0]


def test_messages_of_llamaindex_reach_a_chat_engine_as_they_are(server):
    seen = []

    class Watching(SimpleChatEngine):
        def chat(self, message, chat_history=None):
            seen.extend(chat_history)
            return super().chat(message, chat_history)

    engine = Watching(llm=Counted(), memory=SimpleChatEngine.from_defaults(llm=Counted())._memory, prefix_messages=[])
    before = ChatMessage(content="hello")
    RoutedLLM([Model(engine, name="chat")]).chat([before, ChatMessage(content="again")])
    assert seen[0] is before
