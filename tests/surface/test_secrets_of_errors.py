"""Every public class of errors, raised through the public face with canaries in all that was given: none shows one."""

import asyncio
import logging

import pytest
from canaries import Logged, basic, canary, faces, report
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage
from pydantic import BaseModel, SecretStr

from routed_llm import (
    Budget,
    Model,
    RoutedChatModel,
    RoutedEmbedding,
    RoutedEmbeddings,
    RoutedLLM,
    Router,
    adiscover_models,
    discover_models,
    errors,
)
from routed_llm.state.redis import RedisState
from routed_llm.testing.faults import FaultyProvider, Healthy

QUESTION = [HumanMessage("What is 17 + 25?")]


class Person(BaseModel):
    """A person."""

    name: str


def secrets():
    """What every door takes, with a canary in each."""
    return {
        "api_key": canary("api_key"),
        "headers": {"openai-organization": canary("organisation")},
        "proxy": f"http://{basic('proxy')}@127.0.0.1:9",
        "base_url": f"http://{basic('address')}@127.0.0.1:9/v1",
        "state": f"redis://user:{canary('state')}@127.0.0.1:9/0",
    }


def entry(provider, **more):
    """One deployment with canaries in it."""
    address = provider.base_url.replace("://", f"://{basic('address')}@")
    return Model(
        "openai:m", name="m", base_url=address, api_key=canary("api_key"), headers={"x-team": canary("header")},
        price={"input": 1, "output": 1}, **more,
    )  # fmt: skip


def model(provider, **more):
    return RoutedChatModel([entry(provider, **more)], max_retries=0, timeout=5)


def llm(provider, **more):
    return RoutedLLM([entry(provider, **more)], max_retries=0, timeout=5)


def failing(fault, ask=lambda made: made.invoke(QUESTION), times=1, make=model):
    """Fails with what the provider does."""

    def act(provider):
        made = make(provider)
        provider.always(fault)
        for _ in range(times - 1):
            with pytest.raises(errors.CallFailed):
                ask(made)
        ask(made)

    return act


def both(fault, times=1):
    """The same at both doors: LangChain's raises classes that are langchain-core's as well."""
    return failing(fault, times=times), failing(fault, lambda made: made.chat([ChatMessage("Hello.")]), times, llm)


def without_certificates(provider):
    return RoutedChatModel(
        ["openai:m"], base_url=provider.base_url.replace("http:", "https:"), ca_bundle="/nowhere", api_key=canary("api_key")
    )


def spent(provider):
    """A chat model whose budget allowed one call, which was made."""
    made = RoutedChatModel(router=Router([entry(provider)], budgets=[Budget(calls=1)]))
    made.invoke(QUESTION)
    return made


def waits_for_its_key(provider):
    RoutedChatModel([Model("openai:m", base_url=provider.base_url, credential=_key)]).invoke(QUESTION)


async def _key():
    await asyncio.sleep(0)
    return canary("async function")


def one_attempt(provider):
    try:
        failing("unauthorized_401")(provider)
    except errors.CallFailed as failed:
        raised = failed.attempts[0]
    raise raised


def unknown_tool(provider):
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    model(provider).bind_tools([tool], tool_choice="subtract").invoke(QUESTION)


