"""``ainvoke`` while somebody listens goes its own short way: nobody can tell it from LangChain's ``agenerate``."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from contextvars import copy_context
from typing import Any
from uuid import UUID

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.runnables import RunnableLambda
from recording import KINDS, LOUD, mark, normal

from routed_llm import Model, RoutedChatModel
from routed_llm.langchain import observed
from routed_llm.langchain.followed import followed, followed_shielded
from routed_llm.testing import Sandbox, SandboxServer

ASK = [SystemMessage("Be short."), HumanMessage("What is 17 + 25?")]
RUN_ID = UUID(int=7, version=4)
CONFIG = {"tags": ["call"], "metadata": {"call": 1, "shared": "call"}, "run_name": "named"}
OWN = {"tags": ["model"], "metadata": {"model": 2, "shared": "model"}}

#: one call; gets the model and the handlers
Case = Callable[[Any, list[Any]], Any]


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture
def build(server):
    entry = Model("sandbox-large", base_url=server.base_url, api_key="none", name="m", price={"input": 1, "output": 2})
    yield lambda **own: RoutedChatModel([entry], **{"temperature": 0.5, "max_retries": 0, "quiet_fallbacks": True, **own})
    server.sandbox.heal()


def both_ways(monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any]) -> tuple[Any, Any]:
    """What comes of our own way, and of LangChain's."""
    assert observed.knows_the_base(), "this version of langchain-core has another agenerate"
    theirs, taken = BaseChatModel.agenerate, []

    async def agenerate(self: Any, *args: Any, **kwargs: Any) -> Any:
        taken.append(1)
        return await theirs(self, *args, **kwargs)

    ours = make()
    with monkeypatch.context() as patch:
        patch.setattr(BaseChatModel, "agenerate", agenerate)
        base = make()
    assert taken
    return ours, base


async def outcome(case: Case, model: Any, handlers: list[Any]) -> list[Any]:
    """What the caller gets and sees afterwards, then what each handler saw."""
    try:
        came: Any = await case(model, handlers)
    except (Exception, asyncio.CancelledError) as error:  # compared by their text
        came = (type(error), str(error), type(error.__cause__))
    return [came, mark.get(), *(line for handler in handlers for line in normal(handler.seen))]


def told(case: Case, model: Any, handlers: list[Any]) -> list[str]:
    first, *others = copy_context().run(asyncio.run, outcome(case, model, handlers))
    return [*normal([first]), *map(str, others)]


async def in_the_config(model, handlers):
    return await model.ainvoke(ASK, {"callbacks": handlers})


async def of_the_model(model, handlers):
    model.callbacks = handlers
    return await model.ainvoke(ASK)


async def of_both(model, handlers):
    model.callbacks = handlers[1:]
    return await model.ainvoke(ASK, {"callbacks": handlers[:1], **CONFIG})


async def with_everything(model, handlers):
    return await model.ainvoke(ASK, {"callbacks": handlers, "run_id": RUN_ID, **CONFIG}, stop=["END"], max_tokens=50)


async def bound(model, handlers):
    return await model.with_config(callbacks=handlers, configurable={"routing": {"user": "u"}}, **CONFIG).ainvoke(ASK)


async def in_a_chain(model, handlers):
    return await (RunnableLambda(lambda x: x) | model).ainvoke(ASK, {"callbacks": handlers, **CONFIG})


async def inside_a_function(model, handlers):
    async def inner(_):
        return await model.ainvoke(ASK)

    return await RunnableLambda(inner).ainvoke(1, {"callbacks": handlers, **CONFIG})


async def of_a_text(model, handlers):
    return await model.ainvoke("What is 17 + 25?", {"callbacks": handlers})


async def of_blocks(model, handlers):
    image = {"type": "image", "source_type": "base64", "data": "AA==", "mime_type": "image/png"}
    return await model.ainvoke([HumanMessage([{"text": "What is 3 + 4?"}, image])], {"callbacks": handlers})


