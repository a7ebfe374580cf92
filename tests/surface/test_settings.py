"""A router is made again, in another process, of the very arguments that it was made of."""

import inspect
import pickle
from dataclasses import fields

from routed_llm import Budget, Limits, Model, Resilience, Router
from routed_llm.settings import Settings

GIVEN = {
    "models": ["sandbox:sandbox-small", Model("sandbox:sandbox-large", name="large")],
    "strategy": "cheapest",
    "common": Model(price={"input": 1, "output": 2}),
    "limits": Limits(attempts=4),
    "max_price_ratio": 50.0,
    "quiet_fallbacks": True,
    "seed": 7,
    "budgets": [Budget(usd=5, name="five")],
    "aliases": {"best": "large"},
    "resilience": Resilience(on_stream_break="restart"),
    "health_checks": {"every": 3_600},
    "strict_params": True,
}


def test_they_are_the_arguments_of_a_router():
    arguments = set(inspect.signature(Router.__init__).parameters) - {"self"}
    assert {field.name for field in fields(Settings)} == arguments


def test_each_comes_back():
    with Router(**GIVEN) as router, pickle.loads(pickle.dumps(router)) as again:
        told = again._settings.as_arguments()
        assert told.pop("features") == ()
        assert told.pop("providers") == ()
        assert {name: value for name, value in told.items() if name in GIVEN} == GIVEN
        assert again.catalog.models == router.catalog.models
        assert again.policy.name == router.policy.name
        assert (again.max_price_ratio, again.resilience) == (50.0, router.resilience)


def test_they_show_no_keys():
    router = Router([Model("openai:gpt-5-mini", api_key="sk-canary-0123456789")])
    assert "canary" not in repr(router._settings)
