"""Where keys come from, whose turn it is, and that none of them is ever shown."""

import asyncio
import pickle
import sys

import pytest
from pydantic import SecretStr

from routed_llm import Model, Router
from routed_llm.errors import AsyncOnly, CallFailed, ConfigurationError, MissingKey
from routed_llm.providers.credentials import Key, credential_of
from routed_llm.testing import Sandbox, SandboxServer


def credential(given, env=()):
    return credential_of(given, env, required=True, provider="p", path="models[0]")


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0, api_key="good-key")) as served:
        yield served


def ask(server, mode="sync", **entry):
    from langchain_core.messages import HumanMessage

    from routed_llm import RoutedChatModel

    model = RoutedChatModel([Model("sandbox-large", base_url=server.base_url, name="m", **entry)], quiet_fallbacks=True)
    question = [HumanMessage("What is 1 + 1?")]
    return model.invoke(question).text if mode == "sync" else asyncio.run(model.ainvoke(question)).text


async def gives_later():
    await asyncio.sleep(0.001)
    return "good-key"


async def gives_at_once():
    return "good-key"


def test_every_reference_gives_its_key(tmp_path, monkeypatch):
    monkeypatch.setenv("A_KEY", "from-env")
    (tmp_path / "key").write_text("from-file\n")
    command = f"command:{sys.executable} -c \"print('from-command')\""
    for given, key in (
        ("plain-key", "plain-key"),
        ("env:A_KEY", "from-env"),
        (f"file:{tmp_path / 'key'}", "from-file"),
        (command, "from-command"),
        (lambda: "from-function", "from-function"),
        (lambda: SecretStr("secret"), "secret"),
        (SecretStr("secret"), "secret"),
        (gives_at_once, "good-key"),
    ):
        assert credential(given).get().value == key
        assert asyncio.run(credential(given).aget()).value == key
    assert credential(None, ["NOT_SET", "A_KEY"]).get().value == "from-env"


def test_what_cannot_be_a_key_is_refused_with_its_path():
    for given, error, told in (
        ("env:NOT_SET", MissingKey, "NOT_SET"),
        ("file:/nowhere", MissingKey, "/nowhere"),
        ("", ConfigurationError, "models[0].api_key"),
        ([], ConfigurationError, "models[0].api_key"),
        (3, ConfigurationError, "int"),
        ("two words", ConfigurationError, "blanks"),
    ):
        with pytest.raises(error, match="models") as caught:
            credential(given)
        assert told in str(caught.value)


def test_a_function_that_waits_works_in_async_code_and_says_so_in_sync_code(server):
    assert ask(server, "async", credential=gives_later) == "2"
    assert ask(server, "sync", credential=gives_at_once) == "2"
    with pytest.raises(AsyncOnly, match="gives_later"):
        ask(server, "sync", credential=gives_later)


def test_a_function_that_blocks_does_not_block_the_event_loop(server):
    import time

    def slow():
        time.sleep(0.3)
        return "good-key"

    async def measure():
        from langchain_core.messages import HumanMessage

        from routed_llm import RoutedChatModel

        model = RoutedChatModel([Model("sandbox-large", base_url=server.base_url, name="m", credential=slow)])
        ticks = 0
        call = asyncio.create_task(model.ainvoke([HumanMessage("What is 1 + 1?")]))
        while not call.done():
            await asyncio.sleep(0.02)
            ticks += 1
        return ticks

    assert asyncio.run(measure()) > 8


def test_keys_take_turns():
    several = credential(["k1-plain", "k2-plain", "k3-plain"])
    assert [several.get().value for _ in range(4)] == ["k1-plain", "k2-plain", "k3-plain", "k1-plain"]
    assert several.refuse(Key(1, "k2-plain"), 60.0)
    assert "k2-plain" not in [several.get().value for _ in range(6)]
    assert several.refuse(Key(0, "k1-plain"), 60.0)
    assert not several.refuse(Key(2, "k3-plain"), 60.0)


def test_a_token_that_expired_is_asked_for_anew(server):
    tokens = iter(["expired", "good-key", "good-key"])
    current = {"token": next(tokens)}

    def token():
        given, current["token"] = current["token"], next(tokens, "good-key")
        return given

    assert ask(server, credential=token) == "2"
    assert len(server.sandbox.requests) == 2


def test_a_function_that_only_gives_refused_tokens_ends(server):
    with pytest.raises(CallFailed):
        ask(server, credential=lambda: "wrong")
    assert len(server.sandbox.requests) == 2


def test_nothing_shows_a_key(monkeypatch):
    monkeypatch.setenv("A_KEY", "canary-env")
    router = Router([Model("openai:gpt-5-mini", api_key="env:A_KEY"), Model("openai:gpt-5", api_key="canary-text")])
    endpoints = [d.endpoint for d in router.catalog.deployments]
    shown = repr(router) + repr(endpoints) + repr([e.credential for e in endpoints]) + repr(Model("m", api_key="canary"))
    assert "canary" not in shown
    assert b"canary" not in pickle.dumps(endpoints[0].credential)
    with pytest.raises(ConfigurationError, match="env:NAME"):
        pickle.dumps(endpoints[1].credential)


def test_a_refused_key_is_not_echoed(server):
    with pytest.raises(CallFailed) as caught:
        ask(server, api_key="sk-canary-0123456789")
    assert "canary" not in str(caught.value) + repr(caught.value) + repr(caught.value.attempts)
