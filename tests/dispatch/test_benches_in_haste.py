"""What a caller's own haste, and a provider's, says of a deployment: over real HTTP."""

import pytest
from four_modes import MODES, ask

from routed_llm import Router
from routed_llm.errors import DeadlineExceeded
from routed_llm.langchain import RoutedChatModel
from routed_llm.testing.faults import HOLD, Custom, FaultyProvider, http_error


def pool(*providers, **settings):
    router = Router({f"m{number}": each.model() for number, each in enumerate(providers)}, quiet_fallbacks=True, **settings)
    return RoutedChatModel(router=router)


def usually(model, seconds, calls):
    """Calls that took so long, as if they had been made."""
    live = model.router.live
    for _ in range(calls):
        live.started(live.of("m0"))
        live.succeeded("m0", live.of("m0"), seconds, seconds)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("calls", [1, 20])
def test_a_hasty_caller_says_nothing_of_who_always_takes_longer(mode, calls):
    with FaultyProvider() as provider:
        provider.always(Custom(HOLD))
        model = pool(provider)
        usually(model, 5.0, calls)
        for _ in range(2):
            with pytest.raises(DeadlineExceeded):
                ask(model, mode, routing={"deadline": 1.05})
        health = model.router.health()[0]
        assert (health.state, health.errors) == ("ready", 0.0)


@pytest.mark.parametrize("calls", [0, 1, 20])
def test_who_has_been_given_more_than_it_takes_is_left_alone(calls):
    with FaultyProvider() as provider:
        provider.always(Custom(HOLD))
        model = pool(provider)
        usually(model, 0.1, calls)
        for mode in ("ainvoke", "invoke"):  # that an event loop ended excuses nobody
            with pytest.raises(DeadlineExceeded):
                ask(model, mode, routing={"deadline": 1.05})
        assert model.router.health()[0].errors > 0
        assert model.router.live.of("m0").breaker.level == 0
        assert not model.router.live.of("m0").breaker.calm


@pytest.mark.parametrize("told", ["0", "0.001"])
@pytest.mark.parametrize("status", [429, 503])
def test_who_says_to_come_back_at_once_is_left_alone_when_that_fails(told, status):
    with FaultyProvider() as bad, FaultyProvider("good") as good:
        bad.always(http_error(status, headers={"retry-after": told}))
        model = pool(bad, good)
        for _ in range(6):
            assert ask(model, "invoke").text == "good"
        assert len(bad.journal.requests) <= 3
        assert model.router.health()[0].state == "benched" or len(bad.journal.requests) == 3


@pytest.mark.parametrize("mode", MODES)
def test_the_only_one_is_repeated_as_it_was_told(mode):
    with FaultyProvider("good") as provider:
        model = pool(provider)
        provider.script(*[http_error(429, headers={"retry-after": "0.01"})] * 2)
        assert ask(model, mode).text == "good"
        assert len(provider.journal.requests) == 3
