"""A stream that breaks after its first content starts anew with the next model: one whole answer behind a marker."""

import asyncio
import pickle
import time

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from restarts import BROKEN, TEXT, WHOLE, Ends, check_marked, check_sum, chunks_of, marker_in, providers_of, routed, wrapped
from telling import BREAK, DONE, HOLD, Teller, call, fails, finish, model, pair, role, said, told, used

from routed_llm import RoutedChatModel, track
from routed_llm.errors import StreamBroken
from routed_llm.langchain.restartable import RestartableChunk


@pytest.fixture(params=["own", "wrapped"])
def kind(request):
    return request.param


@pytest.fixture
def providers(kind):
    with providers_of(kind) as made:
        yield made


@pytest.mark.parametrize("mode", ["stream", "astream"])
@pytest.mark.parametrize("heard", [False, True], ids=["direct", "heard"])
def test_pieces_sums_and_callbacks(providers, mode, heard):
    tellers, entries = providers
    ends = Ends()
    model = routed(entries)
    with track() as spend:
        chunks = chunks_of(model, mode, **({"callbacks": [ends]} if heard else {}))
    check_marked(chunks)
    total = chunks[0]
    for each in chunks[1:]:
        total += each
    check_sum(total)
    check_sum(chunks[0] + chunks[1:])
    assert total.id == chunks[-1].id
    assert total.chunk_position == "last"
    if heard:
        assert len(ends.ends) == 1
        assert not ends.errors
        check_sum(ends.ends[0])
        check_marked(ends.tokens)
    (record,) = model.router.records()
    assert (record.outcome, [a.deployment.id for a in record.attempts]) == ("answered", ["first", "second"])
    assert [len(t.requests) for t in tellers] == [1, 1]
    assert spend.calls == 1
    assert spend.total_nanousd == record.cost_nanousd
    assert spend.by_model["first"].nanousd == record.attempts[0].cost_nanousd > 0
    assert spend.by_model["second"].nanousd == record.attempts[1].cost_nanousd == 7 * 10_000 + 5 * 20_000
    assert spend.output_tokens == total.usage_metadata["output_tokens"]


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_invoke_while_somebody_listens_to_tokens(providers, mode):
    model = routed(providers[1], streaming=True) if "streaming" in RoutedChatModel.model_fields else routed(providers[1])
    ends = Ends()
    config = {"callbacks": [ends]}
    message = (
        model.invoke("hi", config, stream=True) if mode == "invoke" else asyncio.run(model.ainvoke("hi", config, stream=True))
    )
    assert type(message) is AIMessage
    check_sum(message)
    check_sum(ends.ends[0])
    check_marked(ends.tokens)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_astream_events(providers, version):
    model = routed(providers[1])

    async def collect():
        return [event async for event in model.astream_events("hi", version=version)]

    events = asyncio.run(collect())
    check_marked([e["data"]["chunk"] for e in events if e["event"] == "on_chat_model_stream" and e["data"]["chunk"].id])
    (end,) = [e for e in events if e["event"] == "on_chat_model_end"]
    output = end["data"]["output"]
    check_sum(output)


def test_parsers_and_sequences():
    for broken, whole, parser, expected in (
        (["c0 ", "c1 "], ["g0 ", "g1"], StrOutputParser(), TEXT),
        (['{"a": 1, "b', '": 2'], ['{"c": ', "3}"], JsonOutputParser(), {"c": 3}),
    ):
        with pair([[role(), *map(said, broken), BREAK]], [told(*whole)]) as (_, entries):
            chain = routed(entries) | parser
            pieces, ends = [], []

            class Outputs(BaseCallbackHandler):
                def on_chain_end(self, outputs, ends=ends, **kwargs):
                    ends.append(outputs)

            total = None
            for piece in chain.stream("hi", {"callbacks": [Outputs()]}):
                pieces.append(piece)
                total = piece if total is None or isinstance(piece, dict) else total + piece
            assert total == expected
            assert all(end == expected for end in ends), ends


def test_tool_calls_start_anew(kind):
    broken = [role(), call(0, "call_a", "weather", '{"ci'), BREAK]
    whole = [
        role(),
        call(0, "call_b", "weather", '{"city"'),
        call(0, arguments=': "Rome"}'),
        finish("tool_calls"),
        used(7, 5),
        DONE,
    ]
    with pair([broken], [whole]) as (_, entries):
        chunks = chunks_of(routed(entries if kind == "own" else wrapped(entries)), "stream")
    total = chunks[0] + chunks[1:]
    assert [(c["id"], c["name"], c["args"]) for c in total.tool_calls] == [("call_b", "weather", {"city": "Rome"})]
    assert message_chunk_to_message(total).tool_calls == total.tool_calls


