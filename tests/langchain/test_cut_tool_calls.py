"""Tool calls that stop in the middle of a stream: invalid ones at its end, however its chunks are added up."""

import pickle

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.tools import tool

from routed_llm import RoutedChatModel
from routed_llm.langchain.own_chunks import StrictChunk
from routed_llm.testing.faults import FaultyProvider, Healthy

CUT = '{"city": "Par'


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


@pytest.fixture
def provider():
    with FaultyProvider(Healthy(None, [("get_weather", {"city": "Rome"}), ("get_weather", CUT)])) as served:
        yield served


@pytest.fixture
def model(provider):
    with RoutedChatModel([provider.model()], quiet_fallbacks=True) as opened:
        yield opened


def added_one_by_one(chunks):
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


def added_at_once(chunks):
    return chunks[0] + chunks[1:]


@pytest.mark.parametrize("added", [added_one_by_one, added_at_once])
def test_a_sum_has_it_with_those_that_are_invalid(model, added):
    chunks = list(model.bind_tools([get_weather]).stream("Weather?"))
    assert {type(chunk) for chunk in chunks} == {StrictChunk}
    total = added(chunks)
    assert [call["args"] for call in total.tool_calls] == [{"city": "Rome"}]
    [invalid] = total.invalid_tool_calls
    assert (invalid["name"], invalid["args"]) == ("get_weather", CUT)
    assert "no JSON" in invalid["error"]
    assert total.response_metadata["routing"]["warning"].startswith("invalid_tool_calls: ")


def test_before_the_end_it_is_read_as_far_as_it_goes(model):
    chunks = list(model.bind_tools([get_weather]).stream("Weather?"))
    assert [call["args"] for call in added_at_once(chunks[:-1]).tool_calls] == [{"city": "Rome"}, {"city": "Par"}]


class Listens(BaseCallbackHandler):
    """A handler that wants tokens, so that `invoke` is made of a stream."""

    def __init__(self):
        self.tokens = []

    def on_llm_new_token(self, token, **kwargs):
        self.tokens.append(token)


def test_the_message_of_a_call_that_is_streamed_for_its_listeners(model, provider):
    bound = RoutedChatModel([provider.model()], streaming=True, quiet_fallbacks=True).bind_tools([get_weather])
    streamed = bound.invoke("Weather?", {"callbacks": [Listens()]})
    whole = model.bind_tools([get_weather]).invoke("Weather?")
    assert provider.journal.requests[0].body.get("stream") is True
    assert not provider.journal.requests[-1].body.get("stream")
    assert type(streamed) is AIMessage
    for message in (streamed, whole):
        assert [call["args"] for call in message.tool_calls] == [{"city": "Rome"}]
        assert [call["args"] for call in message.invalid_tool_calls] == [CUT]


def test_standard_blocks_tell_it_too(provider):
    model = RoutedChatModel([provider.model()], output_version="v1", quiet_fallbacks=True)
    total = added_at_once(list(model.bind_tools([get_weather]).stream("Weather?")))
    assert [block["type"] for block in total.content] == ["tool_call", "invalid_tool_call"]
    assert total.content[1]["args"] == CUT


def test_chunks_are_stored_as_plain_ones_and_pickled_as_they_are(model):
    chunks = list(model.bind_tools([get_weather]).stream("Weather?"))
    assert {type(chunk) for chunk in loads(dumps(chunks), allowed_objects="messages")} == {AIMessageChunk}
    assert added_at_once(pickle.loads(pickle.dumps(chunks))).invalid_tool_calls == added_at_once(chunks).invalid_tool_calls


def test_without_tools_chunks_are_plain(model):
    assert {type(chunk) for chunk in model.stream("Weather?")} == {AIMessageChunk}
