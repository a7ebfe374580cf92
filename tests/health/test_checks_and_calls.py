"""Checks beside calls: over HTTP, against a server whose list of models and whose answers fail each for themselves."""

import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from routed_llm import Clock, HealthChecks, Limits, Model, RoutedChatModel, RoutedEmbeddings, Router
from routed_llm.errors import CallFailed
from routed_llm.health.checks import Checker

ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
VECTORS = {
    "object": "list",
    "model": "m",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.5]}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}
FAILED = {"error": {"message": "not now", "type": "error"}}


class Served:
    """A provider: ``list`` and ``chat`` are the statuses it answers with; the list is held back until ``go``."""

    def __init__(self):
        self.list = self.chat = 200
        self.headers, self.asked, self.bodies = {}, [], []
        self.asked_for_list, self.go = threading.Event(), threading.Event()
        self.go.set()
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def _tell(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in ({} if status == 200 else served.headers).items():
                    self.send_header(name, value)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                served.asked.append("list")
                status = served.list
                served.asked_for_list.set()
                served.go.wait(20)
                self._tell(status, {"object": "list", "data": []} if status == 200 else FAILED)

            def do_POST(self):
                served.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                served.asked.append("call")
                good = VECTORS if self.path.endswith("/embeddings") else ANSWER
                self._tell(served.chat, good if served.chat == 200 else FAILED)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def entry(self):
        return Model("m", name="m", base_url=self.base_url, api_key="k", price={"input": 1, "output": 1})

    def close(self):
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def served():
    server = Served()
    yield server
    server.close()


class Time:
    """The computer's clock, and what a test adds to it."""

    def __init__(self):
        self.more = 0.0

    def __call__(self):
        return time.monotonic() + self.more


def checker_of(door, now=time.monotonic, **settings):
    core, purpose = door.router._core, door.router.purpose
    return Checker(lambda: core, HealthChecks.of(settings or True), now, lambda: 0.0, purpose), core


def test_a_bench_that_began_during_a_check_goes_on(served):
    model = RoutedChatModel([served.entry()], max_retries=0)
    check, core = checker_of(model, timeout=20)
    served.go.clear()
    checking = threading.Thread(target=check.check, args=(core,))
    checking.start()
    assert served.asked_for_list.wait(10)
    served.chat, served.headers = 429, {"retry-after": "50"}
    with pytest.raises(CallFailed):
        model.invoke("hi")
    served.go.set()
    checking.join(20)
    health = model.router.health()[0]
    assert health.state == "benched"
    assert health.seconds > 20
    assert health.in_flight == 0


def test_benches_of_who_fails_every_call_grow_although_its_list_is_fine(served):
    now = Time()
    model = RoutedChatModel(router=Router([served.entry()], limits=Limits(same=0), clock=Clock(now)))
    check, core = checker_of(model, now, every=0.01)
    breaker = core.live.of("m").breaker
    served.chat = 503
    with pytest.raises(CallFailed):
        model.invoke("hi")
    assert breaker.level == 0
    now.more = breaker.until - time.monotonic() + 0.1
    assert check.check(core) == ["m"]
    assert model.router.health()[0].state != "benched"  # warmed up
    with pytest.raises(CallFailed):
        model.invoke("hi")
    assert breaker.level == 1
    assert breaker.until - breaker.opened > 1.5


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_refused_list_says_nothing_of_calls(served, status, caplog):
    model = RoutedChatModel([served.entry()])
    check, core = checker_of(model, every=0.001)
    served.list, served.headers = status, {"retry-after": "50"}
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert check.check(core) == ["m"]
            time.sleep(0.002)
    assert served.asked == ["list"] * 3
    assert core.live.cooling == {}
    assert core.live.of("m").in_flight == 0
    assert sum("list of models is refused" in record.message for record in caplog.records) == 1
    assert model.invoke("hi").text == "fine"


def test_a_token_that_is_refused_says_something(served):
    model = RoutedChatModel([served.entry()])
    check, core = checker_of(model, how="call")
    served.chat = 401
    check.check(core)
    assert model.router.health()[0].state == "benched"


def test_nobody_at_home_benches_by_the_list_too(served):
    model = RoutedChatModel([served.entry()])
    check, core = checker_of(model)
    served.close()
    check.check(core)
    assert model.router.health()[0].state == "benched"


def test_a_word_is_embedded_where_embeddings_are_made(served):
    embeddings = RoutedEmbeddings([served.entry()])
    check, core = checker_of(embeddings, how="call")
    assert check.check(core) == ["m"]
    assert [body["input"] for body in served.bodies] == [["yes"]]
    assert embeddings.router.health()[0].state == "ready"
    assert check.spent > 0


def test_health_tells_what_checks_cost(served):
    model = RoutedChatModel([served.entry()], health_checks={"every": 0.02, "how": "call"})
    end = time.monotonic() + 10
    while served.asked.count("call") < 2 and time.monotonic() < end:
        time.sleep(0.01)
    model.close()
    while model.router.health().checks_nanousd != served.asked.count("call") * 2_000 and time.monotonic() < end:
        time.sleep(0.01)
    health = model.router.health()
    assert health.checks_nanousd == served.asked.count("call") * 2_000  # two tokens at a dollar for a million
    assert health.as_dict()["checks_nanousd"] == health.checks_nanousd
    assert RoutedChatModel([served.entry()]).router.health().checks_nanousd is None


def test_checks_go_on_with_the_first_call_after_the_end(served):
    model = RoutedChatModel([served.entry()], health_checks={"every": 0.02})
    model.close()
    assert not model.router._checker.running
    asked = len(served.asked)
    model.invoke("hi")
    assert model.router._checker.running
    end = time.monotonic() + 10
    while served.asked[asked:].count("list") < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert served.asked[asked:].count("list") >= 2
    model.close()
