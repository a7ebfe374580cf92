"""The provider itself: its journal is true, its scripts and schedules come when they should, it leaves nothing behind."""

import json
import math
import socket
import threading
import time

import pytest
from wire_client import BODY, ask, chat, decoded, send, talk

from routed_llm import RoutedChatModel, RoutedEmbeddings
from routed_llm.errors import StreamBroken
from routed_llm.testing.faults import (
    CLOSE,
    HOLD,
    RESET,
    Custom,
    FaultyProvider,
    Healthy,
    brownout,
    every,
    flapping,
    http_error,
    outage,
    rate_limit_storm,
)


def statuses(provider, count):
    return [decoded(ask(provider)[0])[0] for _ in range(count)]


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


# --- the journal


def test_a_request_as_it_arrived(faulty_provider):
    ask(faulty_provider, temperature=0.5)
    (told,) = faulty_provider.journal
    assert (told.method, told.path, told.model) == ("POST", "/v1/chat/completions", "faulty")
    assert told.body == {**BODY, "stream": False, "temperature": 0.5}
    assert told.headers["authorization"] == "Bearer faulty-key"
    assert told.raw == chat(told.body)
    assert (told.whole, told.complete, told.fault) == (True, True, None)
    assert 0 <= told.at < 5
    assert "faulty-key" not in repr(told) + repr(faulty_provider) + str(faulty_provider.model())


def test_a_client_that_leaves_early(faulty_provider):
    faulty_provider.always("stream_stall_midway")
    with send(faulty_provider, {**BODY, "stream": True}) as sock:
        sock.recv(1024)
        time.sleep(0.1)
    assert faulty_provider.journal.wait_until("left")
    (told,) = faulty_provider.journal
    assert 0.1 <= told.left_after < 1
    assert (told.left, told.complete, told.done) == (True, False, True)
    assert faulty_provider.journal.wait_until("closed")
    assert faulty_provider.journal.connections[0].closed_by == "client"


def test_half_a_request(faulty_provider):
    with send(faulty_provider) as sock:
        talk(sock)
        sock.sendall(chat()[:-10])
    assert faulty_provider.journal.wait_until("left")
    assert [told.whole for told in faulty_provider.journal] == [True, False]
    assert faulty_provider.journal[1].body is None


def test_connections_open_and_closed(faulty_provider):
    journal = faulty_provider.journal
    with send(faulty_provider) as one, send(faulty_provider) as two:
        for sock in (one, two):
            talk(sock)
        assert journal.open_connections == 2
        one.sendall(chat())
        talk(one)
        assert [told.requests for told in journal.connections] in ([2, 1], [1, 2])
    assert journal.wait_until("closed", 2)
    assert journal.open_connections == 0
    journal.clear()
    assert (len(journal), journal.connections) == (0, [])


def test_a_chunked_request_and_continue(faulty_provider):
    data = json.dumps(BODY).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"
    with send(faulty_provider) as sock:
        talk(sock)
        sock.sendall(head)
        assert sock.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (data[:5], len(data) - 5, data[5:]))
        assert decoded(talk(sock)[0])[0] == 200
    assert faulty_provider.journal[1].body == BODY


