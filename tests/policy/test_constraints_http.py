"""The same worlds over real HTTP: whoever is asked on the wire might be asked."""

from random import Random

import pytest
import random_worlds as worlds
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import CallFailed, InvalidCall
from routed_llm.testing import Sandbox, SandboxModel, SandboxServer

NAMES = [f"m{number}" for number in range(7)]
FAILURES = (500, 503, 429, 401)


@pytest.fixture(scope="module")
def server():
    served = [SandboxModel(name, abilities=frozenset({"tools"}), first=0.0) for name in NAMES]
    with SandboxServer(Sandbox(served, speed=0)) as server:
        yield server


def entry(one, server):
    """A random deployment as a user's entry."""
    price = None if one.price is None else {"input": 1, "output": 4}
    return Model(
        f"openai:{one.id}", name=one.id, base_url=server.base_url, api_key="any", price=price, private=one.private,
        abilities=dict(one.abilities), region=one.region, tags=one.tags, weight=one.weight, quality=one.quality,
        strengths=dict(one.strengths), knowledge=one.knowledge, factuality=one.factuality, agreements=one.agreements,
        place=one.place, languages=one.languages, traits=dict(one.traits), network=one.network,
    )  # fmt: skip


def call(rng, router, said):
    """One call through either framework; whatever it ends with."""
    try:
        if rng.random() < 0.5:
            return RoutedChatModel(router=router).invoke([HumanMessage("What is 2 + 3?")], routing=said)
        return RoutedLLM(router=router).chat([ChatMessage(content="What is 2 + 3?")], routing=said)
    except (CallFailed, InvalidCall):
        return None


@pytest.mark.parametrize("seed", range(50))
def test_whoever_is_asked_on_the_wire_might_be_asked(seed, server):
    rng = Random(seed)
    pool = sorted(worlds.pool(rng, []), key=lambda one: one.position)
    for one in pool:
        one.provider = "openai"
    policy, guards = worlds.policy(rng, pool)
    router = Router([entry(one, server) for one in pool], policy, quiet_fallbacks=True, seed=seed)
    by_id = {one.id: one for one in pool}
    server.sandbox.heal()
    for one in pool:
        if rng.random() < 0.5:
            server.sandbox.fail(one.id, status=rng.choice(FAILURES))
    for _ in range(2):
        said = {**worlds.hints(rng, pool), "sensitivity": list(worlds.some(rng, worlds.CLASSES))}
        server.sandbox.requests.clear()
        call(rng, router, said)
        for arrival in server.sandbox.requests:
            one = by_id[arrival.body["model"]]
            one.endpoint.modes = frozenset({"sync", "async"})  # over HTTP everybody can both
            assert worlds.passes_hints(one, said), (one, said)
            for guard in guards:
                assert worlds.passes_guard(one, guard, said, said["sensitivity"]), (one, guard, said)
