"""No key is in what a call leaves behind: events and spans of both systems, answers, records, errors, logs and pickles."""

import asyncio
import logging
import pickle
from dataclasses import replace

import pytest
from books import listening, open_books
from endpoints import ENDPOINTS, ask
from langchain_openai import ChatOpenAI
from li_models import WireLLM
from llama_index.core import Document, SummaryIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llm_pools import WEATHER, weather
from pydantic import Field

from routed_llm import RoutedLLM
from routed_llm.errors import CallFailed
from routed_llm.testing import DEFAULT_MODELS, sandbox_entries

CANARY = "canary0123456789abcdef"
MODEL = "sandbox-medium"


class Old(BaseCallbackHandler):
    """Everything that the callback manager tells."""

    def __init__(self):
        super().__init__([], [])
        self.seen = []

    def on_event_start(self, event_type, payload=None, event_id="", parent_id="", **kwargs):
        self.seen.append(repr((event_type, payload, kwargs)))
        return event_id

    def on_event_end(self, event_type, payload=None, event_id="", **kwargs):
        self.seen.append(repr((event_type, payload, kwargs)))

    def start_trace(self, trace_id=None): ...

    def end_trace(self, trace_id=None, trace_map=None): ...


class New(BaseEventHandler):
    """Everything that the dispatcher tells, also in the form that exporters send."""

    seen: list = Field(default_factory=list)

    def handle(self, event, **kwargs):
        self.seen.append(f"{event!r} {event.model_dump()!r} {event.dict()!r}")


class Spans(BaseSpanHandler):
    """Everything that spans carry: arguments, results, tags and whom they belong to."""

    seen: list = Field(default_factory=list)

    def span_enter(self, id_, bound_args, instance=None, parent_id=None, tags=None, **kwargs):
        self.seen.append(repr((id_, bound_args.arguments, instance, tags)))

    def span_exit(self, id_, bound_args, instance=None, result=None, **kwargs):
        self.seen.append(repr((id_, result)))

    def span_drop(self, id_, bound_args, instance=None, err=None, **kwargs):
        self.seen.append(repr((id_, err)))

    def new_span(self, *args, **kwargs): ...

    def prepare_to_exit_span(self, *args, **kwargs): ...

    def prepare_to_drop_span(self, *args, **kwargs): ...


def made(kind, server, **options):
    """A model with a key by text, or inside of an object of either framework."""
    (entry,) = [each for each in sandbox_entries(DEFAULT_MODELS, server.base_url) if each.model == MODEL]
    if kind == "string":
        return RoutedLLM([replace(entry, api_key=CANARY, headers={"x-key": CANARY})], quiet_fallbacks=True, **options)
    if kind == "llama_index":
        item = WireLLM(model=MODEL, api_base=server.base_url, api_key=CANARY)
    else:
        item = ChatOpenAI(
            model=MODEL, base_url=server.base_url, api_key=CANARY, default_headers={"Connection": "close", "x-key": CANARY}
        )
    return RoutedLLM([replace(entry, model=item, base_url=None, api_key=None)], quiet_fallbacks=True, **options)


@pytest.fixture(params=["string", "llama_index", "langchain"])
def holder(request):
    return request.param


@pytest.fixture
def told(caplog):
    """What was told, to whoever listens; a list that grows."""
    caplog.set_level(logging.DEBUG, logger="routed_llm")
    old, new, spans = Old(), New(), Spans()
    with listening([new], [spans]):
        yield lambda: [*old.seen, *new.seen, *spans.seen, *(record.getMessage() for record in caplog.records)], old


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.__name__)
def test_events_answers_and_records(endpoint, holder, server, told):
    server.sandbox.heal()
    everything, old = told
    llm = made(holder, server, callback_manager=CallbackManager([old]))
    responses = ask(endpoint, llm)
    server.sandbox.fail(status=401, times=1)
    with pytest.raises(CallFailed) as caught:
        ask(endpoint, llm)
    server.sandbox.heal()
    seen = [*everything(), *map(repr, responses), *(each.model_dump_json() for each in responses)]
    seen += [repr(record.decision.as_dict()) + repr(record.as_dict()) for record in llm.router.records()]
    seen += [str(caught.value), repr(caught.value), repr(vars(caught.value)), repr(llm), repr(llm.to_dict())]
    assert len(old.seen) >= 4  # LlamaIndex tells of an exception once more, as an event of its own
    assert not [each for each in seen if CANARY in each]
    assert CANARY.encode() not in pickle.dumps(caught.value)


def test_engines_and_agents(holder, server, told):
    server.sandbox.heal()
    everything, old = told
    llm = made(holder, server)
    with open_books(llm) as books:
        books.manager.add_handler(old)
        SummaryIndex.from_documents([Document(text="House number 1 is blue.")]).as_query_engine(llm).query("Which colour?")

        async def run():
            handler = FunctionAgent(tools=[weather], llm=llm).run(WEATHER)
            return [repr(event) async for event in handler.stream_events()] + [repr(await handler)]

        events = asyncio.run(run())
    assert old.seen
    assert not [each for each in [*everything(), *events] if CANARY in each]
    assert CANARY not in repr([books.block, books.block.as_dict()])