async def structured(model, handlers):
    schema = {"title": "Sum", "type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    return await model.with_structured_output(schema).ainvoke(ASK, {"callbacks": handlers})


async def asked_to_stream(model, handlers):
    return await model.ainvoke(ASK, {"callbacks": handlers}, stream=True)


async def asked_not_to_stream(model, handlers):
    return await model.ainvoke(ASK, {"callbacks": handlers}, stream=False)


CASES: list[Case] = [
    in_the_config, of_the_model, of_both, with_everything, bound, in_a_chain, inside_a_function, of_a_text, of_blocks,
    structured, asked_to_stream, asked_not_to_stream,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("failing", [False, True], ids=["answer", "failure"])
def test_every_kind_of_handler_sees_the_same(failing, case, build, server, monkeypatch):
    if failing:
        server.sandbox.fail(status=500)
    for kind in KINDS.values():
        ours, base = both_ways(monkeypatch, lambda kind=kind: told(case, build(**OWN), [kind()]))
        assert ours == base, kind
        assert len(ours) > 2 or "Ignoring" in kind.__name__


@pytest.mark.parametrize("failing", [False, True], ids=["answer", "failure"])
def test_many_handlers_beside_each_other_see_the_same(failing, build, server, monkeypatch):
    if failing:
        server.sandbox.fail(status=500)
    # one that streams would make the call stream for all of them
    kinds = [kind for name, kind in KINDS.items() if "streaming" not in name]
    ours, base = both_ways(monkeypatch, lambda: told(of_both, build(**OWN), [kind() for kind in kinds]))
    assert ours == base


async def and_a_while_after(model, handlers):
    """Until handlers beside the one that failed were told too."""
    try:
        return await in_the_config(model, handlers)
    finally:
        await asyncio.sleep(0.05)


@pytest.mark.filterwarnings("ignore:coroutine .ahandle_event. was never awaited")  # LangChain leaves it so
@pytest.mark.parametrize("kind", LOUD)
@pytest.mark.parametrize("failing", [False, True], ids=["answer", "failure"])
def test_a_handlers_own_failure_comes_out_the_same(failing, kind, build, server, monkeypatch):
    if failing:
        server.sandbox.fail(status=500)
    ours, base = both_ways(
        monkeypatch, lambda: told(and_a_while_after, build(), [KINDS["async"](), LOUD[kind](), KINDS["sync"]()])
    )
    assert ours == base
    assert "the handler fails" in ours[0]


async def cancelled(model, handlers):
    call = asyncio.create_task(model.ainvoke(ASK, {"callbacks": handlers}))
    while not all(handler.seen for handler in handlers):
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    call.cancel()
    return await call


async def out_of_time(model, handlers):
    async with asyncio.timeout(0.1):
        return await model.ainvoke(ASK, {"callbacks": handlers})


@pytest.mark.parametrize("case", [cancelled, out_of_time], ids=lambda case: case.__name__)
def test_a_call_that_is_given_up_ends_the_same(case, build, server, monkeypatch):
    server.sandbox.fail(mode="hang")
    for name in ("sync", "async", "inline", "async inline", "tracer"):
        ours, base = both_ways(monkeypatch, lambda name=name: told(case, build(), [KINDS[name]()]))
        assert ours == base
        assert "CancelledError" in ours[0] or "TimeoutError" in ours[0]


class Ending(KINDS["async"]):
    """Takes a while to be told of the end."""

    finished = False

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.tell("on_llm_end", args, kwargs)
        await asyncio.sleep(0.05)
        self.finished = True


async def cancelled_at_the_end(model, handlers):
    call = asyncio.create_task(model.ainvoke(ASK, {"callbacks": handlers}))
    while len(handlers[0].seen) < 2:
        await asyncio.sleep(0)
    call.cancel()
    try:
        return await call
    finally:
        await asyncio.sleep(0.1)
        handlers[0].seen.append(handlers[0].finished)


def test_an_end_is_told_to_its_end(build, monkeypatch):
    ours, base = both_ways(monkeypatch, lambda: told(cancelled_at_the_end, build(), [Ending()]))
    assert ours == base
    assert ours[-1] == "True"


class Deaf(KINDS["async"]):
    """Takes a while to be told of the start, and swallows that the call is given up meanwhile."""

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.tell("on_chat_model_start", args, kwargs)
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            self.seen.append("cancelled")


def test_a_handler_cannot_swallow_that_a_call_is_given_up(build, monkeypatch):
    ours, base = both_ways(monkeypatch, lambda: told(cancelled, build(), [Deaf()]))
    assert ours == base
    assert "CancelledError" in ours[0]
    assert ours[-1] == "'cancelled'"


@pytest.mark.parametrize("cache", [False, InMemoryCache()], ids=["without", "with"])
def test_a_cache_is_asked_the_same(cache, build, monkeypatch):
    async def twice(model, handlers):
        return [await model.ainvoke(ASK, {"callbacks": handlers}) for _ in range(2)]

    def made() -> list[str]:
        if cache:
            cache.clear()
        return told(twice, build(cache=cache), [KINDS["async"]()])

    ours, base = both_ways(monkeypatch, made)
    assert ours == base


def test_messages_in_the_newer_form_are_the_same(build, monkeypatch):
    ours, base = both_ways(monkeypatch, lambda: told(in_the_config, build(output_version="v1"), [KINDS["async"]()]))
    assert ours == base
    assert "'output_version': 'v1'" in ours[0]


def test_an_agenerate_that_somebody_replaced_is_called(build, monkeypatch):
    async def replaced(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise LookupError("replaced")

    monkeypatch.setattr(BaseChatModel, "agenerate", replaced)
    assert not observed.knows_the_base()
    with pytest.raises(LookupError, match="replaced"):
        asyncio.run(in_the_config(build(), [KINDS["async"]()]))


def test_another_agenerate_is_not_recognised():
    async def agenerate(self: Any, messages: Any) -> Any:
        return await self._agenerate_with_cache(messages)

    assert followed(agenerate, observed._AGENERATE) is None
    assert followed(print, observed._AGENERATE) is None


def test_an_end_that_somebody_wrapped_is_not_recognised():
    end = AsyncCallbackManagerForLLMRun.on_llm_end
    assert followed_shielded(end, observed._END) is end

    @functools.wraps(end)
    async def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
        await end(self, *args, **kwargs)

    assert followed_shielded(wrapped, observed._END) is None
    assert followed_shielded(end.__wrapped__, observed._END) is None
