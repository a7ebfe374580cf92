"""Framework objects of three makers as deployments: known by name, billed, limited, watched and left like any other."""

from collections import Counter
from dataclasses import replace

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.messages import HumanMessage
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI

from routed_llm import Model, RoutedChatModel, RoutedLLM
from routed_llm.catalog.cards import find_card
from routed_llm.results import Usage
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

NAMES = {"openai": "gpt-5.4-mini", "anthropic": "claude-opus-5", "gemini": "gemini-3.5-flash"}
LARGE = next(model for model in DEFAULT_MODELS if model.name == "sandbox-large")
ASKED = [HumanMessage("What is 17 + 25?")]
WAYS = ("invoke", "stream", "ainvoke", "astream")


@pytest.fixture(scope="module")
def server():
    models = [replace(LARGE, name=name, skill=1.0) for name in (*NAMES.values(), LARGE.name)]
    with SandboxServer(Sandbox(models, speed=0)) as served:
        yield served


@pytest.fixture(autouse=True)
def _calm(server):
    yield
    server.sandbox.heal()


class Heard(BaseCallbackHandler):
    """Counts what a handler is told, by kind of event, and remembers runs and their parents."""

    def __init__(self):
        self.events = Counter()
        self.runs = {}

    def on_chat_model_start(self, serialized, messages, *, run_id, parent_run_id=None, **more):
        self.events["start"] += 1
        self.runs[run_id] = parent_run_id

    def on_llm_end(self, response, *, run_id, **more):
        self.events["end"] += 1
        assert run_id in self.runs

    def on_llm_error(self, error, **more):
        self.events["error"] += 1


def made(server, maker, **more):
    """The maker's chat model, as its users make it; the SDKs would keep connections of an event loop that has ended."""
    told = {"model": NAMES[maker], "default_headers": {"Connection": "close"}, **more}
    if maker == "openai":
        return ChatOpenAI(base_url=server.base_url, api_key="any", stream_usage=True, **told)
    if maker == "anthropic":
        url = server.anthropic_url.removesuffix("/v1")
        return ChatAnthropic(base_url=url, api_key="any", max_tokens=1024, **told)
    url = server.gemini_url.removesuffix("/v1beta")
    return ChatGoogleGenerativeAI(model=NAMES[maker], base_url=url, google_api_key="any", **more)


async def answered(model, way):
    """The answer in one of the ways; pieces as one."""
    if way == "invoke":
        return model.invoke(ASKED)
    if way == "ainvoke":
        return await model.ainvoke(ASKED)
    pieces = list(model.stream(ASKED)) if way == "stream" else [piece async for piece in model.astream(ASKED)]
    return sum(pieces[1:], pieces[0])


def spare(server):
    return replace(sandbox_entries([LARGE], server.base_url)[0], name="spare")


@pytest.mark.parametrize("maker", NAMES)
def test_the_catalog_tells_what_its_name_means(server, maker):
    with RoutedChatModel([made(server, maker)]) as model:
        (deployment,) = model.router.catalog.deployments
        card = find_card(maker, NAMES[maker])
        assert (deployment.provider, deployment.served_model) == (maker, NAMES[maker])
        assert (deployment.price, deployment.context, deployment.max_output) == (card.prices, card.context, card.max_output)
        assert (deployment.quality, deployment.knowledge) == (card.quality, card.knowledge)
        assert model.profile["max_input_tokens"] == card.context
        assert model.profile["tool_calling"] is True


# the SDKs leave what they do not read of a stream to the collector of garbage
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("maker", NAMES)
async def test_a_call_is_told_and_booked_once(server, maker, way):
    inner, outer = Heard(), Heard()
    stated = made(server, maker, callbacks=[inner])
    with (
        RoutedChatModel([stated], callbacks=[outer]) as model,
        model.router.track() as spend,
        get_usage_metadata_callback() as counted,
    ):
        told = await answered(model, way)
    assert told.text == "42"
    assert inner.events == outer.events == {"start": 1, "end": 1}
    used = server.sandbox.ledger[-1].usage
    assert spend.calls == 1
    assert (spend.total.input_tokens, spend.total.output_tokens) == (used.prompt, used.completion)
    (booked,) = counted.usage_metadata.values()
    assert (booked["input_tokens"], booked["output_tokens"]) == (used.prompt, used.completion)
    price = find_card(maker, NAMES[maker]).prices
    assert spend.total_nanousd == price.cost(Usage(used.prompt, used.completion))


@pytest.mark.parametrize("maker", NAMES)
def test_it_is_left_when_it_fails_and_its_health_tells(server, maker):
    server.sandbox.fail(NAMES[maker], status=503)
    with RoutedChatModel([Model(made(server, maker), name="object"), spare(server)]) as model:
        told = model.invoke(ASKED)
        assert (told.text, told.response_metadata["routing"]["model"]) == ("42", "spare")
        asked = len(server.sandbox.requests)
        model.invoke(ASKED)
        assert len(server.sandbox.requests) == asked + 1  # it is left alone
        health = {each.model: each for each in model.router.health().deployments}
        assert health["object"].state != health["spare"].state


@pytest.mark.parametrize("maker", NAMES)
def test_its_limits_are_kept(server, maker):
    stated = Model(made(server, maker), name="object", limits={"requests_per_minute": 1})
    with RoutedChatModel([stated, spare(server)]) as model:
        spoken = [model.invoke(ASKED).response_metadata["routing"]["model"] for _ in range(2)]
    assert spoken == ["object", "spare"]


@pytest.mark.parametrize("maker", NAMES)
def test_the_same_object_behind_llama_index(server, maker):
    with RoutedLLM([made(server, maker)]) as llm, llm.router.track() as spend:
        assert llm.complete("What is 17 + 25?").text == "42"
    used = server.sandbox.ledger[-1].usage
    price = find_card(maker, NAMES[maker]).prices
    assert spend.total_nanousd == price.cost(Usage(used.prompt, used.completion))
