"""The eight endpoints over HTTP: answers, streams, errors, events, and what is told of a call."""

import asyncio
import contextvars
import gc
import inspect
import time

import pytest
from endpoints import COMPLETIONS, ENDPOINTS, STREAMS, ask
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.llms import ChatResponse, CompletionResponse
from llama_index_instrumentation import get_dispatcher
from llm_pools import ASKED, answering, bodies, pool, question, served
from pydantic import Field

from routed_llm import RoutedLLM, track
from routed_llm.errors import CallFailed, InvalidCall, StreamBroken
from routed_llm.llama_index.answers import log_probs
from routed_llm.llama_index.observed import nobody_listens
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries


def name_of(endpoint):
    return endpoint.__name__


def text_of(response):
    return response.text if isinstance(response, CompletionResponse) else response.message.content


def told_to(*handlers):
    """A callback manager, so that calls go the way on which they are reported."""
    return CallbackManager([*handlers])


@pytest.fixture
def _nobody_else(monkeypatch):
    """Handlers that other tests of the process left at the root are away for a while."""
    root = get_dispatcher()
    monkeypatch.setattr(root, "event_handlers", [])
    monkeypatch.setattr(root, "span_handlers", [])


#: the words of the dialects
FINISHES = {"anthropic": "end_turn", "gemini": "STOP", "responses": "completed"}


