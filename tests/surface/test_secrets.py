"""Canary keys are planted wherever a secret may be given, and looked for wherever it might be shown."""

import asyncio
import copy
import pickle
import traceback

import pytest
from langchain_core.load import dumpd, dumps
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.errors import ConfigurationError
from routed_llm.testing import Sandbox, SandboxServer

CANARY = "canary0123456789abcdef"
QUESTION = [HumanMessage("What is 1 + 1?")]
NOWHERE = "http://localhost:9/v1"

#: every way to give a secret as arguments of a chat model, by the path that a refusal names
WAYS = {
    "common.api_key": lambda: {"models": ["openai:gpt-5"], "api_key": CANARY},
    "common.api_key, held": lambda: {"models": ["openai:gpt-5"], "api_key": SecretStr(CANARY)},
    "common.api_key, several": lambda: {"models": ["openai:gpt-5"], "api_key": [CANARY, "other"]},
    "models[0].api_key": lambda: {"models": [Model("openai:gpt-5", api_key=CANARY)]},
    "models['m'].api_key": lambda: {"models": {"m": Model("openai:gpt-5", api_key=["env:A_KEY", CANARY])}},
    "models['m'][1].api_key": lambda: {"models": {"m": ["openai:gpt-5", Model("openai:gpt-5-mini", api_key=CANARY)]}},
    "models[0].deployments[0].api_key": lambda: {
        "models": [Model(name="m", deployments=[Model("openai:gpt-5", api_key=CANARY)])]
    },
    "models[0].headers": lambda: {"models": [Model("openai:gpt-5", headers={"x-key": CANARY})]},
    "common.headers": lambda: {"models": ["openai:gpt-5"], "headers": {"x-key": CANARY}},
    "models[0].proxy": lambda: {"models": [Model("openai:gpt-5", proxy=f"http://u:{CANARY}@localhost:9")]},
    "common.proxy": lambda: {"models": ["openai:gpt-5"], "proxy": f"http://u:{CANARY}@localhost:9"},
    "models[0].base_url": lambda: {"models": [Model("m", base_url=f"http://u:{CANARY}@localhost:9/v1")]},
    "common.base_url": lambda: {"models": ["m"], "base_url": f"http://u:{CANARY}@localhost:9/v1"},
}


@pytest.fixture(autouse=True)
def _key_in_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("A_KEY", CANARY)


def listed(thing):
    """What a debugger lists of an object."""
    return repr(getattr(thing, "__dict__", {})) + repr([getattr(thing, s, None) for s in getattr(type(thing), "__slots__", ())])


def faces(model):
    """Everything that is shown of a model, its router, and what stands behind, by name."""
    router = model.router
    endpoints = [d.endpoint for d in router.catalog.deployments]
    things = [model, router, router.catalog, *router.catalog.deployments, *endpoints]
    things += [e.credential for e in endpoints if getattr(e, "credential", None) is not None]
    explained = model.explain(QUESTION)
    return {
        "repr": repr(things),
        "str": " ".join(map(str, things)),
        "models": repr(model.models),
        "model_dump": repr(model.model_dump()),
        "model_dump_json": model.model_dump_json(),
        "dumpd": repr(dumpd(model)),
        "dumps": dumps(model),
        "vars of endpoints": " ".join(listed(thing) for thing in things[3:]),
        "facts": repr([d.facts() for d in router.catalog.deployments]),
        "identity": repr(model._identifying_params) + model._get_llm_string(),
        "explain": str(explained) + explained.as_json(),
    }


@pytest.mark.parametrize("way", WAYS)
def test_no_face_shows_a_secret_and_no_pickle_holds_one(way):
    model = RoutedChatModel(**WAYS[way]())
    for name, text in faces(model).items():
        assert CANARY not in text, name
    with pytest.raises(ConfigurationError) as caught:
        pickle.dumps(model)
    assert str(caught.value).startswith(way.partition(",")[0] + ":")
    assert CANARY not in str(caught.value)
    with pytest.raises(ConfigurationError):
        pickle.dumps(model.router)


@pytest.mark.parametrize("way", WAYS)
def test_copies_share_the_router_and_show_nothing(way):
    model = RoutedChatModel(**WAYS[way]())
    for copied in (copy.copy(model), copy.deepcopy(model), model.model_copy(update={"temperature": 0.5})):
        assert copied.router is model.router
        assert CANARY not in repr(copied) + repr(copied.model_dump())
    changed = model.model_copy(update={"max_retries": 0})  # another router, with the same secrets
    assert changed.router is not model.router
    assert CANARY not in repr(changed)
    endpoints = [m.router.catalog.deployments[-1].endpoint for m in (model, changed)]
    assert len({tuple(e._plain.headers.items()) for e in endpoints}) == 1


@pytest.mark.parametrize("key", ["env:A_KEY", SecretStr("env:A_KEY"), ["env:A_KEY"]], ids=str)
def test_references_are_pickled_and_not_what_they_give(key):
    for given in ({"models": ["openai:gpt-5"], "api_key": key}, {"models": [Model("openai:gpt-5", api_key=key)]}):
        model = RoutedChatModel(**given)
        raw = pickle.dumps(model)
        assert CANARY.encode() not in raw
        again = pickle.loads(raw)
        assert again.router.catalog.deployments[0].endpoint.credential.get().value == CANARY
        for name, text in faces(again).items():
            assert CANARY not in text, name


