"""How streams begin, in every dialect of events: space that never ends, byte order marks, and keys of servers without a row."""

import json

import pytest
from conforming import plain_request
from recorded import ReplayServer

from routed_llm import Model, RoutedChatModel
from routed_llm.dialects.beginning import MOST_BLANK, Beginning
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.errors import CallFailed, ProviderError

OF_EVENTS = ["openai.chat", "openai.responses", "anthropic.messages", "gemini.generate"]


@pytest.mark.parametrize("name", OF_EVENTS)
def test_space_that_never_ends_is_refused_before_it_fills_the_memory(name):
    reader = dialect_of(name).reader(plain_request(True), Wire("m"))
    with pytest.raises(ProviderError, match="bytes of space") as caught:
        for _ in range(MOST_BLANK // 4_096 + 1):
            assert reader.feed(b"\n" * 4_096) == []
    assert caught.value.kind == "too_large"


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_marks_space_and_json_in_whatever_pieces(size):
    def fed(data, marks=b"{"):
        beginning, events = Beginning(marks), b""
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            events += piece if beginning.over else beginning.feed(piece)
        return events.strip(), beginning.json()

    assert fed(b"\xef\xbb\xbf\r\ndata: x\n\n") == (b"data: x", None)
    events, whole = fed(b'\xef\xbb\xbf {"a": 1}')
    assert (events, json.loads(whole)) == (b"", {"a": 1})
    assert fed(b"[1]", b"{[") == (b"", b"[1]")
    assert fed(b"[1]") == (b"[1]", None)


KEYS = {
    "openai.chat": ("authorization", "Bearer k"),
    "anthropic.messages": ("x-api-key", "k"),
    "gemini.generate": ("x-goog-api-key", "k"),
}


@pytest.mark.parametrize("dialect", KEYS)
def test_the_key_of_a_server_without_a_row_goes_where_its_dialect_has_it(dialect):
    header, value = KEYS[dialect]
    server = ReplayServer()
    server.will_answer({"response": {"status": 400, "headers": {}, "body": {"error": {"message": "no"}}}})
    with (
        RoutedChatModel([Model("it", dialect=dialect, base_url=server.url, api_key="k")]) as model,
        pytest.raises(CallFailed, match="no"),
    ):
        model.invoke("Hello?")
    server.close()
    assert server.requests[0][1][header] == value
