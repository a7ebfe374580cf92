"""What the frameworks do with the doors: stores, indexes, events, progress, dumps, copies; langchain-tests' own suites."""

import asyncio
import copy
import json
import pickle

import pytest
from faces import entries
from langchain_core.embeddings import Embeddings
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests
from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.embedding import EmbeddingEndEvent, EmbeddingStartEvent
from llama_index.core.storage.kvstore import SimpleKVStore
from pydantic import PrivateAttr

from routed_llm import Model, Policy, RoutedEmbedding, RoutedEmbeddings, Router
from routed_llm.errors import ConfigurationError

FACTS = [
    "The heron stands in the shallow water and waits for fish.",
    "Quarterly revenue rose by ten percent to four million dollars.",
    "The bridge was closed for repairs in the spring of 1987.",
]
CANARY = "canary0123456789abcdef"


class TestUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return RoutedEmbeddings

    @property
    def embedding_model_params(self) -> dict:
        return {"model": "openai:text-embedding-3-small", "dimensions": 64}

    @property
    def init_from_env_params(self) -> tuple[dict, dict, dict]:
        return {"OPENAI_API_KEY": "k"}, self.embedding_model_params, {"model": "text-embedding-3-small", "dimensions": 64}

    @pytest.fixture(autouse=True)
    def _key(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")


class TestIntegration(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return RoutedEmbeddings

    @pytest.fixture
    def model(self, server, second):
        server.sandbox.fail("sandbox-embedding", 500)
        return RoutedEmbeddings(entries(server, second), quiet_fallbacks=True)


def test_a_langchain_store_finds_by_meaning(server):
    store = InMemoryVectorStore(RoutedEmbeddings(entries(server), batch_size=2))
    store.add_texts(FACTS)
    assert store.similarity_search("Which bird waits in the water?", k=1)[0].page_content == FACTS[0]
    [found] = asyncio.run(store.asimilarity_search("repairs of the bridge", k=1))
    assert found.page_content == FACTS[2]


@pytest.mark.parametrize("use_async", [False, True])
def test_a_llama_index_index_finds_by_meaning(server, second, use_async):
    server.sandbox.fail("sandbox-embedding", 500)
    embedding = RoutedEmbedding(entries(server, second), batch_size=2, quiet_fallbacks=True)
    with embedding.router.track() as spend:
        documents = [Document(text=text) for text in FACTS]
        index = VectorStoreIndex.from_documents(documents, embed_model=embedding, use_async=use_async)
        retriever = index.as_retriever(similarity_top_k=1)
        assert retriever.retrieve("how much revenue was there?")[0].text == FACTS[1]
        assert asyncio.run(retriever.aretrieve("the heron"))[0].text == FACTS[0]
    assert spend.total_nanousd == second.sandbox.ledger.total_nanousd > 0


def test_settings_take_it(server, monkeypatch):
    monkeypatch.setattr(Settings, "_embed_model", None)
    Settings.embed_model = RoutedEmbedding(entries(server))
    assert isinstance(Settings.embed_model, RoutedEmbedding)


def test_hints_of_a_chain_reach_embeddings_as_far_as_they_mean_something(server):
    made = RoutedEmbeddings(entries(server), routing={"tenant": "t"})
    config = {"configurable": {"routing": {"user": "u1", "prefer": ["openai:gpt-5"], "max_cost": 1e-9, "needs": "tools"}}}
    RunnableLambda(made.embed_query).invoke("a", config)
    RunnableLambda(lambda text: made.embed_documents([text], routing={"user": "u2"})).invoke("a", config)
    given = [record.decision.ask.hints.given for record in made.router.records()]
    assert given == [{"user": "u1", "tenant": "t"}, {"user": "u2", "tenant": "t"}]


def test_hints_of_a_block_reach_an_index_and_its_tasks(server):
    made = RoutedEmbedding(entries(server))
    with made.routing(user="u1"), made.router.track() as spend:
        index = VectorStoreIndex.from_documents([Document(text=text) for text in FACTS], embed_model=made)
        asyncio.run(index.as_retriever().aretrieve("heron"))
    made.get_query_embedding("outside")
    assert spend.by_user["u1"].calls == spend.calls == 2


class Events(BaseEventHandler):
    _seen: list = PrivateAttr(default_factory=list)

    @classmethod
    def class_name(cls):
        return "Events"

    def handle(self, event, **kwargs):
        if isinstance(event, (EmbeddingStartEvent, EmbeddingEndEvent)):
            self._seen.append(event)


@pytest.fixture
def events():
    handler, root = Events(), get_dispatcher()
    root.add_event_handler(handler)
    yield handler._seen
    root.event_handlers.remove(handler)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_both_event_systems_tell_of_each_batch_once(server, events, mode, wrapped):
    inner = RoutedEmbedding(entries(server))
    debug = LlamaDebugHandler(print_trace_on_end=False)
    made = RoutedEmbedding([inner] if wrapped else entries(server), batch_size=2, callback_manager=CallbackManager([debug]))
    if mode == "sync":
        vectors = made.get_text_embedding_batch(FACTS)
        made.get_query_embedding("q")
    else:
        vectors = asyncio.run(made.aget_text_embedding_batch(FACTS))
        asyncio.run(made.aget_query_embedding("q"))
    starts = [event for event in events if isinstance(event, EmbeddingStartEvent)]
    ends = [event for event in events if isinstance(event, EmbeddingEndEvent)]
    assert [len(event.chunks) for event in ends] == [2, 1, 1]
    assert ends[0].embeddings == vectors[:2]
    assert len(starts) == 3
    assert starts[0].model_dict == {"class_name": "RoutedEmbedding", "model_name": "sandbox-embedding", "embed_batch_size": 2}
    assert len(debug.get_event_pairs(CBEventType.EMBEDDING)) == 3


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_frameworks_progress_bars_show(server, capsys, mode):
    llama, lang = RoutedEmbedding(entries(server), batch_size=1), RoutedEmbeddings(entries(server), show_progress_bar=True)
    if mode == "sync":
        llama.get_text_embedding_batch(FACTS, show_progress=True)
        lang.embed_documents(FACTS)
    else:
        asyncio.run(llama.aget_text_embedding_batch(FACTS, show_progress=True))
        asyncio.run(lang.aembed_documents(FACTS))
    shown = capsys.readouterr().err
    assert "Generating embeddings" in shown
    assert "Embedding: 100%" in shown
    assert "3/3" in shown


def test_a_llama_index_cache_keeps_vectors(server):
    made = RoutedEmbedding(entries(server), embeddings_cache=SimpleKVStore())
    first = made.get_text_embedding_batch(FACTS)
    assert made.get_text_embedding_batch(FACTS) == first
    assert len(server.sandbox.requests) == 1


def keyed(door, **more):
    return door([Model("openai:text-embedding-3-small", api_key="env:A_KEY")], api_key=CANARY, **more)


@pytest.mark.parametrize("door", [RoutedEmbeddings, RoutedEmbedding])
def test_no_key_is_shown_dumped_or_pickled(door, monkeypatch):
    monkeypatch.setenv("A_KEY", CANARY)
    made = keyed(door, headers={"x-team": CANARY})
    shown = [repr(made), str(made), repr(made.router), repr(vars(made)), repr(made._embedder)]
    if door is RoutedEmbedding:
        shown += [json.dumps(made.to_dict()), made.to_json(), repr(made.to_payload())]
        entry = {"class_name": "Model", "model": "openai:text-embedding-3-small", "api_key": "env:A_KEY"}
        assert made.to_dict()["models"] == [entry]
    assert [text for text in shown if CANARY in text] == []
    with pytest.raises(ConfigurationError, match="not pickled"):
        pickle.dumps(made)


@pytest.mark.parametrize("door", [RoutedEmbeddings, RoutedEmbedding])
def test_copies_share_the_router_and_pickles_make_a_new_one(door):
    made = door("sandbox", dimensions=16, routing={"user": "u"}, batch_size=7)
    for other in (copy.copy(made), copy.deepcopy(made), made.with_routing(tenant="t")):
        assert other.router is made.router
    made.with_routing(user="other")
    loaded = pickle.loads(pickle.dumps(made))
    assert loaded.router is not made.router
    assert loaded.router.purpose == "embeddings"
    assert loaded._embedder.hints.given == {"user": "u"}
    assert loaded._embedder.batch_size == 7
    ask = "embed_query" if door is RoutedEmbeddings else "get_query_embedding"
    assert getattr(loaded, ask)("a") == getattr(made, ask)("a")


def test_a_llama_index_door_goes_through_its_dict():
    made = RoutedEmbedding(["sandbox:sandbox-embedding"], "cheapest", dimensions=16, routing={"user": "u"}, batch_size=7)
    again = RoutedEmbedding.from_dict(json.loads(made.to_json()))
    assert again.to_dict() == made.to_dict()
    assert again.embed_batch_size == 7
    assert again.get_query_embedding("a") == made.get_query_embedding("a")


def test_other_spellings_are_understood():
    made = RoutedEmbeddings(model="sandbox", chunk_size=3, request_timeout=9.0)
    assert (made.batch_size, made.model, made.router.made_of.timeout) == (3, "sandbox-embedding", 9.0)
    other = RoutedEmbedding(model="sandbox", embed_batch_size=4, additional_kwargs={"user": "u"})
    assert (other.embed_batch_size, other.model_name, other.model_kwargs) == (4, "sandbox-embedding", {"user": "u"})


def test_parameters_reach_the_wire(server):
    made = RoutedEmbeddings(entries(server), model_kwargs={"user": "someone"}, dimensions=8)
    made.embed_query("a")
    assert server.sandbox.requests[0].body == {
        "model": "sandbox-embedding", "input": ["a"], "dimensions": 8, "user": "someone",
    }  # fmt: skip


def test_strategies_and_own_policies_work():
    assert RoutedEmbeddings("sandbox", Policy("mine")).router.policy.name == "mine"
    assert Router("sandbox", "auto", purpose="embeddings").policy.name == "auto"
