"""What the argument ``state`` means, and that it shows no password."""

import pickle

import pytest
from redis_kit import Server, redis

from routed_llm import RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import ConfigurationError
from routed_llm.state.redis import RedisState

CANARY = "canary0123456789abcdef"


def test_an_address_with_settings():
    state = RedisState.of("rediss://:secret@host:1/2?prefix=mine&budgets=refuse&ssl_cert_reqs=none")
    assert (state.prefix, state.budgets) == ("mine", "refuse")
    assert state.url == "rediss://:secret@host:1/2?ssl_cert_reqs=none"
    assert RedisState.of("valkey://host").url == "redis://host"
    assert RedisState.of(None) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("http://host", "must begin with redis://"),
        ("host:6379", "must begin with redis://"),
        ("redis://host:port", "cannot be|no address"),
        ("redis://:a/b@host", "percent codes"),
        ("redis://host?budgets=open", "must be 'local' or 'refuse'"),
        ("redis://host?prefix={x}", "without braces"),
        ("redis://host?nonsense=1", "settings behind its ?"),
        ("redis://host?socket_timeout=soon", "settings behind its ?"),
        ("env:NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"),
        (17, r"must be a redis.Redis, not a int"),
        ({}, r"must be a redis.Redis, not a dict"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, told):
    with pytest.raises(ConfigurationError, match=told) as caught:
        Router("sandbox", state=given)
    assert caught.value.path.startswith("state")


def test_more_that_cannot_be_meant():
    for wrong in ({"every": 0}, {"every": True}, {"budgets": "x"}, {"prefix": ""}):
        with pytest.raises(ConfigurationError):
            RedisState("redis://host", **wrong)
    with pytest.raises(ConfigurationError):
        RedisState()
    with pytest.raises(ConfigurationError, match="thread"):
        RedisState(client=redis.asyncio.Redis())


def test_a_variable_is_read_and_travels_with_pickles(monkeypatch):
    monkeypatch.setenv("MY_REDIS", f"redis://:{CANARY}@127.0.0.1:9/0?prefix=p")
    with Router("sandbox", state="env:MY_REDIS") as router:
        raw = pickle.dumps(router)
        assert CANARY.encode() not in raw
        with pickle.loads(raw) as again:
            assert again.live.state.prefix == "p"
        assert CANARY not in repr(vars(router)) + repr(router.live.state) + repr(router.live.shared()) + repr(router.health())


def test_a_password_is_not_shown_and_not_pickled(caplog):
    address = f"redis://user:{CANARY}@127.0.0.1:9/0"
    for bad in (f"redis://u:{CANARY}@host:port", f"ftp://u:{CANARY}@host", f"redis://u:a/{CANARY}@host"):
        with pytest.raises(ConfigurationError) as caught:
            RedisState(bad)
        assert CANARY not in str(caught.value)
    with caplog.at_level("DEBUG"), Router("sandbox", state=address) as router:
        shown = repr(vars(router)) + repr(router) + repr(router.live.state) + repr(router.live.shared())
        assert CANARY not in shown
        with pytest.raises(ConfigurationError, match="env:NAME"):
            pickle.dumps(router)
    assert CANARY not in caplog.text
    for door in (RoutedChatModel, RoutedLLM):
        model = door("sandbox", state=address)
        assert CANARY not in repr(vars(model)) + repr(model) + str(model) + repr(vars(model.router))
        model.close()
    with pytest.raises(ConfigurationError, match="env:NAME"):
        Router.from_config({"models": ["sandbox"], "state": address})


def test_a_client_of_ones_own(tmp_path):
    server = Server(tmp_path).start()
    client = server.client()
    with Router("sandbox", state=client) as router:
        while not router.live.shared()["connected"]:
            pass
        with pytest.raises(ConfigurationError, match="client"):
            pickle.dumps(router)
    client.ping()
    client.close()
    server.kill()
