"""Who a routed LLM is to others: metadata, dumps, copies, pickles, and no key in any of them."""

import copy
import json
import pickle

import pytest
from llama_index.core.base.llms.types import LLMMetadata, MessageRole
from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.rate_limiter import TokenBucketRateLimiter
from llm_pools import ASKED, Sum, pool, question
from pydantic import SecretStr

import routed_llm.llama_index
from routed_llm import Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import ConfigurationError

CANARY = "canary0123456789abcdef"
LOCAL = {"base_url": "http://127.0.0.1:9/v1"}
WINDOWS = {
    "small": Model("m", context=8_000, max_output=1_000, abilities={"tools": False}, **LOCAL),
    "large": Model("m", context=100_000, max_output=9_000, abilities={"tools": True}, **LOCAL),
}


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("A_KEY", CANARY)


def test_it_is_what_llama_index_wants():
    llm = RoutedLLM("sandbox")
    assert isinstance(llm, FunctionCallingLLM)
    assert not isinstance(llm, CustomLLM)
    assert routed_llm.llama_index.RoutedLLM is RoutedLLM
    with pytest.raises(AttributeError, match="no attribute 'Routed'"):
        _ = routed_llm.llama_index.Routed


def test_the_metadata_of_a_pool():
    told = RoutedLLM(WINDOWS).metadata
    assert told == LLMMetadata(
        context_window=100_000,
        num_output=256,
        is_chat_model=True,
        is_function_calling_model=True,
        model_name="routed",
        system_role=MessageRole.SYSTEM,
    )
    guaranteed = RoutedLLM(WINDOWS, profile="guaranteed").metadata
    assert (guaranteed.context_window, guaranteed.is_function_calling_model) == (8_000, False)
    assert RoutedLLM([Model("unheard-of", **LOCAL)]).metadata.context_window == LLMMetadata().context_window
    assert RoutedLLM([Model("unheard-of", **LOCAL)]).metadata.is_function_calling_model
    assert RoutedLLM([WINDOWS["small"]]).metadata.is_function_calling_model is False
    assert RoutedLLM(["openai:gpt-5-mini"]).metadata.model_name == "gpt-5-mini"
    assert RoutedLLM(WINDOWS, context_window=5_000, max_tokens=100).metadata.context_window == 5_000
    assert RoutedLLM(WINDOWS, max_tokens=100).metadata.num_output == 100
    assert RoutedLLM(WINDOWS, max_tokens=100, num_output=50).metadata.num_output == 50
    shown = RoutedLLM(WINDOWS, profile={"model_name": "gpt-4o", "context_window": 3}).metadata
    assert (shown.model_name, shown.context_window) == ("gpt-4o", 3)


def test_the_metadata_is_made_once_and_follows():
    llm = RoutedLLM(WINDOWS)
    assert llm.metadata is llm.metadata
    assert llm.to_payload() == {"class_name": "RoutedLLM", **llm.metadata.model_dump()}
    llm.to_payload()["class_name"] = "other"
    assert llm.to_payload()["class_name"] == "RoutedLLM"
    llm.context_window = 77
    assert llm.metadata.context_window == llm.to_payload()["context_window"] == 77


def test_fields_can_be_changed(server):
    llm = pool("up", server, temperature=0.5)
    router = llm.router
    llm.temperature = 0.1
    llm.default_routing = {"user": "u1"}
    llm.callback_manager = CallbackManager([])
    assert llm.router is router
    response = llm.chat(question())
    assert server.sandbox.requests[-1].body["temperature"] == 0.1
    assert response.additional_kwargs["routing"]["user"] == "u1"
    llm.strategy = "cheapest"
    assert llm.router is not router
    assert llm.router.policy.name == "cheapest"
    assert llm.chat(question()).additional_kwargs["routing"]["strategy"] == "cheapest"


