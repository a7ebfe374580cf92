"""The ledger, against figures reckoned by hand."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_client import ask, chat, request

from routed_llm.providers.sandbox import SandboxModel, SandboxPrice
from routed_llm.providers.sandbox.ledger import cost_of, nano_of_usd
from routed_llm.providers.sandbox.tokens import Usage
from routed_llm.testing import Sandbox, SandboxServer


def test_a_plain_call(sandbox: SandboxServer) -> None:
    got = ask(sandbox, chat("What is 100 + 23?"))  # 17 characters: 5 tokens, and 4 for the message; "123" is 1 token
    assert got.json["usage"]["prompt_tokens"] == 9
    assert got.json["usage"]["completion_tokens"] == 1
    entry = sandbox.sandbox.ledger[0]
    assert entry.id == got.json["id"]
    assert entry.cost_nanousd == 9 * 2_500 + 1 * 10_000  # 2.50 and 10 dollars a million are 2,500 and 10,000 nano a token
    ask(sandbox, chat("What is 100 + 23?", "sandbox-small"))
    assert sandbox.sandbox.ledger[1].cost_nanousd == 9 * 100 + 1 * 400
    assert sandbox.sandbox.ledger.by_model == {"sandbox-large": 32_500, "sandbox-small": 1_300}
    assert sandbox.sandbox.ledger.total_nanousd == 33_800
    assert request(sandbox, "GET", "/sandbox/ledger").json["total_nanousd"] == 33_800


def test_audio_and_cached_tokens_at_their_rates(sandbox: SandboxServer) -> None:
    sound = {"type": "input_audio", "input_audio": {"data": base64.b64encode(b"x" * 9).decode(), "format": "wav"}}
    ask(sandbox, chat([{"type": "text", "text": "What?"}, sound], max_tokens=5))
    usage = sandbox.sandbox.ledger[0].usage
    assert (usage.prompt, usage.audio, usage.completion) == (4 + 2 + 128, 128, 5)
    assert sandbox.sandbox.ledger[0].cost_nanousd == 6 * 2_500 + 128 * 10_000 + 5 * 10_000

    long = "abcd" * 1500
    for text, cached in ((long, 0), (long, 1408), (long + "more", 1408), ("other" + long, 0)):
        ask(sandbox, chat(text, max_tokens=5))
        entry = sandbox.sandbox.ledger[len(sandbox.sandbox.ledger) - 1]
        assert entry.usage.cached == cached  # in whole steps of 128 tokens
        assert entry.cost_nanousd == (entry.usage.prompt - cached) * 2_500 + cached * 625 + 50_000


def test_a_short_prefix_and_another_model_have_no_cache(sandbox: SandboxServer) -> None:
    for text, model in (("abcd" * 1000, "sandbox-large"),) * 2 + (
        ("abcd" * 1500, "sandbox-large"),
        ("abcd" * 1500, "sandbox-medium"),
    ):
        ask(sandbox, chat(text, model))
        assert sandbox.sandbox.ledger[len(sandbox.sandbox.ledger) - 1].usage.cached == 0


counts = st.integers(0, 10**6)
rates = st.integers(0, 10**12)


@given(counts, counts, counts, counts, st.builds(SandboxPrice, rates, rates, rates, rates))
def test_cost_is_divided_once_and_rounded_half_up(plain: int, cached: int, audio: int, out: int, price: SandboxPrice) -> None:
    usage = Usage(plain + cached + audio, out, cached=cached, audio=audio)
    exact = Decimal(plain * price.input + cached * price.cached + audio * price.audio + out * price.output)
    assert cost_of(usage, price) == int((exact / 1_000_000).to_integral_value("ROUND_HALF_UP"))


@pytest.mark.parametrize(
    ("usd", "nano"), [("0.0007163", 716_300), ("6.96E-06", 6_960), ("0.0000000005", 1), ("0.00000000049", 0)]
)
def test_recorded_dollars_become_nano_dollars(usd: str, nano: int) -> None:
    assert nano_of_usd(Decimal(usd)) == nano


def test_models_of_ones_own() -> None:
    price = SandboxPrice(input=1, output=499_999, cached=1, audio=1)
    with SandboxServer(Sandbox([SandboxModel("mine", price)], speed=0)) as server:
        assert ask(server, chat("Hi", "mine", max_tokens=1)).status == 200
        assert server.sandbox.ledger.total_nanousd == 1  # 5 + 499,999 of a millionth, rounded half up
    with pytest.raises(ValueError, match="two models"):
        Sandbox([SandboxModel("a"), SandboxModel("a")])
    with pytest.raises(ValueError, match="speed"):
        Sandbox(speed=-1)
