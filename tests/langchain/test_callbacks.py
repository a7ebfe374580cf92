"""The callback handler: money and tokens per model, run, tag, node, thread and user, in LangChain's own way."""

import asyncio
import json
import threading
from decimal import Decimal
from typing import TypedDict

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_core.tracers import context as tracers
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from routed_llm import RoutingCallbackHandler, get_routing_callback
from routed_llm.errors import CallFailed


class Fake(BaseChatModel):
    """Answers as a routed model does: 10 + 5 tokens, of which 4 from a cache and 2 of reasoning."""

    name_of_model: str = "fast"
    cost: int | None = 300
    user: str | None = None
    tags_of_hints: tuple[str, ...] = ()
    routed: bool = True
    fails: bool = False

    @property
    def _llm_type(self):
        return "fake"

    def _told(self):
        if self.fails:
            raise CallFailed("nobody answered")
        cost = self.cost
        facts = {"decision_id": "d", "model": self.name_of_model, "deployment": self.name_of_model, "attempts": []}
        facts |= {"cost_nanousd": cost, "cost_usd": None if cost is None else cost / 1e9, "tags": list(self.tags_of_hints)}
        return {
            "response_metadata": {"routing": facts | ({"user": self.user} if self.user else {})} if self.routed else {},
            "usage_metadata": {
                "input_tokens": 10,
                "output_tokens": 5,
                "total_tokens": 15,
                "input_token_details": {"cache_read": 4},
                "output_token_details": {"reasoning": 2},
            },
        }

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=AIMessage("hi!", **self._told()))])

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        for text in "hi!":
            yield ChatGenerationChunk(message=AIMessageChunk(text))
        yield ChatGenerationChunk(message=AIMessageChunk("", chunk_position="last", **self._told()))


@pytest.fixture
def handler():
    return RoutingCallbackHandler()


def config(handler, **more):
    return {"callbacks": [handler], **more}


async def test_every_way_of_calling_counts_once(handler):
    model = Fake()
    model.invoke("x", config(handler))
    await model.ainvoke("x", config(handler))
    assert len(list(model.stream("x", config(handler)))) == 4
    assert [chunk async for chunk in model.astream("x", config(handler))]
    await model.abatch(["x", "y"], config(handler))
    model.batch(["x", "y"], config(handler))
    model.generate([[HumanMessage("x")], [HumanMessage("y")]], callbacks=[handler])
    total = handler.total
    assert (total.calls, total.nanousd, total.input_tokens, total.output_tokens) == (10, 3_000, 100, 50)
    assert (handler.cache_read, handler.reasoning) == (40, 20)
    assert (handler.total_nanousd, handler.total_usd) == (3_000, Decimal("0.000003"))
    assert handler.by_model["fast"] == total


async def test_event_streams(handler):
    model = Fake()
    assert model.stream_events("x", config(handler), version="v3").output.text == "hi!"
    assert [event async for event in model.astream_events("x", config(handler), version="v2")]
    assert (handler.calls, handler.total_nanousd) == (2, 600)


async def test_chains_and_their_roots(handler):
    both = RunnableLambda(lambda text: text) | {"one": Fake(), "two": Fake(name_of_model="smart", cost=700)}
    both.invoke("x", config(handler, tags=["mine"]))
    await both.ainvoke("x", config(handler, tags=["mine"]))
    assert list(both.stream("x", config(handler)))
    assert [sums.nanousd for sums in handler.by_run.values()] == [1_000] * 3
    assert {name: sums.nanousd for name, sums in handler.by_model.items()} == {"fast": 900, "smart": 2_100}
    assert {tag: sums.calls for tag, sums in handler.by_tag.items()} == {"mine": 4}
    assert handler._roots == handler._open == {}


def test_models_inside_tools_belong_to_the_same_run(handler):
    @tool
    def ask(text: str) -> str:
        """Ask a model."""
        return Fake().invoke(text).content

    (RunnableLambda(lambda text: ask.invoke({"text": text})) | Fake()).invoke("x", config(handler))
    assert [sums.calls for sums in handler.by_run.values()] == [2]


class State(TypedDict):
    text: str


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream"])
async def test_a_graph(handler, way):
    async def write(state):
        return {"text": (await Fake(user="u1").ainvoke(state["text"])).content}

    def check(state):
        return {"text": Fake(name_of_model="smart", cost=None).invoke(state["text"]).content}

    graph = StateGraph(State)
    graph.add_node("write", write if way == "ainvoke" else lambda s: {"text": Fake(user="u1").invoke(s["text"]).content})
    graph.add_node("check", check)
    graph.add_edge(START, "write")
    graph.add_edge("write", "check")
    graph.add_edge("check", END)
    app = graph.compile(checkpointer=InMemorySaver())
    settings = config(handler, configurable={"thread_id": "t7"})
    if way == "stream":
        list(app.stream({"text": "x"}, settings, stream_mode="messages"))
    else:
        await app.ainvoke({"text": "x"}, settings) if way == "ainvoke" else app.invoke({"text": "x"}, settings)
    assert {node: sums.calls for node, sums in handler.by_node.items()} == {"write": 1, "check": 1}
    assert (handler.by_thread["t7"].calls, handler.by_thread["t7"].nanousd) == (2, 300)
    assert handler.by_user["u1"].calls == 1
    assert handler.unknown_cost_calls == handler.by_node["check"].unknown_cost_calls == 1
    assert len(handler.by_run) == 1
    assert handler.by_tag == {}