def test_one_router_behind_both_doors(server):
    llm = pool("up", server)
    model = RoutedChatModel(router=llm.router)
    again = RoutedLLM(router=model.router, temperature=0.5)
    with llm.router.track() as spend:
        llm.complete(ASKED)
        model.invoke(ASKED)
        again.complete(ASKED)
    assert again.router is llm.router is model.router
    assert spend.total.calls == 3
    assert spend.total_nanousd == sum(entry.cost_nanousd for entry in server.sandbox.ledger)


# dumps -----------------------------------------------------------------------------------------------------------------


def test_a_model_of_strings_comes_back_from_its_dump():
    llm = RoutedLLM(
        ["openai:gpt-5-mini", "openai:gpt-5"], "cheapest", temperature=0.5, stop=["x"], routing={"user": "u"}, seed=3,
        timeout=5, max_retries=0, api_key="env:A_KEY", context_window=9_000, system_prompt="Be.", model_kwargs={"user": "u"},
    )  # fmt: skip
    told = llm.to_dict()
    assert told["class_name"] == "RoutedLLM"
    again = RoutedLLM.from_dict(told)
    assert again.to_dict() == told
    assert again.router.catalog.models == llm.router.catalog.models
    assert again.router.catalog.deployments[0].endpoint.credential.get().value == CANARY
    assert RoutedLLM.from_json(llm.to_json()).to_dict() == told
    assert RoutedLLM.from_dict(RoutedLLM("sandbox").to_dict()).complete(ASKED).text


class Secretive(CustomLLM):
    """Shows its key, as LlamaIndex's own classes do."""

    api_key: str = CANARY

    @property
    def metadata(self):
        return LLMMetadata()

    def complete(self, prompt, formatted=False, **kwargs): ...

    def stream_complete(self, prompt, formatted=False, **kwargs): ...


WAYS = {
    "common.api_key": lambda: {"models": ["openai:gpt-5"], "api_key": CANARY},
    "common.api_key, held": lambda: {"models": ["openai:gpt-5"], "api_key": SecretStr(CANARY)},
    "common.api_key, several": lambda: {"models": ["openai:gpt-5"], "api_key": [CANARY, "other"]},
    "models[0].api_key": lambda: {"models": [Model("openai:gpt-5", api_key=CANARY)]},
    "models['m'].api_key": lambda: {"models": {"m": Model("openai:gpt-5", api_key=["env:A_KEY", CANARY])}},
    "models[0].headers": lambda: {"models": [Model("openai:gpt-5", headers={"x-key": CANARY})]},
    "common.headers": lambda: {"models": ["openai:gpt-5"], "headers": {"x-key": CANARY}},
    "common.proxy": lambda: {"models": ["openai:gpt-5"], "proxy": f"http://u:{CANARY}@localhost:9"},
    "models[0].base_url": lambda: {"models": [Model("m", base_url=f"http://u:{CANARY}@localhost:9/v1")]},
    "common.base_url": lambda: {"models": ["m"], "base_url": f"http://u:{CANARY}@localhost:9/v1"},
    "models[0]": lambda: {"models": [Secretive()]},
}


def faces(llm):
    explained = llm.explain(ASKED)
    return {
        "repr": repr([llm, llm.router]),
        "str": str(llm),
        "to_dict": repr(llm.to_dict()),
        "to_json": llm.to_json(),
        "model_dump": repr(llm.model_dump()),
        "dict": repr(llm.dict()),
        "to_payload": repr(llm.to_payload()),
        "schema": json.dumps(type(llm).model_json_schema(), default=str),
        "explain": str(explained) + explained.as_json(),
    }


@pytest.mark.parametrize("way", WAYS)
def test_no_face_shows_a_secret_and_no_pickle_holds_one(way):
    llm = RoutedLLM(**WAYS[way]())
    for name, text in faces(llm).items():
        assert CANARY not in text, name
    with pytest.raises(ConfigurationError) as caught:
        pickle.dumps(llm)
    assert str(caught.value).startswith(way.partition(",")[0] + ":")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_copies_share_the_router_and_show_nothing(way):
    llm = RoutedLLM(**WAYS[way]())
    for copied in (copy.copy(llm), copy.deepcopy(llm), llm.model_copy(update={"temperature": 0.5}), llm.with_routing(user="u")):
        assert copied.router is llm.router
        assert CANARY not in repr(copied) + repr(copied.to_dict())
        assert copied.metadata == llm.metadata


