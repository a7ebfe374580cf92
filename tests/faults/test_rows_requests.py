"""Requests that are odd, huge or hostile: refused here before anything leaves, or passed on as they are. Nothing hangs."""

import asyncio
import time

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage
from rows_kit import FIRST, MODES, ask, only, pool, providers

from routed_llm import RoutedLLM
from routed_llm.errors import InvalidCall, UnknownModel

MANY = 1_000_000
#: passed on as they are
ODD = ["nul \0 inside", "bidi \u202e\u2066 and \u200b", "\ufeff\ufffe\uffff", '{"a":' * 100_000, "[" * 1_000_000]
#: what no name is, by what would come of it on the wire: another header, another path, or too much of it
NAMES = ["first\r\nx-evil: 1", "first\n", "../../admin", "first/../other", "first\0", "m" * 100_000, "\ud800"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", ODD, ids=["nul", "bidi", "noncharacters", "JSON in a text", "brackets"])
def test_odd_texts_arrive_as_they_are(mode, text):
    with providers(FIRST) as [first]:
        model = pool(first, timeout=10)
        begun = time.monotonic()
        assert ask(model, mode, [HumanMessage(text)]).text == FIRST
        assert time.monotonic() - begun < 5
        assert first.journal[0].body["messages"][0]["content"] == text
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_half_a_character_is_refused_at_both_doors_and_blames_nobody(mode):
    with providers() as (first, second):
        model = pool(first, second)
        with pytest.raises(InvalidCall):
            ask(model, mode, [HumanMessage("half a\ud800 character")])
        llm = RoutedLLM(router=model.router)
        with pytest.raises(InvalidCall):
            if mode == "invoke":
                llm.chat([ChatMessage("\udfff")])
            elif mode == "stream":
                list(llm.stream_chat([ChatMessage("\udfff")]))
            else:
                asyncio.run(llm.achat([ChatMessage("\udfff")]))
        assert len(first.journal) == len(second.journal) == 0
        assert not model.router.live.cooling
        assert not any(attempt.sent for record in model.router.records() for attempt in record.attempts)
        model.close()


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_a_million_parts_are_passed_on(mode):
    with providers(FIRST) as [first]:
        model = pool(first, timeout=60)
        parts = [{"type": "text", "text": "x"}] * MANY
        assert ask(model, mode, [HumanMessage(parts)]).text == FIRST
        assert len(first.journal[0].body["messages"][0]["content"]) == MANY
        assert only(model).outcome == "answered"
        model.close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES, ids=["header", "line", "up", "across", "nul", "long", "surrogate"])
def test_names_that_could_be_more_than_a_name_are_refused_before_anything_leaves(mode, name):
    with providers() as (first, second):
        model = pool(first, second)
        asked = model.bind(model=name)
        with pytest.raises(UnknownModel) as caught:
            ask(asked, mode)
        assert len(str(caught.value)) < 2_000
        llm = RoutedLLM(router=model.router)
        with pytest.raises(UnknownModel):
            llm.chat([ChatMessage("q")], model=name)
        assert len(first.journal) == len(second.journal) == 0
        assert first.journal.connections == second.journal.connections == []
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_hints_that_could_be_headers_stay_hints(mode):
    """What a caller says about a call is never written into a header or an address."""
    evil = "u\r\nx-evil: 1"
    with providers(FIRST) as [first]:
        model = pool(first)
        assert ask(model, mode, routing={"user": evil, "metadata": {"a\r\nb": evil}}).text == FIRST
        [told] = first.journal.requests
        assert b"x-evil" not in told.raw
        assert told.path == "/v1/chat/completions"
        model.close()
