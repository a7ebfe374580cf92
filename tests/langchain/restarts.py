"""Two providers of which the first breaks off, and what a restarted stream looks like."""

import asyncio
import contextlib
import sys
from pathlib import Path

from langchain_core.callbacks import BaseCallbackHandler
from langchain_openai import ChatOpenAI

sys.path.insert(0, str(Path(__file__).parents[1] / "dispatch"))

from telling import BREAK, pair, role, said, told

from routed_llm import Model, RoutedChatModel

__all__ = [
    "BROKEN",
    "TEXT",
    "WHOLE",
    "Ends",
    "check_marked",
    "check_sum",
    "chunks_of",
    "marker_in",
    "providers_of",
    "routed",
    "wrapped",
]

BROKEN = [role(), said("c0 "), said("c1 "), BREAK]
WHOLE = told("g0 ", "g1", usage=(7, 5))
TEXT = "g0 g1"


class Ends(BaseCallbackHandler):
    """What callbacks hear."""

    def __init__(self):
        self.tokens, self.ends, self.errors = [], [], []

    def on_llm_new_token(self, token, *, chunk=None, **kwargs):
        self.tokens.append(chunk.message)

    def on_llm_end(self, response, **kwargs):
        self.ends.append(response.generations[0][0].message)

    def on_llm_error(self, error, **kwargs):
        self.errors.append(error)


def routed(entries, **options):
    return RoutedChatModel(entries, quiet_fallbacks=True, **{"on_stream_break": "restart", **options})


def wrapped(entries):
    """The same two providers behind ChatOpenAI objects, with the prices that a user would state."""
    return [
        Model(
            ChatOpenAI(model=e.name, base_url=e.base_url, api_key="none", default_headers={"Connection": "close"}),
            name=e.name,
            price=e.price,
        )
        for e in entries
    ]


@contextlib.contextmanager
def providers_of(kind):
    """The tellers and the entries of a kind."""
    with pair([BROKEN], [WHOLE]) as (tellers, entries):
        yield tellers, entries if kind == "own" else wrapped(entries)


def chunks_of(model, mode, **config):
    if mode == "stream":
        return list(model.stream("hi", config or None))

    async def collect():
        return [chunk async for chunk in model.astream("hi", config or None)]

    return asyncio.run(collect())


def marker_in(messages):
    (marker,) = [m for m in messages if "restart" in (m.response_metadata.get("routing") or {}) and not m.content]
    return marker


def check_marked(messages):
    """The pieces of a restarted stream: the broken answer, a marker without content, the whole one with an id of its own."""
    marker = marker_in(messages)
    told = marker.response_metadata["routing"]["restart"]
    assert (told["from"], told["to"], told["reason"]) == ("first", "second", "connection")
    at = [m is marker for m in messages].index(True)
    before, after = messages[:at], messages[at:]
    assert "".join(m.text for m in before) == "c0 c1 "
    assert "".join(m.text for m in after) == TEXT
    assert len({m.id for m in before}) == len({m.id for m in after}) == 1
    assert before[0].id != after[0].id


def check_sum(total):
    assert total.text == TEXT
    assert total.response_metadata["model_name"] in ("told", "second")
    routing = total.response_metadata["routing"]
    assert [a.get("error") for a in routing["attempts"]] == ["connection", None]
    assert [(r["from"], r["to"]) for r in routing["restarts"]] == [("first", "second")]
    # the prompt twice, the estimate of what broke, and the count of what came
    assert total.usage_metadata["output_tokens"] > 5
    assert total.usage_metadata["input_tokens"] > 7
