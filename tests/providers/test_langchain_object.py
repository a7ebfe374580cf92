"""Chat model objects of a user's own making as endpoints: identity, modes, handlers, caches, limits, errors."""

import asyncio
import copy
import pickle
import threading
import time
from typing import Any

import pytest
from asking import ask, patience, request, sum_of, text_of
from langchain.chat_models import init_chat_model
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.language_models import BaseChatModel, SimpleChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import RunnableLambda
from langgraph.errors import GraphInterrupt
from pydantic import Field

from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.providers.langchain_object import LangChainEndpoint, candidates_of, describe, unwrap
from routed_llm.results import Finish, Usage

HI = [HumanMessage("hi")]


def result_of(text="hello", **more):
    return ChatResult(generations=[ChatGeneration(message=AIMessage(text, **more))])


class Sync(BaseChatModel):
    """Sync only; remembers what it was asked."""

    seen: list = Field(default_factory=list)
    delay: float = 0.0
    raises: Any = None
    answer: Any = None

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.seen.append((messages, stop, kwargs, threading.current_thread().name))
        time.sleep(self.delay)
        if self.raises is not None:
            raise self.raises
        return self.answer or result_of()

    @property
    def _llm_type(self):
        return "sync"


class Streaming(Sync):
    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        for piece in ("hel", "lo"):
            time.sleep(self.delay)
            yield ChatGenerationChunk(message=AIMessageChunk(piece))
        if self.raises is not None:
            raise self.raises


class Async(BaseChatModel):
    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        message = f"{type(self).__name__} is async only"
        raise NotImplementedError(message)

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        await asyncio.sleep(0)
        return result_of()

    @property
    def _llm_type(self):
        return "async"


class AsyncStreaming(Async):
    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        for piece in ("hel", "lo"):
            await asyncio.sleep(0)
            yield ChatGenerationChunk(
                message=AIMessageChunk(piece), generation_info={"finish_reason": "stop"} if piece == "lo" else None
            )


class Simple(SimpleChatModel):
    def _call(self, messages, stop=None, run_manager=None, **kwargs):
        return "hello"

    @property
    def _llm_type(self):
        return "simple"


class Notes(BaseCallbackHandler):
    def __init__(self):
        self.events = []

    def on_chat_model_start(self, serialized, messages, *, tags=None, metadata=None, **kwargs):
        self.events.append("start")
        self.tags, self.metadata = tags, metadata

    def on_llm_new_token(self, token, **kwargs):
        self.events.append(token)

    def on_llm_end(self, response, **kwargs):
        self.events.append("end")
        self.ended = response

    def on_llm_error(self, error, **kwargs):
        self.events.append("error")


@pytest.mark.parametrize("mode", ["sync", "async", "stream", "astream"])
@pytest.mark.parametrize("cls", [Sync, Streaming])
def test_the_very_same_messages_in_every_mode(cls, mode):
    messages = [HumanMessage([{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}])]
    model = cls(seen=[])
    result = ask(LangChainEndpoint(model), mode, request(messages))
    assert text_of(result) == "hello"
    for seen, *_ in model.seen:
        assert len(seen) == 1
        assert seen[0] is messages[0]
        assert seen is not messages
    if mode in ("stream", "astream"):
        assert result[-1] == Finish("stop", "")
        assert sum_of(result).content == "hello"