def test_an_entry_shows_nothing_is_copied_and_refuses_to_be_pickled():
    entry = Model("openai:gpt-5", api_key=CANARY, base_url=f"http://u:{CANARY}@localhost/v1", headers={"x": CANARY})
    assert CANARY not in repr(entry)
    assert "http://localhost/v1" in repr(entry)
    for copied in (copy.copy(entry), copy.deepcopy(entry)):
        assert copied == entry
    with pytest.raises(ConfigurationError, match="env:NAME"):
        pickle.dumps(entry)
    plain = Model("openai:gpt-5", api_key="env:A_KEY", price={"input": 1, "output": 2}, tags=("a",))
    assert pickle.loads(pickle.dumps(plain)) == plain


def test_what_stands_behind_an_address_is_not_shown():
    address = f"{NOWHERE}?key={CANARY}#{CANARY}"
    entry = Model("m", base_url=address)
    assert CANARY not in repr(entry)
    assert f"base_url={NOWHERE!r}" in repr(entry)
    for pool, common in ((["openai:gpt-5"], {"base_url": address}), ([entry], {})):
        with pytest.raises(ConfigurationError, match="must end before") as caught:
            RoutedChatModel(pool, **common)
        assert CANARY not in "".join(traceback.format_exception(caught.value))
        assert CANARY not in repr(caught.value)
    with pytest.raises(ConfigurationError, match="must begin with http") as caught:
        Router([Model("m", base_url=f"ftp://localhost/?key={CANARY}")])
    assert CANARY not in str(caught.value)


def test_a_bad_address_is_refused_without_its_password():
    for address in (f"u:{CANARY}@host/v1", f"ftp://u:{CANARY}@host/v1", f"http://u:{CANARY}@host:port/v1"):
        with pytest.raises(ConfigurationError) as caught:
            Router([Model("m", base_url=address)])
        assert CANARY not in str(caught.value)


def test_what_is_wrapped_shows_no_key():
    model = RoutedChatModel([ChatOpenAI(model="gpt-5", api_key=CANARY, base_url=NOWHERE)])
    shown = faces(model)
    shown.pop("vars of endpoints")  # the user's own objects are in there
    for name, text in shown.items():
        assert CANARY not in text, name
    assert CANARY not in repr(vars(model.router.catalog.deployments[0].endpoint)["_secrets"])


# failing calls ---------------------------------------------------------------------------------------------------------


def locals_of(error):
    """What a report with local variables shows of our frames, along everything the error came from."""
    found, seen, waiting = [], set(), [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__, *getattr(each, "attempts", ())]
        trace = each.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if "routed_llm" in code.co_filename.rsplit("/tests/", 1)[0]:
                found += [f"{code.co_filename}:{trace.tb_lineno} {k}={v!r}" for k, v in trace.tb_frame.f_locals.items()]
            trace = trace.tb_next
    return found


def told(error):
    """Everything an error may end up as, in lines."""
    lines = [str(error), repr(error), *traceback.format_exception(error), *locals_of(error)]
    try:
        lines.append(repr(pickle.dumps(error)))
    except TypeError as unpicklable:
        lines.append(str(unpicklable))
    return lines


FAILURES = {
    "refused": {"status": 401},
    "limited": {"status": 429},
    "bad request": {"status": 400},
    "server": {"status": 500},
    "no answer": {"mode": "refuse"},
    "half an answer": {"mode": "reset"},
    "unreadable": {"mode": "malformed"},
}


async def read(stream):
    return [chunk async for chunk in stream]


def fail(model, mode, prompt=QUESTION):
    with pytest.raises(Exception) as caught:
        if mode == "invoke":
            model.invoke(prompt)
        elif mode == "stream":
            list(model.stream(prompt))
        else:
            asyncio.run(model.ainvoke(prompt) if mode == "ainvoke" else read(model.astream(prompt)))
    return caught.value


def secretive(url, **entry):
    """One model with a canary in its key and its headers."""
    given = {"api_key": f"sk-{CANARY}", "headers": {"x-team": CANARY}, **entry}
    return RoutedChatModel([Model("sandbox-large", base_url=url, name="m", **given)], max_retries=0)


MODES = ["invoke", "ainvoke", "stream", "astream"]


@pytest.mark.parametrize("mode", MODES)
def test_no_failure_of_a_server_shows_a_secret(mode):
    with SandboxServer(Sandbox(speed=0)) as server:
        for name, failure in FAILURES.items():
            server.sandbox.fail(**failure)
            model = secretive(server.base_url)
            error = fail(model, mode)
            assert [line for line in told(error) if CANARY in line] == [], name
            assert CANARY not in repr([record.as_dict() for record in model.router.records()])


@pytest.mark.parametrize("mode", MODES)
def test_no_failure_before_an_answer_shows_a_secret(mode):
    def raises():
        raise ValueError(CANARY)

    for name, model, prompt in (
        ("connection", secretive(NOWHERE), QUESTION),
        ("proxy", secretive("http://somewhere.invalid/v1", proxy=f"http://u:{CANARY}@localhost:9"), QUESTION),
        ("address", secretive(f"http://u:{CANARY}@localhost:9/v1"), QUESTION),
        ("body", secretive(NOWHERE), [HumanMessage("\ud800")]),
        ("no key", secretive(NOWHERE, api_key=raises), QUESTION),
        ("bad key", secretive(NOWHERE, api_key=lambda: f"two words {CANARY}"), QUESTION),
    ):
        assert [line for line in told(fail(model, mode, prompt)) if CANARY in line] == [], name


def test_a_call_that_is_cancelled_shows_no_secret():
    async def leave(model):
        async with asyncio.timeout(0.2):
            await model.ainvoke(QUESTION)

    with SandboxServer(Sandbox(speed=0)) as server:
        server.sandbox.fail(mode="hang")
        with pytest.raises(TimeoutError) as caught:
            asyncio.run(leave(secretive(server.base_url)))
    assert [line for line in told(caught.value) if CANARY in line] == []
