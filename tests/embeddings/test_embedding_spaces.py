"""Vectors of different models or lengths are never mixed: refused when a door is made, and at run time."""

import pytest
from faces import entries
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_openai import OpenAIEmbeddings
from llama_index.core import MockEmbedding

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.errors import CallFailed, ConfigurationError, NoModels
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import DEFAULT_EMBEDDINGS, DEFAULT_MODELS, Sandbox, SandboxEmbedding, SandboxServer

KEYS = ("OPENAI_API_KEY", "MISTRAL_API_KEY", "OPENROUTER_API_KEY", "ANTHROPIC_API_KEY")


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    for name in KEYS:
        monkeypatch.setenv(name, "not-a-key")


def two_fakes():
    return [DeterministicFakeEmbedding(size=8), DeterministicFakeEmbedding(size=8)]


SMALL, LARGE = "openai:text-embedding-3-small", "openai:text-embedding-3-large"
AZURE = Model("azure:my-deployment", base_url="https://x.openai.azure.com/openai/v1", api_key="k")

MIXED = {
    "two models": ([SMALL, LARGE], "models[1]"),
    "two makers": ([SMALL, "mistral:mistral-embed"], "models[1]"),
    "a name that is not known to be the same": ([SMALL, AZURE], "models[1]"),
    "known to be different, whatever is said": ([Model(name="m", deployments=[Model(SMALL), Model(LARGE)])], "models[0]"),
    "two lengths": ([Model(SMALL, params={"dimensions": 256}), Model(SMALL, name="b")], "models[1].dimensions"),
    "two lengths, set": (
        [Model(SMALL, params={"dimensions": 256}), Model(SMALL, name="b", params={"dimensions": 512})],
        "models[1].dimensions",
    ),
    "an object of another length": (
        [
            Model(SMALL, params={"dimensions": 256}),
            OpenAIEmbeddings(model="text-embedding-3-small", dimensions=512, api_key="k"),
        ],
        "models[1].dimensions",
    ),
    "objects of which nothing is known": (two_fakes(), "models[1]"),
    "aliases": ({"a": SMALL, "b": LARGE}, "models['b']"),
}


@pytest.mark.parametrize("name", MIXED)
def test_mixing_is_refused_with_its_path(face, name):
    models, path = MIXED[name]
    with pytest.raises(ConfigurationError, match="cannot be compared") as caught:
        face.make(models)
    assert caught.value.path == path
    with pytest.raises(ConfigurationError):
        Router(models, purpose="embeddings")


SAME = {
    "one name at two providers": [SMALL, "openrouter:openai/text-embedding-3-small"],
    "a string and an object": [SMALL, OpenAIEmbeddings(model="text-embedding-3-small", api_key="k")],
    "one by the user's word": [Model(name="m", deployments=[Model(SMALL), AZURE])],
    "by an alias": {"m": [SMALL, AZURE]},
    "joined by it": [Model(name="m", deployments=[Model(SMALL), AZURE]), "openrouter:openai/text-embedding-3-small"],
    "objects, by the user's word": [Model(name="m", deployments=[Model(fake) for fake in two_fakes()])],
}


@pytest.mark.filterwarnings("ignore:.*not in the catalog")
@pytest.mark.parametrize("name", SAME)
def test_one_model_under_several_names_is_taken(face, name):
    assert len(face.make(SAME[name]).router.catalog) >= 2


def test_dimensions_of_the_door_count_for_all_that_do_not_say(face):
    own = OpenAIEmbeddings(model="text-embedding-3-small", dimensions=256, api_key="k")
    assert len(face.make([SMALL, own], dimensions=256).router.catalog) == 2
    for models in ([SMALL, own], [Model(SMALL, params={"dimensions": 512})]):
        router = Router(models[:1], purpose="embeddings")
        with pytest.raises(ConfigurationError, match="cannot be compared"):
            face.make(models, dimensions=128)
        face.make(router=router)
    with pytest.raises(ConfigurationError, match="cannot be compared"):
        face.make(router=Router([Model(SMALL, params={"dimensions": 256}), own], purpose="embeddings"), dimensions=128)


WRONG = {
    "a chat model": (["openai:gpt-5-mini"], "models[0]"),
    "a provider without embeddings": (["anthropic:claude-embed"], "models[0]"),
    "a simulated chat model": (["sandbox:sandbox-large"], "models[0]"),
    "a chat model's object": ([RoutedChatModel("sandbox")], "models[0]"),
    "said to make none": ([Model("openai:unknown", abilities={"embeddings": False})], "models[0]"),
    "params of the router": ([Model(SMALL, params={"encoding_format": "float"})], "models[0].params.encoding_format"),
    "odd dimensions": ([Model(SMALL, params={"dimensions": "3"})], "models[0].params.dimensions"),
    "effort": ([Model(SMALL, reasoning="low")], "models[0].reasoning"),
    "params of an object": ([Model(two_fakes()[0], params={"user": "u"})], "models[0].params"),
    "a key of an object": ([Model(two_fakes()[0], api_key="k")], "models[0].api_key"),
    "nothing": (None, "models"),
}