def test_what_is_no_http_does_no_harm(faulty_provider):
    for garbage in (b"\r\n\r\n", b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"):
        with send(faulty_provider) as sock:
            talk(sock)
            sock.sendall(garbage)
            talk(sock, "quiet")
    assert statuses(faulty_provider, 1) == [200]


def test_waiting_for_the_journal(faulty_provider):
    assert not faulty_provider.journal.wait_until("requests", seconds=0.01)
    threading.Timer(0.05, ask, [faulty_provider]).start()
    assert faulty_provider.journal.wait_until("complete_answers")
    with pytest.raises(ValueError, match="unknown count"):
        faulty_provider.journal.wait_until("answers")


# --- what comes when


def test_scripts_come_before_what_stands(faulty_provider):
    faulty_provider.script("unavailable_503", None).script("rate_limit_429").always("not_found_404")
    assert statuses(faulty_provider, 5) == [503, 200, 429, 404, 404]
    assert [told.fault for told in faulty_provider.journal][:3] == ["unavailable_503", None, "rate_limit_429"]
    assert statuses(faulty_provider.script("one_off").heal(), 2) == [200, 200]


def test_names_that_there_are_not(faulty_provider):
    with pytest.raises(ValueError, match="Did you mean 'unavailable_503'"):
        faulty_provider.script("unavailable503")
    with pytest.raises(ValueError, match=r"use always\(\)"):
        faulty_provider.script("connection_refused")


def test_scripts_of_ones_own(faulty_provider):
    faulty_provider.script(
        Custom(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na", 0.02, b"bc"),
        Custom(b"hello", CLOSE, name="hello"),
        Custom(RESET),
        Custom(b"x", HOLD, stalls=True),
    )
    got = [ask(faulty_provider, until=until) for until in ("whole", "end", "end", "quiet")]
    assert [ending for _, ending in got] == ["open", "fin", "reset", "open"]
    assert got[0][0].endswith(b"\r\n\r\nabc")
    assert [told.fault for told in faulty_provider.journal] == ["custom", "hello", "custom", "custom"]
    with pytest.raises(TypeError, match="a step is bytes"):
        Custom("text")


def test_errors_of_ones_own(faulty_provider):
    faulty_provider.script(http_error(429, "slow_down", headers={"retry-after": "7"}))
    status, headers, body, _ = decoded(ask(faulty_provider)[0])
    assert (status, headers["retry-after"], json.loads(body)["error"]["code"]) == (429, "7", "slow_down")
    assert faulty_provider.journal[0].wait == 7
    with pytest.raises(ValueError, match="between 400 and 599"):
        http_error(200)


def test_schedules_by_an_injected_clock():
    clock = Clock()
    with FaultyProvider(clock=clock) as provider:

        def at(*moments):
            told = []
            for moment in moments:
                clock.now = 100.0 + moment
                told += statuses(provider, 1)
            return told

        provider.schedule(flapping(up=1, down=1))
        assert at(0, 0.9, 1.0, 1.9, 2.0, 3.5) == [200, 200, 500, 500, 200, 500]
        clock.now = 100.0
        provider.schedule(outage(start=1, seconds=4, fault="overloaded_529"))
        assert at(0, 1, 4.9, 5) == [200, 529, 529, 200]
        clock.now = 100.0
        provider.schedule(rate_limit_storm(per_second=2, retry_after=2))
        assert at(0, 0.5, 0.9, 1.0, 1.4, 1.5) == [200, 200, 429, 200, 429, 200]
        assert provider.journal[-2].wait == 2
        provider.schedule(every(3, "internal_error_500"))
        assert statuses(provider, 6) == [200, 200, 500, 200, 200, 500]
        assert statuses(provider.schedule(None), 1) == [200]


def test_a_brownout_keeps_its_shares_and_its_seed():
    drawn = [
        [meets(0, number) for number in range(1, 2001)] for meets in (brownout(seed=1), brownout(seed=1), brownout(seed=2))
    ]
    names = [[fault and fault.name for fault in one] for one in drawn]
    assert names[0] == names[1] != names[2]
    sigma = math.sqrt(0.3 * 0.7 / 2000)
    assert abs(names[0].count("internal_error_500") / 2000 - 0.3) < 4 * sigma
    assert abs(names[0].count("slow_answer") / 2000 - 0.4) < 4 * math.sqrt(0.4 * 0.6 / 2000)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: flapping(up=0),
        lambda: brownout(error_share=0.8, slow_share=0.3),
        lambda: outage(seconds=-1),
        lambda: rate_limit_storm(per_second=0),
        lambda: every(0, "one_off"),
        lambda: flapping(fault="no such"),
    ],
)
def test_schedules_that_there_are_not(wrong):
    with pytest.raises(ValueError):
        wrong()


def test_slow_answers_take_so_long():
    with FaultyProvider("Late.", delay=0.1) as provider:
        began = time.monotonic()
        assert statuses(provider, 1) == [200]
        assert 0.1 <= time.monotonic() - began < 1


def test_calls_inside_a_wait_are_told(faulty_provider):
    faulty_provider.script(http_error(429, headers={"retry-after": "1"}))
    statuses(faulty_provider, 1)
    time.sleep(0.06)
    statuses(faulty_provider, 1)
    assert [told.number for told in faulty_provider.journal.early_calls()] == [2]
    assert faulty_provider.journal.early_calls(grace=0.9) == []


# --- through a router


def test_a_router_meets_it_in_every_mode(faulty_provider_factory):
    bad, good = faulty_provider_factory(), faulty_provider_factory("The other says so.")
    model = RoutedChatModel([bad.model("bad"), good.model("good")], strategy="ordered", quiet_fallbacks=True)
    bad.script("reset_before_headers")
    assert model.invoke("Hi.").text == "The other says so."
    bad.heal().script("stream_error_after_role")
    assert "".join(chunk.text for chunk in model.stream("Hi.")) == "The other says so."
    bad.heal().script("stream_reset_midway")
    fresh = RoutedChatModel([bad.model("bad"), good.model("good")], strategy="ordered")
    with pytest.raises(StreamBroken) as caught:
        list(fresh.stream("Hi."))
    assert Healthy().text.startswith(caught.value.partial.text)
    assert caught.value.partial.text
    assert (len(bad.journal), len(good.journal)) == (3, 2)


def test_embeddings_and_the_list_of_models(faulty_provider):
    embedder = RoutedEmbeddings([faulty_provider.model("embedder", abilities=["embeddings"])])
    one, two, again = embedder.embed_documents(["a", "b", "a"])
    assert one == again != two
    assert len(one) == 8
    port = int(faulty_provider.base_url.split(":")[2].removesuffix("/v1"))
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
        assert json.loads(decoded(talk(sock)[0])[2])["data"][0]["id"] == "faulty"
    assert len(faulty_provider.journal) == len(faulty_provider.journal.all_requests) - 1


# --- its life


def test_it_leaves_nothing_behind():
    before = threading.active_count()
    with FaultyProvider() as provider:
        provider.always("slow_headers")
        socks = [send(provider) for _ in range(20)]
        assert provider.journal.wait_until("requests", 20)
    assert provider.journal.open_connections == 0
    assert all(told.closed_by == "server" for told in provider.journal.connections)
    assert not any(told.left for told in provider.journal)
    for sock in socks:
        assert talk(sock, "end")[1] in ("fin", "reset")
        sock.close()
    until = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= before
    with pytest.raises(RuntimeError, match="was closed"):
        provider.start()


def test_no_address_before_it_is_started():
    with pytest.raises(RuntimeError, match="call start"):
        FaultyProvider().model()
