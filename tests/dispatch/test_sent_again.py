"""A kept connection that is dead is replaced beneath an attempt: the record says so, and the limits count it."""

import asyncio
import json
import socket
import threading

import pytest

from routed_llm import Model, RoutedChatModel
from routed_llm.errors import AllDeploymentsDown
from routed_llm.testing.faults import FaultyProvider

FAULTS = ["reset_before_headers", "fin_before_headers", "reset_on_reused", "keep_alive_race"]


def two_calls(provider, model, fault, mode):
    """One call that leaves a connection, and one whose connection dies."""
    if mode == "sync":
        model.invoke("x")
        provider.script(fault)
        return model.invoke("x")

    async def both():
        await model.ainvoke("x")
        provider.script(fault)
        return await model.ainvoke("x")

    return asyncio.run(both())


def limited(provider, requests):
    return Model("m", name="m", base_url=provider.base_url, api_key="k", limits={"requests_per_minute": requests})


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("fault", FAULTS)
def test_requests_in_the_record_are_those_that_the_provider_saw(fault, mode):
    with FaultyProvider("fine") as provider:
        model = RoutedChatModel([limited(provider, 3)])
        assert two_calls(provider, model, fault, mode).text == "fine"
        first, second = model.router.records()
        assert [record.attempts[0].resent for record in (first, second)] == [0, 1]
        assert "resent" not in first.as_dict()["attempts"][0]
        assert second.as_dict()["attempts"][0]["resent"] == 1
        assert len(provider.journal) == 3
        with pytest.raises(AllDeploymentsDown, match="at its limit of 3 requests a minute"):
            model.invoke("x")
        assert len(provider.journal) == 3


def answers_once(listener):
    """Answers one request, reads a second one, and is gone: the connection is closed, and nobody listens."""
    body = json.dumps({"choices": [{"index": 0, "message": {"content": "fine"}, "finish_reason": "stop"}]}).encode()
    kept, _ = listener.accept()
    kept.recv(65_536)
    listener.close()
    kept.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    kept.recv(65_536)
    kept.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_what_may_have_been_seen_is_sent_although_nobody_listens_any_more(mode):
    """The kept connection dies with the request, and no new one is to be had: one request, which may be billed."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=answers_once, args=(listener,))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with FaultyProvider("other") as other:
        gone = Model("m", name="m", base_url=url, api_key="k", price={"input": 1, "output": 1})
        model = RoutedChatModel([gone, other.model("b")], quiet_fallbacks=True)
        thread.start()
        if mode == "sync":
            texts = [model.invoke("x").text, model.invoke("x").text]
        else:

            async def both():
                return [(await model.ainvoke("x")).text, (await model.ainvoke("x")).text]

            texts = asyncio.run(both())
        thread.join()
        model.close()
    assert texts == ["fine", "other"]
    attempt = model.router.records()[-1].attempts[0]
    assert (attempt.sent, attempt.resent, attempt.error.kind) == (True, 0, "connection")
    assert attempt.cost_nanousd > 0
