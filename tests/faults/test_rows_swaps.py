"""A pool that changes while calls are under way: each keeps the catalog with which it began, the next one sees the new one.

A router's catalog never changes. What changes is a model's router: by assigning to ``models``, or by putting another one there.
"""

import asyncio
import threading
import time

import pytest
from llama_index.core.llms import ChatMessage
from rows_kit import FIRST, MODES, QUESTION, SECOND, ask, in_flight, providers, until

from routed_llm import RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import CallFailed, ConfigurationError, RoutedError
from routed_llm.testing.faults import Healthy

ASKED = [ChatMessage("What is 17 + 25?")]
STREAMED = Healthy("one two three four five six seven", gap=0.03)


def pair(first, second, order=("first", "second")):
    entries = {"first": first.model("first"), "second": second.model("second")}
    return {name: entries[name] for name in order}


def swap(model, entries, how):
    """Give a model another pool."""
    if how == "models":
        model.models = entries
    else:
        model.router = Router(entries, quiet_fallbacks=True)


@pytest.mark.parametrize("how", ["models", "router"])
@pytest.mark.parametrize("mode", MODES)
def test_a_call_under_way_keeps_its_catalog_for_its_fallbacks_too(mode, how):
    with providers(Healthy(FIRST, delay=0.3), SECOND, "The third one answers.") as (first, second, third):
        model = RoutedChatModel(pair(first, second), quiet_fallbacks=True)
        before = model.router
        first.always("internal_error_500")
        asked, go = threading.Event(), threading.Event()
        _hold(first, asked, go)
        answers = []
        caller = threading.Thread(target=lambda: answers.append(ask(model, mode)))
        caller.start()
        assert asked.wait(5)
        swap(model, {"third": third.model("third")}, how)
        go.set()
        caller.join(10)
        # the first one fails after the swap: the second one is asked, which the new pool does not have
        assert [answer.text for answer in answers] == [SECOND]
        assert ask(model, mode).text == "The third one answers."
        assert (len(first.journal), len(second.journal), len(third.journal)) == (1, 1, 1)
        # and back again
        swap(model, pair(first, second, ("second", "first")), how)
        assert ask(model, mode).text == SECOND
        assert before.catalog.version != model.router.catalog.version
        for router in (before, model.router):
            router.close()


def _hold(provider, asked, go):
    """Its answer, whatever it is, waits until it is told to go."""
    served = provider.choose

    def choose():
        chosen = served()
        asked.set()
        go.wait(10)
        return chosen

    provider.choose = choose


@pytest.mark.parametrize("how", ["models", "router"])
@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_stream_from_a_deployment_that_was_removed_ends_as_it_would_have(mode, how):
    with providers(STREAMED, SECOND) as (first, second):
        model = RoutedChatModel(pair(first, second), quiet_fallbacks=True)
        before = model.router

        async def read():
            parts = []
            async for chunk in model.astream(QUESTION):
                if not parts:
                    swap(model, {"second": second.model("second")}, how)
                parts.append(chunk.text)
            return parts

        if mode == "astream":
            parts = asyncio.run(read())
        else:
            stream = model.stream(QUESTION)
            parts = [next(stream).text]
            swap(model, {"second": second.model("second")}, how)
            parts += [chunk.text for chunk in stream]
        assert "".join(parts) == STREAMED.text
        [record] = before.records()
        assert (record.outcome, record.answered_by.id) == ("answered", "first")
        assert first.journal.complete_answers == 1
        assert ask(model, "invoke").text == SECOND
        assert list(model.router.catalog.models) == ["second"]
        before.close()
        model.close()


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_stream_whose_router_is_closed_is_broken_and_never_whole(mode):
    """Closing is no removal: it ends what is under way, and says so."""
    with providers(STREAMED) as [first]:
        model = RoutedChatModel({"first": first.model("first")}, quiet_fallbacks=True)
        texts = []

        async def read():
            async for chunk in model.astream(QUESTION):
                texts.append(chunk.text)
                if len(texts) == 2:
                    await model.router.aclose()

        with pytest.raises(RoutedError):
            if mode == "astream":
                asyncio.run(read())
            else:
                for chunk in model.stream(QUESTION):
                    texts.append(chunk.text)
                    if len(texts) == 2:
                        model.router.close()
        assert STREAMED.text.startswith("".join(texts))
        assert "".join(texts) != STREAMED.text
        [record] = model.router.records()
        assert record.outcome in ("broken", "abandoned", "failed")
        assert until(lambda: first.journal.open_connections == 0)
        assert until(lambda: in_flight(model) == 0)
        assert ask(model, "invoke").text == STREAMED.text  # a later call connects anew


# circles -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", [RoutedChatModel, RoutedLLM])
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"models": []}, "the list of models is empty"),
        ({"models": {}}, "the list of models is empty"),
        ({"models": ["sandbox:sandbox-small"], "aliases": {"a": "b", "b": "a"}}, "aliases.a: leads back to itself"),
        ({"models": ["sandbox:sandbox-small"], "aliases": {"a": "a"}}, "aliases.a: leads back to itself"),
        ({"models": ["sandbox:sandbox-small"], "strategy": []}, "strategy: "),
    ],
    ids=["no models", "no named models", "two aliases", "an alias of itself", "no strategies"],
)
def test_circles_and_nothing_at_all_are_refused_when_a_pool_is_made(door, given, told):
    with pytest.raises(ConfigurationError, match=told):
        door(router=Router(**given))