def test_the_very_same_answer_comes_back():
    message = AIMessage("hello", usage_metadata={"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
    given = ChatResult(generations=[ChatGeneration(message=message)], llm_output={"model_name": "m1"})
    answer = ask(LangChainEndpoint(Sync(answer=given)), "sync", request(HI))
    assert answer.native is message
    assert (answer.model, answer.usage, answer.finish) == ("m1", Usage(3, 4), "stop")
    assert message.response_metadata == {"model_name": "m1"}


def test_other_dialects_are_converted():
    model = Sync(seen=[])
    asked = request([HumanMessage("hi")])
    asked.dialect = "openai.chat"
    ask(LangChainEndpoint(model), "sync", asked)
    assert model.seen[0][0] == [HumanMessage("hi")]


def test_what_is_bound_around_it():
    model = Sync(seen=[])
    item = model.bind(temperature=0.1, stop="a", top_p=0.3).with_config(tags=["t"]).with_retry()
    endpoint = LangChainEndpoint(item)
    ask(endpoint, "sync", request(HI, params={"temperature": 0.9, "max_tokens": None}))
    _, stop, kwargs, _ = model.seen[0]
    assert (stop, kwargs) == (["a"], {"temperature": 0.9, "top_p": 0.3})
    assert endpoint.marks == ("inner_retries: unknown", "with_retry: left to the router")
    assert unwrap(item).config["tags"] == ["t"]


def test_fallbacks_are_candidates():
    a, b, c = Sync(), Async(), Simple()
    item = a.with_fallbacks([b.with_fallbacks([c])]).with_config(tags=["t"])
    parts = candidates_of(item)
    assert [unwrap(part).model for part in parts] == [a, b, c]
    assert all(unwrap(part).config["tags"] == ["t"] for part in parts)
    assert candidates_of(a) == [a]


def test_configurable_models(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    item = init_chat_model("openai:gpt-4o-mini", configurable_fields="any", temperature=0.2)
    assert (describe(item).name, unwrap(item).model.temperature) == ("gpt-4o-mini", 0.2)
    assert unwrap(item.with_config(configurable={"temperature": 0.4})).model.temperature == 0.4
    with pytest.raises(TypeError, match="default"):
        unwrap(init_chat_model())
    with pytest.raises(TypeError, match="no chat model in this RunnableLambda"):
        LangChainEndpoint(RunnableLambda(lambda x: x))


def test_modes_and_abilities_by_the_owner_of_the_methods():
    assert LangChainEndpoint(Sync()).modes == {"sync", "async"}
    assert LangChainEndpoint(Simple()).modes == {"sync", "async"}
    assert LangChainEndpoint(Async()).modes == {"async"}
    about = describe(Async())
    assert about.abilities == {"tools": False, "structured_output": False}
    assert (about.context, about.private, about.marks) == (None, False, ("inner_retries: unknown",))
    told = describe(Sync(profile={"tool_calling": True, "image_inputs": False, "max_input_tokens": 9, "max_output_tokens": 4}))
    assert (told.abilities, told.context, told.max_output) == ({"tools": True, "images": False}, 9, 4)


@pytest.mark.parametrize("mode", ["async", "astream"])
@pytest.mark.parametrize("cls", [Sync, Streaming, Simple, Async, AsyncStreaming])
def test_async_modes_of_all_kinds(cls, mode):
    result = ask(LangChainEndpoint(cls()), mode, request(HI))
    assert text_of(result) == "hello"


def test_sync_objects_do_not_block_the_loop():
    model = Streaming(seen=[], delay=0.2)
    endpoint = LangChainEndpoint(model)

    async def tick():
        gaps, last = [], time.monotonic()
        for _ in range(40):
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()
        return max(gaps)

    async def stream():
        source = await endpoint.aopen(request(HI, stream=True), patience())
        while await source.read(time.monotonic() + 5) is not None:
            pass

    async def run():
        return (await asyncio.gather(tick(), endpoint.acall(request(HI), patience()), stream()))[0]

    assert asyncio.run(run()) < 0.15
    assert "routed-llm-object" in model.seen[0][3]


def test_a_late_thread_is_left_behind():
    async def run():
        begun = time.monotonic()
        with pytest.raises(ProviderError) as caught:
            await LangChainEndpoint(Sync(delay=0.6)).acall(request(HI), patience(0.1))
        return caught.value.kind, time.monotonic() - begun

    kind, seconds = asyncio.run(run())
    assert kind == "timeout"
    assert seconds < 0.4


@pytest.mark.parametrize("mode", ["sync", "async", "stream", "astream"])
@pytest.mark.parametrize("cls", [Streaming, AsyncStreaming])
def test_its_own_handlers_see_one_run_and_the_context_none(cls, mode):
    if cls is AsyncStreaming and mode in ("sync", "stream"):
        pytest.skip("async only")
    notes, bound = Notes(), Notes()
    model = cls(callbacks=[notes], metadata={"own": 1})
    with get_usage_metadata_callback() as counted:
        ask(LangChainEndpoint(model.with_config(callbacks=[bound], tags=["t"])), mode, request(HI))
    expected = ["start", "hel", "lo", "end"] if mode in ("stream", "astream") else ["start", "end"]
    assert notes.events == bound.events == expected
    assert notes.tags == ["t", "nostream"]
    assert notes.metadata["own"] == 1
    assert notes.ended.generations[0][0].text == "hello"
    assert counted.usage_metadata == {}


@pytest.mark.parametrize("mode", ["sync", "async", "stream", "astream"])
def test_its_own_handlers_see_one_error(mode):
    notes = Notes()
    with pytest.raises(ProviderError):
        ask(LangChainEndpoint(Streaming(callbacks=[notes], raises=RuntimeError("down"))), mode, request(HI))
    assert (notes.events[0], notes.events[-1], notes.events.count("error")) == ("start", "error", 1)


def test_a_stream_that_is_left():
    notes = Notes()
    source = LangChainEndpoint(Streaming(callbacks=[notes])).open(request(HI, stream=True), patience())
    source.read(time.monotonic() + 1)
    source.close()
    source.close()
    assert source.read(0) is None
    assert notes.events == ["start", "hel", "error"]


def test_its_own_cache_and_limiter():
    model = Sync(
        seen=[],
        cache=InMemoryCache(),
        answer=result_of(usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}),
    )
    endpoint = LangChainEndpoint(model)
    first, again = ask(endpoint, "sync", request(HI)), ask(endpoint, "async", request(HI))
    assert len(model.seen) == 1
    assert (first.usage.cost_nanousd, again.usage.cost_nanousd, again.text) == (None, 0, "hello")
    limited = LangChainEndpoint(Streaming(rate_limiter=InMemoryRateLimiter(requests_per_second=5, check_every_n_seconds=0.02)))
    begun = time.monotonic()
    ask(limited, "sync", request(HI))
    ask(limited, "stream", request(HI))
    assert time.monotonic() - begun >= 0.3


def test_disabled_streaming_is_honoured():
    events = ask(LangChainEndpoint(Streaming(disable_streaming=True)), "stream", request(HI))
    assert (len(events), events[0].chunk.content, events[-1].reason) == (3, "hello", "stop")
    assert isinstance(events[0].chunk, AIMessageChunk)


@pytest.mark.parametrize(
    "usage", [{"input_tokens": "7", "output_tokens": 2.0, "total_tokens": 9, "input_token_details": {"cache_read": None}}, {}]
)
def test_odd_usage_does_not_crash(usage):
    message = AIMessage("x")
    message.usage_metadata = usage
    given = ChatResult(generations=[ChatGeneration(message=message)])
    answer = ask(LangChainEndpoint(Sync(answer=given)), "sync", request(HI))
    assert answer.usage == (Usage(7, 2) if usage else None)


def test_an_empty_answer_can_be_told_from_one():
    assert ask(LangChainEndpoint(Sync(answer=result_of(""))), "sync", request(HI)).is_empty
    spoken = result_of("", additional_kwargs={"audio": {"id": "a"}})
    assert not ask(LangChainEndpoint(Sync(answer=spoken)), "sync", request(HI)).is_empty


class Narrow(Sync):
    def _generate(self, messages, stop=None, run_manager=None):
        return result_of()


def test_parameters_that_it_has_no_place_for():
    asked = request(HI, params={"temperature": 0.1})
    assert ask(LangChainEndpoint(Narrow()), "sync", asked).text == "hello"
    assert asked.losses == ["Narrow does not take temperature: left out"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("boom"), "server_error"),
        (RuntimeError("Rate limit reached"), "rate_limit"),
        (KeyError("choices"), "server_error"),
        (TypeError("got an unexpected keyword argument 'seed'"), "unsupported_parameter"),
        (NotImplementedError(), "unsupported_parameter"),
        (ValueError("`top_k` is not supported for this model."), "unsupported_parameter"),
        (ValueError("something broke"), "server_error"),
        (TypeError("Received response with null value for 'choices'."), "malformed"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError("gone"), "connection"),
        (ValueError({"message": "Overloaded", "type": "overloaded_error"}), "overloaded"),
    ],
)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_errors_from_inside(error, kind, mode):
    with pytest.raises(ProviderError) as caught:
        ask(LangChainEndpoint(Sync(raises=error)), mode, request(HI))
    assert caught.value.kind == kind


def test_an_error_from_inside_tells_its_place():
    with pytest.raises(ProviderError, match=r"KeyError: 'choices' \(test_langchain_object.py:\d+\)"):
        ask(LangChainEndpoint(Sync(raises=KeyError("choices"))), "sync", request(HI))


@pytest.mark.parametrize("signal", [GraphInterrupt(()), asyncio.CancelledError(), KeyboardInterrupt()])
def test_signals_are_no_failures(signal):
    with pytest.raises(type(signal)):
        ask(LangChainEndpoint(Sync(raises=signal)), "sync", request(HI))


def test_cancelling_is_no_failure():
    async def run():
        task = asyncio.create_task(LangChainEndpoint(Sync(delay=0.3)).acall(request(HI), patience()))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_it_says_why_it_cannot_be_pickled():
    endpoint = LangChainEndpoint(Sync())
    assert copy.deepcopy(endpoint) is endpoint
    with pytest.raises(ConfigurationError, match="factory"):
        pickle.dumps(endpoint)