#: how each class comes about: at several doors where they have code of their own
RAISED = {
    errors.ConfigurationError: (
        lambda _: RoutedChatModel(["openai:m"], timeout=-1, **secrets()),
        lambda _: RoutedChatModel(["openai:m"], tempreature=1, **secrets()),
        lambda _: RoutedChatModel(["openai:m"], max_price_ratio=0.5, **secrets()),
        lambda _: RoutedChatModel(["openai:m"], **{**secrets(), "headers": {"x-team": f"{canary('header')}\n"}}),
        lambda provider: model(provider, proxy=f"socks5://{basic('proxy')}@h:1").invoke(QUESTION),
        lambda provider: model(provider, proxy=f"http://{basic('proxy')}@h:port").invoke(QUESTION),
        lambda provider: without_certificates(provider).invoke(QUESTION),
        lambda provider: asyncio.run(without_certificates(provider).ainvoke(QUESTION)),
        lambda _: RedisState(f"redis://:{canary('state')}@h:port"),
        lambda _: RedisState.of(f"redis://:{canary('state')}@h/0?nonsense=1"),
        lambda _: RoutedChatModel(["openai:m"], **{**secrets(), "base_url": f"ftp://{basic('address')}@h/v1"}),
        lambda _: RoutedChatModel(["openai:m"], **{**secrets(), "state": f"postgres://:{canary('state')}@h"}),
        lambda _: RoutedChatModel(["openai:m"], **{**secrets(), "api_key": f"two words {canary('api_key')}"}),
        lambda _: RoutedLLM(["openai:m"], timeout=-1, **secrets()),
        lambda _: RoutedLLM(["openai:m"], max_price_ratio=0.5, **secrets()),
        lambda _: Router([Model("openai:m", api_key=canary("api_key"))], max_price_ratio=0.5),
        lambda _: Router([Model("openai:m", api_key=[canary("api_key"), ""])]),
        lambda _: Router([Model("openai:m", api_key=canary("api_key"), context=-1)]),
    ),
    errors.UnknownProvider: (
        lambda _: RoutedChatModel(["nobody:m"], **{**secrets(), "base_url": None}),
        lambda _: RoutedLLM(["nobody:m"], **{**secrets(), "base_url": None}),
        lambda _: RoutedEmbeddings(["nobody:m"], api_key=canary("api_key")),
        lambda _: RoutedEmbedding(["nobody:m"], api_key=canary("api_key")),
        lambda _: Router([Model("nobody:m", api_key=SecretStr(canary("api_key")))]),
    ),
    errors.MissingKey: (
        lambda _: RoutedChatModel(["openai:m"], **{**secrets(), "api_key": "env:NOBODY_SET_THIS"}),
        lambda _: Router([Model("openai:m", headers={"x-team": canary("header")})]),
    ),
    errors.NoModels: (
        lambda _: RoutedChatModel([], **secrets()),
        lambda _: RoutedLLM([], **secrets()),
        lambda _: Router([], common=Model(api_key=canary("api_key"))),
    ),
    errors.RefreshFailed: (
        lambda _: Router(
            "sandbox", prices=f"http://{basic('prices')}@127.0.0.1:9/list?token={canary('token')}"
        ).refresh_prices(),
        lambda provider: Router("sandbox", prices=f"{provider.base_url}/models?token={canary('token')}").refresh_prices(),
    ),
    errors.DiscoveryFailed: (
        lambda _: discover_models(f"http://{basic('discover')}@127.0.0.1:9/v1", api_key=canary("api_key")),
        lambda _: asyncio.run(adiscover_models(f"http://{basic('discover')}@127.0.0.1:9/v1", api_key=canary("api_key"))),
    ),
    errors.InvalidCall: (unknown_tool,),
    errors.UnknownHint: (lambda provider: model(provider).invoke(QUESTION, routing={"budgett": 1}),),
    errors.UnknownModel: (lambda provider: model(provider).invoke(QUESTION, model="nobody"),),
    errors.NoEligibleModel: (lambda provider: model(provider).invoke(QUESTION, routing={"region": "eu"}),),
    errors.BudgetSpent: (
        lambda provider: spent(provider).invoke(QUESTION),
        lambda provider: RoutedLLM(router=spent(provider).router).chat([ChatMessage("Hello.")]),
    ),
    errors.AsyncOnly: (waits_for_its_key,),
    errors.ProviderError: (one_attempt,),
    errors.CallFailed: (*both("internal_error_500"), *both("unauthorized_401")),
    errors.AllDeploymentsDown: both("unauthorized_401", times=2),
    errors.ContextOverflow: both("context_overflow_400"),
    errors.DeadlineExceeded: (
        lambda provider: model(provider).invoke(QUESTION, routing={"deadline": 1e-9}),
        lambda provider: llm(provider).chat([ChatMessage("Hello.")], routing={"deadline": 1e-9}),
    ),
    errors.StreamBroken: (failing("stream_reset_midway", lambda made: list(made.stream(QUESTION))),),
    errors.AnswerCut: (failing("cut_by_length", lambda made: made.invoke(QUESTION, response_format=Person)),),
}


def public():
    """All classes of errors that a caller can meet: not the base, and not the one that users' own programs raise."""
    found, waiting = set(), [errors.RoutedError]
    while waiting:
        below = waiting.pop().__subclasses__()
        found.update(cls for cls in below if not cls.__name__.startswith("_"))
        waiting += below
    found.discard(errors.CannotAnswer)
    return {cls for cls in found if cls.__module__ != "routed_llm.langchain.errors"}  # these are made of the others


def caught(act, provider):
    """The exception; no variable of this frame holds a secret."""
    try:
        act(provider)
    except Exception as error:  # its class is looked at
        return error
    return None


@pytest.mark.parametrize(("cls", "number"), [(cls, n) for cls, acts in RAISED.items() for n in range(len(acts))])
def test_an_error_shows_no_secret(cls, number, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("A_CANARY_KEY", canary("environment"))
    with FaultyProvider(Healthy('{"name": "Ada"}')) as provider, Logged() as logged:
        error = caught(RAISED[cls][number], provider)
        logging.getLogger("routed_llm").error("It failed.", exc_info=error)
    assert isinstance(error, cls), repr(error)
    assert type(error).__name__ == cls.__name__
    assert report(faces(error, rendered=True), cls.__name__) == []
    assert report({"log": "\n".join(logged.seen)}, cls.__name__) == []


def test_all_classes_are_covered():
    assert set(RAISED) == public()
    assert {cls.__name__ for cls in RAISED} | {"CannotAnswer", "RoutedError", "ErrorKind"} == set(errors.__all__)