@pytest.mark.parametrize("mode", MODES)
def test_nobody_is_asked_twice_though_everybody_fails(mode):
    with providers(FIRST, SECOND, "third") as served:
        for each in served:
            each.always("internal_error_500")
        names = ("first", "second", "third")
        model = RoutedChatModel(
            {n: p.model(n) for n, p in zip(names, served, strict=True)}, quiet_fallbacks=True, max_retries=0
        )
        with pytest.raises(RoutedError):
            ask(model, mode, routing={"prefer": ["third", "first", "third", "second"]})
        assert [len(each.journal) for each in served] == [1, 1, 1]
        [record] = model.router.records()
        assert [attempt.deployment.id for attempt in record.attempts] == ["third", "first", "second"]
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_pool_that_is_made_to_hold_itself_ends_at_once(mode):
    with providers(FIRST) as [first]:
        inner = RoutedChatModel({"first": first.model("first")}, quiet_fallbacks=True)
        outer = RoutedChatModel([inner], quiet_fallbacks=True)
        inner.models = {"outer": outer}  # a circle that nothing could see coming
        begun = time.monotonic()
        with pytest.raises(CallFailed, match="stand behind one another") as caught:
            ask(outer, mode)
        assert time.monotonic() - begun < 2
        assert caught.value.kind == "bad_request"
        assert len(first.journal) == 0
        assert not outer.router.live.cooling
        outer.close()
        inner.close()


@pytest.mark.parametrize("mode", MODES)
def test_routers_behind_routers_are_no_circle(mode):
    with providers(FIRST) as [first]:
        model = RoutedChatModel({"first": first.model("first")}, quiet_fallbacks=True)
        for _ in range(8):
            model = RoutedChatModel([model], quiet_fallbacks=True)
        assert ask(model, mode).text == FIRST
        assert len(first.journal) == 1


# a deployment that leaves the catalog of the router that is at work -------------------------------------------------------


def doors_over(first, second):
    """The same router behind both doors."""
    router = Router(pair(first, second), quiet_fallbacks=True)
    return router, {"langchain": RoutedChatModel(router=router), "llama_index": RoutedLLM(router=router)}


def pieces(door, model, mode, meanwhile):
    """The texts of a stream; ``meanwhile`` is done when the first has come."""
    if mode == "stream":
        parts = model.stream(QUESTION) if door == "langchain" else model.stream_chat(ASKED)
        return _texts(door, parts, meanwhile)

    async def read():
        texts = []
        parts = model.astream(QUESTION) if door == "langchain" else await model.astream_chat(ASKED)
        async for part in parts:
            if not texts:
                meanwhile()
            texts.append(part.text if door == "langchain" else part.delta)
        return texts

    return asyncio.run(read())


def _texts(door, parts, meanwhile):
    texts = []
    for part in parts:
        if not texts:
            meanwhile()
        texts.append(part.text if door == "langchain" else part.delta)
    return texts


def whole(door, model, mode):
    if door == "langchain":
        return ask(model, mode).text
    if mode == "invoke":
        return model.chat(ASKED).message.content
    return asyncio.run(model.achat(ASKED)).message.content


@pytest.mark.parametrize("door", ["langchain", "llama_index"])
@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_stream_goes_on_while_its_deployment_is_taken_out_of_the_router(mode, door):
    with providers(STREAMED, SECOND) as (first, second):
        router, models = doors_over(first, second)
        before = router.catalog.version
        texts = pieces(door, models[door], mode, lambda: router.remove("first"))
        assert "".join(text or "" for text in texts) == STREAMED.text
        [record] = router.records()
        assert (record.outcome, record.answered_by.id) == ("answered", "first")
        assert record.decision.catalog_version == before != router.catalog.version
        assert first.journal.complete_answers == 1
        assert until(lambda: first.journal.open_connections == 0)  # its connection ended with its last call
        assert whole(door, models[door], "invoke") == SECOND
        assert [each.deployment for each in router.health()] == ["second"]
        router.close()


@pytest.mark.parametrize("door", ["langchain", "llama_index"])
@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_a_call_goes_on_while_its_deployment_is_taken_out_of_the_router(mode, door):
    with providers(FIRST, SECOND) as (first, second):
        router, models = doors_over(first, second)
        asked, go = threading.Event(), threading.Event()
        _hold(first, asked, go)
        answers = []
        caller = threading.Thread(target=lambda: answers.append(whole(door, models[door], mode)))
        caller.start()
        assert asked.wait(5)
        router.remove("first")
        go.set()
        caller.join(10)
        assert answers == [FIRST]
        assert until(lambda: first.journal.open_connections == 0)
        assert whole(door, models[door], mode) == SECOND
        assert len(first.journal) == 1
        router.close()


@pytest.mark.parametrize("mode", MODES)
def test_fallbacks_of_a_call_under_way_are_those_of_its_catalog(mode):
    with providers(FIRST, SECOND, "The third one answers.") as (first, second, third):
        router, models = doors_over(first, second)
        first.always("internal_error_500")
        asked, go = threading.Event(), threading.Event()
        _hold(first, asked, go)
        answers = []
        caller = threading.Thread(target=lambda: answers.append(ask(models["langchain"], mode).text))
        caller.start()
        assert asked.wait(5)
        router.update(add={"third": third.model("third")}, remove=["first", "second"])
        go.set()
        caller.join(10)
        assert answers == [SECOND]  # though it has left meanwhile
        assert until(lambda: second.journal.open_connections == 0)
        assert ask(models["langchain"], mode).text == "The third one answers."
        router.rollback()
        first.always(None)
        assert whole("llama_index", models["llama_index"], "invoke") in (FIRST, SECOND)
        router.close()
