"""Which model the library's own policies choose for each recorded prompt: real features, catalogs and decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from recordings import FOLDS, Recorded

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Price, Rates
from routed_llm.catalog.snapshot import Catalog
from routed_llm.door.texts import TextsView
from routed_llm.hints import NO_HINTS
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.decide import decide
from routed_llm.policy.facts import gather, gathering_of
from routed_llm.prompt.estimate import text_tokens
from routed_llm.requests import Ask, Request, Requirements
from routed_llm.state.memory import LiveState

__all__ = ["Known", "asks", "catalog_of", "chosen", "facts_of", "known_of", "paid", "question"]

#: tokens of an answer, as the library estimates where nothing is known
ANSWER = 300
#: prompts of a task that the other folds must have before a strength is taken for known
ENOUGH = 30

Floats = npt.NDArray[np.float64]


class Known(NamedTuple):
    """What a router is told of each model: its mean cost of a request (dollars), quality and strengths (0 to 1)."""

    cost: Floats
    quality: Floats | None = None
    strengths: Sequence[Mapping[str, float]] | None = None


class _Now:
    """All that the features here ask of a driver."""

    async def run(self, read: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return await read(*arguments)


class _Endpoint:
    """Never called: deciding calls nobody."""

    modes = frozenset({"sync", "async"})
    fingerprint = "recorded"


def facts_of(prompts: Sequence[str], policy: AnyPolicy) -> list[Mapping[str, Any]]:
    """The facts of each prompt, as a router gathers them for a policy."""
    gathering = gathering_of(policy)

    async def all_facts() -> list[Mapping[str, Any]]:
        now: Any = _Now()
        return [await gather(gathering, _request(prompt), now, {}) for prompt in prompts]

    return asyncio.run(all_facts())


def _request(prompt: str) -> Request:
    return Request("openai.chat", [prompt], TextsView([prompt]), _to_hub)


def _to_hub(payload: Any, losses: list[str]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": payload[0]}]


def asks(recorded: Recorded, policy: AnyPolicy) -> list[Ask]:
    """What routing sees of each prompt under a policy."""
    found = facts_of(recorded.prompts, policy)
    return [question(prompt, facts) for prompt, facts in zip(recorded.prompts, found, strict=True)]


def question(prompt: str, facts: Mapping[str, Any]) -> Ask:
    """One prompt as routing sees it, with these facts."""
    return Ask(Requirements(mode="sync"), NO_HINTS, text_tokens(prompt), ANSWER, facts, 0.0, False)


def known_of(recorded: Recorded, rows: npt.NDArray[np.bool_], tasks: Sequence[str] | None = None) -> Known:
    """What the prompts of ``rows`` tell of the models; with the task of every prompt, also their strengths by task."""
    cost, quality = recorded.cost[rows].mean(0), recorded.quality[rows].mean(0)
    if tasks is None:
        return Known(cost, quality)
    named = np.array(tasks)
    often = [task for task in sorted(set(tasks)) if (rows & (named == task)).sum() >= ENOUGH]
    means = {task: recorded.quality[rows & (named == task)].mean(0) for task in often}
    return Known(cost, quality, [{task: float(mean[index]) for task, mean in means.items()} for index in range(len(cost))])


def catalog_of(models: Sequence[str], known: Known) -> Catalog:
    """The models as deployments, the cheapest first, so that the order of the file decides nothing."""
    made = []
    for position, index in enumerate(np.argsort(known.cost, kind="stable")):
        told: dict[str, Any] = {"price": Price(Rates(input=0, output=0, request=round(known.cost[index] * 1e9)))}
        if known.quality is not None:
            told["quality"] = float(known.quality[index])
        if known.strengths is not None:
            told["strengths"] = known.strengths[index]
        endpoint: Any = _Endpoint()
        name = models[index]
        made.append(Deployment(name, name, "recorded", name, endpoint, position=position, **told))
    return Catalog(made)


def chosen(
    recorded: Recorded, policy: Callable[[Known], AnyPolicy], knowledge: Sequence[Known], questions: Sequence[Ask]
) -> npt.NDArray[np.int64]:
    """Column of the model that is chosen for each prompt. What is known comes from the other folds: one entry a fold."""
    index = {name: column for column, name in enumerate(recorded.models)}
    picks = np.zeros(len(questions), dtype=np.int64)
    for fold in range(FOLDS):
        catalog, strategy = catalog_of(recorded.models, knowledge[fold]), policy(knowledge[fold])
        live, rng = LiveState(), Random(fold)
        for row in np.flatnonzero(recorded.fold == fold).tolist():
            decision = decide(questions[row], catalog, strategy, live, rng)
            picks[row] = index[decision.order[0].id]
    return picks


def paid(recorded: Recorded, picks: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Recorded quality and cost of the chosen models, for each prompt."""
    rows = np.arange(len(picks))
    return recorded.quality[rows, picks], recorded.cost[rows, picks]
