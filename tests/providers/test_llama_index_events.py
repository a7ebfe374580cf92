"""LlamaIndex's own two event systems hear nothing of a wrapped object, and everything of all others."""

import asyncio
import threading

import pytest
from asking import ask, patience
from li_models import Async, AsyncCompleting, Sync, request
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.llms import LLM

from routed_llm.errors import ProviderError
from routed_llm.providers.llama_index_object import LlamaIndexEndpoint

MODES = ["sync", "async", "stream", "astream"]
HI = [ChatMessage(role="user", content="hi")]


class Events(BaseEventHandler):
    seen: list

    def handle(self, event, **kwargs):
        self.seen.append(type(event).__name__)


@pytest.fixture
def listening():
    root = get_dispatcher()
    events, spans = Events(seen=[]), SimpleSpanHandler()
    before = list(root.event_handlers), list(root.span_handlers)
    root.add_event_handler(events)
    root.add_span_handler(spans)
    yield events.seen, spans
    root.event_handlers, root.span_handlers = before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cls", [Sync, AsyncCompleting])
def test_no_event_of_its_own(cls, mode, listening):
    events, spans = listening
    counter = TokenCountingHandler()
    model = cls(callback_manager=CallbackManager([counter]))
    ask(LlamaIndexEndpoint(model), mode, request(HI))
    assert events == []
    assert spans.completed_spans == []
    assert spans.open_spans == {}
    assert counter.llm_token_counts == []
    assert model.callback_manager.handlers == [counter]


def test_an_llm_inside_of_the_llm_is_untold_too(listening):
    class Around(Sync):
        inner: LLM

        def chat(self, messages, **kwargs):
            return self.inner.chat(messages, **kwargs)

    counter = TokenCountingHandler()
    ask(LlamaIndexEndpoint(Around(inner=Sync(callback_manager=CallbackManager([counter])))), "sync", request(HI))
    assert listening[0] == []
    assert counter.llm_token_counts == []


def test_errors_are_untold_too(listening):
    events, spans = listening
    with pytest.raises(ProviderError):
        ask(LlamaIndexEndpoint(Sync(raises=OSError("it broke"))), "sync", request(HI))
    assert events == []
    assert spans.dropped_spans == []


async def test_others_are_heard_beside_200_quiet_calls(listening):
    """Quiet and told calls in one event loop and in threads at once: each told one gives its start and its end."""
    events, _ = listening
    quiet, told = LlamaIndexEndpoint(Async()), Async()

    async def one(number):
        if number % 2:
            await quiet.acall(request(HI), patience())
        else:
            await told.achat(HI)

    threads = [threading.Thread(target=Sync().chat, args=(HI,)) for _ in range(10)]
    threads += [threading.Thread(target=LlamaIndexEndpoint(Sync()).call, args=(request(HI), patience())) for _ in range(10)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(one(number) for number in range(400)))
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert events.count("LLMChatStartEvent") == events.count("LLMChatEndEvent") == 210


@pytest.mark.skipif("rate_limiter" not in LLM.model_fields, reason="this llama-index-core has no rate limiters")
def test_the_objects_rate_limiter_stays():
    class Limiter:
        taken = 0

        def acquire(self):
            self.taken += 1

    limiter = Limiter()
    ask(LlamaIndexEndpoint(Sync(rate_limiter=limiter)), "sync", request(HI))
    assert limiter.taken == 1
