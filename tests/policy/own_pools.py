"""Routers that ask a small model what each call is, over one served sandbox: the small one wrapped in every way there is."""

import sys
from dataclasses import replace
from pathlib import Path

for room in ("llama_index", "providers"):  # the objects and the books that their tests made
    if (place := str(Path(__file__).parents[1] / room)) not in sys.path:
        sys.path.append(place)

from langchain_openai import ChatOpenAI
from li_models import WireLLM

from routed_llm import Budget, Policy, Router
from routed_llm.policy.features.asked import AskModel
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.policy.selectors.best import Best
from routed_llm.testing import DEFAULT_MODELS, sandbox_entries

__all__ = ["ALIAS", "KINDS", "SMALL", "entries_of", "own_policy", "own_router", "wrapped_in"]

KINDS = ("own", "langchain", "llama_index")
SMALL, MEDIUM, LARGE = "sandbox-small", "sandbox-medium", "sandbox-large"
ALIAS = {name: f"sandbox:{name}" for name in (SMALL, MEDIUM, LARGE)}
ENOUGH = Budget(usd=1_000, name="enough")


def entries_of(server):
    """The served models by name, with their prices."""
    return {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}


def wrapped_in(kind, entry, server):
    """The entry, or a framework's object over the same model with the price that a user would state."""
    if kind == "langchain":
        # keeps no connection, because it would outlive its event loop
        theirs = ChatOpenAI(
            model=entry.model, base_url=server.base_url, api_key="none", default_headers={"Connection": "close"}
        )
    elif kind == "llama_index":
        theirs = WireLLM(model=entry.model, api_base=server.base_url)
    else:
        return entry
    return replace(entry, model=theirs, base_url=None, api_key=None)


class NotForAnswers:
    """The small model answers nobody: it is only asked."""

    name, static = "not_for_answers", True

    def reject(self, ask, candidates, live):
        return {d.id: "is only asked" for d in candidates if d.model == ALIAS[SMALL]}


def own_policy():
    """Reads the task, so that somebody must find it out."""
    scorers = {ByFact("task", {"chat": ALIAS[LARGE]}): 1.0}
    return Policy("mine", filters=[NotForAnswers()], scorers=scorers, selector=Best("named for it"))


def own_router(server, kind="own", feature=None, **settings):
    """Two models that answer, and a small one that is asked about each call."""
    entries = entries_of(server)
    small = wrapped_in(kind, entries[SMALL], server)
    models = [entries[MEDIUM], entries[LARGE], replace(small, name=ALIAS[SMALL])]
    server.sandbox.heal()
    server.sandbox.requests.clear()
    server.sandbox.ledger.clear()
    feature = feature or AskModel(ALIAS[SMALL], facts=["task"], seconds=20)
    settings = {"budgets": [ENOUGH], **settings}
    return Router(models, own_policy(), features=[feature], quiet_fallbacks=True, **settings)
