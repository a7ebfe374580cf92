"""Where keys come from, whose turn it is, and that none of them is ever shown."""

import asyncio
import pickle
import sys
import time

import pytest
from pydantic import SecretStr

from routed_llm import Model, Router
from routed_llm.errors import AsyncOnly, CallFailed, ConfigurationError, MissingKey, ProviderError
from routed_llm.providers import credentials
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


def two(server, key):
    """A model with that key, and one that needs none behind it."""
    from routed_llm import RoutedChatModel

    entries = [
        Model("sandbox-large", base_url=server.base_url, name=name, api_key=k) for name, k in (("a", key), ("b", "good-key"))
    ]
    return RoutedChatModel(entries, quiet_fallbacks=True)


def raises():
    raise OSError("the vault is down: canary")


async def raises_later():
    raise RuntimeError("the vault is down: canary")


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    "source",
    [raises, raises_later, lambda: 5, lambda: "", lambda: "kéy", lambda: "two words", f"command:{sys.executable} -c fail"],
    ids=["raises", "async", "number", "empty", "not-ascii", "blank", "command"],
)
def test_a_source_that_fails_is_a_refused_key_for_a_while(server, source, mode):
    model = two(server, source)
    answer = model.invoke("What is 1 + 1?") if mode == "sync" else asyncio.run(model.ainvoke("What is 1 + 1?"))
    assert answer.response_metadata["routing"]["model"] == "b"
    failed = model.router.records()[-1].attempts[0].error
    assert (failed.kind, failed.sent, failed.phase) == ("auth", False, "credential")
    assert "canary" not in str(failed)
    left = model.router.live.cooling["a"] - time.monotonic()
    assert 20 < left <= 30  # it may give a key later


def test_a_file_that_vanished_is_read_again_later(server, tmp_path):
    (tmp_path / "key").write_text("good-key\n")
    model = two(server, f"file:{tmp_path / 'key'}")
    (tmp_path / "key").unlink()
    assert model.invoke("What is 1 + 1?").response_metadata["routing"]["model"] == "b"
    (tmp_path / "key").write_text("good-key\n")
    model.router.live.forget("a")
    assert model.invoke("What is 1 + 1?").response_metadata["routing"]["model"] == "a"


def test_blanks_around_a_key_of_a_variable_or_a_function_do_not_count(server, monkeypatch):
    monkeypatch.setenv("A_KEY", " good-key\n")
    assert ask(server, api_key="env:A_KEY") == ask(server, credential=lambda: "good-key\n") == "2"
    monkeypatch.setenv("A_KEY", "two words")
    with pytest.raises(ConfigurationError, match="A_KEY holds blanks"):
        credential("env:A_KEY")
    monkeypatch.setenv("A_KEY", " ")
    with pytest.raises(MissingKey, match="A_KEY"):
        credential("env:A_KEY")


def test_a_secret_that_holds_a_reference_is_that_reference(monkeypatch):
    monkeypatch.setenv("A_KEY", "from-env")
    held = credential(SecretStr("env:A_KEY"))
    assert (held.get().value, held.label) == ("from-env", "env:A_KEY")
    assert pickle.loads(pickle.dumps(held)).get().value == "from-env"


def test_reading_a_key_takes_no_longer_than_the_call_may():
    async def slow():
        await asyncio.sleep(5)
        return "key"

    def blocks():
        time.sleep(0.6)
        return "key"

    for source in (slow, blocks, f'command:{sys.executable} -c "import time; time.sleep(0.6)"'):
        start = time.monotonic()

        async def read(given=source):
            return await credential(given).aget(time.monotonic() + 0.1)

        with pytest.raises(ProviderError) as caught:
            asyncio.run(read())
        assert caught.value.kind in ("timeout", "auth")
        assert time.monotonic() - start < 0.5
    with pytest.raises(ProviderError, match="TimeoutExpired"):
        credential(f'command:{sys.executable} -c "import time; time.sleep(5)"').get(time.monotonic() + 0.1)


def test_keys_that_are_known_take_no_thread(monkeypatch):
    def refuse(*_):
        raise AssertionError("a thread was used")

    monkeypatch.setenv("A_KEY", "from-env")
    monkeypatch.setattr(type(credentials._THREADS), "submit", refuse)
    for given in ("plain", "env:A_KEY", ["k1", "k2"], SecretStr("plain"), gives_at_once):
        assert asyncio.run(credential(given).aget()).value


def test_the_only_key_is_the_very_same_every_time():
    one = credential("plain-key")
    assert one.get() is one.get()


def test_headers_that_cannot_be_sent_are_refused_at_once():
    with pytest.raises(ConfigurationError, match="x-team") as caught:
        Router([Model("m", base_url="http://localhost:1/v1", headers={"x-team": "two\nlines canary"})])
    assert "canary" not in str(caught.value)
