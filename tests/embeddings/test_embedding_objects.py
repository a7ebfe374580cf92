"""Objects of both frameworks behind both doors."""

import asyncio
import threading
import time

import pytest
from faces import FACES, Face, entries
from langchain_core.embeddings import Embeddings
from langchain_openai import OpenAIEmbeddings
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from pydantic import PrivateAttr

from routed_llm import Model, RoutedEmbedding, RoutedEmbeddings
from routed_llm.errors import CallFailed, ConfigurationError, NoEligibleModel

SYNC, ASYNC = FACES[0], FACES[1]


def marked(kind, text):
    """A vector that tells how and of what it was made."""
    return [float(kind), float(len(text)), 1.0]


class SyncLangChain(Embeddings):
    """Sync code only; notes the threads in which it ran."""

    model = "local"

    def __init__(self, seconds=0.0):
        self.seconds, self.threads = seconds, set()

    def embed_documents(self, texts):
        self.threads.add(threading.current_thread())
        time.sleep(self.seconds)
        return [marked(1, text) for text in texts]

    def embed_query(self, text):
        return marked(2, text)


class BlockingLangChain(SyncLangChain):
    """Async methods that only call their sync twins."""

    async def aembed_documents(self, texts):
        return self.embed_documents(texts)

    async def aembed_query(self, text):
        return self.embed_query(text)


class AsyncLangChain(Embeddings):
    """Async code only."""

    model = "local"

    def embed_documents(self, texts):
        raise NotImplementedError

    def embed_query(self, text):
        raise NotImplementedError

    async def aembed_documents(self, texts):
        await asyncio.sleep(0)
        return [marked(1, text) for text in texts]

    async def aembed_query(self, text):
        await asyncio.sleep(0)
        return marked(2, text)


class SyncLlamaIndex(BaseEmbedding):
    """Sync code only: its async methods block, as most local ones do."""

    seconds: float = 0.0
    query_instruction: str = ""
    _threads: set = PrivateAttr(default_factory=set)

    def _vector(self, kind, text):
        self._threads.add(threading.current_thread())
        time.sleep(self.seconds)
        return marked(kind, text)

    def _get_query_embedding(self, query):
        return self._vector(2, self.query_instruction + query)

    def _get_text_embedding(self, text):
        return self._vector(1, text)

    async def _aget_query_embedding(self, query):
        return self._get_query_embedding(query)

    @property
    def threads(self):
        return self._threads


class AsyncLlamaIndex(BaseEmbedding):
    """Async code of its own."""

    def _get_query_embedding(self, query):
        raise NotImplementedError

    def _get_text_embedding(self, text):
        raise NotImplementedError

    async def _aget_query_embedding(self, query):
        await asyncio.sleep(0)
        return marked(2, query)

    async def _aget_text_embedding(self, text):
        await asyncio.sleep(0)
        return marked(1, text)


BLOCKING = {"langchain": SyncLangChain, "langchain twin": BlockingLangChain, "llama_index": SyncLlamaIndex}


@pytest.mark.parametrize("name", BLOCKING)
def test_queries_and_documents_go_to_the_objects_own_methods(face, name):
    made = face.make([BLOCKING[name]()])
    assert face.documents(made, ["a", "bb"]) == [marked(1, "a"), marked(1, "bb")]
    assert face.query(made, "ccc") == marked(2, "ccc")
    [document, query] = made.router.records()
    assert document.usage.estimated
    assert (document.cost_nanousd, query.outcome) == (None, "answered")
    assert document.answered_by.marks == ("inner_retries: unknown",)


def test_instructions_of_a_llama_index_object_are_kept(face):
    made = face.make([SyncLlamaIndex(query_instruction="Find: ")])
    assert face.query(made, "x") == marked(2, "Find: x")
    assert face.documents(made, ["x"]) == [marked(1, "x")]


@pytest.mark.parametrize("name", BLOCKING)
@pytest.mark.parametrize("door", [RoutedEmbeddings, RoutedEmbedding])
async def test_an_object_that_blocks_does_not_block_the_loop(name, door):
    item = BLOCKING[name](seconds=0.2)
    made = door([item])
    ask = made.aembed_documents if door is RoutedEmbeddings else made.aget_text_embedding_batch
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    counting = asyncio.ensure_future(count())
    await ask(["a"])
    counting.cancel()
    assert turns > 5
    copy = made.router.catalog.deployments[0].endpoint.embedder.adapter.model
    assert threading.main_thread() not in copy.threads


@pytest.mark.parametrize("item", [AsyncLangChain(), AsyncLlamaIndex()], ids=["langchain", "llama_index"])
def test_an_async_object_serves_async_code_alone(item):
    for door in ("langchain", "llama_index"):
        here, there = Face(door, "async"), Face(door, "sync")
        made = here.make([item])
        assert here.documents(made, ["a", "bb"]) == [marked(1, "a"), marked(1, "bb")]
        assert here.query(made, "c") == marked(2, "c")
        with pytest.raises(NoEligibleModel, match="works only in async code"):
            there.query(made, "c")