def test_chunks_travel():
    with pair([BROKEN], [WHOLE]) as (_, entries):
        chunks = chunks_of(routed(entries), "stream")
    assert {type(chunk) for chunk in chunks} == {RestartableChunk}
    again = pickle.loads(pickle.dumps(chunks))
    assert [type(chunk) for chunk in again] == [RestartableChunk] * len(chunks)
    assert (again[0] + again[1:]).text == TEXT
    stored = [loads(dumps(chunk), allowed_objects="core") for chunk in chunks]
    assert {type(chunk) for chunk in stored} == {AIMessageChunk}
    assert marker_in(stored).response_metadata["routing"]["restart"]["to"] == "second"
    assert type(message_chunk_to_message(chunks[0] + chunks[1:])) is AIMessage
    assert type((chunks[0] + chunks[1:]).model_copy()) is RestartableChunk
    assert (AIMessageChunk(content="before ") + chunks[2] + chunks[3]).text == "g0 "


def test_plain_chunks_without_the_switch():
    with pair([told("c0")], [WHOLE]) as (_, entries):
        model = routed(entries, on_stream_break="raise")
        assert {type(chunk) for chunk in model.stream("hi")} == {AIMessageChunk}
        assert {type(chunk) for chunk in model.stream("hi", routing={"on_stream_break": "restart"})} == {RestartableChunk}


@pytest.mark.parametrize("mode", ["stream", "astream"])
@pytest.mark.parametrize(
    ("second", "says"), [([role(), said("d0 "), BREAK], "d0 "), (fails(500), "c0 c1 ")], ids=["breaks too", "cannot begin"]
)
def test_nobody_is_left(mode, second, says):
    with pair([BROKEN], [second]) as (tellers, entries):
        model = routed(entries)
        with track() as spend, pytest.raises(StreamBroken) as caught:
            chunks_of(model, mode)
        assert [len(t.requests) for t in tellers] == [1, 1]
    assert caught.value.partial.text == says
    assert [e.deployment for e in caught.value.attempts] == ["first", "second"]
    (record,) = model.router.records()
    assert record.outcome == "broken"
    assert spend.failed_calls == 1
    assert record.attempts[0].cost_nanousd > 0


def test_a_broken_start_of_the_second_goes_on_to_the_third():
    tellers = [Teller(BROKEN), Teller(fails(503)), Teller(WHOLE)]
    llm = routed([model(t, n) for t, n in zip(tellers, ("first", "second", "third"), strict=True)])
    chunks = chunks_of(llm, "stream")
    marker = marker_in(chunks)
    assert marker.response_metadata["routing"]["restart"]["to"] == "third"
    assert (chunks[0] + chunks[1:]).text == TEXT
    assert (chunks[0] + chunks[1:]).response_metadata["routing"]["restarts"] == [
        {"from": "first", "to": "third", "reason": "connection"}
    ]


def test_two_restarts():
    tellers = [Teller(BROKEN), Teller([role(), said("d0 "), used(7, 3), BREAK]), Teller(WHOLE)]
    llm = routed([model(t, n) for t, n in zip(tellers, ("first", "second", "third"), strict=True)])
    with track() as spend:
        chunks = chunks_of(llm, "stream")
    total = chunks[0] + chunks[1:]
    assert total.text == TEXT
    assert [r["to"] for r in total.response_metadata["routing"]["restarts"]] == ["second", "third"]
    assert len({chunk.id for chunk in chunks}) == 3
    assert total.usage_metadata["output_tokens"] == spend.output_tokens == 5 + 3 + 2


def test_at_most_once_forbids_it():
    with pair([BROKEN], [WHOLE]) as (tellers, entries):
        with pytest.raises(StreamBroken) as caught:
            chunks_of(routed(entries, at_most_once=True), "stream")
        assert caught.value.partial.text == "c0 c1 "
        assert not tellers[1].requests


def test_v1_content(providers):
    chunks = chunks_of(routed(providers[1], output_version="v1"), "stream")
    total = chunks[0] + chunks[1:]
    assert [b["text"] for b in total.content if b["type"] == "text"] == [TEXT]


def test_a_consumer_that_leaves_while_another_model_is_asked():
    with pair([BROKEN], [[role(), said("g0 "), HOLD]]) as (tellers, entries):
        model = routed(entries)
        stream = model.stream("hi")
        for chunk in stream:
            if chunk.text == "g0 ":
                break
        stream.close()
        (record,) = model.router.records()
        assert record.outcome == "abandoned"
        assert [a.usage.output_tokens > 0 for a in record.attempts] == [True, True]
        for _ in range(50):
            if tellers[1].left:
                break
            time.sleep(0.02)
        assert tellers[1].left[0] < 0.5
