"""What this program lacks is not the provider's fault: connections of a client, threads, an event loop that goes on."""

import asyncio
import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import Field
from rows_kit import FIRST, MODES, QUESTION, SECOND, ask, in_flight, pool, providers, routing, until

from routed_llm import Model, RoutedChatModel
from routed_llm.errors import DeadlineExceeded
from routed_llm.providers.blocking import Threads
from routed_llm.testing.faults import FaultyProvider, Healthy

ONE = httpx.Limits(max_connections=1)
#: in async code a call is cancelled at its limit wherever it is: what tells why is the client's own limit, where it is shorter
PATIENCE = httpx.Timeout(10, pool=0.1)


# connections -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_place_is_waited_for_within_the_deadline_and_benches_nobody(mode):
    with providers(Healthy(FIRST, delay=1.0)) as [first], ThreadPoolExecutor(1) as thread:
        entry = Model("openai:first", name="first", base_url=first.base_url, api_key="none", limits={"concurrent": 1})
        model = RoutedChatModel([entry], quiet_fallbacks=True)
        other = thread.submit(ask, model, "invoke")
        assert first.journal.wait_until("requests")
        with pytest.raises(DeadlineExceeded, match="stood in line"):
            ask(model, mode, routing={"deadline": 0.3})
        assert other.result().text == FIRST
        assert len(first.journal) == 1
        assert not model.router.live.cooling
        assert in_flight(model) == 0
        model.close()


def wrapped(kind, first, second):
    """The first one behind a user's client that has one connection, which another part of the program holds."""
    sync, later = httpx.Client(limits=ONE), httpx.AsyncClient(limits=ONE)
    settings = {"api_key": "none", "base_url": first.base_url, "timeout": PATIENCE}
    if kind == "ChatOpenAI":
        held = ChatOpenAI(model="first", http_client=sync, http_async_client=later, **settings)
        entry = {"sync": held, "async": held}
    else:
        entry = {
            "sync": (openai.OpenAI(http_client=sync, **settings), "first"),
            "async": (openai.AsyncOpenAI(http_client=later, **settings), "first"),
        }
    return {
        each: RoutedChatModel({"first": entry[each], "second": second.model("second")}, quiet_fallbacks=True, timeout=2)
        for each in entry
    } | {"clients": (sync, later)}


def check_crowded(model, answers, first):
    assert [answer.text for answer in answers] == [SECOND] * 3
    assert len(first.journal) == 1  # the program's other request
    for answer in answers:
        assert [attempt.get("error") for attempt in routing(answer)["attempts"]] == ["timeout", None]
    records = model.router.records()
    assert all((record.attempts[0].error.phase, record.attempts[0].sent) == ("pool", False) for record in records)
    assert all(record.attempts[0].cost_nanousd in (0, None) for record in records)
    assert not model.router.live.cooling
    assert model.router.live.of(model.router.catalog.deployments[0].id).errors == 0


@pytest.mark.parametrize("kind", ["ChatOpenAI", "client"])
@pytest.mark.parametrize("mode", MODES)
def test_a_client_without_a_free_connection_is_not_the_providers_fault(mode, kind):
    with providers(Healthy(FIRST, gap=0.5), SECOND) as (first, second):
        made = wrapped(kind, first, second)
        sync, later = made["clients"]
        request = {"url": f"{first.base_url}/chat/completions", "json": {"model": "x", "messages": [], "stream": True}}
        if not mode.startswith("a"):
            with sync.stream("POST", **request):
                answers = [ask(made["sync"], mode) for _ in range(3)]
            check_crowded(made["sync"], answers, first)
        else:
            model = made["async"]

            async def run():
                async with later.stream("POST", **request):
                    return [await one(model, mode) for _ in range(3)]

            check_crowded(model, asyncio.run(run()), first)
        sync.close()


async def one(model, mode):
    if mode == "ainvoke":
        return await model.ainvoke(QUESTION)
    total = None
    async for chunk in model.astream(QUESTION):
        total = chunk if total is None else total + chunk
    return total


# threads -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["ainvoke", "astream"])
def test_threads_of_the_event_loop_are_not_needed(mode):
    """The program has put all of them to work; a name is looked up, a key is read, and an object that blocks is asked."""
    free, key = threading.Event(), lambda: "a-key"
    with providers(FIRST) as [first]:
        address = first.base_url.replace("127.0.0.1", "localhost")
        entries = {"first": Model("openai:first", base_url=address, api_key=key), "second": Blocking()}
        model = RoutedChatModel(entries, quiet_fallbacks=True, timeout=5)

        async def run():
            loop = asyncio.get_running_loop()
            loop.set_default_executor(ThreadPoolExecutor(2))
            work = [loop.run_in_executor(None, free.wait, 20) for _ in range(8)]
            try:
                begun = time.monotonic()
                answers = [await one(model, mode)]
                first.always("internal_error_500")
                answers.append(await one(model, mode))
                assert time.monotonic() - begun < 3
            finally:
                free.set()
                await asyncio.gather(*work)
            return answers

        assert [answer.text for answer in asyncio.run(run())] == [FIRST, "blocking"]
        assert len(first.journal) == 2
        model.close()


class Blocking(BaseChatModel):
    """Works in sync code only; its first answer may take long."""

    late: float = 0.0
    asked: list[float] = Field(default_factory=list)

    @property
    def _llm_type(self):
        return "blocking"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.asked.append(time.monotonic())
        if len(self.asked) == 1:
            time.sleep(self.late)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("blocking"))])


@pytest.mark.parametrize("mode", ["ainvoke", "astream"])
def test_only_those_that_a_thread_has_begun_count_against_an_object(mode, monkeypatch):
    monkeypatch.setattr("routed_llm.providers.langchain_object.Threads", functools.partial(Threads, 1))
    held = Blocking(late=3.0)
    with FaultyProvider(SECOND) as second:
        model = RoutedChatModel({"held": held, "second": second.model("second")}, quiet_fallbacks=True, timeout=0.6)

        async def run():
            return [await one(model, mode) for _ in range(3)]

        assert [answer.text for answer in asyncio.run(run())] == [SECOND] * 3
        phases = [record.attempts[0].error.phase for record in model.router.records()]
        assert phases[0] != "pool"
        assert phases[1:] == ["pool", "pool"]
        assert not model.router.live.cooling  # it takes two failures in a row
        assert until(lambda: len(held.asked) == 1)
        model.close()


# the event loop ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["ainvoke", "astream"])
def test_answers_that_came_while_the_program_held_up_its_loop_count(mode):
    with providers(Healthy(FIRST, delay=0.1), SECOND) as (first, second):
        model = pool(first, second, timeout=2)

        async def run():
            calls = [asyncio.ensure_future(one(model, mode)) for _ in range(6)]
            while len(first.journal) < 6:
                await asyncio.sleep(0.005)
            time.sleep(2.5)  # past every limit of these calls
            return await asyncio.gather(*calls)

        assert [answer.text for answer in asyncio.run(run())] == [FIRST] * 6
        assert (len(first.journal), len(second.journal)) == (6, 0)
        assert not model.router.live.cooling
        assert all(record.outcome == "answered" for record in model.router.records())
        model.close()