@pytest.mark.filterwarnings("ignore:.*not in the catalog")
@pytest.mark.parametrize("name", WRONG)
def test_what_makes_no_embeddings_is_refused_with_its_path(face, name):
    models, path = WRONG[name]
    with pytest.raises(ConfigurationError) as caught:
        face.make(models)
    assert caught.value.path == path
    assert isinstance(caught.value, NoModels) == (models is None)


@pytest.mark.parametrize(
    "model",
    [
        "sandbox:sandbox-embedding",
        SMALL,
        two_fakes()[0],
        MockEmbedding(embed_dim=4),
        Model("openai:x", abilities=["embeddings"]),
    ],
    ids=["sandbox", "string", "langchain", "llama_index", "said"],
)
@pytest.mark.filterwarnings("ignore:.*not in the catalog")
def test_an_embedding_model_among_chat_models_is_refused_with_its_path(model):
    for make in (RoutedChatModel, Router):
        with pytest.raises(ConfigurationError, match="cannot chat") as caught:
            make(["sandbox:sandbox-small", model])
        assert caught.value.path == "models[1]"


def test_routers_of_the_other_purpose_are_refused(face):
    with pytest.raises(ConfigurationError, match="router: this router is one of chat models"):
        face.make(router=Router("sandbox"))
    with pytest.raises(ConfigurationError, match="router: this router makes embeddings"):
        RoutedChatModel(router=Router("sandbox", purpose="embeddings"))
    with pytest.raises(ConfigurationError, match="purpose"):
        Router("sandbox", purpose="images")


MISTAKES = [
    ({"dimension": 3}, "dimension"),
    ({"dimensions": 0}, "dimensions"),
    ({"dimensions": True}, "dimensions"),
    ({"batch_size": 0}, "batch_size"),
    ({"batch_size": 2_049}, "batch_size"),
    ({"max_concurrency": 0}, "max_concurrency"),
    ({"model_kwargs": {"dimensions": 3}}, "model_kwargs.dimensions"),
    ({"timeout": -1}, "timeout"),
    ({"max_retries": -1}, "max_retries"),
    ({"strategy": "cheapst"}, "strategy"),
]


@pytest.mark.parametrize(("given", "path"), MISTAKES, ids=lambda each: each if isinstance(each, str) else "")
def test_other_mistakes_are_refused_with_the_name_of_the_argument(face, given, path):
    with pytest.raises(ConfigurationError) as caught:
        face.make("sandbox", **given)
    assert caught.value.path == path


# at run time -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def longer():
    """A server whose model of the same name makes longer vectors."""
    model = SandboxEmbedding("sandbox-embedding", DEFAULT_EMBEDDINGS[0].price, dimensions=300)
    with SandboxServer(Sandbox(embeddings=[model], speed=0)) as served:
        yield served


def test_an_answer_of_another_length_is_that_deployments_failure_and_its_cost_is_booked(face, server, longer):
    made = face.make(entries(server, longer), "round_robin", max_retries=0)
    with made.router.track() as spend:
        assert {len(vector) for _ in range(4) for vector in face.documents(made, ["a", "b"])} == {256}
    failed = [attempt for record in made.router.records() for attempt in record.attempts if attempt.error]
    assert {(attempt.deployment.id, attempt.error.kind) for attempt in failed} == {("two", "malformed")}
    assert "300 dimensions; 256 is what this router has seen before" in failed[0].error.message
    billed = server.sandbox.ledger.total_nanousd + longer.sandbox.ledger.total_nanousd
    assert spend.total_nanousd == billed
    assert len(longer.sandbox.ledger) > 0


def test_a_length_that_was_asked_for_must_come_also_the_first_time(face, server):
    ignores = SandboxEmbedding("sandbox-embedding", dimensions=256)
    made = face.make([Model(name="m", deployments=[Model(MockEmbedding(embed_dim=7))])], dimensions=8, max_retries=0)
    with pytest.raises(CallFailed, match="7 dimensions; 8 were asked for"):
        face.query(made, "a")
    assert ignores.dimensions == 256


def test_two_doors_may_ask_one_router_for_two_lengths(face, server):
    router = Router(entries(server), purpose="embeddings")
    short, whole = face.make(router=router, dimensions=16), face.make(router=router)
    assert [len(face.query(each, "a")) for each in (short, whole, short)] == [16, 256, 16]


def test_entries_of_the_sandbox_state_price_and_window(server):
    made = Router(sandbox_entries(DEFAULT_EMBEDDINGS[:1], server.base_url), purpose="embeddings")
    [deployment] = made.catalog.deployments
    assert deployment.price.rates.input == 20_000_000
    assert deployment.context == 8_192
    assert deployment.abilities == {"embeddings": True}
    chat = Router(sandbox_entries(DEFAULT_MODELS, server.base_url))
    assert not any(d.abilities["embeddings"] for d in chat.catalog.deployments)
