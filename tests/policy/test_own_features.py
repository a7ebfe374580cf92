"""Features that users write: sync or async, and failing; through both doors."""

import asyncio
import logging

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage

from routed_llm import Model, Policy, RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import AsyncOnly, NoEligibleModel
from routed_llm.policy.rules.rule import Rule

SMALL, LARGE = "sandbox:sandbox-small", "sandbox:sandbox-large"


class Shouting:
    """A plain function."""

    name, gives = "shouting", ("shouting",)

    def read(self, request, driver):
        return {"shouting": request.view.user_text().isupper()}


class ShoutingLater(Shouting):
    """A coroutine that has nothing to wait for."""

    async def read(self, request, driver):
        return super().read(request, driver)


class ShoutingByDriver(Shouting):
    """A coroutine that waits by the driver, which works in both modes."""

    async def read(self, request, driver):
        await driver.sleep(0.001)
        return super().read(request, driver)


class Really(Shouting):
    """A coroutine that waits by itself."""

    async def read(self, request, driver):
        await asyncio.sleep(0.001)
        return super().read(request, driver)


class Failing(Shouting):
    """Fails as long as it is told to."""

    def __init__(self, error=None, gives=None):
        self.error, self.gives, self.calls = error, gives or Shouting.gives, 0

    def read(self, request, driver):
        self.calls += 1
        if isinstance(self.error, Exception):
            raise self.error
        return super().read(request, driver) if self.error is None else self.error


class FailingLater(Failing):
    """The same in a coroutine."""

    async def read(self, request, driver):
        return super().read(request, driver)


def router(*features, rule=None):
    rule = rule or Rule("loud", {"shouting": True}, prefer=LARGE)
    return Router("sandbox", Policy("mine", rules=[rule], features=features), quiet_fallbacks=True)


def langchain(it, text):
    return RoutedChatModel(router=it).invoke([HumanMessage(text)]).response_metadata["routing"]


def langchain_async(it, text):
    return asyncio.run(RoutedChatModel(router=it).ainvoke([HumanMessage(text)])).response_metadata["routing"]


def llama_index(it, text):
    return RoutedLLM(router=it).chat([ChatMessage(content=text)]).additional_kwargs["routing"]


def llama_index_async(it, text):
    return asyncio.run(RoutedLLM(router=it).achat([ChatMessage(content=text)])).additional_kwargs["routing"]


SYNC, ASYNC = [langchain, llama_index], [langchain_async, llama_index_async]


@pytest.mark.parametrize("door", [*SYNC, *ASYNC])
@pytest.mark.parametrize("feature", [Shouting, ShoutingLater, ShoutingByDriver])
def test_a_feature_may_be_a_plain_function_or_a_coroutine(door, feature):
    assert door(router(feature()), "WHAT IS 2 + 2?")["model"] == LARGE
    assert door(router(feature()), "What is 2 + 2?")["model"] == SMALL


@pytest.mark.parametrize("door", ASYNC)
def test_a_feature_that_really_waits_works_in_async_code(door):
    assert door(router(Really()), "WHAT IS 2 + 2?")["model"] == LARGE


@pytest.mark.parametrize("door", SYNC)
def test_a_feature_that_really_waits_is_named_in_sync_code(door):
    with pytest.raises(AsyncOnly, match=r"Really\.read waits in a way that only async code can"):
        door(router(Really()), "WHAT IS 2 + 2?")


ERRORS = [ValueError("boom"), KeyError("mood"), TimeoutError(), ZeroDivisionError("division"), RuntimeError("no luck")]


@pytest.mark.parametrize("door", [*SYNC, *ASYNC])
@pytest.mark.parametrize("feature", [Failing, FailingLater])
def test_a_feature_that_fails_loses_no_call_and_is_told_of_once(door, feature, caplog):
    failing = feature(ValueError("boom"))
    it = router(failing)
    with caplog.at_level(logging.WARNING, "routed_llm"):
        assert [door(it, "WHAT IS 2 + 2?")["model"] for _ in range(3)] == [SMALL] * 3  # nobody knows that it was shouted
    assert failing.calls == 3
    (told,) = [record for record in caplog.records if "failed" in record.message]
    assert told.message.startswith("The feature 'shouting' failed (ValueError: boom, ")
    assert "test_own_features.py:" in told.message
    assert told.message.endswith("): its facts are unknown until it works again.")

    failing.error = None
    assert door(it, "WHAT IS 2 + 2?")["model"] == LARGE
    failing.error = ValueError("again")
    with caplog.at_level(logging.WARNING, "routed_llm"):
        door(it, "WHAT IS 2 + 2?")
    assert "ValueError: again" in caplog.records[-1].message


@pytest.mark.parametrize("error", [*ERRORS, 7, "a text", [("shouting", True)]], ids=repr)
def test_whatever_goes_wrong_gives_no_facts(error, caplog):
    with caplog.at_level(logging.WARNING, "routed_llm"):
        assert langchain(router(Failing(error)), "WHAT IS 2 + 2?")["model"] == SMALL
    assert "'shouting'" in caplog.text


def test_other_features_still_run(caplog):
    class Length(Shouting):
        name, gives = "length", ("long",)

        def read(self, request, driver):
            return {"long": True}

    rule = Rule("loud", {"shouting": {"known": False}, "long": True}, prefer=LARGE)
    assert langchain(router(Failing(ValueError("boom")), Length(), rule=rule), "Hi")["model"] == LARGE


def test_a_built_in_feature_stands_in_where_ones_own_fails():
    rule = Rule("german", {"language": "de"}, prefer=LARGE)
    failing = Failing(ValueError("boom"), gives=("language",))
    text = "Bitte erkläre mir, warum der Himmel blau ist und das Meer auch."
    assert langchain(router(failing, rule=rule), text)["model"] == LARGE


@pytest.mark.parametrize("error", [None, ValueError("boom"), {}], ids=["works", "fails", "finds nothing"])
def test_what_is_sensitive_fails_closed(error):
    """Nobody stands in for a detector of one's own: what it did not tell counts as sensitive."""

    class Detector(Failing):
        def read(self, request, driver):
            super().read(request, driver)
            return {"sensitivity": ()} if self.error is None else self.error

    closed = Router([Model("sandbox", private=False)], "private", features=[Detector(error, gives=("sensitivity",))])
    if error is None:
        assert langchain(closed, "Hi")["model"] == SMALL
    else:
        with pytest.raises(NoEligibleModel, match="rule 'personal data'"):
            langchain(closed, "Hi")


def test_a_call_that_is_cancelled_stays_cancelled():
    class Slow(Shouting):
        async def read(self, request, driver):
            await asyncio.sleep(60)
            return {}

    async def go():
        task = asyncio.ensure_future(RoutedChatModel(router=router(Slow())).ainvoke("Hi"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())


def test_a_feature_that_nobody_can_refer_to_weakly_is_told_of_each_time(caplog):
    class Slotted:
        __slots__ = ()
        name, gives = "slotted", ("shouting",)

        def read(self, request, driver):
            raise ValueError("boom")

    it = router(Slotted())
    with caplog.at_level(logging.WARNING, "routed_llm"):
        for _ in range(2):
            assert langchain(it, "Hi")["model"] == SMALL
    assert caplog.text.count("The feature 'slotted' failed") == 2
