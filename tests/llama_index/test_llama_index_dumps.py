"""What comes back from a dump: strings and entries; what a dump cannot hold is named, with the way out."""

import json
import pickle

import pytest
from llama_index.core import MockEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.rate_limiter import TokenBucketRateLimiter
from llm_pools import ASKED

from routed_llm import Model, Policy, Price, RoutedEmbedding, RoutedLLM
from routed_llm.errors import ConfigurationError

CANARY = "canary0123456789abcdef"
ENTRY = Model(
    "openai:gpt-5", api_key="env:A_KEY", tags=("a", "b"), price={"input": 1, "output": 2}, abilities={"tools": True},
    params={"stop": ["<end>"]}, client_cert=("cert.pem", "key.pem"), region="eu", private=True, weight=0.0,
)  # fmt: skip
POOLS = {
    "list": [ENTRY, "openai:gpt-5-mini"],
    "aliases": {"a": ENTRY, "b": [ENTRY, "openai:gpt-5-mini"], "model": "openai:gpt-5-nano"},
    "one": ENTRY,
    "plain": [Model("openai:gpt-5", api_key="env:A_KEY", private=False, weight=2, base_url="http://127.0.0.1:9/v1")],
    "nested": [Model(name="m", deployments=[ENTRY, Model("openai:gpt-5-mini", api_key=["env:A_KEY", "env:A_KEY"])])],
}


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("A_KEY", CANARY)


@pytest.mark.parametrize("models", POOLS.values(), ids=POOLS)
def test_entries_come_back(models):
    llm = RoutedLLM(models)
    told = llm.to_dict()
    assert CANARY not in json.dumps(told)
    for again in (RoutedLLM.from_dict(told), RoutedLLM.from_json(llm.to_json())):
        assert again.models == models
        assert again.to_dict() == told
        assert again.router.catalog.models == llm.router.catalog.models
        key = again.router.catalog.deployments[0].endpoint.credential.get().value
        assert key == CANARY  # the reference to it was in the dump
    assert told == llm.to_dict()


def test_entries_of_embeddings_come_back():
    entry = Model("sandbox:sandbox-embedding", tags=("a",))
    made = RoutedEmbedding([entry], dimensions=16)
    again = RoutedEmbedding.from_dict(json.loads(made.to_json()))
    assert again.models == [entry]
    assert again.get_query_embedding("a") == made.get_query_embedding("a")


LOST = {
    "models[0]": lambda: RoutedLLM([MockLLM()]),
    "models[0].model": lambda: RoutedLLM([Model(MockLLM(), name="m")]),
    "models['m']": lambda: RoutedLLM({"m": MockLLM()}),
    "models[0].api_key": lambda: RoutedLLM([Model("openai:gpt-5", api_key=CANARY)]),
    "models['m'].api_key": lambda: RoutedLLM({"m": Model("openai:gpt-5", api_key=["env:A_KEY", CANARY])}),
    "models[0].credential": lambda: RoutedLLM([Model("openai:gpt-5", credential=lambda: CANARY)]),
    "models[0].headers": lambda: RoutedLLM([Model("openai:gpt-5", headers={"x-key": CANARY})]),
    "models[0].proxy": lambda: RoutedLLM([Model("openai:gpt-5", proxy=f"http://u:{CANARY}@localhost:9")]),
    "models[0].price": lambda: RoutedLLM([Model("openai:gpt-5", price=Price.from_usd(input=1))]),
    "models[0].factory": lambda: RoutedLLM([Model(factory=MockLLM)]),
    "models[0].deployments[0].api_key": lambda: RoutedLLM(
        [Model(name="m", deployments=[Model("openai:gpt-5", api_key=CANARY)])]
    ),
    "api_key": lambda: RoutedLLM("openai:gpt-5", api_key=CANARY),
    "strategy": lambda: RoutedLLM("openai:gpt-5", Policy("mine")),
    "models[0], embedding": lambda: RoutedEmbedding([MockEmbedding(embed_dim=3)]),
    "api_key, embedding": lambda: RoutedEmbedding("openai:text-embedding-3-small", api_key=CANARY),
}


@pytest.mark.parametrize("lost", LOST)
def test_objects_and_keys_are_not_in_a_dump_and_that_is_said(lost):
    made = LOST[lost]()
    told = json.loads(made.to_json())
    assert CANARY not in json.dumps(told)
    with pytest.raises(ConfigurationError, match="a dump holds no objects and no keys") as caught:
        type(made).from_dict(told)
    path = lost.partition(",")[0]
    assert caught.value.path == path
    argument = path.partition("[")[0]
    assert f"from_dict(dump, {argument}=...)" in str(caught.value)


def test_what_is_given_again_wins():
    told = RoutedLLM([MockLLM()], api_key=CANARY, temperature=0.5).to_dict()
    again = RoutedLLM.from_dict(told, models="sandbox", api_key=None)
    assert again.temperature == 0.5
    assert again.complete(ASKED).text
    with pytest.raises(ConfigurationError, match=r"models\[0\].contxt"):
        RoutedLLM.from_dict({"models": [{"class_name": "Model", "contxt": 3}]})


def test_an_embedding_that_cannot_be_pickled_stays_as_it_is():
    made = RoutedEmbedding("openai:text-embedding-3-small", credential=lambda: CANARY)
    with pytest.raises(ConfigurationError, match="credential: it cannot be pickled"):
        pickle.dumps(made)
    assert made.router.catalog.models == ("openai:text-embedding-3-small",)
    assert "text-embedding-3-small" in repr(made)


def test_what_the_pickle_of_an_embedding_leaves_out_stays_in_it():
    limiter = TokenBucketRateLimiter(requests_per_minute=1000)  # it holds a lock
    made = RoutedEmbedding("sandbox", dimensions=16, rate_limiter=limiter)
    again = pickle.loads(pickle.dumps(made))
    assert made.rate_limiter is limiter
    assert again.rate_limiter is None
    assert again.get_query_embedding("a") == made.get_query_embedding("a")