@pytest.mark.parametrize(
    ("gives", "kind"),
    [(lambda t: [["x"]], "malformed"), (lambda t: [[]], "malformed"), (lambda t: [[float("nan")]], "malformed"),
     (lambda t: [], "malformed"), (lambda t: 1 / 0, "server_error"), (lambda t: None, "malformed")],
)  # fmt: skip
def test_whatever_an_object_does_wrong_the_next_deployment_is_asked(face, gives, kind):
    class Odd(SyncLangChain):
        def embed_documents(self, texts):
            return gives(texts)

    made = face.make([Model(name="m", deployments=[Model(Odd()), Model(SyncLangChain())])])
    assert face.documents(made, ["a"]) == [marked(1, "a")]
    [record] = made.router.records()
    assert record.attempts[0].error.kind == kind


def openai(server, **more):
    given = {"dimensions": 32, "check_embedding_ctx_length": False, "max_retries": 3, **more}
    return OpenAIEmbeddings(model="sandbox-embedding", base_url=server.base_url, api_key="k-0123456789", **given)


def test_a_known_object_asks_once_and_its_bill_is_exact(face, server):
    item = openai(server)
    made = face.make([Model(item, price={"input": 0.02})], max_retries=0)
    with made.router.track() as spend:
        assert [len(vector) for vector in face.documents(made, ["one", "two and more"])] == [32, 32]
    assert spend.total_nanousd == server.sandbox.ledger.total_nanousd
    assert (spend.estimated_calls, spend.input_tokens) == (0, 4)
    assert made.router.catalog.deployments[0].marks == ()
    server.sandbox.requests.clear()
    server.sandbox.fail("sandbox-embedding", 500)
    with pytest.raises(CallFailed):
        face.query(face.make([openai(server)], max_retries=0), "x")
    assert len(server.sandbox.requests) == 1
    assert item.max_retries == 3
    assert item.client._client.max_retries == 3


def test_keep_retries_leaves_them_on(server):
    server.sandbox.fail("sandbox-embedding", 500, times=1)
    made = SYNC.make([Model(openai(server, max_retries=1), keep_retries=True)])
    assert len(SYNC.query(made, "x")) == 32
    assert len(server.sandbox.requests) == 2
    assert len(made.router.records()[0].attempts) == 1
    assert made.router.catalog.deployments[0].marks == ("inner_retries: kept",)


def test_an_object_and_a_string_stand_in_for_each_other(face, server, second):
    server.sandbox.fail("sandbox-embedding", 500)
    made = face.make([openai(server), *entries(second)], dimensions=32)
    assert len(face.query(made, "x")) == 32
    [record] = made.router.records()
    assert [attempt.deployment.id for attempt in record.attempts] == ["openai:sandbox-embedding", "one"]


def test_no_secret_of_an_object_is_in_an_error(server):
    class Telling(SyncLangChain):
        def embed_query(self, text):
            raise ValueError(f"bad key {self.api_key.get_secret_value()}")

    item = Telling()
    item.api_key = openai(server).openai_api_key
    with pytest.raises(CallFailed) as caught:
        SYNC.query(SYNC.make([item], max_retries=0), "x")
    assert "k-0123456789" not in str(caught.value)


def test_a_llama_index_objects_own_handlers_are_told_nothing(face):
    inner, outer = LlamaDebugHandler(print_trace_on_end=False), LlamaDebugHandler(print_trace_on_end=False)
    item = SyncLlamaIndex(callback_manager=CallbackManager([inner]))
    more = {} if face.door == "langchain" else {"callback_manager": CallbackManager([outer])}
    made = face.make([item], **more)
    face.documents(made, ["a", "b"])
    assert inner.get_event_pairs(CBEventType.EMBEDDING) == []
    assert len(outer.get_event_pairs(CBEventType.EMBEDDING)) == (face.door == "llama_index")
    assert item.callback_manager.handlers == [inner]


def test_a_door_behind_a_door_is_counted_once(face, server):
    inner = face.make(entries(server))
    made = face.make([inner])
    with made.router.track() as spend:
        face.query(made, "a")
    from routed_llm import track

    with track() as everywhere:
        face.query(made, "a")
    assert (spend.calls, everywhere.calls) == (1, 1)


def test_a_factory_makes_the_object(face):
    made = face.make([Model(factory=SyncLangChain)])
    assert face.query(made, "a") == marked(2, "a")
    with pytest.raises(ConfigurationError, match="factory"):
        face.make([Model(factory=dict)])
