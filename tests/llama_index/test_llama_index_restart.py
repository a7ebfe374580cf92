"""A stream that breaks after its first content starts anew with the next model, in LLMs, engines, chat engines and agents."""

import asyncio
import pickle
import sys
from itertools import count
from pathlib import Path

import pytest
from books import open_books
from embedder import SmallEmbedding
from li_models import WireLLM
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import AgentStream, AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.chat_engine import (
    CondensePlusContextChatEngine,
    CondenseQuestionChatEngine,
    ContextChatEngine,
    SimpleChatEngine,
)
from llama_index.core.memory import Memory
from llama_index.core.prompts import PromptTemplate
from llm_pools import question

sys.path.insert(0, str(Path(__file__).parents[1] / "dispatch"))

from telling import BREAK, CUT, DONE, call, finish, pair, role, said, told, used

from routed_llm import Model, RoutedLLM, track
from routed_llm.door.anew import Anew
from routed_llm.errors import StreamBroken

BROKEN = [role(), said("c0 "), said("c1 "), BREAK]
WHOLE = told("g0 ", "g1", usage=(7, 5))
TEXT = "g0 g1"
#: what comes of joining pieces, which does not start anew: the marker is seen
JOINED = "c0 c1 \n\n[first broke off; second starts anew]\n\ng0 g1"


def routed(entries, **options):
    return RoutedLLM(entries, quiet_fallbacks=True, **{"on_stream_break": "restart", **options})


def wrapped(entries):
    return [Model(WireLLM(model=e.name, api_base=e.base_url), name=e.name, price=e.price) for e in entries]


@pytest.fixture(params=["own", "wrapped"])
def kind(request):
    return request.param


@pytest.fixture
def providers(kind):
    with pair([BROKEN], [WHOLE]) as (tellers, entries):
        yield tellers, entries if kind == "own" else wrapped(entries)


def pieces_of(llm, endpoint):
    asked = question("hi") if endpoint.endswith("chat") else "hi"
    if endpoint[0] != "a":
        return list(getattr(llm, endpoint)(asked))

    async def collect():
        return [piece async for piece in await getattr(llm, endpoint)(asked)]

    return asyncio.run(collect())


@pytest.mark.parametrize("endpoint", ["stream_chat", "astream_chat", "stream_complete", "astream_complete"])
@pytest.mark.parametrize("heard", [False, True], ids=["direct", "heard"])
def test_pieces_and_books(providers, kind, endpoint, heard):
    tellers, entries = providers
    llm = routed(entries)
    with track() as spend:
        if heard:
            with open_books(llm) as books:
                pieces = pieces_of(llm, endpoint)
            assert len(books.old_events.ends) == len(books.new_events.ends) == 1
            (end,) = books.new_events.ends.values()
            assert (end.message.content if isinstance(end, ChatResponse) else end.text) == TEXT
            if kind == "own":  # an object's own counts stand in its own answer
                assert books.tokens.completion_llm_token_count == spend.output_tokens
                assert books.tokens.prompt_llm_token_count == spend.input_tokens
            for counted in books.ours:
                assert (counted.calls, counted.total_nanousd) == (1, spend.total_nanousd)
        else:
            pieces = pieces_of(llm, endpoint)
    texts = [p.message.content or "" if isinstance(p, ChatResponse) else p.text for p in pieces]
    (at,) = [n for n, p in enumerate(pieces) if isinstance(p.delta, Anew)]
    assert texts[at - 1] == "c0 c1 "
    assert texts[at] == ""
    assert texts[-1] == TEXT
    marker = pieces[at]
    restart = marker.additional_kwargs["routing"]["restart"]
    assert restart == marker.delta.restart
    assert (restart["from"], restart["to"], restart["reason"]) == ("first", "second", "connection")
    total = ""
    for piece in pieces:
        total += piece.delta or ""
    assert total == TEXT
    routing = pieces[-1].additional_kwargs["routing"]
    assert [(r["from"], r["to"]) for r in routing["restarts"]] == [("first", "second")]
    (record,) = llm.router.records()
    assert (record.outcome, [a.deployment.id for a in record.attempts]) == ("answered", ["first", "second"])
    assert (spend.calls, spend.total_nanousd) == (1, record.cost_nanousd)
    assert all(attempt.cost_nanousd > 0 for attempt in record.attempts)
    assert [len(t.requests) for t in tellers] == [1, 1]
    again = pickle.loads(pickle.dumps(marker))
    assert isinstance(again.delta, Anew)
    assert "".join(p.delta or "" for p in pieces) == JOINED


