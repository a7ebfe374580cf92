"""``at_most_once``: what has left is never sent again, to nobody; what never left may be."""

import asyncio
import socket
import threading
from time import monotonic

import pytest
from answering import AnswerServer, Said
from four_modes import MODES, ask

from routed_llm import Model, RoutedChatModel
from routed_llm.errors import CallFailed, StreamBroken
from routed_llm.providers.transport import Fault, Target, get_async, get_sync

HERE = Said("Here.")
#: faults that strike after the body has left
AFTER = {
    "500": Said(status=500, error={"message": "broken"}),
    "429": Said(status=429, error={"message": "slow down"}),
    "401": Said(status=401, error={"message": "who are you"}),
    "error in 200": Said(error={"message": "overloaded", "type": "overloaded_error"}),
    "no JSON": Said(raw=b"<html>"),
    "cut": Said("Here", cut=True),
    "late": Said("Here", delay=0.6),
}


def once(server, **kwargs):
    return RoutedChatModel(server.models, quiet_fallbacks=True, at_most_once=True, timeout=0.3, **kwargs)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", AFTER)
def test_a_body_that_has_left_is_never_sent_again(fault, mode):
    with AnswerServer(a=AFTER[fault], b=HERE) as server:
        model = once(server, on_stream_break="restart")
        with pytest.raises(CallFailed) as caught:
            ask(model, mode, config={"configurable": {"routing": {"deadline": 5}}})
        assert server.asked == ["a"]
        assert len(caught.value.attempts) == 1
        [record] = model.router.records()
        assert [attempt.sent for attempt in record.attempts] == [True]
    with AnswerServer(a=AFTER[fault]) as server:  # nor to the same one
        with pytest.raises(CallFailed):
            ask(once(server), mode)
        assert server.asked == ["a"]


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_that_does_not_serve_is_the_answer(mode):
    with AnswerServer(a=Said(""), b=HERE) as server:
        answer = ask(once(server), mode)
        assert (answer.text, server.asked) == ("", ["a"])
        assert answer.response_metadata["routing"]["warning"].startswith("empty: ")


@pytest.mark.parametrize("mode", MODES)
def test_what_never_left_goes_to_the_next(mode):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with AnswerServer(b=HERE) as server:
        closed = Model("a", base_url=f"http://127.0.0.1:{port}/v1", api_key="none")
        model = RoutedChatModel({"a": closed, **server.models}, quiet_fallbacks=True, at_most_once=True)
        assert ask(model, mode).text == "Here."
        [record] = model.router.records()
        assert [attempt.sent for attempt in record.attempts] == [False, True]
        assert record.as_dict()["attempts"][0]["sent"] is False


def test_a_hint_turns_it_on_for_one_call():
    with AnswerServer(a=AFTER["500"], b=HERE) as server:
        model = RoutedChatModel(server.models, quiet_fallbacks=True)
        with pytest.raises(CallFailed):
            ask(model, "invoke", routing={"at_most_once": True})
        assert server.asked == ["a"]
        model.router.live.forget("a")
        assert ask(model, "invoke").text == "Here."


def test_a_stream_that_breaks_is_not_begun_anew():
    with AnswerServer(a=Said("Here it is", cut=True, gap=0.02), b=HERE) as server:
        with pytest.raises(StreamBroken):
            ask(once(server, on_stream_break="restart"), "stream")
        assert server.asked == ["a"]


def _one_each(listening, seen):
    """Two connections, each of which answers one request and drops the second once it has read it."""
    kept = []
    for _ in range(2):
        sock, _ = listening.accept()
        kept.append(sock)
        threading.Thread(target=_one, args=(sock, seen), daemon=True).start()


def _one(sock, seen):
    with sock:
        for number in range(2):
            data = sock.recv(65536)
            if not data:
                break
            seen.append(data)
            if number == 0:
                sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")


@pytest.mark.parametrize("form", ["sync", "async"])
def test_the_transport_takes_a_new_connection_and_never_replaces_it(form):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        seen = []
        threading.Thread(target=_one_each, args=(listening, seen), daemon=True).start()
        target = Target(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")

        def post_sync():
            transport = get_sync()
            transport.post(target, b"1", monotonic() + 2)
            return transport.post(target, b"2", monotonic() + 2, once=True)

        async def post_async():
            transport = get_async()
            await transport.post(target, b"1", monotonic() + 2)
            return await transport.post(target, b"2", monotonic() + 2, once=True)

        reply = post_sync() if form == "sync" else asyncio.run(post_async())
        assert (reply.status, len(seen)) == (200, 2)  # on a connection of its own, though one was kept


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_new_connection_that_dies_is_told(form):
    def drop(listening, seen):
        sock, _ = listening.accept()
        with sock:
            seen.append(sock.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        seen = []
        threading.Thread(target=drop, args=(listening, seen), daemon=True).start()
        target = Target(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")
        with pytest.raises(Fault) as caught:
            if form == "sync":
                get_sync().post(target, b"1", monotonic() + 2, once=True)
            else:
                asyncio.run(get_async().post(target, b"1", monotonic() + 2, once=True))
        assert (caught.value.sent, len(seen)) == (True, 1)