@pytest.fixture(params=[False, True], ids=["unheard", "heard"])
def heard(request, _nobody_else):
    return request.param


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_every_endpoint_answers_and_tells_what_happened(endpoint, kind, heard, server):
    debug = LlamaDebugHandler(print_trace_on_end=False)
    llm = pool(kind, server, callback_manager=told_to(*[debug] * heard))
    assert nobody_listens(llm) is not heard
    with llm.router.track() as spend:
        responses = ask(endpoint, llm)
    last = responses[-1]
    assert isinstance(last, CompletionResponse if endpoint in COMPLETIONS else ChatResponse)
    assert text_of(last) == "5"
    billed = server.sandbox.ledger[-1]
    assert (last.raw["model"], billed.model) == (served(kind), answering(kind))
    assert kind == "mixed" or last.raw["finish_reason"] == FINISHES.get(kind, "stop")  # an object's own answer is raw as it was
    usage = last.raw["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (billed.usage.prompt, billed.usage.completion)
    told = last.additional_kwargs
    assert told["total_tokens"] == usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert told["routing"]["model"] == f"sandbox:{answering(kind)}"
    assert told["routing"]["cost_nanousd"] == billed.cost_nanousd == spend.total_nanousd
    assert [attempt.get("error") for attempt in told["routing"]["attempts"]] == (
        ["server_error", None] if kind.endswith("down") else [None]
    )
    assert llm.router.record(told["routing"]["decision_id"]).outcome == "answered"
    assert [len(pair) for pair in debug.get_event_pairs(CBEventType.LLM)] == [2] * heard


@pytest.mark.parametrize("endpoint", STREAMS, ids=name_of)
def test_streams_are_cumulative_in_the_message_and_incremental_in_the_delta(endpoint, server):
    llm = pool("up", server)
    asked = "Tell me of streams."
    kept = []
    for response in ask(endpoint, llm, asked):
        kept.append((response, text_of(response)))
    assert len(kept) > 5
    so_far = ""
    for response, seen in kept:
        so_far += response.delta
        assert text_of(response) == seen == so_far  # what was kept did not change
    assert [bool(response.raw) for response, _ in kept] == [False] * (len(kept) - 1) + [True]
    assert len({id(response.message) for response, _ in kept if isinstance(response, ChatResponse)}) in (0, len(kept))
    whole = ask(ENDPOINTS[0], llm, asked)[0]
    assert whole.message.content == so_far
    assert whole.raw["usage"] == kept[-1][0].raw["usage"]
    assert bodies(server)[0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_parameters_come_from_the_constructor_and_a_call_wins(endpoint, server):
    llm = pool("up", server, temperature=0.5, max_tokens=50, stop=["END"], model_kwargs={"user": "u"})
    ask(endpoint, llm, temperature=0.1, top_p=0.5, model="sandbox:sandbox-large", seed=None)
    body = bodies(server)[0]
    assert {"temperature": 0.1, "top_p": 0.5, "stop": ["END"], "user": "u", "model": "sandbox-large"}.items() <= body.items()
    assert not {"seed", "routing", "formatted"} & body.keys()


def test_a_completion_is_formatted_unless_it_is_already(server):
    llm = pool("up", server, completion_to_prompt=lambda text: f"Q: {text}")
    for endpoint in COMPLETIONS:
        ask(endpoint, llm)
        ask(endpoint, llm, formatted=True)
    sent = [body["messages"] for body in bodies(server)]
    assert sent == [[{"role": "user", "content": text}] for text in (f"Q: {ASKED}", ASKED)] * 4


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_what_cannot_be_answered_fails_with_our_errors(endpoint, server):
    llm = pool("up", server)
    server.sandbox.fail(status=400)
    with pytest.raises(CallFailed) as caught:
        ask(endpoint, llm)
    assert type(caught.value) is CallFailed  # the plain class: LlamaIndex has none of its own to be joined with
    server.sandbox.heal()
    with pytest.raises(InvalidCall, match="Did you mean 'user'"):
        ask(endpoint, llm, routing={"usr": "u"})
    assert len(server.sandbox.requests) == len(caught.value.attempts)


@pytest.mark.parametrize("endpoint", STREAMS, ids=name_of)
def test_a_stream_that_breaks_raises_what_had_come(endpoint, server):
    llm = pool("up", server)
    server.sandbox.fail(mode="reset")
    with pytest.raises(StreamBroken) as caught:
        ask(endpoint, llm, "Tell me of streams.")
    assert caught.value.partial.text
    assert llm.router.records(1)[0].outcome == "broken"


def test_what_is_no_message_is_refused(server):
    llm = pool("up", server)
    with pytest.raises(InvalidCall, match="there is a dict among them"):
        llm.chat([*question(), {"role": "user", "content": "hi"}])


@pytest.mark.usefixtures("_nobody_else")
def test_a_handler_at_any_dispatcher_is_heard(server):
    class Noting(BaseEventHandler):
        seen: list = Field(default_factory=list)

        def handle(self, event, **kwargs):
            self.seen.append(type(event).__name__)

    llm = pool("up", server)
    for name in ("root", "llama_index.core.llms.callbacks", "routed_llm.llama_index.calls"):
        dispatcher, noting = get_dispatcher(name), Noting()
        assert nobody_listens(llm)
        dispatcher.add_event_handler(noting)
        try:
            assert not nobody_listens(llm)
            llm.chat(question())
        finally:
            dispatcher.event_handlers.remove(noting)
        assert noting.seen == ([] if name.startswith("routed") else ["LLMChatStartEvent", "LLMChatEndEvent"])


def test_a_span_handler_sees_one_span_with_the_llm(server):
    spans = SimpleSpanHandler()
    llm = pool("up", server)
    root = get_dispatcher()
    root.add_span_handler(spans)
    try:
        llm.chat(messages=question(), routing={"user": "u1"})
        asyncio.run(llm.acomplete(ASKED))
    finally:
        root.span_handlers.remove(spans)
    assert [span.id_.partition("-")[0] for span in spans.completed_spans] == ["RoutedLLM.chat", "RoutedLLM.acomplete"]


def test_endpoints_look_like_what_they_are():
    assert str(inspect.signature(RoutedLLM.complete)).startswith("(self, prompt: 'str', formatted: 'bool' = False, **kwargs")
    assert str(inspect.signature(RoutedLLM("sandbox").chat)).startswith("(messages: ")
    assert inspect.iscoroutinefunction(RoutedLLM.achat)
    assert "A whole answer" in RoutedLLM.chat.__doc__


class Limiter:
    """Counts how often it was asked."""

    def __init__(self):
        self.asked = []

    def acquire(self):
        self.asked.append("sync")

    async def async_acquire(self):
        self.asked.append("async")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_a_rate_limiter_is_asked_once(endpoint, heard, server):
    limiter = Limiter()
    debug = LlamaDebugHandler(print_trace_on_end=False)
    ask(endpoint, pool("up", server, rate_limiter=limiter, callback_manager=told_to(*[debug] * heard)))
    assert limiter.asked == ["async" if endpoint.__name__.startswith("a") else "sync"]


# leaving ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def slow():
    with SandboxServer(Sandbox(speed=1)) as running:
        yield running


def until(done, seconds=3.0):
    """Wait for something that another thread does."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.01)
    return done()


@pytest.mark.parametrize("name", ["stream_chat", "stream_complete"])
def test_leaving_a_stream_ends_the_call_at_once(name, heard, slow):
    debug = LlamaDebugHandler(print_trace_on_end=False)  # it keeps every exception, and with it the frames of the stream
    llm = pool("up", slow, callback_manager=told_to(*[debug] * heard))
    pieces = getattr(llm, name)(question("Tell me.") if name == "stream_chat" else "Tell me.")
    next(pieces)
    pieces.close()
    assert llm.router.records(1)[0].outcome == "abandoned"
    assert [len(pair) for pair in debug.get_event_pairs(CBEventType.LLM)] == [2] * heard


@pytest.mark.parametrize("name", ["astream_chat", "astream_complete"])
def test_leaving_a_stream_ends_the_call_in_async_code(name, heard, slow):
    async def leave(llm):
        pieces = await getattr(llm, name)(question("Tell me.") if name == "astream_chat" else "Tell me.")
        async for _ in pieces:
            break
        await pieces.aclose()
        return llm.router.records(1)[0].outcome

    debug = LlamaDebugHandler(print_trace_on_end=False)
    assert asyncio.run(leave(pool("up", slow, callback_manager=told_to(*[debug] * heard)))) == "abandoned"
    assert [len(pair) for pair in debug.get_event_pairs(CBEventType.LLM)] == [2] * heard


def test_a_stream_that_nobody_reads_is_booked(slow):
    llm = pool("up", slow)
    pieces = llm.stream_chat(question())
    del pieces
    gc.collect()
    assert llm.router.records(1)[0].outcome == "abandoned"


def test_cancelling_a_call_is_nobodys_failure(slow):
    async def leave(llm):
        slow.sandbox.fail(mode="hang")
        async with asyncio.timeout(0.1):
            await llm.achat(question())

    llm = pool("up", slow)
    with pytest.raises(TimeoutError):
        asyncio.run(leave(llm))
    assert llm.router.records(1)[0].outcome == "abandoned"


# where a call belongs --------------------------------------------------------------------------------------------------


def test_a_stream_belongs_to_where_it_was_asked_for(server):
    llm = pool("up", server)
    with track() as spend, llm.routing(user="u1"):
        pieces = llm.stream_chat(question())
    responses = contextvars.Context().run(list, pieces)  # read by somebody who knows nothing
    assert responses[-1].additional_kwargs["routing"]["user"] == "u1"
    assert spend.total_nanousd == server.sandbox.ledger[-1].cost_nanousd


def test_reasoning_comes_as_thinking(server):
    entries = [e for e in sandbox_entries(DEFAULT_MODELS, server.base_url) if e.model == "sandbox-reasoner"]
    llm = RoutedLLM(entries)
    whole = llm.chat(question())
    thinking = whole.message.blocks[0]
    assert thinking.block_type == "thinking"
    assert thinking.num_tokens == whole.raw["usage"]["completion_tokens_details"]["reasoning_tokens"]
    pieces = list(llm.stream_chat(question()))
    assert "".join(piece.additional_kwargs.get("thinking_delta", "") for piece in pieces) == thinking.content
    assert pieces[-1].message == whole.message


def test_log_probabilities_are_told_token_by_token():
    token = {"token": "5", "logprob": -0.1, "bytes": [53]}
    alternatives = [token, {"token": "6", "logprob": -2.5, "bytes": None}]
    found = log_probs({"content": [{**token, "top_logprobs": alternatives}, {**token, "top_logprobs": []}]})
    assert [[each.token for each in several] for several in found] == [["5", "6"], ["5"]]
    assert log_probs(None) is None


def test_two_hundred_at_once_are_told_apart(server):
    llm = pool("up", server)

    async def one(number):
        with llm.routing(user=f"u{number}"):
            if number % 2:
                response = await llm.achat(question(f"Tell me of {number}."))
            else:
                pieces = await llm.astream_chat(question(f"Tell me of {number}."))
                response = [piece async for piece in pieces][-1]
        return response.message.content, response.additional_kwargs["routing"]["user"]

    async def many():
        return await asyncio.gather(*map(one, range(200)))

    with llm.router.track() as spend:
        answers = asyncio.run(many())
    for number, (text, user) in enumerate(answers):
        assert f"of {number}." in text
        assert user == f"u{number}"
    assert spend.total_nanousd == sum(entry.cost_nanousd for entry in server.sandbox.ledger)
    assert set(spend.by_user) == {f"u{number}" for number in range(200)}