FACTS = ["The lighthouse of Tarvik was built in 1871.", "The bakery of Tarvik opens at seven."]


def engine(llm, **options):
    index = VectorStoreIndex.from_documents([Document(text=text) for text in FACTS], embed_model=SmallEmbedding())
    return index.as_query_engine(llm=llm, similarity_top_k=2, streaming=True, **options)


def added(tokens):
    total = ""
    for token in tokens:
        total += token
    return total


def handlers_agree(books, spend):
    """What handlers counted is what was spent, on both attempts."""
    assert books.tokens.completion_llm_token_count == spend.output_tokens
    assert books.tokens.prompt_llm_token_count == spend.input_tokens
    for counted in books.ours:
        assert (counted.calls, counted.total_nanousd) == (spend.calls, spend.total_nanousd)


@pytest.mark.parametrize("mode", ["compact", "refine", "tree_summarize", "simple_summarize"])
def test_a_streaming_engine(mode):
    """The user sees one whole answer and a marker; handlers book both attempts once."""
    with pair([BROKEN], [WHOLE]) as (tellers, entries):
        llm = routed(entries)
        with open_books(llm) as books, track() as spend:
            response = engine(llm, response_mode=mode).query("When?")
            tokens = list(response.response_gen)
        assert len(tellers[0].requests) == len(tellers[1].requests)
    assert "".join(tokens) == JOINED
    assert added(tokens) == TEXT
    (marker,) = [token for token in tokens if isinstance(token, Anew)]
    assert (marker.restart["from"], marker.restart["to"]) == ("first", "second")
    handlers_agree(books, spend)
    assert spend.total_nanousd == sum(a.cost_nanousd for record in llm.router.records() for a in record.attempts)


@pytest.mark.parametrize("mode", ["compact", "refine", "tree_summarize"])
async def test_a_streaming_engine_in_async_code(mode):
    with pair([BROKEN], [WHOLE]) as (_, entries):
        llm = routed(entries)
        with open_books(llm) as books, track() as spend:
            response = await engine(llm, use_async=True, response_mode=mode).aquery("When?")
            tokens = [token async for token in response.async_response_gen()]
        assert response.response_txt == added(tokens) == TEXT
        assert sum(isinstance(token, Anew) for token in tokens) == 1
        handlers_agree(books, spend)
        whole = await engine(routed(entries), use_async=True, response_mode=mode).aquery("When?")
        assert (await whole.get_response()).response == TEXT


def test_a_streaming_engine_as_text(capsys):
    """The engine that everybody has without saying more."""
    with pair([BROKEN], [WHOLE]) as (_, entries):
        responses = [engine(routed(entries)).query("When?") for _ in range(3)]
        assert str(responses[0]) == TEXT
        assert responses[1].get_response().response == TEXT
        printed = responses[2]
        printed.print_response_stream()
    assert capsys.readouterr().out == JOINED
    assert printed.response_txt == TEXT


def test_hints_that_let_streams_start_anew():
    with pair([BROKEN], [WHOLE]) as (_, entries):
        hinted = routed(entries, on_stream_break=None).with_routing(on_stream_break="restart")
        assert str(engine(hinted).query("When?")) == TEXT
        llm = routed(entries, on_stream_break=None)
        with llm.routing(on_stream_break="restart"):
            assert str(engine(llm).query("When?")) == TEXT
        with pytest.raises(StreamBroken):
            str(engine(routed(entries, on_stream_break=None)).query("When?"))


def test_an_answer_with_the_letters_of_a_marker():
    """What a model says is no marker."""
    quoted = str(Anew.visible({"from": "first", "to": "second"}))
    with pair([BROKEN], [told("g0 ", quoted, "g1", usage=(7, 5))]) as (_, entries):
        assert str(engine(routed(entries)).query("When?")) == f"g0 {quoted}g1"


def test_leaving_an_engine_closes_its_stream():
    endless = lambda: (said("word ") for _ in count())  # noqa: E731
    with pair([endless], [WHOLE]) as (_, entries):
        llm = routed(entries)
        tokens = engine(llm).query("When?").response_gen
        assert next(tokens) == "word "
        tokens.close()
        assert [record.outcome for record in llm.router.records()] == ["abandoned"]