def test_a_copy_is_its_own():
    llm = RoutedLLM("sandbox", model_kwargs={"user": "a"})
    copied = copy.deepcopy(llm)
    copied.model_kwargs["user"] = "b"
    copied.temperature = 0.5
    assert llm.model_kwargs == {"user": "a"}
    assert llm.temperature is None
    with copied.routing(user="u1"):
        assert llm.complete(ASKED).additional_kwargs["routing"]["user"] == "u1"


def test_pickling():
    llm = RoutedLLM(
        ["openai:gpt-5", Model("openai:gpt-5-mini", api_key="env:A_KEY")], api_key="env:A_KEY", temperature=0.5,
        routing={"user": "u"}, system_prompt="Be.", completion_to_prompt=lambda text: text,
    )  # fmt: skip
    raw = pickle.dumps(llm)
    assert CANARY.encode() not in raw
    again = pickle.loads(raw)
    assert again.to_dict() == llm.to_dict()
    assert again.router.catalog.models == llm.router.catalog.models
    assert again._core.router is again.router
    assert again.completion_to_prompt("x") == "x"
    assert again._get_messages(PromptTemplate("Hi"))[0].content == "Be."
    for name, text in faces(again).items():
        assert CANARY not in text, name


def test_a_pickle_that_cannot_be_made_leaves_all_as_it_was():
    llm = RoutedLLM([Model("openai:gpt-5", credential=lambda: CANARY)])
    typed = llm.as_structured_llm(Sum)
    for each in (llm, typed):
        with pytest.raises(ConfigurationError, match="models: it cannot be pickled"):
            pickle.dumps(each)
    assert llm.router.catalog.models == typed.llm.router.catalog.models == ("openai:gpt-5",)
    keyed = RoutedLLM("openai:gpt-5", api_key=CANARY).as_structured_llm(Sum)
    with pytest.raises(ConfigurationError, match="api_key"):
        pickle.dumps(keyed)
    assert keyed.llm.router.catalog.models == ("openai:gpt-5",)


def test_what_a_pickle_leaves_out_stays_in_the_object():
    limiter = TokenBucketRateLimiter(requests_per_minute=1000)  # it holds a lock
    llm = RoutedLLM("sandbox", rate_limiter=limiter, messages_to_prompt=lambda messages: "mine")
    again = pickle.loads(pickle.dumps(llm))
    assert llm.rate_limiter is limiter
    assert llm.messages_to_prompt([]) == "mine"
    assert again.rate_limiter is None
    assert again.complete(ASKED).text
    typed = pickle.loads(pickle.dumps(llm.as_structured_llm(Sum)))
    assert isinstance(typed.complete(ASKED).raw, Sum)


def test_explaining_calls_nothing(server):
    llm = pool("up", server)
    for asked in (ASKED, question()):
        decision = llm.explain(asked, routing={"exclude": "sandbox:sandbox-medium"}, max_tokens=5)
        assert [deployment.model for deployment in decision.order] == ["sandbox:sandbox-large"]
    with llm.routing(exclude="sandbox:sandbox-medium"):
        assert llm.explain(ASKED).order[0].model == "sandbox:sandbox-large"
    assert not server.sandbox.requests


async def test_explaining_in_async_code(server):
    assert (await pool("up", server).aexplain(ASKED)).order[0].model == "sandbox:sandbox-medium"


def test_a_router_of_ones_own_is_not_in_the_dump():
    llm = RoutedLLM(router=Router("sandbox"))
    assert llm.to_dict()["models"] is None
