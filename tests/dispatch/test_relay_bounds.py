"""What bounds a relay: how many media of one call are described, and money where a cost is unknown."""

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from four_modes import MODES, ask
from langchain_core.messages import HumanMessage
from relay_pools import pool, seen, with_media

from routed_llm import Model, RoutedChatModel, Router, replay
from routed_llm.errors import ConfigurationError, InvalidCall, NoEligibleModel

TEXT = {"model": "text"}


def album(count):
    """A question with so many different images, which only an address tells apart."""
    images = [{"type": "image", "url": f"https://example.com/{number}.png"} for number in range(count)]
    return [HumanMessage([{"type": "text", "text": "What is 17 + 25?"}, *images])]


@pytest.mark.parametrize("mode", MODES)
def test_a_call_with_too_many_media_is_refused_before_anything_is_sent(server, mode):
    model = RoutedChatModel(router=Router(pool(server), relay=True)).bind(**TEXT)
    with pytest.raises(InvalidCall, match=r"17 media .* at most 16"):
        ask(model, mode, album(17))
    assert seen(server) == []


def test_the_bound_is_the_callers_and_counts_only_what_must_be_described(server):
    model = RoutedChatModel(pool(server), relay={"image": True, "most": 2})
    model.invoke(album(2), **TEXT)
    model.invoke(album(4), **TEXT)  # two of them are remembered
    assert seen(server) == ["medium", "medium", "small"] * 2
    with pytest.raises(InvalidCall, match="3 media"):
        model.invoke(album(7), **TEXT)
    model.invoke(album(7), **TEXT, routing={"relay": {"most": 3}})
    assert seen(server)[6:] == ["medium"] * 3 + ["small"]


@pytest.mark.parametrize("most", [0, -1, True, 1.5, "4"])
def test_a_bound_that_cannot_be_meant(most):
    with pytest.raises(ConfigurationError, match=r"relay\.most.*at least one"):
        Router("sandbox", relay={"image": True, "most": most})


@pytest.fixture
def odd_eye():
    """An eye that was served in a tier of which nobody knows the price."""
    answer = {
        "id": "a", "object": "chat.completion", "created": 1, "model": "eye", "service_tier": "priority",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "A dot."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }  # fmt: skip
    body = json.dumps(answer).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{served.server_address[1]}/v1"
        yield Model("eye", base_url=url, abilities=["images"], price={"input": 1, "output": 2})
        served.shutdown()


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_cost_is_not_zero(server, odd_eye, mode, tmp_path):
    router = Router({"text": pool(server)["text"], "eye": odd_eye}, relay=True)
    model = RoutedChatModel(router=router)
    with pytest.raises(NoEligibleModel, match="describing the media costs is unknown"):
        ask(model.bind(**TEXT, routing={"max_cost": 1.0}), mode, with_media("image"))
    assert seen(server) == []
    answer = ask(model.bind(**TEXT), mode, with_media("image", text="And what is 2 + 3?"))  # nobody bounds it
    assert (seen(server), answer.response_metadata["routing"]["cost_nanousd"]) == (["small"], None)
    router.save_decisions(tmp_path / "decisions.jsonl")
    assert all(again.same for again in replay(tmp_path / "decisions.jsonl"))


def test_whose_price_is_unknown_describes_nothing_under_max_cost(server):
    entries = {name: replace(each, price=None) if name != "text" else each for name, each in pool(server).items()}
    with pytest.raises(NoEligibleModel, match="price is unknown"):
        RoutedChatModel(entries, relay=True).invoke(with_media("image"), **TEXT, routing={"max_cost": 1.0})
    assert seen(server) == []