def retriever():
    documents = [Document(text=text) for text in FACTS]
    return VectorStoreIndex.from_documents(documents, embed_model=SmallEmbedding()).as_retriever(similarity_top_k=2)


CHAT_ENGINES = {
    "simple": lambda llm, memory: SimpleChatEngine.from_defaults(llm=llm, memory=memory),
    "context": lambda llm, memory: ContextChatEngine.from_defaults(retriever(), llm=llm, memory=memory),
    "condense plus context": lambda llm, memory: CondensePlusContextChatEngine.from_defaults(
        retriever(), llm=llm, memory=memory
    ),
    "condense question": lambda llm, memory: CondenseQuestionChatEngine.from_defaults(engine(llm), llm=llm, memory=memory),
}


@pytest.fixture(params=CHAT_ENGINES)
def chatting(request):
    with pair([BROKEN], [WHOLE]) as (_, entries):
        llm, memory = routed(entries), Memory.from_defaults()
        with open_books(llm) as books:
            yield CHAT_ENGINES[request.param](llm, memory), memory, books


def test_a_chat_engine_and_its_memory(chatting):
    chat, memory, books = chatting
    with track() as spend:
        response = chat.stream_chat("hi")
        tokens = list(response.response_gen)
    assert "".join(tokens) == JOINED
    assert sum(isinstance(token, Anew) for token in tokens) == 1
    assert str(response) == response.response == TEXT
    assert memory.get_all()[-1].content == TEXT
    handlers_agree(books, spend)


async def test_a_chat_engine_in_async_code(chatting):
    chat, memory, books = chatting
    with track() as spend:
        response = await chat.astream_chat("hi")
        tokens = [token async for token in response.async_response_gen()]
    assert "".join(tokens) == JOINED
    assert sum(isinstance(token, Anew) for token in tokens) == 1
    assert response.response == TEXT
    assert (await memory.aget_all())[-1].content == TEXT
    handlers_agree(books, spend)


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a workflow"])
async def test_an_agent(inside):
    asks = [role(), call(0, "call_a", "weather", '{"ci'), BREAK]
    asked = [role(), call(0, "call_b", "weather", '{"city": "Rome"}'), finish("tool_calls"), used(7, 5), DONE]
    with pair([asks, BROKEN], [asked, WHOLE]) as (tellers, entries):
        agent = FunctionAgent(tools=[weather], llm=routed(entries), streaming=True)
        handler = (AgentWorkflow(agents=[agent]) if inside else agent).run("weather?")
        events = [event async for event in handler.stream_events() if isinstance(event, AgentStream)]
        assert str(await handler) == TEXT
        assert [len(t.requests) for t in tellers] == [2, 2]
    assert events[-1].response == TEXT
    said_in_turn = [event.response for event in events]
    assert "c0 c1 " in said_in_turn
    assert not any("c1 g" in text for text in said_in_turn)


def test_predicting_and_nobody_left():
    with pair([BROKEN], [WHOLE]) as (_, entries):
        total = ""
        for token in routed(entries).stream(PromptTemplate("hi")):
            total += token
        assert total == TEXT
    with pair([BROKEN], [[role(), said("d0 "), BREAK]]) as (_, entries):
        with pytest.raises(StreamBroken) as caught:
            pieces_of(routed(entries), "stream_chat")
        assert caught.value.partial.text == "d0 "
    with pair([BROKEN], [WHOLE]) as (_, entries), pytest.raises(StreamBroken):
        pieces_of(routed(entries, on_stream_break="raise"), "stream_chat")


@pytest.mark.parametrize("endpoint", ["stream_chat", "astream_chat"])
@pytest.mark.parametrize("end", ["reset", "end of file", "without end"])
def test_wrapped_llms_are_guarded(endpoint, end):
    first = {
        "reset": [said("c0"), BREAK],
        "end of file": [said("c0"), CUT],
        "without end": lambda: (said("word and word ") for _ in count()),
    }[end]
    with pair([first], [WHOLE]) as (tellers, entries):
        entries = [Model(WireLLM(model=e.name, api_base=e.base_url), name=e.name, max_output=200) for e in entries]
        with pytest.raises(StreamBroken) as caught:
            pieces_of(routed(entries, on_stream_break="raise"), endpoint)
        assert not tellers[1].requests
    assert caught.value.partial.text[:2] in ("c0", "wo")