def test_users_and_tags(handler):
    model = Fake(user="u1", tags_of_hints=("both", "hint"))
    model.invoke("x", config(handler, tags=["both", "run"], metadata={"routing": {"user": "not this one"}}))
    Fake().invoke("x", config(handler, metadata={"routing": {"user": "u2"}}))
    assert {user: sums.calls for user, sums in handler.by_user.items()} == {"u1": 1, "u2": 1}
    assert {tag: sums.calls for tag, sums in handler.by_tag.items()} == {"both": 1, "run": 1, "hint": 1}


def test_cached_answers_cost_nothing(handler):
    model = Fake(cache=InMemoryCache())
    model.invoke("x", config(handler))
    model.invoke("x", config(handler))
    total = handler.by_model["fast"]
    assert (total.calls, total.cached_calls, total.nanousd, total.input_tokens) == (2, 1, 300, 10)
    assert handler.unknown_cost_calls == 0
    assert "from a cache" in str(handler)


def test_errors(handler):
    for way in (Fake(fails=True).invoke, lambda *given: list(Fake(fails=True).stream(*given))):
        with pytest.raises(CallFailed):
            way("x", config(handler))
    assert (handler.calls, handler.failed_calls, handler.unknown_cost_calls) == (2, 2, 0)
    assert [sums.failed_calls for sums in handler.by_run.values()] == [1, 1]


def test_streams_that_are_left(handler):
    early = Fake().stream("x", config(handler))
    next(early)
    early.close()
    assert (handler.calls, handler.failed_calls, handler.unknown_cost_calls) == (1, 0, 1)
    late = Fake().stream("x", config(handler))
    for chunk in late:
        if chunk.chunk_position == "last":
            break
    late.close()
    assert (handler.calls, handler.total_nanousd, handler.unknown_cost_calls) == (2, 300, 1)


def test_models_that_are_not_routed_do_not_count(handler):
    Fake(routed=False).invoke("x", config(handler))
    assert (handler.calls, handler.by_run) == (0, {})


# the context manager --------------------------------------------------------------------------------------------------


async def test_a_block_counts_what_is_inside():
    model = Fake()
    with get_routing_callback() as outer:
        model.invoke("x")
        with get_routing_callback() as inner:
            await (RunnableLambda(lambda text: text) | model).ainvoke("x")
            await asyncio.gather(*(model.ainvoke("x") for _ in range(3)))
        model.batch(["x", "y"])
        thread = threading.Thread(target=model.invoke, args=("somebody else",))
        thread.start()
        thread.join()
    model.invoke("after it")
    assert (inner.calls, outer.calls) == (4, 7)


async def test_blocks_at_the_same_time():
    async def caller(calls):
        with get_routing_callback() as costs:
            for _ in range(calls):
                await Fake().ainvoke("x")
                await asyncio.sleep(0)
        return costs.calls

    assert await asyncio.gather(*(caller(n) for n in range(4))) == [0, 1, 2, 3]


def test_blocks_do_not_pile_up_in_langchain():
    with get_routing_callback(), get_routing_callback():
        pass
    before = len(tracers._configure_hooks)
    for _ in range(50):
        with get_routing_callback(), get_routing_callback():
            pass
    assert len(tracers._configure_hooks) == before


def test_a_block_that_raises_ends_too():
    with pytest.raises(ZeroDivisionError), get_routing_callback() as costs:
        1 / 0  # noqa: B018
    Fake().invoke("x")
    assert costs.calls == 0


# reading --------------------------------------------------------------------------------------------------------------


def test_reading(handler):
    assert str(handler).startswith("0 calls")
    Fake(user="<u>").invoke("x", config(handler))
    told = json.loads(json.dumps(handler.as_dict()))
    assert (told["total_nanousd"], told["calls"], told["by_model"]["fast"]["nanousd"]) == (300, 1, 300)
    assert set(told) >= {"by_run", "by_tag", "by_node", "by_thread", "by_user"}
    assert "fast" in str(handler)
    assert "&lt;u&gt;" in handler._repr_html_()
    assert repr(handler).startswith("<RoutingCallbackHandler: 1 call, ")


def test_runs_are_bounded_and_totals_are_not():
    handler = RoutingCallbackHandler(max_runs=3)
    for _ in range(10):
        Fake().invoke("x", config(handler))
    assert (len(handler.by_run), handler.calls) == (3, 10)


def test_threads_lose_nothing(handler):
    def work():
        for _ in range(100):
            Fake().invoke("x", config(handler))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (handler.calls, handler.total_nanousd, len(handler.by_run)) == (400, 120_000, 400)
